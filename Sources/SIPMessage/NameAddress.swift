/// A display name, a URI and header parameters: From, To, Contact, Route, P-Asserted-Identity (RFC 3261 §20.10).
package struct NameAddress: Hashable, Sendable {
  /// Without its quotes; nil if there is none.
  package var displayName: String?
  package var uri: SIPURI
  /// The header's own parameters, such as `tag`, outside the angle brackets.
  package var parameters: Parameters

  package init(_ uri: SIPURI, displayName: String? = nil, parameters: Parameters = Parameters()) {
    self.uri = uri
    self.displayName = displayName
    self.parameters = parameters
  }

  package var tag: String? {
    get { parameters["tag"] }
    set { parameters["tag"] = newValue }
  }
}

extension NameAddress: CustomStringConvertible {
  /// Reads one `name-addr` or `addr-spec` with its parameters.
  ///
  /// Without angle brackets everything behind `;` belongs to the header, not to the URI (RFC 3261 §20), and a `?`
  /// there is refused. Tolerated: an unquoted display name with any characters before `<`, blanks inside the brackets.
  /// - Throws: `malformed`, or `outOfRange` for the URI's port.
  package init(_ text: String) throws(HeaderError) {
    try self.init(TextScanner(text))
  }

  /// Every element of a comma-separated header value, in order; empty elements are passed over.
  package static func list(_ text: String) throws(HeaderError) -> [NameAddress] {
    let scanner = TextScanner(text)
    var addresses: [NameAddress] = []
    for range in try listRanges(scanner).checkedForNumber() {
      addresses.append(try NameAddress(TextScanner(scanner.bytes, range)))
    }
    return addresses
  }

  init(_ start: TextScanner) throws(HeaderError) {
    var scanner = start
    scanner.skipBlanks()
    var name: String?
    var isBracketed = false
    if scanner.next == 0x22 {
      name = try scanner.quotedString()
      scanner.skipBlanks()
      guard scanner.take(0x3C) else { throw HeaderError(.malformed, "expected < behind the display name") }
      isBracketed = true
    } else {
      let before = scanner.run(until: 0x3C, 0x3B, 0x22)
      if scanner.take(0x3C) {
        let words = scanner.trimmed(before)
        if !words.isEmpty { name = scanner.text(words) }
        isBracketed = true
      } else {
        scanner = start
        scanner.skipBlanks()
      }
    }
    if isBracketed {
      let inner = scanner.run(until: 0x3E)
      guard scanner.take(0x3E) else { throw HeaderError(.malformed, "expected > behind the URI") }
      uri = try SIPURI(scanner.bytes, scanner.trimmed(inner))
    } else {
      let plain = scanner.trimmed(scanner.run(until: 0x3B))
      uri = try SIPURI(scanner.bytes, plain)
      guard uri.headers == nil else { throw HeaderError(.malformed, "a URI with ? must stand in angle brackets") }
    }
    displayName = name
    parameters = try scanner.parameters()
  }

  /// As it stands in a message: the display name quoted, the URI in angle brackets.
  package var description: String {
    let name = displayName.map { quotedString($0) + " " } ?? ""
    return name + "<\(uri.description)>" + parameters.headerText
  }
}
