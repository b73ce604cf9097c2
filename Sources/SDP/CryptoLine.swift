package import Telephony

/// The ways of encrypting RTP that we speak (RFC 4568 §6.2): AES in counter mode with 128 bits, HMAC-SHA1.
package enum CryptoSuite: String, Hashable, Sendable, CaseIterable {
  /// A tag of 80 bits in RTP and in RTCP.
  case sha1With80Bits = "AES_CM_128_HMAC_SHA1_80"
  /// A tag of 32 bits in RTP, of 80 in RTCP.
  case sha1With32Bits = "AES_CM_128_HMAC_SHA1_32"

  /// Master key and master salt, in bytes.
  package static let keyLength = 30
}

/// The key under which one side sends.
package struct MediaKey: Hashable, Sendable {
  package var suite: CryptoSuite
  /// Master key and salt: 30 bytes.
  package var key: Redacted<[UInt8]>
  /// The key's name as it stands in each packet (RFC 4568 §6.1); empty: none stands there.
  package var name: [UInt8]

  package init(_ suite: CryptoSuite, key: Redacted<[UInt8]>, name: [UInt8] = []) {
    self.suite = suite
    self.key = key
    self.name = name
  }

  /// A new key.
  init(_ suite: CryptoSuite, from random: RandomSource) {
    var bytes: [UInt8] = []
    while bytes.count < CryptoSuite.keyLength {
      withUnsafeBytes(of: random.next()) { bytes += $0 }
    }
    self.init(suite, key: Redacted(Array(bytes.prefix(CryptoSuite.keyLength))))
  }
}

/// The keys of a leg, both of one suite.
package struct MediaKeys: Hashable, Sendable {
  package var send: MediaKey
  package var receive: MediaKey

  package init(send: MediaKey, receive: MediaKey) {
    self.send = send
    self.receive = receive
  }
}

/// Whether a leg's media are encrypted (RFC 3711).
package enum MediaSecurity: Hashable, Sendable, Comparable {
  /// We offer plain RTP, and take the encryption that is offered.
  case accepted
  /// We offer plain RTP with keys, as many phones do: who understands them encrypts.
  case offered
  /// We neither offer nor take anything that is not encrypted.
  case required
}

/// An `a=crypto` line that we can fulfil (RFC 4568 §9.1): tag, suite and one inline key.
struct CryptoLine: Hashable, Sendable {
  /// As the offerer has numbered it; the answer repeats it.
  var tag: Int
  var key: MediaKey

  init(tag: Int, _ key: MediaKey) {
    self.tag = tag
    self.key = key
  }

  /// - Parameter value: what stands behind `a=crypto:`.
  /// - Returns: nil for a line that is malformed, of another suite, or that asks for what we do not do: several keys,
  ///   another key derivation rate, parts left without encryption or authentication, error correction.
  init?(_ value: String) {
    let fields = value.utf8.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
    guard fields.count >= 3, fields[0].isDigits, fields[0].utf8.count <= 9, let tag = Int(fields[0]),
      let suite = CryptoSuite.allCases.first(where: { $0.rawValue.equalsIgnoringCase(fields[1]) }),
      let (key, name) = Self.inlineKey(fields[2]), fields.dropFirst(3).allSatisfy(Self.isHarmless)
    else { return nil }
    self.init(tag: tag, MediaKey(suite, key: Redacted(key), name: name))
  }

  /// What stands behind `a=crypto:`.
  var value: String { "\(tag) \(key.suite.rawValue) inline:\(base64(key.key.secret))" }

  /// `inline:KEY|LIFETIME|MKI:LENGTH`, the last two at will (§6.1).
  private static func inlineKey(_ text: String) -> (key: [UInt8], name: [UInt8])? {
    // Several keys are parted by semicolons, which no key holds.
    guard let colon = text.firstIndex(of: ":"), text[..<colon].equalsIgnoringCase("inline"), !text.contains(";") else {
      return nil
    }
    let parts = text[text.index(after: colon)...].split(separator: "|", omittingEmptySubsequences: false)
    guard (1...3).contains(parts.count), let key = bytes(base64: parts[0]), key.count == CryptoSuite.keyLength else {
      return nil
    }
    var name: [UInt8] = []
    for (index, part) in parts.dropFirst().enumerated() {
      if part.contains(":") {
        // The name comes last, and there is one.
        guard index == parts.count - 2, let given = keyName(part) else { return nil }
        name = given
      } else {
        guard index == 0, isLifetime(part) else { return nil }
      }
    }
    return (key, name)
  }

  /// `1:4`: the number 1 in 4 bytes.
  private static func keyName(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].isDigits, parts[1].isDigits, let number = UInt64(parts[0]),
      let length = Int(parts[1]), (1...128).contains(length)
    else { return nil }
    let low = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * UInt64($0))) }
    guard length < 8 else { return [UInt8](repeating: 0, count: length - 8) + low }
    return low.prefix(8 - length).allSatisfy { $0 == 0 } ? Array(low.suffix(length)) : nil
  }

  /// A number of packets, written out or as a power of two, of at most 2^48 (RFC 3711 §9.2). The peer counts, not we: no
  /// call lasts that long.
  private static func isLifetime(_ text: Substring) -> Bool {
    if text.hasPrefix("2^") {
      let exponent = text.dropFirst(2)
      return exponent.isDigits && (Int(exponent).map { (0...48).contains($0) } ?? false)
    }
    return text.isDigits && (UInt64(text).map { (1...1 << 48).contains($0) } ?? false)
  }

  /// Parameters that change nothing for us (§6.3): the size of the window against repetition, a key derivation rate of 0,
  /// and extensions that may be passed over. Any other must be understood, so that the line cannot be taken.
  private static func isHarmless(_ parameter: String) -> Bool {
    if parameter.hasPrefix("-") { return true }
    let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].isDigits else { return false }
    return parts[0].equalsIgnoringCase("WSH") || (parts[0].equalsIgnoringCase("KDR") && parts[1] == "0")
  }
}

extension MediaDescription {
  /// The keys under which the side that wrote this may send, as far as they can be used, in order (RFC 4568 §6.1).
  package var sendingKeys: [MediaKey] {
    attributes.compactMap { $0.name == "crypto" ? CryptoLine($0.value ?? "")?.key : nil }
  }
}

private let base64Digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

/// Base64 (RFC 4648 §4) of a number of bytes that is a multiple of 3, as 30 is: without padding.
private func base64(_ bytes: [UInt8]) -> String {
  var text: [UInt8] = []
  for start in stride(from: 0, to: bytes.count - bytes.count % 3, by: 3) {
    let three = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
    for shift in [18, 12, 6, 0] { text.append(base64Digits[Int(three >> UInt32(shift)) & 63]) }
  }
  return String(decoding: text, as: UTF8.self)
}

/// - Returns: nil for anything but whole groups of four base64 digits.
private func bytes(base64 text: Substring) -> [UInt8]? {
  guard text.utf8.count % 4 == 0 else { return nil }
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var digits = 0
  for character in text.utf8 {
    guard let digit = base64Digits.firstIndex(of: character) else { return nil }
    bits = bits << 6 | UInt32(digit)
    digits += 1
    if digits % 4 == 0 {
      for shift: UInt32 in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
    }
  }
  return bytes
}
