package import Telephony

/// IP packets byte by byte, as captures hold them; checksums are left at 0.
package enum PacketBytes {
  /// A UDP header and its payload.
  package static func udp(_ payload: [UInt8], from source: UInt16 = 5060, to target: UInt16 = 5062) -> [UInt8] {
    big(source) + big(target) + big(UInt16(truncatingIfNeeded: payload.count + 8)) + [0, 0] + payload
  }

  /// A TCP header and its payload; `flags` as in RFC 9293 §3.1 (2 is SYN, 16 ACK).
  package static func tcp(
    _ payload: [UInt8], from source: UInt16 = 5060, to target: UInt16 = 5062, sequence: UInt32, flags: UInt8 = 16,
    options: [UInt8] = []
  ) -> [UInt8] {
    big(source) + big(target) + big(sequence) + big(UInt32(1)) + [UInt8(5 + options.count / 4) << 4, flags, 0x10, 0]
      + [0, 0, 0, 0] + options + payload
  }

  /// An IP packet of the version that the addresses have, whole or a part of one.
  ///
  /// - Parameters:
  ///   - next: the payload's protocol: 17 is UDP.
  ///   - options: of IPv4, a multiple of 4 bytes.
  ///   - part: identification, offset in bytes and whether there is more behind it, if it is a part.
  package static func ip(
    _ payload: [UInt8], next: UInt8 = 17, from source: IPAddress, to target: IPAddress, options: [UInt8] = [],
    part: (identification: UInt32, offset: Int, hasMore: Bool)? = nil
  ) -> [UInt8] {
    if source.isIPv6 {
      var header: [UInt8] = []
      if let part {
        header = [next, 0] + big(UInt16(part.offset) | (part.hasMore ? 1 : 0)) + big(part.identification)
      }
      return [0x60, 0, 0, 0] + big(UInt16(truncatingIfNeeded: header.count + payload.count))
        + [part == nil ? next : 44, 64] + source.bytes + target.bytes + header + payload
    }
    let place = UInt16((part?.offset ?? 0) / 8) | (part?.hasMore == true ? 0x2000 : 0)
    let length = UInt16(truncatingIfNeeded: 20 + options.count + payload.count)
    return [0x45 + UInt8(options.count / 4), 0] + big(length)
      + big(UInt16(truncatingIfNeeded: part?.identification ?? 0)) + big(place) + [64, next, 0, 0] + source.bytes
      + target.bytes + options + payload
  }

  /// The packet's payload in parts of so many bytes (a multiple of 8).
  package static func parts(
    _ payload: [UInt8], of size: Int, next: UInt8 = 17, identification: UInt32 = 7, from source: IPAddress,
    to target: IPAddress
  ) -> [[UInt8]] {
    stride(from: 0, to: payload.count, by: size).map { start in
      let end = min(start + size, payload.count)
      return ip(
        Array(payload[start..<end]), next: next, from: source, to: target,
        part: (identification, start, end < payload.count))
    }
  }

  /// An Ethernet frame of a packet.
  package static func ethernet(_ packet: [UInt8]) -> [UInt8] {
    [UInt8](repeating: 2, count: 12) + (packet.first.map { $0 >> 4 == 6 } == true ? [0x86, 0xDD] : [8, 0]) + packet
  }

  /// A number in network order.
  package static func big(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }
}
