import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import NetworkIO

/// The certificates of `data/fixtures/tls`, and what is made of them.
enum Certificates {
  static func bytes(_ name: String, _ file: String = #filePath) throws -> [UInt8] {
    let package = file.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    let stream = try #require(fopen("\(package)/data/fixtures/tls/\(name)", "r"))
    defer { fclose(stream) }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&buffer, 1, buffer.count, stream)
    return Array(buffer.prefix(count))
  }

  static func identity(_ name: String) throws -> TLSIdentity {
    try TLSIdentity(certificates: bytes("\(name).pem"), key: bytes("\(name).key.pem"))
  }

  static func certificate(_ name: String) throws -> NIOSSLCertificate {
    try #require(NIOSSLCertificate.fromPEMBytes(bytes("\(name).pem")).first)
  }

  static func server(_ name: String = "server") throws -> TLSContext { try TLSContext(server: identity(name)) }

  /// A peer who is trusted by the tests' own authority.
  static func peer(_ names: String..., showing own: String? = nil) throws -> TLSPeer {
    TLSPeer(
      names: names,
      context: try TLSContext(client: own.map { try identity($0) }, authorities: [bytes("ca.pem")]))
  }
}

/// A TLS client that does not check anything: for what our own would never do.
enum LooseClient {
  /// Connects, does the handshake within `versions`, sends `text` and closes without a goodbye.
  /// - Returns: false if there was no handshake.
  static func sends(_ text: String, to port: Int, version: TLSVersion) async throws -> Bool {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.certificateVerification = .none
    configuration.minimumTLSVersion = .tlsv1
    configuration.maximumTLSVersion = version
    let context = try NIOSSLContext(configuration: configuration)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    do {
      // Written only when the handshake is done.
      try await channel.writeAndFlush(ByteBuffer(string: text))
    } catch {
      return false
    }
    try? await channel.close()
    return true
  }
}
