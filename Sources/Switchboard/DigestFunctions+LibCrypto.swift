import CDigest
package import SIPUserAgent

extension DigestFunctions {
  /// libcrypto's MD5 (which RFC 7616 still asks for) and SHA-256.
  package static let libcrypto = DigestFunctions(
    md5: { bytes in
      [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
        if let result = buffer.baseAddress { digest_md5(bytes, bytes.count, result) }
        count = 16
      }
    },
    sha256: { bytes in
      [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
        if let result = buffer.baseAddress { digest_sha256(bytes, bytes.count, result) }
        count = 32
      }
    })
}
