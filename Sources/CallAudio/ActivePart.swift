/// A stream while its sound is put together: what the packet path needs of it, laid out flat.
struct ActivePart {
  let key: StreamKey
  let firstRecord: Int
  let lastRecord: Int
  let channel: Int
  let track: CallTrack
  /// What each payload type is: 0 silence, 1 μ-law, 2 A-law.
  private var laws = InlineArray<128, UInt8>(repeating: 0)
  /// The part with the same key that comes after this one; -1 for none.
  var successor = -1

  /// A stretch in samples of the output, of which there are 8000 a second.
  private struct Placed {
    var firstRecord: Int
    var timestamp: UInt32
    var time: Int64
    var frame: Int64

    init(_ stretch: SoundPart.Stretch, callStart: Int64) {
      firstRecord = stretch.firstRecord
      timestamp = stretch.timestamp
      time = stretch.time
      frame = frameCount(of: stretch.time &- callStart, at: 8000)
    }
  }

  private let stretches: [Placed]
  private var current: Placed
  private var currentIndex = 0
  /// The record with which the next stretch begins.
  private var nextRecord: Int

  /// Nil if nothing of the stream is sound.
  init?(_ part: SoundPart, _ track: CallTrack, callStart: Int64) {
    let stretches = part.stretches.map { Placed($0, callStart: callStart) }
    guard let first = stretches.first else { return nil }
    key = part.key
    firstRecord = part.firstRecord
    lastRecord = part.lastRecord
    channel = part.channel
    self.track = track
    self.stretches = stretches
    current = first
    nextRecord = stretches.count > 1 ? stretches[1].firstRecord : .max
    for (type, codec) in part.codecs where type < 128 {
      switch codec {
      case .pcmu: laws[Int(type)] = 1
      case .pcma: laws[Int(type)] = 2
      default: break
      }
    }
  }

  /// 0 silence, 1 μ-law, 2 A-law.
  @inline(__always)
  func law(of payloadType: UInt8) -> UInt8 { laws[Int(payloadType & 127)] }

  /// Where the first sample of a packet belongs that came at `arrival`; nil if no stretch fits.
  @inline(__always)
  mutating func frame(record: Int, timestamp: UInt32, arrival: Int64) -> Int64? {
    if record >= nextRecord { goOn(to: record) }
    let offset = Int64(Int32(bitPattern: timestamp &- current.timestamp))
    let deviation = arrival &- (current.time &+ offset &* StreamTimeline.sampleLength)
    if deviation >= -StreamTimeline.jump && deviation <= StreamTimeline.longestDelay { return current.frame &+ offset }
    return straggler(timestamp, arrival, deviation)
  }

  private mutating func goOn(to record: Int) {
    while currentIndex + 1 < stretches.count, stretches[currentIndex + 1].firstRecord <= record { currentIndex += 1 }
    current = stretches[currentIndex]
    nextRecord = currentIndex + 1 < stretches.count ? stretches[currentIndex + 1].firstRecord : .max
  }

  /// A packet that does not fit where the stream is: a late one of the stretch before, else nonsense.
  private func straggler(_ timestamp: UInt32, _ arrival: Int64, _ deviation: Int64) -> Int64? {
    if currentIndex > 0 {
      let before = stretches[currentIndex - 1]
      let offset = Int64(Int32(bitPattern: timestamp &- before.timestamp))
      if StreamTimeline.isNear(arrival &- (before.time &+ offset &* StreamTimeline.sampleLength)) {
        return before.frame &+ offset
      }
    }
    guard deviation.magnitude <= StreamTimeline.longestDelay.magnitude else { return nil }
    return current.frame &+ Int64(Int32(bitPattern: timestamp &- current.timestamp))
  }
}
