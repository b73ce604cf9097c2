package import SDP
package import Telephony

/// The sound of one leg, as decisions: what was negotiated, what it hears now, which key presses count.
///
/// It touches no packet: the RTP engine does what the commands say that follow from it.
package struct LegAudio: Sendable {
  /// Our own media address and RTP port, as it stands in the SDP.
  package let local: Endpoint
  /// What both sides agreed on; nil before the first answer.
  package private(set) var negotiated: NegotiatedAudio?
  /// What the leg hears from us; nil when it hears nothing, or the other leg.
  package private(set) var sound: Sound?

  private var negotiation: OfferAnswer
  private var digits = DigitCollector()
  private var token: UInt64 = 0

  /// - Parameters:
  ///   - sessionID: the number in our `o=` line, the same for the leg's whole life (RFC 8866 §5.2).
  ///   - codecs: what it may speak, in the order of our offers.
  ///   - security: whether the leg is to be encrypted.
  ///   - random: where its keys come from; nil: encryption is not spoken.
  package init(
    local: Endpoint, sessionID: UInt64, codecs: [AudioCodec] = [.pcma, .pcmu], security: MediaSecurity = .accepted,
    random: RandomSource? = nil
  ) {
    self.local = local
    negotiation = OfferAnswer(
      AudioCapabilities(codecs: codecs), sessionID: sessionID, security: security, random: random)
  }

  /// Our offer, new or repeated.
  package mutating func makeOffer() -> [UInt8] { negotiation.makeOffer(local: local) }

  /// Our answer to the peer's offer.
  package mutating func answer(_ offer: [UInt8]) throws(SDPError) -> (sdp: [UInt8], audio: NegotiatedAudio) {
    let (sdp, audio) = try negotiation.answer(offer, local: local)
    negotiated = audio
    return (sdp, audio)
  }

  /// Takes the peer's answer to our offer.
  package mutating func accept(_ answer: [UInt8]) throws(SDPError) -> NegotiatedAudio {
    let audio = try negotiation.accept(answer)
    negotiated = audio
    return audio
  }

  /// Starts `sound` from its beginning, in place of what is heard; the token tells its end from an earlier sound's.
  package mutating func play(_ sound: Sound) -> UInt64 {
    token += 1
    self.sound = sound
    return token
  }

  /// Nothing more is played.
  package mutating func stop() {
    token += 1
    sound = nil
  }

  /// A sound has been heard to its end.
  /// - Returns: which; nil if it had been replaced or stopped meanwhile, or is one that has no end.
  package mutating func ended(_ token: UInt64) -> Sound? {
    guard token == self.token, let ended = sound, !ended.loops else { return nil }
    sound = nil
    return ended
  }

  /// - Returns: true if this key press counts, false if it is the echo of one that came by another way.
  package mutating func counts(_ digit: Character, by way: DigitWay, at now: Instant) -> Bool {
    digits.counts(digit, by: way, at: now)
  }
}
