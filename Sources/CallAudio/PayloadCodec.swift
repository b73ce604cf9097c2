import Telephony

/// What a payload type stands for, as far as it matters to the sound and to its place in time.
package enum PayloadCodec: Hashable, Sendable {
  case pcmu
  case pcma
  /// Its samples are 16 000 a second, its timestamps count 8000 (RFC 3551 §4.5.2).
  case g722
  case gsm
  case g729
  /// 16-bit samples in network order (RFC 3551 §4.5.11).
  case l16(rate: Int, channels: Int)
  /// Timestamps count 48 000 a second whatever is sent (RFC 7587 §4.1).
  case opus(channels: Int)
  /// Key presses (RFC 4733): silence, since the tones themselves, if any, are in the audio.
  case telephoneEvent(clockRate: Int)
  /// Comfort noise (RFC 3389).
  case comfortNoise(clockRate: Int)
  /// A codec that cannot be decoded, by its name in upper case, such as `SPEEX`; `type 97` if nothing names it.
  case other(String, clockRate: Int)

  /// - Parameter rtpmap: what stands behind the payload type in `a=rtpmap` (RFC 8866 §6.6), such as `opus/48000/2`,
  ///   in any case. A rate that is missing or makes no sense counts as 8000.
  package init(rtpmap: String) {
    let parts = rtpmap.split(separator: "/", omittingEmptySubsequences: false).map { String($0).trimmed }
    let name = (parts.first ?? rtpmap).uppercased()
    let rate = PayloadCodec.number(parts, 1, in: 1000...384_000) ?? 8000
    let channels = PayloadCodec.number(parts, 2, in: 1...255) ?? 1
    switch (name, rate) {
    case ("PCMU", 8000) where channels == 1: self = .pcmu
    case ("PCMA", 8000) where channels == 1: self = .pcma
    // 16000 is what the timestamps would count, had RFC 3551 not kept RFC 1890's error; some write it.
    case ("G722", 8000), ("G722", 16_000): self = .g722
    case ("GSM", 8000): self = .gsm
    case ("G729", 8000), ("G729A", 8000), ("G729B", 8000), ("G729AB", 8000): self = .g729
    case ("L16", _): self = .l16(rate: rate, channels: channels)
    case ("OPUS", _): self = .opus(channels: channels)
    case ("TELEPHONE-EVENT", _): self = .telephoneEvent(clockRate: rate)
    case ("CN", _): self = .comfortNoise(clockRate: rate)
    default: self = .other(name, clockRate: rate)
    }
  }

  /// The codec of a payload type that no `a=rtpmap` explains (RFC 3551 §6); nil for dynamic and unassigned ones.
  package init?(staticPayloadType type: UInt8) {
    switch type {
    case 0: self = .pcmu
    case 3: self = .gsm
    case 4: self = .other("G723", clockRate: 8000)
    case 5: self = .other("DVI4", clockRate: 8000)
    case 6: self = .other("DVI4", clockRate: 16_000)
    case 7: self = .other("LPC", clockRate: 8000)
    case 8: self = .pcma
    case 9: self = .g722
    case 10: self = .l16(rate: 44_100, channels: 2)
    case 11: self = .l16(rate: 44_100, channels: 1)
    case 12: self = .other("QCELP", clockRate: 8000)
    case 13, 19: self = .comfortNoise(clockRate: 8000)
    case 14: self = .other("MPA", clockRate: 90_000)
    case 15: self = .other("G728", clockRate: 8000)
    case 16: self = .other("DVI4", clockRate: 11_025)
    case 17: self = .other("DVI4", clockRate: 22_050)
    case 18: self = .g729
    default: return nil
    }
  }

  /// A payload type of which nobody says what it is.
  init(unexplained type: UInt8) { self = .other("type \(type)", clockRate: 8000) }

  /// The encoding name.
  package var name: String {
    switch self {
    case .pcmu: "PCMU"
    case .pcma: "PCMA"
    case .g722: "G722"
    case .gsm: "GSM"
    case .g729: "G729"
    case .l16: "L16"
    case .opus: "OPUS"
    case .telephoneEvent: "telephone-event"
    case .comfortNoise: "CN"
    case .other(let name, _): name
    }
  }

  /// How many units of its RTP timestamps make a second.
  package var clockRate: Int {
    switch self {
    case .pcmu, .pcma, .g722, .gsm, .g729: 8000
    case .l16(let rate, _): rate
    case .opus: 48_000
    case .telephoneEvent(let rate), .comfortNoise(let rate), .other(_, let rate): rate
    }
  }

  /// True if there is sound in it, whether it can be decoded or not.
  var isAudio: Bool {
    switch self {
    case .telephoneEvent, .comfortNoise: false
    case .pcmu, .pcma, .g722, .gsm, .g729, .l16, .opus, .other: true
    }
  }

  /// True if a byte of it is a unit of its timestamps.
  var tellsLength: Bool { self == .pcmu || self == .pcma || self == .g722 }

  /// True if its sound can be written.
  package var canBeDecoded: Bool { decodable != nil }

  /// The codecs whose sound can be written, as words.
  package static let decodableNames = "PCMA, PCMU, G722, GSM, G729, OPUS or L16"

  private static func number(_ parts: [String], _ index: Int, in range: ClosedRange<Int>) -> Int? {
    guard index < parts.count, let number = Int(parts[index]), range.contains(number) else { return nil }
    return number
  }
}
