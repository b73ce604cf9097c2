package import Telephony

/// How far the sending of a message has got, and when it is tried next.
///
/// With each provider a message is tried after 10 s, 20 s, 40 s … 15 min, for 24 h; then with the next provider; after
/// the last it has failed. What a provider refuses (rather than being out of reach) goes to the next one at once, or has
/// failed: the same request would be refused again.
package struct RetryState: Hashable, Sendable {
  /// How often it was tried with this provider.
  package var attempts = 0
  /// The provider's name; empty: the first.
  package var provider = ""
  /// When the first attempt with this provider was due.
  package var since: WallTime
  /// When it is tried next.
  package var due: WallTime
  /// Why it was not sent at the last attempt.
  package var reason = ""

  package init(due: WallTime) {
    since = due
    self.due = due
  }

  /// The longest pause.
  package static let longestPause = Duration.seconds(15 * 60)
  /// How long one provider is tried.
  package static let patience = Duration.seconds(24 * 3600)

  /// What became of an attempt.
  package enum Failure: Hashable, Sendable {
    /// Out of reach, or busy: it may work later.
    case passing(String)
    /// The provider has understood and will not.
    case refused(String)
  }

  /// True if it is time. A due time beyond the longest pause is one of a clock that was wrong.
  package func isDue(at now: WallTime) -> Bool { due <= now || due > now + RetryState.longestPause }

  /// Takes note of an attempt that failed.
  ///
  /// - Parameters:
  ///   - current: the provider that was tried.
  ///   - providers: all that can be tried, in order; never empty where an attempt was made.
  /// - Returns: false if there is nothing left to try: the message has failed.
  package mutating func failed(
    _ failure: Failure, with current: String, of providers: [String], at now: WallTime
  ) -> Bool {
    let isRefusal: Bool
    switch failure {
    case .passing(let text): (reason, isRefusal) = (text, false)
    case .refused(let text): (reason, isRefusal) = (text, true)
    }
    provider = current
    attempts += 1
    // A wall clock that was set back must not lengthen the time.
    if since > now { since = now }
    let next = providers.firstIndex(of: current).flatMap { $0 + 1 < providers.count ? providers[$0 + 1] : nil }
    let isOver = now - since >= RetryState.patience
    if isOver || isRefusal, let next {
      provider = next
      attempts = 0
      since = now
      due = now
      return true
    }
    if isOver || isRefusal { return false }
    let doublings = min(attempts - 1, 16)
    due = now + min(.seconds(10 << doublings), RetryState.longestPause)
    return true
  }

  /// What kept the message back may be over: it is tried at once, and the pauses begin anew. Its 24 h go on.
  package mutating func hasten(at now: WallTime) {
    attempts = 0
    due = now
  }

  /// Begins anew, at once, with the first provider.
  package mutating func restart(at now: WallTime) {
    let reason = reason
    self = RetryState(due: now)
    self.reason = reason
  }
}
