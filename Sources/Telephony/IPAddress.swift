/// An IPv4 or IPv6 address, without a scope.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  /// 4 bytes (IPv4) or 16 (IPv6) in network order.
  package let bytes: [UInt8]

  /// - Returns: nil unless there are 4 or 16 bytes.
  package init?(bytes: some Sequence<UInt8>) {
    let bytes = Array(bytes)
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// Reads `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; nil for anything else, names included.
  package init?(_ text: some StringProtocol) {
    let body = Substring(text)
    let isBracketed = body.utf8.first == 0x5B && body.utf8.last == 0x5D
    let inner = isBracketed ? Substring(body.utf8.dropFirst().dropLast()) : body
    guard let bytes = isBracketed || body.utf8.contains(0x3A) ? parseIPv6(inner) : parseIPv4(body) else { return nil }
    self.bytes = bytes
  }

  package var isIPv6: Bool { bytes.count == 16 }

  /// 0.0.0.0 or ::, the address that stands for none (RFC 3264 §8.4: hold in old peers).
  package var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }

  /// 127.0.0.0/8 or ::1.
  package var isLoopback: Bool {
    isIPv6 ? bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1 : bytes.first == 127
  }

  /// `192.0.2.1` or `2001:db8::1` (RFC 5952), without brackets.
  package var description: String {
    guard isIPv6 else { return bytes.map(String.init).joined(separator: ".") }
    let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    var best = 0..<0
    var index = 0
    while index < 8 {
      var end = index
      while end < 8, groups[end] == 0 { end += 1 }
      if end - index > max(best.count, 1) { best = index..<end }
      index = max(end, index + 1)
    }
    let text: (ArraySlice<UInt16>) -> String = { $0.map { String($0, radix: 16) }.joined(separator: ":") }
    return best.isEmpty
      ? text(groups[...]) : text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
  }

  /// As it stands in a URI or Via: IPv6 in brackets (RFC 3261 §25.1 `IPv6reference`).
  package var uriText: String { isIPv6 ? "[\(description)]" : description }

  /// True if the first `length` bits are those of `network` (and both are of one family).
  package func isWithin(_ network: IPAddress, prefixLength length: Int) -> Bool {
    guard bytes.count == network.bytes.count, length >= 0, length <= bytes.count * 8 else { return false }
    for index in 0..<bytes.count {
      let bits = min(max(length - index * 8, 0), 8)
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> bits)
      if bytes[index] & mask != network.bytes[index] & mask { return false }
    }
    return true
  }
}

/// An address and a port: where a datagram comes from or goes to.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  package var address: IPAddress
  package var port: UInt16

  package init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Reads `192.0.2.1:5060` or `[2001:db8::1]:5060`; without a port, `defaultPort`. Nil for names and nonsense.
  package init?(_ text: some StringProtocol, defaultPort: UInt16? = nil) {
    let body = Substring(text)
    let isBracketed = body.hasPrefix("[")
    let isPlainIPv6 = !isBracketed && body.utf8.count(where: { $0 == 0x3A }) > 1
    if !isPlainIPv6, let colon = body.lastIndex(of: ":"), !isBracketed || body[..<colon].hasSuffix("]") {
      let portText = body[body.index(after: colon)...]
      guard let address = IPAddress(body[..<colon]), portText.isDigits, let port = UInt16(portText) else { return nil }
      self.init(address, port)
    } else {
      guard let address = IPAddress(body), let port = defaultPort else { return nil }
      self.init(address, port)
    }
  }

  /// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
  package var description: String { "\(address.uriText):\(port)" }
}

private func parseIPv4(_ text: Substring) -> [UInt8]? {
  let parts = text.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count == 4 else { return nil }
  var bytes: [UInt8] = []
  for part in parts {
    guard part.isDigits, part.utf8.count <= 3, let byte = UInt8(part) else { return nil }
    bytes.append(byte)
  }
  return bytes
}

private func parseIPv6(_ text: Substring) -> [UInt8]? {
  /// - Parameter isLast: only there may the last four bytes be written as IPv4.
  func groups(_ part: Substring, isLast: Bool) -> [UInt8]? {
    if part.isEmpty { return [] }
    var bytes: [UInt8] = []
    let fields = part.split(separator: ":", omittingEmptySubsequences: false)
    for (index, field) in fields.enumerated() {
      if isLast, index == fields.count - 1, field.utf8.contains(0x2E) {
        guard let tail = parseIPv4(field) else { return nil }
        bytes += tail
      } else {
        guard (1...4).contains(field.utf8.count), field.utf8.allSatisfy({ $0.hexadecimalValue != nil }),
          let group = UInt16(field, radix: 16)
        else { return nil }
        bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
      }
    }
    return bytes
  }
  // "::" stands for as many zero groups as are missing, and may stand once.
  let utf8 = Array(text.utf8)
  var gap: Int?
  for index in utf8.indices.dropLast() where utf8[index] == 0x3A && utf8[index + 1] == 0x3A {
    if gap != nil { return nil }
    gap = index
  }
  guard let gap else {
    let bytes = groups(text, isLast: true)
    return bytes?.count == 16 ? bytes : nil
  }
  let split = text.utf8.index(text.startIndex, offsetBy: gap)
  guard let head = groups(text[..<split], isLast: false),
    let tail = groups(text[text.utf8.index(split, offsetBy: 2)...], isLast: true), head.count + tail.count <= 14
  else { return nil }
  return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
}
