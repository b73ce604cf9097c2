/// How the packets of a payload type lie in time: what the packet path needs of a codec, laid out flat.
struct PayloadShape: Hashable, Sendable {
  /// Units of the timestamps a second.
  var clockRate: Int32
  /// So many bytes of payload last so many units; 0 where the bytes don't tell.
  private var bytes: Int32
  private var units: Int32
  private var kind: Kind

  private enum Kind: UInt8 {
    case sound
    /// Opus packets tell their own length (RFC 6716 §3.1).
    case opus
    /// A dynamic payload type of which nobody has said what it is.
    case unknown
    /// Packets whose timestamps say nothing about the sound's place: key presses, which repeat their beginning's
    /// timestamp (RFC 4733 §2.5.1.2), and comfort noise.
    case placeless
  }

  /// - Parameter isKnown: false if it is only guessed what the payload type stands for.
  init(_ codec: PayloadCodec, isKnown: Bool) {
    clockRate = Int32(clamping: codec.clockRate)
    (bytes, units) = (0, 0)
    kind = codec.isAudio ? .sound : .placeless
    switch codec {
    case .pcmu, .pcma, .g722: (bytes, units) = (1, 1)
    case .gsm: (bytes, units) = (33, 160)
    case .g729: (bytes, units) = (10, 80)
    case .l16(_, let channels): (bytes, units) = (Int32(clamping: channels) * 2, 1)
    case .opus: kind = .opus
    case .telephoneEvent, .comfortNoise: break
    case .other: kind = isKnown ? .sound : .unknown
    }
  }

  /// False for packets that do not help to place the stream in time.
  @inline(__always)
  func isPlaced(payloadLength: Int) -> Bool {
    switch kind {
    case .sound, .opus: payloadLength > 0
    case .unknown: payloadLength > 8
    case .placeless: false
    }
  }

  /// How many units of the timestamps the sound of `payload` lasts; nil if it does not tell.
  @inline(__always)
  func units(in payload: RawSpan) -> Int64? {
    if bytes == 1 { return Int64(payload.byteCount) }
    if bytes > 0 { return Int64(payload.byteCount) / Int64(bytes) &* Int64(units) }
    return kind == .opus ? opusUnits(payload) : nil
  }
}

/// The length of an Opus packet in samples of 48 000 a second (RFC 6716 §3.1, §3.2).
private func opusUnits(_ payload: RawSpan) -> Int64 {
  guard payload.byteCount > 0 else { return 0 }
  let first = payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
  let configuration = Int(first >> 3)
  let frame: Int64 =
    switch configuration {
    case 0..<12: [480, 960, 1920, 2880][configuration & 3]
    case 12..<16: [480, 960][configuration & 1]
    default: [120, 240, 480, 960][configuration & 3]
    }
  switch first & 3 {
  case 0: return frame
  case 1, 2: return frame * 2
  default:
    guard payload.byteCount > 1 else { return frame }
    // 120 ms are the most there may be.
    return min(frame * Int64(payload.unsafeLoad(fromByteOffset: 1, as: UInt8.self) & 63), 5760)
  }
}
