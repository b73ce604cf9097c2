import Telephony

/// A `sip:`, `sips:` or `tel:` URI (RFC 3261 §19.1, RFC 3966); any other scheme is kept as it stands.
package struct SIPURI: Hashable, Sendable {
  /// In lower case.
  package var scheme: String
  /// Percent-decoded; nil if there is no `@`. Of a `tel:` URI: the number.
  package var user: String?
  /// Percent-decoded.
  package var password: String?
  /// A name or an address as written, IPv6 in brackets; empty for schemes other than sip and sips.
  package var host: String
  package var port: UInt16?
  /// As written, escapes included; what should have been escaped is.
  package var parameters: Parameters
  /// What stands behind `?`, as written.
  package var headers: String?
  /// What stands behind the colon of a scheme that is neither sip, sips nor tel.
  package var opaque: String?

  package init(
    scheme: String = "sip", user: String? = nil, host: String, port: UInt16? = nil,
    parameters: Parameters = Parameters()
  ) {
    self.scheme = scheme
    self.user = user
    self.password = nil
    self.host = host
    self.port = port
    self.parameters = parameters
    self.headers = nil
    self.opaque = nil
  }

  package var isSIP: Bool { scheme == "sip" || scheme == "sips" }
}

extension SIPURI: CustomStringConvertible {
  /// Reads `text`, which holds the URI and nothing else.
  ///
  /// More tolerant than the grammar where the meaning is plain: characters in the user part that should be escaped,
  /// an underscore in the host.
  /// - Throws: `malformed`, or `outOfRange` for the port.
  package init(_ text: String) throws(HeaderError) {
    let bytes = wireBytes(text)
    try self.init(bytes, 0..<bytes.count)
  }

  init(_ bytes: [UInt8], _ range: Range<Int>) throws(HeaderError) {
    var scanner = TextScanner(bytes, range)
    let name = scanner.run(.scheme)
    guard let first = bytes[name].first, first.isASCIILetter, scanner.take(0x3A) else {
      throw HeaderError(.malformed, "expected a URI that begins with its scheme, such as sip:")
    }
    for byte in bytes[scanner.rest] where byte <= 0x20 || byte == 0x7F || byte == 0x22 || byte == 0x3C || byte == 0x3E {
      throw HeaderError(.malformed, "a URI holds no blanks, quotes or angle brackets")
    }
    self.init(scheme: scanner.text(name).asciiLowercased, host: "")
    switch scheme {
    case "sip", "sips": try readSIP(&scanner)
    case "tel": try readTelephone(&scanner)
    default:
      guard !scanner.isAtEnd else { throw HeaderError(.malformed, "nothing stands behind the URI's scheme") }
      opaque = uriEscaped(scanner.text(scanner.rest), .opaque)
    }
  }

  private mutating func readSIP(_ scanner: inout TextScanner) throws(HeaderError) {
    if let at = scanner.first(0x40) {
      let name = scanner.run(until: 0x3A, 0x40)
      // "sip:@host" is sent by some peers for an anonymous caller.
      if !name.isEmpty { user = try percentDecoded(scanner.bytes, name) }
      if scanner.take(0x3A) { password = try percentDecoded(scanner.bytes, scanner.index..<at) }
      scanner.move(to: at + 1)
    }
    host = try readHost(&scanner)
    port = try readPort(&scanner)
    try readParameters(&scanner)
    if scanner.take(0x3F) {
      headers = uriEscaped(scanner.text(scanner.rest), .uriHeaders)
      scanner.move(to: scanner.end)
    }
    guard scanner.isAtEnd else { throw HeaderError(.malformed, "unexpected characters behind the URI's host") }
  }

  private mutating func readTelephone(_ scanner: inout TextScanner) throws(HeaderError) {
    let number = scanner.run(until: 0x3B)
    guard !number.isEmpty else { throw HeaderError(.malformed, "a tel: URI lacks its number") }
    user = try percentDecoded(scanner.bytes, number)
    try readParameters(&scanner)
    guard scanner.isAtEnd else { throw HeaderError(.malformed, "unexpected characters behind a tel: URI") }
  }

  private mutating func readParameters(_ scanner: inout TextScanner) throws(HeaderError) {
    while scanner.take(0x3B) {
      if scanner.isAtEnd || scanner.next == 0x3F { return }
      let name = scanner.run(until: 0x3B, 0x3D, 0x3F)
      guard !name.isEmpty else { throw HeaderError(.malformed, "expected a URI parameter's name behind ;") }
      guard parameters.items.count < Parameters.most else { throw HeaderError(.malformed, "too many parameters") }
      var value: String?
      if scanner.take(0x3D) {
        let content = scanner.run(until: 0x3B, 0x3F)
        value = content.isEmpty ? nil : uriEscaped(scanner.text(content), .uriParameter)
      }
      parameters.append(Parameters.Item(name: uriEscaped(scanner.text(name), .uriParameter), value: value))
    }
  }

  /// As it stands in a message. Reading it again gives the same URI.
  package var description: String {
    switch scheme {
    case "sip", "sips":
      var text = scheme + ":"
      if user != nil || password != nil {
        text += percentEncoded(user ?? "", .user)
        if let password { text += ":" + percentEncoded(password, .password) }
        text += "@"
      }
      text += hostText(host)
      if let port { text += ":\(port)" }
      text += parameters.uriText
      if let headers { text += "?" + uriEscaped(headers, .uriHeaders) }
      return text
    case "tel":
      return "tel:" + percentEncoded(user ?? "", .telephone) + parameters.uriText
    default:
      return tokenOnly(scheme) + ":" + uriEscaped(opaque ?? "", .opaque)
    }
  }
}

/// `hostname`, `IPv4address` or `IPv6reference` (RFC 3261 §25.1).
func readHost(_ scanner: inout TextScanner) throws(HeaderError) -> String {
  if scanner.next == 0x5B {
    let start = scanner.index
    _ = scanner.run(until: 0x5D)
    guard scanner.take(0x5D) else { throw HeaderError(.malformed, "an IPv6 address lacks its closing bracket") }
    let text = scanner.text(start..<scanner.index)
    guard let address = IPAddress(text), address.isIPv6 else {
      throw HeaderError(.malformed, "expected an IPv6 address in the brackets")
    }
    return text
  }
  let name = scanner.run(.host)
  guard !name.isEmpty else { throw HeaderError(.malformed, "expected a host name or address") }
  return scanner.text(name)
}

/// `[":" port]`; blanks around the colon as in Via.
func readPort(_ scanner: inout TextScanner) throws(HeaderError) -> UInt16? {
  guard scanner.take(0x3A) else { return nil }
  scanner.skipBlanks()
  let start = scanner.index
  while let byte = scanner.next, byte.isASCIIDigit { scanner.advance() }
  guard scanner.index > start else { throw HeaderError(.malformed, "expected a port behind the host's colon") }
  guard let port = decimal(scanner.bytes[start..<scanner.index]).flatMap(UInt16.init(exactly:)) else {
    throw HeaderError(.outOfRange, "a port is at most 65535")
  }
  return port
}

/// A host that cannot break out of its place: what a host may not hold becomes `-`.
func hostText(_ host: String) -> String {
  let isAllowed: (UInt8) -> Bool = { ByteSet.host.contains($0) || $0 == 0x5B || $0 == 0x5D || $0 == 0x3A }
  if host.utf8.allSatisfy(isAllowed) { return host }
  return String(decoding: host.utf8.map { isAllowed($0) ? $0 : 0x2D }, as: UTF8.self)
}
