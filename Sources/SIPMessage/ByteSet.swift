/// A set of ASCII bytes, the character classes of RFC 3261 §25.1.
struct ByteSet: Sendable {
  private var low: UInt64 = 0
  private var high: UInt64 = 0

  /// - Parameter extra: ASCII characters beside letters and digits.
  init(alphanumericAnd extra: String) {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    for byte in letters.utf8 { insert(byte) }
    for byte in extra.utf8 { insert(byte) }
  }

  private mutating func insert(_ byte: UInt8) {
    if byte < 64 { low |= 1 &<< UInt64(byte) } else if byte < 128 { high |= 1 &<< UInt64(byte & 63) }
  }

  func contains(_ byte: UInt8) -> Bool {
    byte < 64 ? (low &>> UInt64(byte)) & 1 == 1 : byte < 128 && (high &>> UInt64(byte & 63)) & 1 == 1
  }

  /// `token`.
  static let token = ByteSet(alphanumericAnd: "-.!%*_+`'~")
  /// `token` and what hosts, IPv6 references included, hold: parameter values that need no quotes.
  static let bareValue = ByteSet(alphanumericAnd: "-.!%*_+`'~[]:")
  /// `hostname` and `IPv4address`; the underscore is against the grammar and in use.
  static let host = ByteSet(alphanumericAnd: "-._")
  /// `scheme`.
  static let scheme = ByteSet(alphanumericAnd: "+-.")
  /// `unreserved` and `user-unreserved`.
  static let user = ByteSet(alphanumericAnd: "-_.!~*'()&=+$,;?/")
  /// What stands unescaped in a `password`.
  static let password = ByteSet(alphanumericAnd: "-_.!~*'()&=+$,")
  /// `paramchar` without escapes.
  static let uriParameter = ByteSet(alphanumericAnd: "-_.!~*'()[]/:&+$")
  /// The header part of a URI as written: `hnv-unreserved`, `unreserved` and its separators.
  static let uriHeaders = ByteSet(alphanumericAnd: "-_.!~*'()[]/?:+$&=;,@")
  /// What stands unescaped in the number of a `tel:` URI (RFC 3966 §3).
  static let telephone = ByteSet(alphanumericAnd: "-.()*#+!~'_")
  /// What an unknown scheme's part may hold (RFC 3986), without escapes.
  static let opaque = ByteSet(alphanumericAnd: "-_.~:/?#[]@!$&'()*+,;=")
}
