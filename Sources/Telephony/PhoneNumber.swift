/// A number as it is dialled: digits, `*`, `#`, and a leading `+`; separators are dropped.
package struct PhoneNumber: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Digits, `*` and `#`, perhaps after a `+`; never empty.
  package let digits: String

  /// Reads a number as a person or a peer writes it: `+39 0471 999-720`, `799*731`, `%2B41…` already decoded.
  ///
  /// Blanks and `-.()/` are separators. Returns nil if anything else stands in it, or nothing remains.
  package init?(_ text: some StringProtocol) {
    var digits: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, UInt8(ascii: "*"), UInt8(ascii: "#"): digits.append(byte)
      case UInt8(ascii: "+") where digits.isEmpty: digits.append(byte)
      case 0x20, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "/"): continue
      default: return nil
      }
    }
    guard !digits.isEmpty, digits != [UInt8(ascii: "+")], digits.count <= 64 else { return nil }
    self.digits = String(decoding: digits, as: UTF8.self)
  }

  /// An internal number such as 799.
  package init(internalNumber number: UInt) { digits = String(number) }

  /// The number with a leading `00` written as `+`: what is compared (`+39…` and `0039…` are one number).
  package var canonical: String { digits.hasPrefix("00") ? "+" + digits.dropFirst(2) : digits }

  /// True for a number in international form (E.164): it begins with `+`.
  package var isInternational: Bool { digits.hasPrefix("+") }

  package var description: String { digits }

  package static func == (a: PhoneNumber, b: PhoneNumber) -> Bool { a.canonical == b.canonical }
  package func hash(into hasher: inout Hasher) { hasher.combine(canonical) }
  package static func < (a: PhoneNumber, b: PhoneNumber) -> Bool { a.canonical < b.canonical }
}
