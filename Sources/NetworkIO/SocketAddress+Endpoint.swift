import NIOCore
import Telephony

extension SocketAddress {
  /// The NIO form of an endpoint.
  init(_ endpoint: Endpoint) throws {
    try self.init(
      packedIPAddress: ByteBuffer(bytes: endpoint.address.bytes), port: Int(endpoint.port))
  }
}

extension Endpoint {
  /// The endpoint of a NIO address; nil for Unix sockets.
  init?(_ address: SocketAddress) {
    guard let port = address.port.flatMap(UInt16.init(exactly:)) else { return nil }
    let bytes: [UInt8]
    switch address {
    case .v4(let v4): bytes = withUnsafeBytes(of: v4.address.sin_addr) { Array($0) }
    case .v6(let v6): bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
    case .unixDomainSocket: return nil
    }
    guard let ip = IPAddress(bytes: bytes) else { return nil }
    self.init(ip, port)
  }
}
