import Media
import SDP
import SIPUserAgent

extension CallController {
  /// What a leg may speak. A caller's offer with G.722 is answered with it, and then the phones are offered it first, so that
  /// both sides have it and the sound goes through as it is. Else nobody is asked for it: it would only be translated.
  func codecs(of leg: LegID) -> [AudioCodec] {
    let narrow: [AudioCodec] = [.pcma, .pcmu]
    guard let place = legs[leg], let call = calls[place.call] else { return narrow }
    switch place.part {
    case .caller, .parting:
      // To an INVITE without an offer ours is what every gateway understands.
      if case .opening(offer: nil, _) = call.stage { return narrow }
      return [.g722] + narrow
    case .branch:
      let spoken = call.callerLeg.flatMap { legs[$0]?.audio?.negotiated?.codec }
      return spoken == .g722 ? [.g722] + narrow : narrow
    }
  }
}
