import NIOSSL
package import Telephony

/// From when until when a certificate counts (RFC 5280 §4.1.2.5).
///
/// Read from the certificate's bytes by our own hand: the library's way to these dates ends the program at one that is
/// malformed, and a peer's certificate is written by whoever is there.
package struct CertificateValidity: Hashable, Sendable {
  package var from: WallTime
  package var until: WallTime

  package init(from: WallTime, until: WallTime) {
    self.from = from
    self.until = until
  }

  /// - Returns: nil if it cannot be read.
  init?(_ certificate: NIOSSLCertificate) {
    guard let bytes = try? certificate.toDERBytes() else { return nil }
    self.init(der: bytes)
  }

  /// Reads `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber, signature, issuer, validity …`.
  init?(der: [UInt8]) {
    do throws(ByteReaderError) {
      var reader = ByteReader(der.span.bytes)
      _ = try reader.enter()
      _ = try reader.enter()
      var next = try reader.enter()
      if next.tag == 0xA0 {
        try reader.skip(next.length)
        next = try reader.enter()
      }
      try reader.skip(next.length)
      for _ in 1...2 { try reader.skip(try reader.enter().length) }
      _ = try reader.enter()
      let first = try reader.enter()
      let begin = Self.time(try reader.array(first.length), isShort: first.tag == 0x17)
      let second = try reader.enter()
      let end = Self.time(try reader.array(second.length), isShort: second.tag == 0x17)
      guard let begin, let end else { return nil }
      self.init(from: begin, until: end)
    } catch {
      return nil
    }
  }

  /// `YYMMDDHHMMSSZ` (of 1950 to 2049) or `YYYYMMDDHHMMSSZ`.
  private static func time(_ text: [UInt8], isShort: Bool) -> WallTime? {
    guard text.count == (isShort ? 13 : 15), text.last == UInt8(ascii: "Z"), text.dropLast().allSatisfy(\.isASCIIDigit)
    else { return nil }
    let pairs = stride(from: 0, to: text.count - 1, by: 2).map { Int64(text[$0] - 48) * 10 + Int64(text[$0 + 1] - 48) }
    let year = isShort ? pairs[0] + (pairs[0] < 50 ? 2000 : 1900) : pairs[0] * 100 + pairs[1]
    let rest = pairs.dropFirst(isShort ? 1 : 2)
    let fields = Array(rest)
    guard fields.count == 5, (1...12).contains(fields[0]), (1...31).contains(fields[1]) else { return nil }
    let seconds = days(year, fields[0], fields[1]) * 86_400 + fields[2] * 3600 + fields[3] * 60 + fields[4]
    return WallTime(microseconds: seconds * 1_000_000)
  }

  /// Days since 1970, in the Gregorian calendar: years are taken to begin in March, so that a leap day is their last.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}

extension ByteReader {
  /// Reads a DER tag and length, and stands at the content.
  fileprivate mutating func enter() throws(ByteReaderError) -> (tag: UInt8, length: Int) {
    let tag = try byte()
    let first = try byte()
    guard first >= 0x80 else { return (tag, Int(first)) }
    // No certificate is longer than 64 KB in any of its parts.
    switch first {
    case 0x81: return (tag, Int(try byte()))
    case 0x82: return (tag, Int(try uint16()))
    default:
      try skip(.max)
      return (tag, 0)
    }
  }
}
