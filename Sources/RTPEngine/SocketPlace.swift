import Glibc
import RTP
import Telephony

/// A socket address in fixed storage, and the same as numbers; made once a leg, used at each packet.
struct SocketPlace {
  private var storage = sockaddr_in6()
  private var length = socklen_t(0)

  /// No place yet.
  init() {}

  init(_ endpoint: Endpoint) { self.init(PacketSource(endpoint), isIPv6: endpoint.address.isIPv6) }

  /// - Parameter isIPv6: the family of the socket it will be used with.
  init(_ source: PacketSource, isIPv6: Bool) {
    length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    if isIPv6 {
      storage.sin6_family = sa_family_t(AF_INET6)
      storage.sin6_port = source.port.bigEndian
      let words = (source.high.bigEndian, source.low.bigEndian)
      withUnsafeBytes(of: words) { bytes in
        withUnsafeMutableBytes(of: &storage.sin6_addr) { $0.copyMemory(from: bytes) }
      }
    } else {
      var ipv4 = sockaddr_in()
      ipv4.sin_family = sa_family_t(AF_INET)
      ipv4.sin_port = source.port.bigEndian
      ipv4.sin_addr.s_addr = UInt32(truncatingIfNeeded: source.low).bigEndian
      withUnsafeBytes(of: ipv4) { bytes in
        withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
      }
    }
  }

  /// The place as the socket calls take it; mutating, so that no copy is made.
  @inline(__always)
  mutating func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    let length = length
    return withUnsafePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}

extension PacketSource {
  /// Reads what recvfrom(2) wrote; nil for other families.
  init?(_ storage: UnsafePointer<sockaddr_in6>) {
    switch Int32(storage.pointee.sin6_family) {
    case AF_INET:
      // sin_port lies where sin6_port does, sin_addr where sin6_flowinfo does.
      self.init(
        ipv4: UInt32(bigEndian: storage.pointee.sin6_flowinfo), port: UInt16(bigEndian: storage.pointee.sin6_port))
    case AF_INET6:
      let bytes = UnsafeRawPointer(storage)
      self.init(
        high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
        port: UInt16(bigEndian: storage.pointee.sin6_port))
    default: return nil
    }
  }
}
