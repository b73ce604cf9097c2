/// Why a session description cannot be used.
package enum SDPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// More than 64 KB, 1000 lines, or 32 media lines.
  case tooLarge
  /// The line with this number, counted from 1, is not what RFC 8866 wants there.
  case malformed(line: Int)
  /// No `v=0` line: no session description at all.
  case noVersion
  /// No audio stream over plain RTP, or only refused ones (port 0). SIP: 488.
  case noAudio
  /// An audio stream, but neither PCMA nor PCMU in it. SIP: 488.
  case noCommonCodec
  /// Encrypted audio, but no `a=crypto` line with a suite and a key that we can use (RFC 4568). SIP: 488.
  case noCommonCrypto
  /// Plain RTP where the site demands encryption. SIP: 488.
  case notSecure
  /// An answer where no offer was made.
  case unexpectedAnswer

  package var description: String {
    switch self {
    case .tooLarge: "the SDP is too large; expected at most 64 KB, 1000 lines and 32 media streams"
    case .malformed(let line): "line \(line) of the SDP cannot be understood (RFC 8866)"
    case .noVersion: "the body is no SDP; expected a line v=0"
    case .noAudio: "the SDP has no audio stream over RTP/AVP"
    case .noCommonCodec: "the SDP has no codec we speak; expected PCMA or PCMU at 8000 Hz"
    case .noCommonCrypto:
      "the SDP has no a=crypto line we can use; expected AES_CM_128_HMAC_SHA1_80 or _32 with one inline key of 30 bytes"
    case .notSecure: "the SDP offers plain RTP, but Secure.txt demands secure media; expected RTP/SAVP with a=crypto"
    case .unexpectedAnswer: "an SDP answer came, but no offer was made"
    }
  }
}
