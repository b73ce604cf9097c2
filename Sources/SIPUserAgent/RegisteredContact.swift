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
  /// True once the connection over which it registered is gone and it is called at the address in its Contact.
  package var isCalledAtContact = false

  /// The proxies that stand between, as its REGISTER has collected them (Path, RFC 3327).
  package var path: [NameAddress] = []

  /// The contact as the target of a call or message.
  package var target: Target { Target(uri: uri, flow: flow, routes: path) }

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

  /// The same contact where the connection over which it registered is gone.
  ///
  /// The phone may still listen at the address in its Contact (RFC 3261 §18: "responses, or new requests, are sent on a
  /// new connection"). Where a NAT stands between, or where the Contact names the connection's own port, nobody does.
  /// - Returns: nil if no way leads to it any more; itself if it needs no connection.
  package func withoutConnection() -> RegisteredContact? {
    if !flow.transport.isReliable || isCalledAtContact { return self }
    let port = uri.port ?? 5060
    guard path.isEmpty, flow.transport == .tcp, uri.scheme == "sip", IPAddress(uri.host) == flow.remote.address,
      uri.parameters["transport"]?.equalsIgnoringCase("tcp") == true, port != flow.remote.port
    else { return nil }
    var contact = self
    contact.flow.remote.port = port
    contact.isCalledAtContact = true
    return contact
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
