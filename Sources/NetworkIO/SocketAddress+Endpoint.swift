import Glibc
import NIOCore
import Telephony

extension Endpoint {
  /// The endpoint of a NIO address; nil for Unix sockets.
  init?(_ address: SocketAddress) {
    let storage = address.withSockAddr { sockaddr_storage($0, length: $1) }
    self.init(storage)
  }

  /// The endpoint in a socket address of the C library; nil for families other than IPv4 and IPv6.
  init?(_ storage: sockaddr_storage) {
    guard let address = IPAddress(storage) else { return nil }
    // The port stands at the same place in sockaddr_in and sockaddr_in6.
    let port = withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
    self.init(address, port)
  }

  /// AF_INET or AF_INET6.
  var family: Int32 { address.isIPv6 ? AF_INET6 : AF_INET }

  /// Hands the endpoint to a function of the C library.
  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var storage = sockaddr_storage()
    storage.ss_family = sa_family_t(family)
    withUnsafeMutableBytes(of: &storage) {
      $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      UnsafeMutableRawBufferPointer(rebasing: $0[(address.isIPv6 ? 8 : 4)...]).copyBytes(from: address.bytes)
    }
    let length = address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    return withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}

extension IPAddress {
  /// The address in a socket address of the C library; nil for families other than IPv4 and IPv6.
  init?(_ storage: sockaddr_storage) {
    // sockaddr_in: family, port, address; sockaddr_in6: family, port, flow information, address.
    let bytes: [UInt8]? = withUnsafeBytes(of: storage) { raw in
      switch Int32(storage.ss_family) {
      case AF_INET: Array(raw[4..<8])
      case AF_INET6: Array(raw[8..<24])
      default: nil
      }
    }
    guard let bytes else { return nil }
    self.init(bytes: bytes)
  }
}

extension sockaddr_storage {
  /// A copy of the `length` bytes at `address`, as far as they have room.
  init(_ address: UnsafePointer<sockaddr>, length: Int) {
    self.init()
    withUnsafeMutableBytes(of: &self) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(max(length, 0), $0.count)))
    }
  }

  /// The address at our end of a socket; nil if it has none.
  init?(localAddressOf descriptor: Int32) {
    self.init()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let found = withUnsafeMutablePointer(to: &self) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    if found != 0 { return nil }
  }
}
