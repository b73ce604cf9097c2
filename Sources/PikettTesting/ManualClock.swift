package import Telephony

/// Both clocks of a test, moved by hand.
package struct ManualClock: Sendable {
  package private(set) var now: Moment

  /// - Parameter start: the seed article's own minute, 12 October 2012, 14:00:00 UTC, if nothing else is said.
  package init(start: Moment = .testStart) { now = start }

  /// Moves both clocks on.
  package mutating func advance(by interval: Duration) { now = now + interval }

  /// Moves both clocks on to `instant`; an instant that has passed leaves them where they are.
  package mutating func advance(to instant: Instant) {
    if instant > now.instant { now = now + (instant - now.instant) }
  }
}

extension Moment {
  /// Zero on the monotonic clock, 12 October 2012, 14:00:00 UTC on the calendar.
  package static let testStart = Moment(
    instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_050_400_000_000))
}
