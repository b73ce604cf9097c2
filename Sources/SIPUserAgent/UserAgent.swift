package import SIPMessage

package import SIPTransaction
package import Telephony

/// Dialogs, INVITE sessions, registrar, MESSAGE and OPTIONS over the transaction layer, as one value (RFC 3261 §8-§15).
package struct UserAgent: Sendable {
  package var settings: UserAgentSettings
  private let digest: DigestFunctions
  private let random: RandomSource
  private var nextLeg: UInt64

  /// - Parameters:
  ///   - random: tags, Call-IDs, branches and the nonces' key come from here.
  ///   - firstLeg: the number of the first leg.
  package init(
    settings: UserAgentSettings, digest: DigestFunctions, random: RandomSource, firstLeg: UInt64 = 1
  ) {
    self.settings = settings
    self.digest = digest
    self.random = random
    nextLeg = firstLeg
  }

  /// When `timersDue` is to be called; nil: no timer runs.
  package var nextDeadline: Instant? { nil }

  package mutating func handle(_ input: UserAgentInput, at now: Moment) -> [UserAgentAction] { [] }

  /// Where `user` can be reached at `now`: highest preference first, among equals the newest first.
  package func contacts(of user: String, at now: Instant) -> [RegisteredContact] { [] }

  /// A number for the next leg.
  package mutating func newLegID() -> LegID {
    defer { nextLeg &+= 1 }
    return LegID(rawValue: nextLeg)
  }

  /// Every living contact, for a store; ordered by user, then as `contacts` orders them.
  package func registrations(at now: Instant) -> [StoredRegistration] { [] }

  /// Takes back what a store has kept. Contacts that came over a connection are dropped: it is gone.
  package mutating func restore(_ stored: [StoredRegistration], at now: Moment) {}
}
