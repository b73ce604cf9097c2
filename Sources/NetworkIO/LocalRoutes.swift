import Glibc
import NIOCore
package import Telephony

/// Which of our own addresses the kernel uses toward a peer, so that Via, Contact and SDP show one he can reach.
package struct LocalRoutes {
  private var known: [IPAddress: IPAddress] = [:]

  package init() {}

  /// Our address on the way to `remote`; nil if there is no route.
  ///
  /// A connected UDP socket sends nothing; the kernel only chooses the source address. Answers are kept, a thousand at
  /// most, so that strangers cannot make the table grow.
  package mutating func localAddress(toward remote: IPAddress) -> IPAddress? {
    if let address = known[remote] { return address }
    if known.count >= 1000 { known.removeAll() }
    guard let target = try? SocketAddress(Endpoint(remote, 9)) else { return nil }
    let descriptor = socket(target.protocol == .inet6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    guard target.withSockAddr({ Glibc.connect(descriptor, $0, socklen_t($1)) }) == 0 else { return nil }
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let found = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard found == 0, let address = IPAddress(storage) else { return nil }
    known[remote] = address
    return address
  }
}

extension IPAddress {
  /// The address in a socket address of the C library; nil for families other than IPv4 and IPv6.
  init?(_ storage: sockaddr_storage) {
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
