/// `value` in decimal, with leading zeros up to `width` digits; a minus stands before them.
package func padded(_ value: some BinaryInteger, _ width: Int) -> String {
  let digits = String(value.magnitude)
  let zeros = String(repeating: "0", count: max(width - digits.utf8.count, 0))
  return (value < 0 ? "-" : "") + zeros + digits
}

extension StringProtocol {
  /// The text without blanks, tabs, CR and LF at both ends.
  package var trimmed: String {
    var body = Array(utf8)[...]
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
    while let first = body.first, isBlank(first) { body.removeFirst() }
    while let last = body.last, isBlank(last) { body.removeLast() }
    return String(decoding: body, as: UTF8.self)
  }

  /// ASCII letters in lower case; every other character as it is.
  package var asciiLowercased: String {
    String(decoding: utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
  }

  /// Equal but for the case of ASCII letters, as SIP tokens are compared (RFC 3261 §7.3.1).
  package func equalsIgnoringCase(_ other: some StringProtocol) -> Bool {
    utf8.elementsEqual(other.utf8) { a, b in
      a == b || (a | 0x20 == b | 0x20 && (0x61...0x7A).contains(a | 0x20))
    }
  }

  /// True if there is at least one character and all are ASCII digits.
  package var isDigits: Bool { !utf8.isEmpty && utf8.allSatisfy { (0x30...0x39).contains($0) } }
}

extension String {
  /// The same between two `String`s, which other modules would else run unspecialised: each header and parameter is
  /// looked up by it.
  package func equalsIgnoringCase(_ other: String) -> Bool {
    utf8.count == other.utf8.count
      && utf8.elementsEqual(other.utf8) { a, b in a == b || (a | 0x20 == b | 0x20 && (0x61...0x7A).contains(a | 0x20)) }
  }
}

extension UInt8 {
  /// An ASCII digit, `0` to `9`.
  package var isASCIIDigit: Bool { (0x30...0x39).contains(self) }

  /// An ASCII letter.
  package var isASCIILetter: Bool { (0x61...0x7A).contains(self | 0x20) }

  /// The value of an ASCII hexadecimal digit, 0 to 15.
  package var hexadecimalValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x41...0x46: self - 0x37
    case 0x61...0x66: self - 0x57
    default: nil
    }
  }
}

/// `bytes` as lower-case hexadecimal digits, two a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}
