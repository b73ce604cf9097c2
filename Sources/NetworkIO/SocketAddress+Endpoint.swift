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
    // struct sockaddr_in: family, port, address; sockaddr_in6: family, port, flow information, address.
    let bytes = address.withSockAddr { pointer, length -> [UInt8]? in
      let raw = UnsafeRawBufferPointer(start: pointer, count: length)
      switch address {
      case .v4: return length >= 8 ? Array(raw[4..<8]) : nil
      case .v6: return length >= 24 ? Array(raw[8..<24]) : nil
      case .unixDomainSocket: return nil
      }
    }
    guard let bytes, let ip = IPAddress(bytes: bytes) else { return nil }
    self.init(ip, port)
  }
}
