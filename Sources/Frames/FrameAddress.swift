package import Telephony

/// An address and a port as plain numbers, so that the packet path copies them without touching the heap.
package struct FrameAddress: Hashable, Sendable {
  /// The first 8 bytes of an IPv6 address as a number; 0 for IPv4.
  package var high: UInt64
  /// The last 8 bytes of an IPv6 address as a number, or the IPv4 address as a 32-bit number.
  package var low: UInt64
  package var isIPv6: Bool
  package var port: UInt16

  /// - Parameter ipv4: the address as a number in host order (192.0.2.1 is 0xC0000201).
  package init(ipv4: UInt32, port: UInt16) {
    high = 0
    low = UInt64(ipv4)
    isIPv6 = false
    self.port = port
  }

  /// - Parameters:
  ///   - high: the first 8 bytes as a number in host order.
  ///   - low: the last 8 bytes as a number in host order.
  package init(ipv6 high: UInt64, _ low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    isIPv6 = true
    self.port = port
  }

  /// The same address as a number; made once a leg, not once a packet.
  package init(_ endpoint: Endpoint) {
    let bytes = endpoint.address.bytes
    let number: (ArraySlice<UInt8>) -> UInt64 = { $0.reduce(0) { $0 << 8 | UInt64($1) } }
    isIPv6 = endpoint.address.isIPv6
    high = isIPv6 ? number(bytes.prefix(8)) : 0
    low = isIPv6 ? number(bytes.suffix(8)) : number(bytes[...])
    port = endpoint.port
  }

  /// The address and port in the words all share (allocates).
  package var endpoint: Endpoint? {
    let number = { (value: UInt64, width: Int) in
      (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64((width - 1 - $0) * 8)) }
    }
    return IPAddress(bytes: isIPv6 ? number(high, 8) + number(low, 8) : number(low, 4)).map { Endpoint($0, port) }
  }

  /// The first 8 bytes as they stand in an IPv6 header.
  var ipv6High: UInt64 { isIPv6 ? high : 0 }
  /// The last 8 bytes as they stand in an IPv6 header; an IPv4 address is mapped (RFC 4291 §2.5.5.2).
  var ipv6Low: UInt64 { isIPv6 ? low : 0x0000_FFFF_0000_0000 | low }
}
