import SIPMessage

/// "All registrations from a UAC SHOULD use the same Call-ID header field value for registrations sent to a particular
/// registrar", with rising numbers (RFC 3261 §10.2); and the same challenge answered as long as its nonce serves. Bounded.
struct RegistrationSeries: Sendable {
  struct ID: Hashable, Sendable {
    var contactUser: String
    var addressOfRecord: SIPURI
  }

  private struct Entry: Sendable {
    var id: ID
    var callID: String
    var number: UInt32
    var credentials: Credentials?
    var authentication: DigestClient
  }

  private var entries: [Entry] = []
  private static let limit = 256

  /// The Call-ID and number of the next REGISTER, and what is known of the registrar's challenge.
  mutating func next(
    _ registration: OutgoingRegistration, newCallID: String
  ) -> (id: ID, callID: String, number: UInt32, authentication: DigestClient) {
    let id = ID(contactUser: registration.contactUser, addressOfRecord: registration.addressOfRecord.uri)
    let credentials = registration.credentials
    let known = entries.firstIndex { $0.id == id }
    var entry =
      known.map { entries.remove(at: $0) }
      ?? Entry(
        id: id, callID: newCallID, number: 0, credentials: credentials, authentication: DigestClient(credentials))
    if entry.credentials != credentials {
      entry.credentials = credentials
      entry.authentication = DigestClient(credentials)
    }
    entry.number &+= 1
    // The one used last is the last to go.
    if entries.count >= Self.limit { entries.removeFirst() }
    entries.append(entry)
    return (id, entry.callID, entry.number, entry.authentication)
  }

  /// A challenged request went out again under this number.
  mutating func used(_ number: UInt32, _ id: ID) {
    guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
    entries[index].number = max(entries[index].number, number)
  }

  /// Answers that were accepted serve again; nil: begin without any.
  mutating func keep(_ authentication: DigestClient?, for id: ID) {
    guard let index = entries.firstIndex(where: { $0.id == id }) else { return }
    entries[index].authentication = authentication ?? DigestClient(entries[index].credentials)
  }
}
