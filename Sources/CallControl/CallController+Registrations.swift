package import SIPUserAgent
package import Telephony

/// Phones that have registered, for a store that keeps them over a restart.
extension CallController {
  /// Every living contact.
  package func registrations(at now: Instant) -> [StoredRegistration] { userAgent.registrations(at: now) }

  /// Takes back what was stored; before the first message.
  package mutating func restore(_ stored: [StoredRegistration], at now: Moment) { userAgent.restore(stored, at: now) }
}
