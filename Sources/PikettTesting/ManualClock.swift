package import Telephony

/// Both clocks of a test, moved by hand.
package struct ManualClock: Sendable {
  package private(set) var now: Moment
  private let start: Moment

  /// - Parameter start: the original article's own minute, 12 October 2012, 14:00:00 UTC, if nothing else is said.
  package init(start: Moment = .testStart) {
    self.start = start
    now = start
  }

  /// Moves both clocks on.
  package mutating func advance(by interval: Duration) { advance(to: now.instant + interval) }

  /// Moves both clocks on to `instant`; an instant that has passed leaves them where they are.
  package mutating func advance(to instant: Instant) {
    // Counted from the start, so that the calendar's microseconds do not add up their rounding.
    if instant > now.instant { now = start + (instant - start.instant) }
  }
}

extension Moment {
  /// Zero on the monotonic clock, 12 October 2012, 14:00:00 UTC on the calendar.
  package static let testStart = Moment(
    instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_050_400_000_000))
}
