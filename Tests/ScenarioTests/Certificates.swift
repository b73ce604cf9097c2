import Disk

/// The certificates of `data/fixtures/tls`, and a site that speaks TLS with them.
enum Certificates {
  static func path(_ name: String) -> String { joined(Surroundings.data, "fixtures/tls/" + name) }

  static func bytes(_ name: String) throws -> [UInt8] { try RealFilesystem().read(path(name), limit: 1 << 16) }
}

extension TestSite {
  /// Lets the site listen on a port for TLS too, with the tests' certificate for 127.0.0.1, which phones are told to trust.
  /// - Returns: the port.
  mutating func listenOnTLS() throws -> UInt16 {
    let port = Ports.take()
    files["Listen.txt"] = "udp:127.0.0.1:\(self.port),tls:127.0.0.1:\(port)"
    try write("tls/Certificate.pem", Certificates.bytes("server.pem"))
    try write("tls/Key.pem", Certificates.bytes("server.key.pem"))
    return port
  }
}
