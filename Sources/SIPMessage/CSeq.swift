import Telephony

/// CSeq (RFC 3261 §20.16): number (below 2^31) and method.
package struct CSeq: Hashable, Sendable {
  package var number: UInt32
  package var method: Method
  package init(_ number: UInt32, _ method: Method) {
    self.number = number
    self.method = method
  }
}

extension CSeq: CustomStringConvertible {
  /// Reads `4711 INVITE`.
  /// - Throws: `malformed`, or `outOfRange` for 2^31 and above (RFC 3261 §8.1.1.5).
  package init(_ text: String) throws(HeaderError) {
    var scanner = TextScanner(text)
    scanner.skipBlanks()
    let start = scanner.index
    while let byte = scanner.next, byte.isASCIIDigit { scanner.advance() }
    let digits = start..<scanner.index
    guard !digits.isEmpty, scanner.next == 0x20 || scanner.next == 0x09 else {
      throw HeaderError(.malformed, "expected a number and a method")
    }
    guard let number = decimal(scanner.bytes[digits]), number < 1 << 31 else {
      throw HeaderError(.outOfRange, "the number must be below 2147483648")
    }
    scanner.skipBlanks()
    let method = scanner.run(.token)
    scanner.skipBlanks()
    guard !method.isEmpty, scanner.isAtEnd else { throw HeaderError(.malformed, "expected a number and a method") }
    self.init(UInt32(truncatingIfNeeded: number), Method(scanner.text(method)))
  }

  /// As it stands in a message.
  package var description: String { "\(number) \(tokenOnly(method.token))" }
}
