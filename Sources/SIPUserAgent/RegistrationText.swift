import SIPMessage
import Telephony

/// Registrations as a store keeps them: a line that tells the version, then one contact a line, `key=value` each.
///
///     pikett-registrations 1
///     user=731 contact=sip:731@10.0.0.7:5060 by=UDP local=192.0.2.1:5060 remote=203.0.113.7:40000 q=1000 …
///
/// Blanks and what is not ASCII are percent-encoded. Times are microseconds since 1970, UTC. No secrets stand in it.
package enum RegistrationText {
  private static let head = "pikett-registrations 1"

  /// The whole file.
  package static func bytes(_ stored: [StoredRegistration]) -> [UInt8] {
    Array(([head] + stored.map(line)).map { $0 + "\n" }.joined().utf8)
  }

  /// Reads a file.
  /// - Returns: what could be read, and a sentence for each line that could not. `expiresAt` follows from the wall's
  ///   clock when the contacts are restored.
  package static func read(_ bytes: [UInt8]) -> (registrations: [StoredRegistration], faults: [String]) {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard lines.first == head else { return ([], ["line 1: expected '\(head)'"]) }
    var found: [StoredRegistration] = []
    var faults: [String] = []
    for (index, line) in lines.enumerated().dropFirst() where !line.isEmpty {
      // A line without its end has been cut off.
      if index < lines.count - 1, let registration = registration(line) {
        found.append(registration)
      } else {
        faults.append("line \(index + 1): no registration can be read in it")
      }
    }
    return (found, faults)
  }

  private static func line(_ stored: StoredRegistration) -> String {
    let contact = stored.contact
    var fields = [
      ("user", stored.user), ("contact", contact.uri.description), ("by", contact.flow.transport.rawValue),
      ("local", "\(contact.flow.local)"), ("remote", "\(contact.flow.remote)"), ("q", "\(contact.preference)"),
      ("expires", "\(contact.expiresAtWall.microseconds)"), ("registered", "\(contact.registeredAt.microseconds)"),
      ("call-id", contact.callID), ("cseq", "\(contact.cseq)"),
    ]
    if let agent = contact.userAgent { fields.append(("agent", agent)) }
    if contact.isCalledAtContact { fields.append(("called", "contact")) }
    if !contact.path.isEmpty { fields.append(("path", contact.path.map(\.description).joined(separator: ","))) }
    return fields.map { "\($0)=\(encoded($1))" }.joined(separator: " ")
  }

  private static func registration(_ line: String) -> StoredRegistration? {
    var fields: [String: String] = [:]
    for part in line.split(separator: " ") {
      guard let equals = part.firstIndex(of: "="), let value = decoded(part[part.index(after: equals)...]),
        fields.updateValue(value, forKey: String(part[..<equals])) == nil
      else { return nil }
    }
    guard let user = fields["user"], !user.isEmpty, let uri = fields["contact"].flatMap({ try? SIPURI($0) }), uri.isSIP,
      let transport = fields["by"].flatMap(Transport.init(rawValue:)),
      let local = fields["local"].flatMap({ Endpoint($0) }),
      let remote = fields["remote"].flatMap({ Endpoint($0) }), let preference = fields["q"].flatMap({ Int($0) }),
      (0...1000).contains(preference), let expires = fields["expires"].flatMap({ Int64($0) }),
      let registered = fields["registered"].flatMap({ Int64($0) }), let callID = fields["call-id"],
      let cseq = fields["cseq"].flatMap({ UInt32($0) })
    else { return nil }
    var contact = RegisteredContact(
      uri: uri, flow: Flow(transport, local: local, remote: remote), preference: preference,
      expiresAt: Instant(nanoseconds: 0), expiresAtWall: WallTime(microseconds: expires),
      registeredAt: WallTime(microseconds: registered), callID: callID, cseq: cseq, userAgent: fields["agent"])
    contact.isCalledAtContact = fields["called"] == "contact"
    if let path = fields["path"] {
      guard let routes = Headers([("Path", path)]).looseRoutes("Path") else { return nil }
      contact.path = routes
    }
    return StoredRegistration(user: user, contact: contact)
  }

  private static func encoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if byte > 0x20, byte < 0x7F, byte != 0x25 {
        bytes.append(byte)
      } else {
        bytes += [0x25] + [byte >> 4, byte & 15].map { $0 < 10 ? $0 + 0x30 : $0 + 0x37 }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte != 0x25 {
        bytes.append(byte)
      } else {
        guard rest.count >= 2, let value = UInt8(Substring(rest.prefix(2)), radix: 16) else { return nil }
        bytes.append(value)
        rest = rest.dropFirst(2)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
