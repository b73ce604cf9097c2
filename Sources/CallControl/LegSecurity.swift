import SDP
import SIPUserAgent
import Site

extension MediaSecurity {
  /// What `Secure.txt` says.
  init(_ encryption: MediaEncryption) {
    self =
      switch encryption {
      case .none: .accepted
      case .optional: .offered
      case .required: .required
      }
  }
}

extension CallController {
  /// Whether a leg's sound is to be encrypted: what the phone or trunk at its other end asks for.
  func security(of leg: LegID) -> MediaSecurity {
    guard let place = legs[leg] else { return .accepted }
    switch place.part {
    case .branch(_, let target): return target.security
    case .caller, .parting:
      guard let call = calls[place.call] else { return .accepted }
      switch call.origin {
      case .user(let number): return MediaSecurity(call.site.user(number)?.secure ?? .none)
      case .trunk(let name): return MediaSecurity(call.site.trunk(name)?.secure ?? .none)
      }
    }
  }
}
