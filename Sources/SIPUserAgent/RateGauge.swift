import Telephony

/// How much of an allowance is used up: it fills with what is done and drains steadily, so that in any stretch of time no
/// more passes than the allowance and what it regains (the generic cell rate algorithm of ITU-T I.371).
struct RateGauge: Hashable, Sendable {
  /// When all of it will have drained.
  private var empty = Instant(nanoseconds: .min)

  /// How long it takes to drain.
  func level(at now: Instant) -> Duration { empty > now ? empty - now : .zero }

  /// Adds one, if the allowance of `count` in each `period` has room for it.
  /// - Returns: false if it has none; nothing is added then.
  mutating func take(of count: Int, in period: Duration, at now: Instant) -> Bool {
    let full = max(empty, now) + .nanoseconds(period.nanoseconds / Int64(max(count, 1)))
    guard full - now <= period else { return false }
    empty = full
    return true
  }
}
