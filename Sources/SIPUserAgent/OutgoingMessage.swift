package import SIPMessage

/// A MESSAGE that we send outside of any dialog (RFC 3428).
package struct OutgoingMessage: Hashable, Sendable {
  package var target: Target
  /// Its tag is the user agent's to set.
  package var from: NameAddress
  /// nil: the target's URI.
  package var to: NameAddress?
  /// Such as `text/plain;charset=UTF-8`.
  package var contentType: String
  package var body: [UInt8]
  /// What answers a 401 or 407, once a realm.
  package var credentials: Credentials?
  package var headers: Headers

  package init(
    target: Target, from: NameAddress, to: NameAddress? = nil, contentType: String = "text/plain;charset=UTF-8",
    body: [UInt8], credentials: Credentials? = nil, headers: Headers = Headers()
  ) {
    self.target = target
    self.from = from
    self.to = to
    self.contentType = contentType
    self.body = body
    self.credentials = credentials
    self.headers = headers
  }
}
