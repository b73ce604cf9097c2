package import SIPMessage

/// What became of a REGISTER of ours.
package enum RegistrationOutcome: Hashable, Sendable {
  case answered(RegistrationAnswer)
  case silence
  /// It did not leave, or the connection broke.
  case transportFailed

  /// The final status; 408 for silence, 503 for a broken transport (RFC 3261 §8.1.3.1).
  package var status: Int {
    switch self {
    case .answered(let answer): answer.status
    case .silence: 408
    case .transportFailed: 503
    }
  }
}

/// A registrar's final answer.
package struct RegistrationAnswer: Hashable, Sendable {
  package var status: Int
  package var reason: String
  /// With a 2xx: the seconds granted to our Contact.
  package var expires: Int?
  /// With a 423: the least it would grant.
  package var minExpires: Int?
  /// Seconds after which it wants to be asked again.
  package var retryAfter: Int?
  /// With a 2xx: the proxies through which our requests are to go (RFC 3608).
  package var serviceRoute: [NameAddress]

  package init(
    status: Int, reason: String = "", expires: Int? = nil, minExpires: Int? = nil, retryAfter: Int? = nil,
    serviceRoute: [NameAddress] = []
  ) {
    self.status = status
    self.reason = reason
    self.expires = expires
    self.minExpires = minExpires
    self.retryAfter = retryAfter
    self.serviceRoute = serviceRoute
  }

  package var isSuccess: Bool { (200..<300).contains(status) }
}
