import Telephony

/// A server's question for credentials: WWW-Authenticate or Proxy-Authenticate (RFC 3261 §20.44, §22.4, RFC 8760).
package struct DigestChallenge: Hashable, Sendable {
  package var realm: String
  package var nonce: String
  package var opaque: String?
  /// As written, such as `MD5` or `SHA-256`; nil means MD5.
  package var algorithm: String?
  /// The offered qualities of protection in lower case, such as `auth`; empty for a server of RFC 2069.
  package var qop: [String]
  /// True if only the nonce was too old and the password may well have been right.
  package var isStale: Bool
  package var domain: String?

  package init(
    realm: String, nonce: String, opaque: String? = nil, algorithm: String? = nil, qop: [String] = [],
    isStale: Bool = false, domain: String? = nil
  ) {
    self.realm = realm
    self.nonce = nonce
    self.opaque = opaque
    self.algorithm = algorithm
    self.qop = qop
    self.isStale = isStale
    self.domain = domain
  }
}

extension DigestChallenge: CustomStringConvertible {
  /// - Throws: `malformed`, also for another scheme than Digest; `missing` for realm or nonce.
  package init(_ text: String) throws(HeaderError) {
    let fields = try AuthenticationFields(text)
    self.init(
      realm: try fields.needed("realm"), nonce: try fields.needed("nonce"), opaque: fields["opaque"],
      algorithm: fields["algorithm"], qop: splitHeaderList(fields["qop"] ?? "").map(\.asciiLowercased),
      isStale: fields["stale"]?.equalsIgnoringCase("true") ?? false, domain: fields["domain"])
  }

  /// The header's value.
  package var description: String {
    var fields = [("realm", quotedString(realm)), ("nonce", quotedString(nonce))]
    if let domain { fields.append(("domain", quotedString(domain))) }
    if let opaque { fields.append(("opaque", quotedString(opaque))) }
    if isStale { fields.append(("stale", "true")) }
    if let algorithm { fields.append(("algorithm", tokenOnly(algorithm))) }
    if !qop.isEmpty { fields.append(("qop", quotedString(qop.joined(separator: ",")))) }
    return digestText(fields)
  }
}

/// A client's answer: Authorization or Proxy-Authorization (RFC 3261 §20.7, §22.4, RFC 8760).
package struct DigestCredentials: Hashable, Sendable {
  package var username: String
  package var realm: String
  package var nonce: String
  /// digest-uri: as written, it goes into the hash byte for byte.
  package var uri: String
  /// Lower-case hexadecimal digits.
  package var response: String
  /// As written; nil means MD5.
  package var algorithm: String?
  package var cnonce: String?
  package var opaque: String?
  /// As written, usually `auth`; nil for a client of RFC 2069.
  package var qop: String?
  /// nonce-count: eight hexadecimal digits as written, which go into the hash.
  package var nc: String?

  package init(
    username: String, realm: String, nonce: String, uri: String, response: String, algorithm: String? = nil,
    cnonce: String? = nil, opaque: String? = nil, qop: String? = nil, nc: String? = nil
  ) {
    self.username = username
    self.realm = realm
    self.nonce = nonce
    self.uri = uri
    self.response = response
    self.algorithm = algorithm
    self.cnonce = cnonce
    self.opaque = opaque
    self.qop = qop
    self.nc = nc
  }
}

extension DigestCredentials: CustomStringConvertible {
  /// - Throws: `malformed`, also for another scheme than Digest; `missing` for username, realm, nonce, uri or response.
  package init(_ text: String) throws(HeaderError) {
    let fields = try AuthenticationFields(text)
    self.init(
      username: try fields.needed("username"), realm: try fields.needed("realm"), nonce: try fields.needed("nonce"),
      uri: try fields.needed("uri"), response: try fields.needed("response").asciiLowercased,
      algorithm: fields["algorithm"], cnonce: fields["cnonce"], opaque: fields["opaque"], qop: fields["qop"],
      nc: fields["nc"])
  }

  /// The header's value; holds what an eavesdropper could attack, so it belongs in no log.
  package var description: String {
    var fields = [
      ("username", quotedString(username)), ("realm", quotedString(realm)), ("nonce", quotedString(nonce)),
      ("uri", quotedString(uri)), ("response", quotedString(response)),
    ]
    if let algorithm { fields.append(("algorithm", tokenOnly(algorithm))) }
    if let cnonce { fields.append(("cnonce", quotedString(cnonce))) }
    if let opaque { fields.append(("opaque", quotedString(opaque))) }
    if let qop { fields.append(("qop", tokenOnly(qop))) }
    if let nc { fields.append(("nc", tokenOnly(nc))) }
    return digestText(fields)
  }
}

extension Headers {
  /// Every Digest challenge of `name` (WWW-Authenticate or Proxy-Authenticate), in order; other schemes and lines that
  /// cannot be read are passed over, as RFC 3261 §22.1 lets a client choose what it understands.
  package func digestChallenges(_ name: HeaderName) -> [DigestChallenge] {
    lines(name).compactMap { try? DigestChallenge($0) }
  }

  /// Every Digest answer of `name` (Authorization or Proxy-Authorization), in order; other schemes and lines that
  /// cannot be read are passed over, so that they are challenged anew.
  package func digestCredentials(_ name: HeaderName) -> [DigestCredentials] {
    lines(name).compactMap { try? DigestCredentials($0) }
  }
}

/// `"Digest" LWS name=value *(COMMA name=value)`.
struct AuthenticationFields {
  private var items: [(name: String, value: String)] = []

  init(_ text: String) throws(HeaderError) {
    var scanner = TextScanner(text)
    scanner.skipBlanks()
    let scheme = scanner.run(.token)
    guard scanner.text(scheme).equalsIgnoringCase("Digest"), scanner.next == 0x20 || scanner.next == 0x09 else {
      throw HeaderError(.malformed, "expected the scheme Digest")
    }
    for range in listRanges(scanner) {
      var part = TextScanner(scanner.bytes, range)
      let name = part.run(.token)
      part.skipBlanks()
      guard !name.isEmpty, part.take(0x3D) else { throw HeaderError(.malformed, "expected name=value") }
      part.skipBlanks()
      let value: String
      if part.next == 0x22 {
        value = try part.quotedString()
        part.skipBlanks()
        guard part.isAtEnd else { throw HeaderError(.malformed, "expected a comma behind a quoted value") }
      } else {
        value = part.text(part.rest)
      }
      items.append((part.text(name), value))
    }
  }

  subscript(name: String) -> String? { items.first { $0.name.equalsIgnoringCase(name) }?.value }

  func needed(_ name: String) throws(HeaderError) -> String {
    guard let value = self[name] else { throw HeaderError(.missing, "\(name) is missing") }
    return value
  }
}

private func digestText(_ fields: [(String, String)]) -> String {
  "Digest " + fields.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
}
