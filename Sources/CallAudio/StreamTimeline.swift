/// Where the packets of one RTP stream belong on the capture's clock.
///
/// A sender's timestamps say how its packets follow each other; only their arrival says when. So a stretch of packets
/// is hung up at one anchor: the packet that was fastest at its beginning counts as undelayed, and all others are
/// placed by their timestamps against it. Jitter and bursts then do not move the sound.
///
///     arrival    |  |     ||||  |  |        (the network held four back, then let them go)
///     timestamps |  |  |  |  |  |  |
///     placed     |  |  |  |  |  |  |
///
/// A new stretch begins where timestamps and arrivals part for good: the sender began anew with other timestamps, or
/// stopped its timestamps while it was on hold, or its clock has drifted away from the capture's.
struct StreamTimeline: Sendable {
  /// A stretch of packets that share one anchor.
  struct Segment: Hashable, Sendable {
    /// The number of the capture's record from which on it counts.
    var firstRecord: Int
    /// A timestamp, and the time on the capture's clock, in nanoseconds, at which its sample belongs.
    var timestamp: UInt32
    var time: Int64
    /// The first and the end of the last sample, in samples from `timestamp`.
    var lowest: Int64 = 0
    var highestEnd: Int64 = 0

    /// When the sample with this timestamp belongs. Good for 74 hours around the anchor.
    @inline(__always)
    func time(of other: UInt32) -> Int64 { time &+ Int64(offset(of: other)) &* StreamTimeline.sampleLength }

    @inline(__always)
    func offset(of other: UInt32) -> Int32 { Int32(bitPattern: other &- timestamp) }
  }

  /// Nanoseconds a sample of an 8000 Hz clock.
  static let sampleLength: Int64 = 125_000
  /// How long the beginning of a stretch may find its fastest packet.
  private static let settling: Int64 = 2_000_000_000
  /// Packets that part by more than this from those before them may have begun anew.
  static let jump: Int64 = 120_000_000
  /// More than this is not left standing between timestamps and arrivals.
  private static let drift: Int64 = 60_000_000
  /// No network holds packets back so long.
  static let longestDelay: Int64 = 10_000_000_000
  /// How many packets, or for how long, must be late before that is believed.
  private static let trialLength: Int64 = 1_000_000_000
  private static let trialPackets = 5
  /// A stream that begins anew more often than this is noise; what comes then goes by the last anchor.
  private static let mostSegments = 10_000

  private(set) var segments: [Segment] = []
  private var settledAt: Int64 = 0
  private var lastDeviation: Int64 = 0

  /// The packets since the last jump or second, whose least delay decides whether they hang on a new anchor.
  private var trial = Segment(firstRecord: 0, timestamp: 0, time: 0)
  private var isOnTrial = false
  private var trialStart: Int64 = 0
  private var trialDelay: Int64 = 0
  private var trialCount = 0

  /// Takes the next packet.
  ///
  /// - Parameters:
  ///   - record: its record's number in the capture.
  ///   - arrival: its time in the capture, in nanoseconds.
  ///   - samples: how many samples it holds.
  mutating func take(record: Int, timestamp: UInt32, arrival: Int64, samples: Int) {
    guard let last = segments.indices.last else {
      begin(record, timestamp, arrival, samples)
      return
    }
    let deviation = arrival &- segments[last].time(of: timestamp)
    let step = deviation &- lastDeviation
    let isSettling = arrival < settledAt
    let isTooEarly = isSettling ? step < -Self.jump : deviation < -Self.drift
    if isTooEarly || deviation > Self.longestDelay {
      if last > 0, belongsToPrevious(timestamp, arrival) {
        widen(&segments[last - 1], timestamp, samples)
        return
      }
      closeTrial()
      begin(record, timestamp, arrival, samples)
      return
    }
    lastDeviation = deviation
    if isSettling && deviation < 0 {
      segments[last].time &+= deviation
      lastDeviation = 0
    }
    if !isOnTrial || step > Self.jump || arrival &- trialStart >= Self.trialLength {
      closeTrial()
      openTrial(record, timestamp, arrival)
    }
    trialCount += 1
    trialDelay = min(trialDelay, lastDeviation)
    widen(&trial, timestamp, samples)
  }

  /// Says that no more packets come.
  mutating func finish() { closeTrial() }

  /// True if the packet is a straggler of the stretch before the last.
  private func belongsToPrevious(_ timestamp: UInt32, _ arrival: Int64) -> Bool {
    StreamTimeline.isNear(arrival &- segments[segments.count - 2].time(of: timestamp))
  }

  /// True for a packet that is not too far from where it belongs.
  @inline(__always)
  static func isNear(_ deviation: Int64) -> Bool { deviation > -jump && deviation < 1_000_000_000 }

  private mutating func begin(_ record: Int, _ timestamp: UInt32, _ arrival: Int64, _ samples: Int) {
    guard segments.count < Self.mostSegments else { return }
    var segment = Segment(firstRecord: record, timestamp: timestamp, time: arrival)
    widen(&segment, timestamp, samples)
    segments.append(segment)
    settledAt = arrival &+ Self.settling
    lastDeviation = 0
  }

  private mutating func openTrial(_ record: Int, _ timestamp: UInt32, _ arrival: Int64) {
    isOnTrial = true
    trial = Segment(firstRecord: record, timestamp: timestamp, time: 0, lowest: .max, highestEnd: .min)
    trialStart = arrival
    trialDelay = .max
    trialCount = 0
  }

  /// Decides about the packets on trial: if even the fastest was late, they hang on an anchor of their own.
  private mutating func closeTrial() {
    guard isOnTrial, let last = segments.indices.last else { return }
    isOnTrial = false
    var closed = trial
    if trialDelay > Self.drift, trialCount >= Self.trialPackets, segments.count < Self.mostSegments {
      closed.time = segments[last].time(of: closed.timestamp) &+ trialDelay
      segments.append(closed)
      lastDeviation = lastDeviation &- trialDelay
      settledAt = 0
      return
    }
    let shift = Int64(segments[last].offset(of: closed.timestamp))
    segments[last].lowest = min(segments[last].lowest, closed.lowest &+ shift)
    segments[last].highestEnd = max(segments[last].highestEnd, closed.highestEnd &+ shift)
  }

  @inline(__always)
  private func widen(_ segment: inout Segment, _ timestamp: UInt32, _ samples: Int) {
    let offset = Int64(segment.offset(of: timestamp))
    segment.lowest = min(segment.lowest, offset)
    segment.highestEnd = max(segment.highestEnd, offset &+ Int64(samples))
  }
}
