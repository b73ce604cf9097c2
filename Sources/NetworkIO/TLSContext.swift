import NIOCore
import NIOSSL
package import Telephony

/// What TLS connections of one kind share: who we are, whom we trust, and that nothing older than TLS 1.2 is spoken.
///
/// Making one reads and parses files: never on the event loop.
package struct TLSContext: Sendable {
  let context: NIOSSLContext

  /// For connections that peers open. They are asked for no certificate: SIP phones have none.
  package init(server identity: TLSIdentity) throws {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: identity.chain.map { .certificate($0) }, privateKey: .privateKey(identity.key))
    Self.restrict(&configuration)
    context = try NIOSSLContext(configuration: configuration)
  }

  /// For connections that we open: the peer's certificate must lead to a root that this machine trusts, or to one of
  /// `authorities`. That it is the right peer's is checked by ``TLSPeer``.
  ///
  /// - Parameters:
  ///   - identity: shown if the peer asks for it.
  ///   - authorities: PEM.
  package init(client identity: TLSIdentity?, authorities: [[UInt8]]) throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    // The name is checked by RFC 5922, which knows sip: URIs in certificates; NIOSSL does not.
    configuration.certificateVerification = .noHostnameVerification
    configuration.additionalTrustRoots = [
      .certificates(try authorities.flatMap { try NIOSSLCertificate.fromPEMBytes($0) })
    ]
    configuration.renegotiationSupport = .none
    if let identity {
      configuration.certificateChain = identity.chain.map { .certificate($0) }
      configuration.privateKey = .privateKey(identity.key)
    }
    Self.restrict(&configuration)
    context = try NIOSSLContext(configuration: configuration)
  }

  private static func restrict(_ configuration: inout TLSConfiguration) {
    configuration.minimumTLSVersion = .tlsv12
    // A peer that does not answer our goodbye is not waited for.
    configuration.shutdownTimeout = .seconds(1)
  }
}

/// How many certificates a PEM file of authorities holds; nil if it cannot be read as such.
package func certificateCount(pem: [UInt8]) -> Int? { (try? NIOSSLCertificate.fromPEMBytes(pem))?.count }

/// Who is to be found at an address that we connect to by TLS.
package struct TLSPeer: Sendable {
  /// The names one of which his certificate must bear: hosts, domains or addresses, as they stand in the site.
  package var names: [String]
  package var context: TLSContext

  package init(names: [String], context: TLSContext) {
    self.names = names
    self.context = context
  }

  /// The name that the peer is told we want (SNI), so that he can choose among his certificates.
  var serverName: String? { names.first { !CertificateName.isAddress($0) && (1...255).contains($0.utf8.count) } }
}

/// What the TLS connections of the SIP sockets need.
package struct TLSWays {
  /// For peers' connections; nil: there is no certificate, and they are closed at once.
  package var server: TLSContext?
  /// Whom we expect at an address; nil: nobody, and no connection is opened.
  package var peer: (Endpoint) -> TLSPeer?

  package init(server: TLSContext? = nil, peer: @escaping (Endpoint) -> TLSPeer? = { _ in nil }) {
    self.server = server
    self.peer = peer
  }
}
