import NIOSSL

/// The certificate with which we show who we are, and its key: a peer's TLS client checks the one, the other proves it.
package struct TLSIdentity: Sendable {
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  /// From when until when our own counts; nil if that cannot be read.
  package let validity: CertificateValidity?

  /// What is wrong with the files.
  package enum Fault: Error, Hashable, Sendable {
    /// The certificate's file holds none in PEM.
    case noCertificate
    /// The key's file holds none in PEM.
    case noKey
    /// The key is locked with a password, which nobody is there to type.
    case lockedKey
    /// The key is another certificate's.
    case otherKey
  }

  /// - Parameters:
  ///   - certificates: PEM: our own first, then those that lead to its root.
  ///   - key: PEM, not encrypted.
  package init(certificates: [UInt8], key: [UInt8]) throws(Fault) {
    guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificates), let own = chain.first else {
      throw .noCertificate
    }
    let isLocked = String(decoding: key, as: UTF8.self).contains("ENCRYPTED")
    // The callback keeps the library from asking at a terminal.
    guard
      let privateKey = try? NIOSSLPrivateKey(
        bytes: key, format: .pem, passphraseCallback: { (set: (ContiguousArray<UInt8>) -> Void) in set([]) })
    else { throw isLocked ? .lockedKey : .noKey }
    self.chain = chain
    self.key = privateKey
    validity = CertificateValidity(own)
    // The library compares them.
    guard (try? TLSContext(server: self)) != nil else { throw .otherKey }
  }
}
