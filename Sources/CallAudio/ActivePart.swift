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

  private let stretches: [SoundPart.Stretch]
  private var current: SoundPart.Stretch
  private var currentIndex = 0
  /// The record with which the next stretch begins.
  private var nextRecord: Int

  /// Nil if nothing of the stream is sound.
  init?(_ part: SoundPart, _ track: CallTrack) {
    guard let first = part.stretches.first else { return nil }
    key = part.key
    firstRecord = part.firstRecord
    lastRecord = part.lastRecord
    channel = part.channel
    self.track = track
    stretches = part.stretches
    current = first
    nextRecord = stretches.count > 1 ? stretches[1].firstRecord : .max
    for type in part.pcmuTypes where type < 128 { laws[Int(type)] = 1 }
    for type in part.pcmaTypes where type < 128 { laws[Int(type)] = 2 }
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
