import Decoders

/// A stream while its sound is put together: what the packet path needs of it, laid out flat.
struct ActivePart {
  let key: StreamKey
  let firstRecord: Int
  let lastRecord: Int
  let channel: Int
  let track: CallTrack
  var place: StreamPlace
  /// True for a stream that goes the long way; G.711 goes straight into the track.
  let isLong: Bool
  /// The long way, from the stream's first packet to its last: a call may have thousands of streams one after another.
  private(set) var stream: SoundStream?
  private let part: SoundPart?
  /// What each payload type is: 0 silence, 1 μ-law, 2 A-law.
  private var laws = InlineArray<128, UInt8>(repeating: 0)
  /// The part with the same key that comes after this one; -1 for none.
  var successor = -1
  /// Where the sound ends that came last, and its last sample.
  var end = Int64.min / 2
  var lastSample: Int16 = 0

  /// Nil if nothing of the stream is sound.
  ///
  /// - Parameter start: when the track begins, in nanoseconds of the capture's clock.
  init?(_ part: SoundPart, _ track: CallTrack, start: Int64, rendersKeys: Bool) {
    guard let place = StreamPlace(part, start: start, rate: track.rate) else { return nil }
    key = part.key
    firstRecord = part.firstRecord
    lastRecord = part.lastRecord
    channel = part.channel
    self.track = track
    self.place = place
    isLong = SoundStream.isNeeded(for: part, rate: track.rate, rendersKeys: rendersKeys)
    self.part = isLong ? part : nil
    for (type, codec) in part.codecs where type < 128 {
      if codec == .pcmu { laws[Int(type)] = 1 }
      if codec == .pcma { laws[Int(type)] = 2 }
    }
  }

  /// The stream's long way, begun if this is its first packet.
  mutating func begun(rendersKeys: Bool, _ budget: SearchBudget) -> SoundStream? {
    if stream == nil, let part { stream = SoundStream(part, track, rendersKeys: rendersKeys, budget) }
    return stream
  }

  /// No more packets come.
  mutating func finish() throws(FileProblem) {
    try stream?.finish()
    stream = nil
  }

  /// 0 silence, 1 μ-law, 2 A-law.
  @inline(__always)
  func law(of payloadType: UInt8) -> UInt8 { laws[Int(payloadType & 127)] }
}
