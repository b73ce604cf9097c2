package import SIPMessage
package import Telephony

/// What is worth a line in the log; never holds a secret. Texts of strangers are cut to 64 characters.
package enum UserAgentNote: Hashable, Sendable {
  /// A wrong password or an unknown user.
  case authenticationFailed(user: String, source: Endpoint)
  /// A correct proof used twice: its nonce count had been seen.
  case replayed(user: String, source: Endpoint)
  /// A request of an identified peer refused by the user agent itself.
  case refused(method: Method, status: Int, source: Endpoint)
  /// Several trunks call from this address and nothing tells them apart; the first by name is taken.
  case ambiguousTrunk(names: [String], source: Endpoint)
  case registered(user: String, contact: String, seconds: Int, source: Endpoint)
  case unregistered(user: String, contact: String)
  case registrationRefused(user: String, status: Int, source: Endpoint)
  /// This source asks too much of a stranger: it gets no answer for so long, and longer with each relapse, of which
  /// nothing more is said.
  case silenced(Endpoint, Misconduct, Duration)
  /// The same source is heard again, having been silenced for so long.
  case heardAgain(Endpoint, after: Duration)
  /// So many notes about strangers were left out before the one that follows.
  case untold(Int)
  /// A second 2xx, or one after our CANCEL: acknowledged and ended.
  case extraAnswer(LegID)
  /// Our 2xx, or our reliable provisional response, was never acknowledged; the leg is ended by BYE, or refused.
  case neverAcknowledged(LegID)
  /// The peer has not refreshed the session in time (RFC 4028 §10): we do it from now on.
  case sessionExpired(LegID)
  /// The peer wants a password for this realm and ours is missing or did not suit.
  case challengeUnanswered(realm: String, source: Endpoint)
  /// A message that makes no sense where it came: what, and from where.
  case protocolFault(ProtocolFault, source: Endpoint)
}

/// For what a stranger is silenced.
package enum Misconduct: Hashable, Sendable {
  /// Many requests without a password, connections, or bytes that are no SIP.
  case scanning
  /// Many wrong passwords.
  case guessing
}

/// What a peer did that the RFC forbids.
package enum ProtocolFault: Hashable, Sendable {
  case outOfOrder
  case noDialog(Method)
  case strayResponse(Int)
}
