import Telephony

/// How the values of the files are read; each function returns nil for what it does not understand.
enum Values {
  static func number(_ text: String, in range: ClosedRange<Int>) -> Int? {
    guard text.isDigits, let value = Int(text), range.contains(value) else { return nil }
    return value
  }

  static func yesNo(_ text: String) -> Bool? {
    switch text.asciiLowercased {
    case "yes": true
    case "no": false
    default: nil
    }
  }

  static func key(_ text: String) -> Character? {
    guard text.utf8.count == 1, let key = text.first, "0123456789*#".contains(key) else { return nil }
    return key
  }

  /// Comma-separated words; nil if there is none.
  static func list(_ text: String) -> [String]? {
    let words = text.split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    return words.isEmpty ? nil : words
  }

  /// Comma-separated words, all of which `parse` must understand.
  static func list<Value>(_ text: String, of parse: (String) -> Value?) -> [Value]? {
    guard let words = list(text) else { return nil }
    let values = words.compactMap(parse)
    return values.count == words.count ? values : nil
  }

  /// `udp:0.0.0.0:5060` or `tcp:[::]:5060`.
  static func listenAddress(_ text: String) -> ListenAddress? {
    guard let colon = text.firstIndex(of: ":"), let transport = transport(String(text[..<colon])),
      let endpoint = Endpoint(text[text.index(after: colon)...], defaultPort: transport.defaultPort),
      endpoint.port > 0
    else { return nil }
    return ListenAddress(transport: transport, endpoint: endpoint)
  }

  static func transport(_ text: String) -> SignallingTransport? { SignallingTransport(rawValue: text.asciiLowercased) }

  /// `30000-30999`: at least one pair of ports.
  static func ports(_ text: String) -> ClosedRange<UInt16>? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { $0.trimmed }
    guard ends.count == 2, let low = number(ends[0], in: 1024...65_534), let high = number(ends[1], in: 1025...65_535),
      low + low % 2 < high
    else { return nil }
    return UInt16(low)...UInt16(high)
  }

  /// A host's name or address, perhaps with a port: `192.0.2.1`, `sip.example.net:5070`, `[2001:db8::1]:5060`.
  static func host(_ text: String) -> PeerHost? {
    if let address = IPAddress(text) { return PeerHost(host: address.description, port: nil) }
    if let endpoint = Endpoint(text) {
      return endpoint.port > 0 ? PeerHost(host: endpoint.address.description, port: endpoint.port) : nil
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let name = parts.first, parts.count <= 2, isHostName(name) else { return nil }
    if parts.count == 1 { return PeerHost(host: String(name), port: nil) }
    guard let port = number(String(parts[1]), in: 1...65_535) else { return nil }
    return PeerHost(host: String(name), port: UInt16(port))
  }

  /// Labels of letters, digits, `-` and `_` (RFC 1123 §2.1), not only digits and dots: that would be a broken address.
  static func isHostName(_ text: Substring) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...253).contains(text.utf8.count), text.utf8.contains(where: { $0.isASCIILetter }) else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count)
        && label.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F }
    }
  }

  /// `192.0.2.0/24`, or one address.
  static func addressRange(_ text: String) -> AddressRange? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, let address = IPAddress(first) else { return nil }
    let bits = address.bytes.count * 8
    if parts.count == 1 { return AddressRange(address: address, prefixLength: bits) }
    return number(String(parts[1]), in: 0...bits).map { AddressRange(address: address, prefixLength: $0) }
  }

  /// `sip:731@192.0.2.10:5062;transport=tcp`: a SIP URI with a host.
  static func contact(_ text: String) -> ContactAddress? {
    guard let colon = text.firstIndex(of: ":") else { return nil }
    let scheme = text[..<colon].asciiLowercased
    guard scheme == "sip" || scheme == "sips", !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x3C || $0 == 0x3E })
    else { return nil }
    let rest = text[text.index(after: colon)...].prefix { $0 != ";" && $0 != "?" }
    let at = rest.lastIndex(of: "@")
    let hostText = at.map { rest[rest.index(after: $0)...] } ?? rest
    guard let host = host(String(hostText)), let transport = transport(ofContact: text, scheme: scheme) else {
      return nil
    }
    return ContactAddress(uri: text, user: at.map { String(rest[..<$0]) }, host: host, transport: transport)
  }

  /// "If the URI specifies a transport protocol in the transport parameter, that transport protocol SHOULD be used.
  /// Otherwise […] UDP for a SIP URI, and TCP for a SIPS URI", with TLS over it (RFC 3263 §4.1).
  private static func transport(ofContact uri: String, scheme: String) -> SignallingTransport? {
    if scheme == "sips" { return .tls }
    let parameters = uri.prefix { $0 != "?" }.split(separator: ";").dropFirst()
    let value = parameters.lazy.map { $0.split(separator: "=", omittingEmptySubsequences: false) }
      .first { $0.count == 2 && $0[0].trimmed.equalsIgnoringCase("transport") }
    return value.map { transport($0[1].trimmed) } ?? .udp
  }

  /// Dialable digits to put before a number: `0`, `+39`, `*9`.
  static func prefix(_ text: String) -> String? { PhoneNumber(text)?.digits }

  /// A path, absolute or relative to the site.
  static func directory(_ text: String) -> String? { text.equalsIgnoringCase("none") ? nil : text }

  /// Two letters (ISO 3166).
  static func country(_ text: String) -> String? {
    text.utf8.count == 2 && text.utf8.allSatisfy(\.isASCIILetter) ? text.asciiLowercased : nil
  }
}
