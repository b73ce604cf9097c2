package import Telephony

/// Where a media packet comes from or goes to: an address and a port in fixed storage, to be compared on the packet path.
///
/// IPv4 stands as its IPv4-mapped IPv6 address (`::ffff:192.0.2.1`), so that a dual-stack socket makes no difference.
package struct PacketSource: Hashable, Sendable {
  /// The first 8 bytes of the address, as a number in host order.
  package let high: UInt64
  /// The last 8 bytes of the address, as a number in host order.
  package let low: UInt64
  package let port: UInt16

  package init(high: UInt64, low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    self.port = port
  }

  /// - Parameter ipv4: the address as a number in host order.
  package init(ipv4: UInt32, port: UInt16) {
    self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4), port: port)
  }

  /// The same place in fixed storage.
  package init(_ endpoint: Endpoint) {
    var high: UInt64 = 0
    var low: UInt64 = endpoint.address.isIPv6 ? 0 : 0xFFFF
    for byte in endpoint.address.bytes {
      high = high << 8 | low >> 56
      low = low << 8 | UInt64(byte)
    }
    self.init(high: high, low: low, port: endpoint.port)
  }

  /// True for an IPv4 address, mapped or not.
  package var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// The IPv4 address as a number in host order, if it is one.
  package var ipv4: UInt32? { isIPv4 ? UInt32(truncatingIfNeeded: low) : nil }

  /// 0.0.0.0 or ::, which stands for no address.
  package var isUnspecified: Bool { high == 0 && (low == 0 || low == 0xFFFF_0000_0000) }

  /// True if the addresses are equal, whatever the ports are.
  package func hasAddress(of other: PacketSource) -> Bool { high == other.high && low == other.low }

  /// The same place as the rest of the program writes it (allocates: not for the packet path). IPv4-mapped addresses
  /// come out as IPv4.
  package var endpoint: Endpoint? {
    var bytes: [UInt8] = []
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: high >> UInt64(shift))) }
    for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: low >> UInt64(shift))) }
    return IPAddress(bytes: isIPv4 ? Array(bytes.suffix(4)) : bytes).map { Endpoint($0, port) }
  }
}
