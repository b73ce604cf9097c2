/// Turns what is known of a run's delays into straight lines from its timestamps to the capture's clock.
///
/// The delay of a window's fastest packet is the network's least delay plus what the sender's clock has gained or lost
/// since the run began. Clocks drift steadily and slowly, queues grow and shrink: so the drift is the lower envelope of
/// these delays that rises and falls no faster than a clock can. Where it hardly leaves the anchor, the timestamps are
/// taken as they are, and every sample stays as it was sent.
enum ClockFit {
  /// As long as the envelope stays so near the anchor, nothing is corrected; in nanoseconds.
  private static let negligible = 3_000_000.0
  /// How far the lines may be from the envelope.
  private static let tolerance = 1_000_000.0
  /// How fast the envelope of a short run may rise or fall, and how far it may bend away from a long one's trend.
  private static let steepest = 300e-6
  private static let bend = 100e-6
  /// No clock is worse.
  private static let worstClock = 2000e-6
  /// From this length on a run shows a trend; in nanoseconds.
  private static let trendLength = 120e9
  /// Timestamps reach 2^31 units from where a line begins.
  private static let longestLine: Int64 = 1 << 30

  private struct Point {
    var x: Double
    var y: Double
  }

  /// The run's lines, at least one, in order of their records.
  static func stretches(of run: StreamTimeline.Run) -> [SoundPart.Stretch] {
    let anchor = Double(run.anchor)
    let envelope = envelope(of: run)
    if envelope.allSatisfy({ abs($0.y - anchor) <= negligible }) { return undrifted(run) }
    return lines(of: run, knots: knots(of: run, envelope))
  }

  /// By the timestamps alone, in as many pieces as their wrap-around needs.
  private static func undrifted(_ run: StreamTimeline.Run) -> [SoundPart.Stretch] {
    var stretches = [stretch(of: run, record: run.firstRecord, offset: 0, delay: run.anchor)]
    var start: Int64 = 0
    for window in run.windows where window.start &- start >= longestLine {
      start = window.start
      stretches.append(stretch(of: run, record: window.firstRecord, offset: start, delay: run.anchor))
    }
    return stretches
  }

  /// The lower envelope at the windows' fastest packets: x in nanoseconds by the timestamps, y the delay.
  private static func envelope(of run: StreamTimeline.Run) -> [Point] {
    var points: [Point] = []
    for window in run.windows {
      let x = Double(window.offset) * run.unit
      // Packets of two windows may have overtaken each other.
      if let last = points.last, x <= last.x {
        points[points.count - 1].y = min(last.y, Double(window.delay))
      } else {
        points.append(Point(x: x, y: Double(window.delay)))
      }
    }
    guard let first = points.first, let last = points.last, points.count > 1 else { return points }
    let isLong = last.x - first.x >= trendLength
    let trend = isLong ? trend(of: points) : 0
    let steepest = isLong ? bend : steepest
    for index in points.indices { points[index].y -= trend * points[index].x }
    for index in points.indices.dropFirst() {
      let reach = points[index - 1].y + steepest * (points[index].x - points[index - 1].x)
      points[index].y = min(points[index].y, reach)
    }
    for index in points.indices.dropLast().reversed() {
      let reach = points[index + 1].y + steepest * (points[index + 1].x - points[index].x)
      points[index].y = min(points[index].y, reach)
    }
    for index in points.indices { points[index].y += trend * points[index].x }
    return points
  }

  /// The median of the slopes between points (Theil and Sen), which outliers do not move.
  private static func trend(of points: [Point]) -> Double {
    let step = max(1, points.count / 64)
    let chosen = stride(from: 0, to: points.count, by: step).map { points[$0] }
    var slopes: [Double] = []
    for (index, a) in chosen.enumerated() {
      for b in chosen[(index + 1)...] { slopes.append((b.y - a.y) / (b.x - a.x)) }
    }
    slopes.sort()
    guard !slopes.isEmpty else { return 0 }
    return min(max(slopes[slopes.count / 2], -worstClock), worstClock)
  }

  /// The envelope where windows begin, where a line may end and the next begin without a gap.
  private static func knots(of run: StreamTimeline.Run, _ envelope: [Point]) -> [Point] {
    guard let first = envelope.first else { return [] }
    var index = 0
    let value = { (x: Double) -> Double in
      if envelope.count == 1 { return first.y }
      while index + 2 < envelope.count, envelope[index + 1].x < x { index += 1 }
      let a = envelope[index]
      let b = envelope[index + 1]
      return a.y + (b.y - a.y) / (b.x - a.x) * (x - a.x)
    }
    var knots = [Point(x: 0, y: value(0))]
    for window in run.windows.dropFirst() {
      let x = Double(window.start) * run.unit
      knots.append(Point(x: x, y: value(x)))
    }
    let end = Double(run.highestEnd) * run.unit
    knots.append(Point(x: end, y: value(end)))
    return knots
  }

  /// As few lines as stay near the knots, each beginning where the one before ends.
  private static func lines(of run: StreamTimeline.Run, knots: [Point]) -> [SoundPart.Stretch] {
    guard var from = knots.first else { return undrifted(run) }
    var stretches: [SoundPart.Stretch] = []
    var record = run.firstRecord
    var offset: Int64 = 0
    var last = 0
    var low = -Double.infinity
    var high = Double.infinity
    let add = { (slope: Double) in
      var line = stretch(of: run, record: record, offset: offset, delay: Int64(from.y.rounded()))
      line.slope = 1 + slope
      stretches.append(line)
    }
    for (index, knot) in knots.enumerated().dropFirst() where knot.x > knots[last].x {
      let lowest = (knot.y - tolerance - from.y) / (knot.x - from.x)
      let highest = (knot.y + tolerance - from.y) / (knot.x - from.x)
      let isTooLong = last > 0 && run.windows[last].start &- offset >= longestLine
      if max(low, lowest) <= min(high, highest) && !isTooLong {
        low = max(low, lowest)
        high = min(high, highest)
      } else {
        let slope = (low + high) / 2
        add(slope)
        from = Point(x: knots[last].x, y: from.y + slope * (knots[last].x - from.x))
        record = run.windows[last].firstRecord
        offset = run.windows[last].start
        low = (knot.y - tolerance - from.y) / (knot.x - from.x)
        high = (knot.y + tolerance - from.y) / (knot.x - from.x)
      }
      last = index
    }
    add(low.isFinite ? (low + high) / 2 : 0)
    return stretches
  }

  private static func stretch(
    of run: StreamTimeline.Run, record: Int, offset: Int64, delay: Int64
  ) -> SoundPart.Stretch {
    SoundPart.Stretch(
      firstRecord: record, timestamp: run.timestamp &+ UInt32(truncatingIfNeeded: offset),
      time: run.time &+ nanoseconds(offset, at: Int(run.clockRate)) &+ delay, clockRate: Int(run.clockRate))
  }
}
