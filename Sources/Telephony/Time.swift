/// A point on the monotonic clock, in nanoseconds since an arbitrary start (boot).
///
/// Timers and deadlines are instants: they never jump when somebody sets the wall clock.
package struct Instant: Hashable, Comparable, Sendable {
  /// Nanoseconds since the clock's start.
  package var nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// The instant `interval` later; saturates instead of trapping.
  package static func + (a: Instant, interval: Duration) -> Instant {
    let (sum, overflow) = a.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return Instant(nanoseconds: overflow ? (interval.nanoseconds > 0 ? .max : .min) : sum)
  }

  /// The time from `b` to `a`; saturates instead of trapping.
  package static func - (a: Instant, b: Instant) -> Duration {
    let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
    return .nanoseconds(overflow ? (a > b ? Int64.max : Int64.min) : difference)
  }
}

/// A point on the calendar clock: microseconds since 1970-01-01 00:00:00 UTC.
package struct WallTime: Hashable, Comparable, Sendable {
  /// Microseconds since the Unix epoch.
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  /// Whole seconds since the Unix epoch, rounded down.
  package var unixSeconds: Int64 { microseconds / 1_000_000 - (microseconds % 1_000_000 < 0 ? 1 : 0) }

  package static func < (a: WallTime, b: WallTime) -> Bool { a.microseconds < b.microseconds }

  /// The wall time `interval` later; saturates instead of trapping.
  package static func + (a: WallTime, interval: Duration) -> WallTime {
    let (sum, overflow) = a.microseconds.addingReportingOverflow(interval.nanoseconds / 1000)
    return WallTime(microseconds: overflow ? (interval.nanoseconds > 0 ? .max : .min) : sum)
  }

  /// The time from `b` to `a`; saturates instead of trapping.
  package static func - (a: WallTime, b: WallTime) -> Duration {
    let (difference, overflow) = a.microseconds.subtractingReportingOverflow(b.microseconds)
    return .microseconds(overflow ? (a > b ? Int64.max : Int64.min) : difference)
  }
}

/// Both clocks, read together: what every input of the core carries.
package struct Moment: Hashable, Sendable {
  /// For timers.
  package var instant: Instant
  /// For everything a person will read.
  package var wall: WallTime

  package init(instant: Instant, wall: WallTime) {
    self.instant = instant
    self.wall = wall
  }

  /// Both clocks `interval` later.
  package static func + (a: Moment, interval: Duration) -> Moment {
    Moment(instant: a.instant + interval, wall: a.wall + interval)
  }
}

extension Duration {
  /// The whole duration in nanoseconds; saturates beyond ±292 years.
  package var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds > 0 ? .max : .min }
    let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carried ? (seconds > 0 ? .max : .min) : sum
  }

  /// The whole duration in milliseconds, rounded towards zero.
  package var milliseconds: Int64 { nanoseconds / 1_000_000 }

  /// The duration in seconds, with its fraction.
  package var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
