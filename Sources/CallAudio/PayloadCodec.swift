/// What a payload type stands for, as far as it matters to the sound.
package enum PayloadCodec: Hashable, Sendable {
  case pcmu
  case pcma
  /// Key presses (RFC 4733): silence, since the tones themselves, if any, are in the audio.
  case telephoneEvent
  /// Comfort noise (RFC 3389): silence.
  case comfortNoise
  /// A codec that cannot be decoded, by its name in upper case, such as `G729`.
  case other(String)

  /// - Parameter name: the encoding name of an `a=rtpmap` (RFC 8866 §6.6), in any case.
  package init(encodingName name: String) {
    switch name.uppercased() {
    case "PCMU": self = .pcmu
    case "PCMA": self = .pcma
    case "TELEPHONE-EVENT": self = .telephoneEvent
    case "CN": self = .comfortNoise
    case let other: self = .other(other)
    }
  }

  /// The codec of a payload type that no `a=rtpmap` explains (RFC 3551 §6); nil for dynamic and unassigned ones.
  package init?(staticPayloadType type: UInt8) {
    switch type {
    case 0: self = .pcmu
    case 3: self = .other("GSM")
    case 4: self = .other("G723")
    case 5, 6, 16, 17: self = .other("DVI4")
    case 7: self = .other("LPC")
    case 8: self = .pcma
    case 9: self = .other("G722")
    case 10, 11: self = .other("L16")
    case 12: self = .other("QCELP")
    case 13, 19: self = .comfortNoise
    case 15: self = .other("G728")
    case 18: self = .other("G729")
    default: return nil
    }
  }

  /// The encoding name.
  package var name: String {
    switch self {
    case .pcmu: "PCMU"
    case .pcma: "PCMA"
    case .telephoneEvent: "telephone-event"
    case .comfortNoise: "CN"
    case .other(let name): name
    }
  }

  /// True if there is sound in it, whether it can be decoded or not.
  var isAudio: Bool {
    switch self {
    case .pcmu, .pcma, .other: true
    case .telephoneEvent, .comfortNoise: false
    }
  }

  /// True if its sound can be written.
  package var canBeDecoded: Bool { self == .pcmu || self == .pcma }
}
