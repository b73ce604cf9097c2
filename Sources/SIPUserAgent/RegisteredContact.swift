package import SIPMessage
package import Telephony

/// One place where a user's phone has registered (RFC 3261 §10.3).
package struct RegisteredContact: Hashable, Sendable {
  /// The Contact as the phone wrote it, to become the Request-URI.
  package var uri: SIPURI
  /// The way the REGISTER came, and the way we call back: it leads through the phone's NAT.
  package var flow: Flow
  /// Preference in thousandths, 0 to 1000; 1000 where the phone names none.
  package var preference: Int
  package var expiresAt: Instant
  /// The same point on the wall's clock, for the store and for people.
  package var expiresAtWall: WallTime
  /// When it was last written, for the order among equals.
  package var registeredAt: WallTime
  package var callID: String
  package var cseq: UInt32
  package var userAgent: String?

  /// The contact as the target of a call or message.
  package var target: Target { Target(uri: uri, flow: flow) }

  package init(
    uri: SIPURI, flow: Flow, preference: Int = 1000, expiresAt: Instant, expiresAtWall: WallTime,
    registeredAt: WallTime, callID: String, cseq: UInt32, userAgent: String? = nil
  ) {
    self.uri = uri
    self.flow = flow
    self.preference = preference
    self.expiresAt = expiresAt
    self.expiresAtWall = expiresAtWall
    self.registeredAt = registeredAt
    self.callID = callID
    self.cseq = cseq
    self.userAgent = userAgent
  }
}

/// A user and one of his contacts, as a store keeps them over a restart.
package struct StoredRegistration: Hashable, Sendable {
  package var user: String
  package var contact: RegisteredContact

  package init(user: String, contact: RegisteredContact) {
    self.user = user
    self.contact = contact
  }
}
