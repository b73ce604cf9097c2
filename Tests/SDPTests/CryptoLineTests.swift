import Telephony
import Testing

@testable import SDP

@Suite struct CryptoLineTests {
  private static let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
  /// RFC 4568 §9.2, and lines as phones write them.
  private static let good: [(line: String, tag: Int, suite: CryptoSuite, name: [UInt8])] = [
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|2^20|1:4", 1, .sha1With80Bits, [0, 0, 0, 1]),
    ("2 AES_CM_128_HMAC_SHA1_32 inline:\(key)", 2, .sha1With32Bits, []),
    ("999999999 aes_cm_128_hmac_sha1_80 INLINE:\(key)|2^48", 999_999_999, .sha1With80Bits, []),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|1048576 WSH=64", 1, .sha1With80Bits, []),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|66051:3 KDR=0 -x", 1, .sha1With80Bits, [1, 2, 3]),
    ("1  AES_CM_128_HMAC_SHA1_80\tinline:\(key)|2^31|1:1", 1, .sha1With80Bits, [1]),
    ("1 AES_CM_128_HMAC_SHA1_80 inline:\(key)|5:10", 1, .sha1With80Bits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 5]),
  ]

  @Test func whatPhonesWrite() throws {
    for (text, tag, suite, name) in Self.good {
      let line = try #require(CryptoLine(text), "\(text)")
      #expect(line.tag == tag && line.key.suite == suite && line.key.name == name, "\(text)")
      #expect(line.key.key.secret == Array("YS___semctl () {\t220;}\n}\nunles".utf8), "\(text)")
    }
  }

  @Test func whatCannotBeFulfilled() {
    for text in [
      "", "1", "1 AES_CM_128_HMAC_SHA1_80", "x AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)",
      "-1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)", "1234567890 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)",
      "1 AES_256_CM_HMAC_SHA1_80 inline:\(Self.key)", "1 F8_128_HMAC_SHA1_80 inline:\(Self.key)",
      "1 AEAD_AES_128_GCM inline:\(Self.key)", "1 AES_CM_128_HMAC_SHA1_80 \(Self.key)",
      "1 AES_CM_128_HMAC_SHA1_80 uri:\(Self.key)", "1 AES_CM_128_HMAC_SHA1_80 inline:",
      // The wrong length, padding, what is no base64.
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key.dropLast(4))", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)AAAA",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key.dropLast())", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)==",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key.dropLast())=",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key.dropLast())-",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key.dropLast())ü",
      // Lifetimes and names of keys that are none.
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|2^49",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|0", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|281474976710657",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|99999999999999999999",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|1:4|2^20",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|2^20|1:4|1:4", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|256:1",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|1:0", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|1:129",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|1:4:4", "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|2^20|2^20",
      // Several keys, and parameters that would have to be understood.
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)|2^20|1:4;inline:\(Self.key)|2^20|2:4",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) UNENCRYPTED_SRTP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) UNENCRYPTED_SRTCP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) UNAUTHENTICATED_SRTP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) KDR=1",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) FEC_ORDER=FEC_SRTP",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) WSH=",
      "1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key) SOMETHING=1",
    ] { #expect(CryptoLine(text) == nil, "\(text)") }
  }

  @Test func printsWhatItReads() throws {
    var generator = SeededGenerator(seed: 7)
    for tag in 1...200 {
      let bytes = (0..<30).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
      let suite = CryptoSuite.allCases[tag % 2]
      let line = CryptoLine(tag: tag, MediaKey(suite, key: Redacted(bytes)))
      #expect(CryptoLine(line.value) == line)
    }
  }

  @Test func keysDoNotShow() throws {
    let line = try #require(CryptoLine("1 AES_CM_128_HMAC_SHA1_80 inline:\(Self.key)"))
    #expect(!"\(line)".contains("semctl") && !"\(line)".contains("95, 95") && "\(line)".contains("[redacted]"))
  }
}
