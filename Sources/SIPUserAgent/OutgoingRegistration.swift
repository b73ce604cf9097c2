package import SIPMessage

/// A REGISTER that we send to a provider's registrar (RFC 3261 §10.2); the owner repeats it before it expires.
package struct OutgoingRegistration: Hashable, Sendable {
  /// The registrar: a URI without a user.
  package var target: Target
  /// The address of record, in From and To.
  package var addressOfRecord: NameAddress
  /// The unique user part of our Contact, by which the provider's calls are known.
  package var contactUser: String
  /// Seconds asked for; 0 takes the registration back.
  package var expires: Int
  package var credentials: Credentials?
  package var headers: Headers

  package init(
    target: Target, addressOfRecord: NameAddress, contactUser: String, expires: Int, credentials: Credentials?,
    headers: Headers = Headers()
  ) {
    self.target = target
    self.addressOfRecord = addressOfRecord
    self.contactUser = contactUser
    self.expires = expires
    self.credentials = credentials
    self.headers = headers
  }
}
