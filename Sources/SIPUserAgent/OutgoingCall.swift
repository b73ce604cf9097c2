package import SIPMessage

/// A call that we make.
package struct OutgoingCall: Hashable, Sendable {
  package var target: Target
  /// Whom the called party sees; its tag is the user agent's to set.
  package var from: NameAddress
  /// nil: the target's URI.
  package var to: NameAddress?
  /// Further lines: Session-ID, Diversion, P-Asserted-Identity, Privacy, Route ...
  package var headers: Headers
  /// SDP.
  package var offer: [UInt8]
  /// What answers a 401 or 407, once a realm.
  package var credentials: Credentials?
  /// Max-Forwards, 0 to 255; of a branch the caller's less one.
  package var maxForwards: Int

  package init(
    target: Target, from: NameAddress, to: NameAddress? = nil, headers: Headers = Headers(), offer: [UInt8],
    credentials: Credentials? = nil, maxForwards: Int = 70
  ) {
    self.target = target
    self.from = from
    self.to = to
    self.headers = headers
    self.offer = offer
    self.credentials = credentials
    self.maxForwards = maxForwards
  }
}
