/// The hash functions of digest authentication, handed in as values so that the core imports no cryptography.
package struct DigestFunctions: Sendable {
  /// MD5 (RFC 1321): 16 bytes.
  package let md5: @Sendable ([UInt8]) -> [UInt8]
  /// SHA-256 (FIPS 180-4): 32 bytes.
  package let sha256: @Sendable ([UInt8]) -> [UInt8]

  package init(
    md5: @escaping @Sendable ([UInt8]) -> [UInt8], sha256: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) {
    self.md5 = md5
    self.sha256 = sha256
  }
}
