import Crypto
package import SIPUserAgent

extension DigestFunctions {
  /// swift-crypto's MD5 (which RFC 7616 still asks for) and SHA-256.
  package static let crypto = DigestFunctions(
    md5: { Array(Insecure.MD5.hash(data: $0)) }, sha256: { Array(SHA256.hash(data: $0)) })
}
