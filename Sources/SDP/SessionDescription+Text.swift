import Telephony

extension SessionDescription {
  private static let maximumBytes = 65_536
  private static let maximumLines = 1000
  private static let maximumMedia = 32

  /// Reads a body of type application/sdp.
  ///
  /// Tolerant where peers are sloppy: lines may end with LF alone, their order within a section does not matter,
  /// unknown and empty lines are passed over, `o=`, `s=` and `t=` may be missing. What we would act upon must be right.
  package init(parsing bytes: [UInt8]) throws(SDPError) {
    guard bytes.count <= Self.maximumBytes else { throw .tooLarge }
    self.init(origin: Origin(sessionID: "0", version: "0", connection: Connection(text: "0.0.0.0", isIPv6: false)))
    var hasVersion = false
    var number = 0
    for raw in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      guard number <= Self.maximumLines else { throw .tooLarge }
      // A CR of its own within a line is a blank: we could not write it again.
      let line = String(decoding: raw.map { $0 == 0x0D ? 0x20 : $0 }, as: UTF8.self).trimmed
      guard !line.isEmpty else { continue }
      let utf8 = line.utf8
      guard utf8.count >= 2, utf8.dropFirst().first == UInt8(ascii: "="), let type = utf8.first else {
        throw .malformed(line: number)
      }
      let value = String(decoding: utf8.dropFirst(2), as: UTF8.self).trimmed
      if type == UInt8(ascii: "v") {
        guard value == "0" else { throw .noVersion }
        hasVersion = true
        continue
      }
      guard hasVersion else { throw .noVersion }
      try take(type, value, line: number)
    }
    guard hasVersion else { throw .noVersion }
  }

  private mutating func take(_ type: UInt8, _ value: String, line: Int) throws(SDPError) {
    switch type {
    case UInt8(ascii: "o"):
      let fields = words(value)
      guard fields.count >= 6 else { throw .malformed(line: line) }
      origin = Origin(
        username: fields[0], sessionID: fields[1], version: fields[2],
        connection: Connection(text: fields[5], isIPv6: fields[4].equalsIgnoringCase("IP6")))
    case UInt8(ascii: "s"):
      if media.isEmpty { name = value.isEmpty ? "-" : value }
    case UInt8(ascii: "c"):
      let fields = words(value)
      guard fields.count >= 3, let host = fields[2].split(separator: "/").first else { throw .malformed(line: line) }
      let connection = Connection(text: String(host), isIPv6: fields[1].equalsIgnoringCase("IP6"))
      if media.isEmpty { self.connection = connection } else { media[media.count - 1].connection = connection }
    case UInt8(ascii: "m"):
      let fields = words(value)
      guard media.count < Self.maximumMedia else { throw .tooLarge }
      // `49170/2` asks for two ports; we use the first.
      guard fields.count >= 4, let portText = fields[1].split(separator: "/").first, portText.isDigits,
        let port = UInt16(portText)
      else { throw .malformed(line: line) }
      media.append(
        MediaDescription(
          kind: fields[0].asciiLowercased, port: port, transport: fields[2], formats: Array(fields.dropFirst(3))))
    case UInt8(ascii: "a"):
      let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = parts.first?.trimmed, !name.isEmpty else { return }
      let attribute = Attribute(name.asciiLowercased, parts.count > 1 ? parts[1].trimmed : nil)
      if media.isEmpty { attributes.append(attribute) } else { media[media.count - 1].attributes.append(attribute) }
    default:
      // i u e p b t r z k, and whatever comes after RFC 8866.
      return
    }
  }

  /// The body, its lines ended by CRLF.
  package func serialized() -> [UInt8] {
    var lines = [
      "v=0",
      "o=\(origin.username) \(origin.sessionID) \(origin.version) \(text(origin.connection))",
      "s=\(name.isEmpty ? "-" : name)",
    ]
    if let connection { lines.append("c=\(text(connection))") }
    lines.append("t=0 0")
    lines += attributes.map(text)
    for stream in media {
      lines.append("m=\(stream.kind) \(stream.port) \(stream.transport) \(stream.formats.joined(separator: " "))")
      if let connection = stream.connection { lines.append("c=\(text(connection))") }
      lines += stream.attributes.map(text)
    }
    // A line break within a value would forge lines.
    return lines.flatMap { line in line.utf8.filter { $0 != 0x0D && $0 != 0x0A } + [0x0D, 0x0A] }
  }

  private func text(_ connection: Connection) -> String {
    "IN \(connection.isIPv6 ? "IP6" : "IP4") \(connection.text)"
  }

  private func text(_ attribute: Attribute) -> String {
    attribute.value.map { "a=\(attribute.name):\($0)" } ?? "a=\(attribute.name)"
  }
}

private func words(_ text: String) -> [String] {
  text.utf8.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
}
