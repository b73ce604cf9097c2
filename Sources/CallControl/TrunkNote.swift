package import Telephony

/// What a trunk has to say; once a change, not once an attempt.
package enum TrunkNote: Hashable, Sendable {
  /// It has taken our registration for so many seconds: for the first time, at another place, or again after a failure.
  case registered(at: Endpoint, seconds: Int)
  /// It refuses our registration. 401, 403 and 407 mean Login.txt, AuthUser.txt or Password.txt; 404 Login.txt or
  /// Domain.txt.
  case registrationRefused(status: Int, reason: String, at: Endpoint)
  /// Nobody answers our registration, or only with 5xx, at any of its places.
  case registrationUnanswered(at: Endpoint, status: Int?)
  /// Our registration has been taken back.
  case unregistered(at: Endpoint)
  /// Nothing has ever come from there, not even an answer to OPTIONS: it may be the wrong address.
  case unheard(Endpoint)
  /// A place that answered OPTIONS does so no longer.
  case silent(Endpoint)
  /// It shows life again, or for the first time after `unheard`.
  case back(Endpoint)
  /// No address is known for these hosts, so the trunk cannot be reached.
  case unresolved([String])
}
