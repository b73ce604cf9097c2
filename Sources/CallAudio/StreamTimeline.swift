/// Where the packets of one RTP stream belong on the capture's clock.
///
/// A sender's timestamps say how its packets follow each other; only their arrival says when. So a run of packets is
/// hung up at one anchor: the packet that was fastest at its beginning counts as undelayed, and all others are placed
/// by their timestamps against it. Jitter and bursts then do not move the sound.
///
///     arrival    |  |     ||||  |  |        (the network held four back, then let them go)
///     timestamps |  |  |  |  |  |  |
///     placed     |  |  |  |  |  |  |
///
/// The fastest packet of every ten seconds is kept, so that `ClockFit` can tell the drift of the sender's clock
/// against the capture's and take it out smoothly. A new run begins only where timestamps and arrivals part at once
/// and for good: the sender began anew with other timestamps, changed its clock rate, or stopped its timestamps while
/// it was on hold.
struct StreamTimeline: Sendable {
  /// The fastest packet of a time of ten seconds or more.
  struct Window: Hashable, Sendable {
    /// The first record of that time, and its packet's place in units of the timestamps from the run's beginning.
    var firstRecord: Int
    var start: Int64
    /// The fastest packet's place, and how much later than by the run's first packet it came, in nanoseconds.
    var offset: Int64
    var delay: Int64
  }

  /// Packets that follow one clock.
  struct Run: Sendable {
    /// The number of the capture's record from which on it counts.
    var firstRecord: Int
    /// The first packet's timestamp and arrival, in nanoseconds.
    var timestamp: UInt32
    var time: Int64
    /// Units of the timestamps a second.
    var clockRate: Int32
    var windows: [Window] = []
    /// How much later than `time` says the fastest packets come of late.
    var floor: Int64 = 0
    /// The floor when the beginning was over.
    var anchor: Int64 = 0
    /// The last packet taken, from which the next one's place is counted, so that a run may be longer than 2^31 units.
    var lastTimestamp: UInt32
    var lastOffset: Int64 = 0
    /// The first and the end of the last sample, in units from `timestamp`.
    var lowest: Int64 = 0
    var highestEnd: Int64 = 0
    /// How many windows of ten seconds go into one of `windows`, and how many are in the last one.
    var windowsInOne = 1
    var windowsInLast = 0

    /// Nanoseconds a unit takes.
    var unit: Double { 1e9 / Double(clockRate) }

    @inline(__always)
    func offset(of other: UInt32) -> Int64 { lastOffset &+ Int64(Int32(bitPattern: other &- lastTimestamp)) }
  }

  /// How long the beginning of a run may find its fastest packet; in nanoseconds, as all times here.
  private static let settling: Int64 = 2_000_000_000
  /// Packets that part by more than this from those before them may have begun anew.
  static let jump: Int64 = 120_000_000
  /// More than this is not left standing between timestamps and arrivals.
  private static let tolerance: Int64 = 60_000_000
  /// No network holds packets back so long.
  static let longestDelay: Int64 = 10_000_000_000
  /// For how long, and how many, packets must be late before that is believed.
  private static let trialLength: Int64 = 1_000_000_000
  private static let trialPackets = 5
  /// A capture's clock that is set back by less does not put packets before those that came earlier.
  private static let leastClockStep: Int64 = 500_000_000
  private static let windowLength: Int64 = 10_000_000_000
  /// The most that the floor follows in a window: clocks differ by less than 1 in 1000.
  private static let windowDrift: Int64 = 10_000_000
  /// More windows than this are thinned out: 5 hours of ten seconds each.
  private static let mostWindows = 512
  /// A stream that begins anew more often than this is noise; what comes then goes by the last anchor.
  private static let mostRuns = 10_000

  /// The runs that are over, and the one that goes on.
  private var closed: [Run] = []
  private var run = Run(firstRecord: 0, timestamp: 0, time: 0, clockRate: 0, lastTimestamp: 0)
  /// True until a packet is placed.
  private(set) var isEmpty = true
  private var unit = 125_000.0
  private var settledAt: Int64 = 0
  private var lastDeviation: Int64 = 0
  private var lastArrival: Int64 = 0
  /// What is added to the capture's clock, because it was set back while the stream went on.
  private var clockShift: Int64 = 0

  /// The packets since the last jump or second, whose least delay decides whether they make a new run.
  private struct Trial {
    var firstRecord = 0
    var timestamp: UInt32 = 0
    var firstOffset: Int64 = 0
    var begin: Int64 = 0
    var count = 0
    /// The fastest packet's place and delay.
    var offset: Int64 = 0
    var delay = Int64.max
    var lowest = Int64.max
    var highestEnd = Int64.min
  }
  private var trial = Trial()
  private var isOnTrial = false
  private var window = Window(firstRecord: 0, start: 0, offset: 0, delay: .max)
  private var windowBegin: Int64 = 0
  private var isWindowOpen = false

  /// Interarrival jitter (RFC 3550 §6.4.1) in nanoseconds, as it stands, at its most, and summed up over `jitterCount`.
  private(set) var jitter: Int64 = 0
  private(set) var mostJitter: Int64 = 0
  private var jitterSum: Int64 = 0
  private var jitterCount: Int64 = 0

  /// The mean of the jitter over all packets, in nanoseconds.
  var meanJitter: Int64 { jitterCount == 0 ? 0 : jitterSum / jitterCount }

  /// Takes the next packet.
  ///
  /// - Parameters:
  ///   - record: its record's number in the capture.
  ///   - arrival: its time in the capture, in nanoseconds.
  ///   - units: how long it lasts, in units of the timestamps.
  ///   - rate: how many of them make a second.
  ///   - isNext: whether its sequence number is the one after the last packet's.
  mutating func take(
    record: Int, timestamp: UInt32, arrival: Int64, units: Int64, rate: Int32, isNext: Bool = false
  ) {
    let arrival = arrival &+ clockShift
    let before = lastArrival
    lastArrival = arrival
    guard rate == run.clockRate else {
      begin(record, timestamp, arrival, units, rate)
      return
    }
    var offset = run.offset(of: timestamp)
    var deviation = arrival &- (run.time &+ nanoseconds(Double(offset) * unit))
    let step = deviation &- lastDeviation
    let late = deviation &- run.floor
    let isSettling = arrival < settledAt
    let isTooEarly = late < (isSettling ? -Self.jump : -Self.tolerance)
    if isTooEarly || late > Self.longestDelay {
      if isNext, arrival < before &- Self.leastClockStep, deviation > -Self.longestDelay {
        // In sequence, in time by its timestamps, and captured before its predecessor: the capture's clock was set back.
        let captured = arrival &- clockShift
        clockShift = clockShift &- step
        return take(record: record, timestamp: timestamp, arrival: captured, units: units, rate: rate)
      }
      if let last = closed.indices.last, closed[last].isNear(timestamp, arrival) {
        closed[last].widen(closed[last].offset(of: timestamp), units)
      } else {
        begin(record, timestamp, arrival, units, rate)
      }
      return
    }
    let difference = step < 0 ? 0 &- step : step
    jitter = jitter &+ (difference &- jitter &+ 8) >> 4
    if jitter > mostJitter { mostJitter = jitter }
    jitterSum = jitterSum &+ jitter
    jitterCount += 1

    lastDeviation = deviation
    run.lastTimestamp = timestamp
    run.lastOffset = offset
    if isSettling && deviation < run.floor {
      run.floor = deviation
      run.anchor = deviation
    }
    if !isOnTrial || step > Self.jump || arrival &- trial.begin >= Self.trialLength {
      closeTrial()
      isOnTrial = true
      // The trial may have made a new run, from which places are counted anew.
      offset = run.lastOffset
      deviation = lastDeviation
      trial = Trial(firstRecord: record, timestamp: timestamp, firstOffset: offset, begin: arrival)
    }
    trial.count += 1
    if deviation < trial.delay {
      trial.delay = deviation
      trial.offset = offset
    }
    if offset < trial.lowest { trial.lowest = offset }
    if offset &+ units > trial.highestEnd { trial.highestEnd = offset &+ units }
  }

  /// Says that no more packets come.
  mutating func finish() {
    closeTrial()
    closeWindow()
  }

  /// True for a packet that is not too far from where it belongs.
  @inline(__always)
  static func isNear(_ deviation: Int64) -> Bool { deviation > -jump && deviation < 1_000_000_000 }

  /// Gives their memory back.
  mutating func forgetRuns() {
    closed = []
    run.windows = []
  }

  /// All runs, once it is finished.
  var runs: [Run] { isEmpty ? [] : closed + [run] }

  private mutating func begin(_ record: Int, _ timestamp: UInt32, _ arrival: Int64, _ units: Int64, _ rate: Int32) {
    guard closed.count < Self.mostRuns, rate > 0 else { return }
    finish()
    if !isEmpty { closed.append(run) }
    isEmpty = false
    run = Run(firstRecord: record, timestamp: timestamp, time: arrival, clockRate: rate, lastTimestamp: timestamp)
    run.highestEnd = units
    unit = run.unit
    settledAt = arrival &+ Self.settling
    lastDeviation = 0
    isOnTrial = true
    trial = Trial(
      firstRecord: record, timestamp: timestamp, begin: arrival, count: 1, delay: 0, lowest: 0, highestEnd: units)
  }

  /// Decides about the packets on trial: if even the fastest was late, they make a run of their own.
  private mutating func closeTrial() {
    guard isOnTrial else { return }
    isOnTrial = false
    guard trial.delay &- run.floor > Self.tolerance, trial.count >= Self.trialPackets, closed.count < Self.mostRuns
    else {
      run.lowest = min(run.lowest, trial.lowest)
      run.highestEnd = max(run.highestEnd, trial.highestEnd)
      return noteTrial()
    }
    closeWindow()
    var new = Run(
      firstRecord: trial.firstRecord, timestamp: trial.timestamp,
      time: run.time &+ nanoseconds(Double(trial.firstOffset) * unit) &+ trial.delay, clockRate: run.clockRate,
      lastTimestamp: run.lastTimestamp)
    new.lastOffset = run.lastOffset &- trial.firstOffset
    new.lowest = trial.lowest &- trial.firstOffset
    new.highestEnd = trial.highestEnd &- trial.firstOffset
    closed.append(run)
    run = new
    lastDeviation = lastDeviation &- trial.delay
    settledAt = .min
    trial.offset = trial.offset &- trial.firstOffset
    trial.firstOffset = 0
    trial.delay = 0
    noteTrial()
  }

  /// Adds the trial to the window that is open.
  private mutating func noteTrial() {
    if !isWindowOpen {
      isWindowOpen = true
      windowBegin = trial.begin
      window = Window(
        firstRecord: trial.firstRecord, start: trial.firstOffset, offset: trial.offset, delay: trial.delay)
    } else if trial.delay < window.delay {
      window.delay = trial.delay
      window.offset = trial.offset
    }
    if trial.begin &- windowBegin >= Self.windowLength &- Self.trialLength { closeWindow() }
  }

  private mutating func closeWindow() {
    guard isWindowOpen else { return }
    isWindowOpen = false
    let change = window.delay &- run.floor
    run.floor = run.floor &+ min(max(change, -Self.windowDrift), Self.windowDrift)
    run.keep(window, most: Self.mostWindows)
  }
}

/// A time as a whole number; of what no clock can show, the limit.
@inline(__always)
private func nanoseconds(_ time: Double) -> Int64 { Int64(min(max(time, -4e18), 4e18)) }

extension StreamTimeline.Run {
  /// True if a packet is a straggler of this run, which is over.
  fileprivate func isNear(_ timestamp: UInt32, _ arrival: Int64) -> Bool {
    StreamTimeline.isNear(arrival &- (time &+ nanoseconds(Double(offset(of: timestamp)) * unit) &+ floor))
  }

  fileprivate mutating func widen(_ offset: Int64, _ units: Int64) {
    lowest = min(lowest, offset)
    highestEnd = max(highestEnd, offset &+ units)
  }

  /// Keeps a window, with its neighbours in one if there are many.
  fileprivate mutating func keep(_ window: StreamTimeline.Window, most: Int) {
    if windowsInLast > 0, windowsInLast < windowsInOne, let last = windows.indices.last {
      windows[last].join(window)
      windowsInLast += 1
      return
    }
    if windows.count >= most {
      windows = stride(from: 0, to: windows.count, by: 2).map { index in
        var joined = windows[index]
        if index + 1 < windows.count { joined.join(windows[index + 1]) }
        return joined
      }
      windowsInOne *= 2
    }
    windows.append(window)
    windowsInLast = 1
  }
}

extension StreamTimeline.Window {
  /// Takes a later one in.
  fileprivate mutating func join(_ later: StreamTimeline.Window) {
    guard later.delay < delay else { return }
    delay = later.delay
    offset = later.offset
  }
}
