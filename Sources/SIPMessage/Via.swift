import Telephony

/// One Via value (RFC 3261 §20.42).
package struct Via: Hashable, Sendable {
  /// As written, such as `UDP`; upper case is what we write.
  package var transport: String
  /// sent-by; IPv6 in brackets.
  package var host: String
  package var port: UInt16?
  package var parameters: Parameters

  package init(transport: String, host: String, port: UInt16?, parameters: Parameters = Parameters()) {
    self.transport = transport
    self.host = host
    self.port = port
    self.parameters = parameters
  }

  package var branch: String? { parameters["branch"] }
}

extension Via: CustomStringConvertible {
  /// Reads one value; the sent-protocol's version is not judged (that of the start line is).
  /// - Throws: `malformed`, or `outOfRange` for the port.
  package init(_ text: String) throws(HeaderError) {
    try self.init(TextScanner(text))
  }

  /// Every element of a comma-separated header value, in order; empty elements are passed over.
  package static func list(_ text: String) throws(HeaderError) -> [Via] {
    let scanner = TextScanner(text)
    var vias: [Via] = []
    for range in try listRanges(scanner).checkedForNumber() { vias.append(try Via(TextScanner(scanner.bytes, range))) }
    return vias
  }

  init(_ start: TextScanner) throws(HeaderError) {
    var scanner = start
    scanner.skipBlanks()
    let name = scanner.run(.token)
    guard scanner.text(name).equalsIgnoringCase("SIP") else {
      throw HeaderError(.malformed, "expected SIP/2.0/ and a transport")
    }
    guard try !part(&scanner).isEmpty else { throw HeaderError(.malformed, "expected SIP/2.0/ and a transport") }
    let transport = try part(&scanner)
    guard !transport.isEmpty, scanner.next == 0x20 || scanner.next == 0x09 else {
      throw HeaderError(.malformed, "expected a transport, a blank and the sender's host")
    }
    scanner.skipBlanks()
    self.transport = scanner.text(transport)
    host = try readHost(&scanner)
    scanner.skipBlanks()
    port = try readPort(&scanner)
    parameters = try scanner.parameters()
  }

  /// As it stands in a message.
  package var description: String {
    let port = port.map { ":\($0)" } ?? ""
    return "SIP/2.0/\(tokenOnly(transport)) \(hostText(host))\(port)\(parameters.headerText)"
  }
}

/// `SLASH token`, with the blanks SLASH allows.
private func part(_ scanner: inout TextScanner) throws(HeaderError) -> Range<Int> {
  scanner.skipBlanks()
  guard scanner.take(0x2F) else { throw HeaderError(.malformed, "expected SIP/2.0/ and a transport") }
  scanner.skipBlanks()
  return scanner.run(.token)
}
