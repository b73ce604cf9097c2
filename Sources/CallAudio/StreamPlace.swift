/// Where the packets of one stream belong in a call's sound, laid out flat for the packet path.
struct StreamPlace {
  /// A stretch in frames of the sound.
  private struct Placed {
    var firstRecord: Int
    var timestamp: UInt32
    var time: Int64
    /// Nanoseconds of the capture's clock, and frames of the sound, that a unit of the timestamps takes.
    var unit: Double
    var step: Double
    /// The frame of `timestamp`, and what it has behind the point.
    var frame: Int64
    var fraction: Double
    /// A unit of the timestamps is so many frames, if that is a whole number; else 0.
    var wholeStep: Int64

    init(_ stretch: SoundPart.Stretch, start: Int64, rate: Int) {
      firstRecord = stretch.firstRecord
      timestamp = stretch.timestamp
      time = stretch.time
      unit = stretch.unit
      step = unit * Double(rate) / 1e9
      frame = frameCount(of: stretch.time &- start, at: rate)
      let isWhole = stretch.slope == 1 && rate % max(1, stretch.clockRate) == 0
      wholeStep = isWhole ? Int64(rate / max(1, stretch.clockRate)) : 0
      // A clock that drifts goes through all fractions; where it begins does not matter.
      fraction = 0.5
    }

    @inline(__always)
    func frame(at offset: Int64) -> Int64 {
      if wholeStep != 0 { return frame &+ offset &* wholeStep }
      // Rounded down, for offsets on both sides.
      let distance = Double(offset) * step + fraction
      let whole = Int64(distance)
      return frame &+ whole &- (Double(whole) > distance ? 1 : 0)
    }

    /// How much later the packet came than its timestamp says, in nanoseconds.
    @inline(__always)
    func deviation(_ offset: Int64, _ arrival: Int64) -> Int64 {
      arrival &- (time &+ Int64(Double(offset) * unit))
    }

    @inline(__always)
    func offset(_ other: UInt32) -> Int64 { Int64(Int32(bitPattern: other &- timestamp)) }
  }

  private let stretches: [Placed]
  private var current: Placed
  private var currentIndex = 0
  /// The record with which the next stretch begins.
  private var nextRecord: Int

  /// - Parameters:
  ///   - start: when the sound begins, in nanoseconds of the capture's clock.
  ///   - rate: its frames a second.
  /// - Returns: nil for a stream without stretches.
  init?(_ part: SoundPart, start: Int64, rate: Int) {
    stretches = part.stretches.map { Placed($0, start: start, rate: rate) }
    guard let first = stretches.first else { return nil }
    current = first
    nextRecord = stretches.count > 1 ? stretches[1].firstRecord : .max
  }

  /// Where the first sample of a packet belongs that came at `arrival`; nil if no stretch fits.
  @inline(__always)
  mutating func frame(record: Int, timestamp: UInt32, arrival: Int64) -> Int64? {
    if record >= nextRecord { goOn(to: record) }
    let offset = current.offset(timestamp)
    let deviation = current.deviation(offset, arrival)
    if deviation >= -StreamTimeline.jump && deviation <= StreamTimeline.longestDelay {
      return current.frame(at: offset)
    }
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
      let offset = before.offset(timestamp)
      if StreamTimeline.isNear(before.deviation(offset, arrival)) { return before.frame(at: offset) }
    }
    guard deviation.magnitude <= StreamTimeline.longestDelay.magnitude else { return nil }
    return current.frame(at: current.offset(timestamp))
  }
}
