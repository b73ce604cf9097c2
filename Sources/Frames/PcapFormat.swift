package import Telephony

/// Writes capture files that every analyser reads: classic pcap, microseconds, Ethernet frames.
///
/// libpcap's own writer goes through stdio and wants whole frames; the recorder builds each frame in place instead,
/// from the datagram it has just relayed.
package enum PcapFormat {
  /// The longest datagram that fits into an IPv4 packet; longer ones are cut off, and their record says so.
  package static let maximumPayloadLength = 65_507

  /// The 24 bytes a file begins with (draft-ietf-opsawg-pcap §4): little-endian, version 2.4, LINKTYPE_ETHERNET.
  package static let fileHeader: [UInt8] = [
    0xD4, 0xC3, 0xB2, 0xA1,  // magic: microseconds
    0x02, 0x00, 0x04, 0x00,  // version 2.4
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // UTC, no accuracy given
    0x00, 0x00, 0x04, 0x00,  // longest frame: 262144
    0x01, 0x00, 0x00, 0x00,  // Ethernet
  ]

  /// How many bytes `writeUDPFrame` writes for a datagram, record header included.
  ///
  /// - Parameter isIPv6: true if either end is an IPv6 address.
  package static func frameLength(payloadLength: Int, isIPv6: Bool) -> Int {
    recordHeaderLength + ethernetLength + (isIPv6 ? ipv6Length : ipv4Length) + udpLength
      + min(max(payloadLength, 0), maximumPayloadLength)
  }

  /// Writes one datagram as a capture record: record header, Ethernet, IPv4 or IPv6, UDP with checksums, payload.
  ///
  /// Allocates nothing. If one end is IPv6, the other's IPv4 address is written mapped.
  /// - Parameters:
  ///   - buffer: where the record begins; needs no alignment.
  ///   - time: when the datagram was on the wire.
  /// - Returns: the bytes written, or 0 if `buffer` is shorter than `frameLength`.
  package static func writeUDPFrame(
    into buffer: UnsafeMutableRawBufferPointer, time: WallTime, from source: FrameAddress, to target: FrameAddress,
    payload: UnsafeRawBufferPointer
  ) -> Int {
    let isIPv6 = source.isIPv6 || target.isIPv6
    let length = frameLength(payloadLength: payload.count, isIPv6: isIPv6)
    guard buffer.count >= length, let base = buffer.baseAddress else { return 0 }
    let kept = min(payload.count, maximumPayloadLength)
    let frame = base + recordHeaderLength
    let packet = frame + ethernetLength
    let datagram = packet + (isIPv6 ? ipv6Length : ipv4Length)

    // A time before 1970 or after 2106 has no place in the format; it wraps.
    let seconds = time.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    let borrow: Int64 = seconds.remainder < 0 ? 1 : 0
    storeLittle(UInt32(truncatingIfNeeded: seconds.quotient &- borrow), base)
    storeLittle(UInt32(truncatingIfNeeded: seconds.remainder + borrow * 1_000_000), base + 4)
    storeLittle(UInt32(length - recordHeaderLength), base + 8)
    storeLittle(UInt32(truncatingIfNeeded: length - recordHeaderLength + payload.count - kept), base + 12)

    // Locally administered, and told apart by the address, so that an analyser draws two stations.
    storeBig(UInt16(0x0200), frame)
    storeBig(UInt32(truncatingIfNeeded: target.low), frame + 2)
    storeBig(UInt16(0x0200), frame + 6)
    storeBig(UInt32(truncatingIfNeeded: source.low), frame + 8)
    storeBig(isIPv6 ? UInt16(0x86DD) : 0x0800, frame + 12)

    let segmentLength = UInt16(udpLength + kept)
    if isIPv6 {
      storeBig(UInt32(0x6000_0000), packet)
      storeBig(segmentLength, packet + 4)
      storeBig(UInt16(0x1140), packet + 6)  // UDP, 64 hops
      storeBig(source.ipv6High, packet + 8)
      storeBig(source.ipv6Low, packet + 16)
      storeBig(target.ipv6High, packet + 24)
      storeBig(target.ipv6Low, packet + 32)
    } else {
      storeBig(UInt16(0x4500), packet)
      storeBig(UInt16(ipv4Length) + segmentLength, packet + 2)
      storeBig(UInt32(0x0000_4000), packet + 4)  // no identification: don't fragment (RFC 6864 §4.1)
      storeBig(UInt32(0x4011_0000), packet + 8)  // 64 hops, UDP, checksum to come
      storeBig(UInt32(truncatingIfNeeded: source.low), packet + 12)
      storeBig(UInt32(truncatingIfNeeded: target.low), packet + 16)
      storeChecksum(fold(sum(packet, ipv4Length)), packet + 10)
    }
    storeBig(source.port, datagram)
    storeBig(target.port, datagram + 2)
    storeBig(segmentLength, datagram + 4)
    storeBig(UInt16(0), datagram + 6)
    if kept > 0, let bytes = payload.baseAddress {
      (datagram + udpLength).copyMemory(from: bytes, byteCount: kept)
    }
    // The pseudo header's addresses stand right before the UDP header in both versions of IP (RFC 768, RFC 8200 §8.1).
    let addresses = isIPv6 ? 32 : 8
    let pseudo = UInt64(UInt16(17).bigEndian) + UInt64(segmentLength.bigEndian)
    let checksum = fold(sum(datagram - addresses, addresses + udpLength + kept) &+ pseudo)
    // A checksum of 0 would mean that there is none (RFC 768), so it is sent as its other form.
    storeChecksum(checksum == 0xFFFF ? 0 : checksum, datagram + 6)
    return length
  }

  private static let recordHeaderLength = 16
  private static let ethernetLength = 14
  private static let ipv4Length = 20
  private static let ipv6Length = 40
  private static let udpLength = 8

  private static func storeBig<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, _ place: UnsafeMutableRawPointer
  ) {
    place.storeBytes(of: value.bigEndian, as: Value.self)
  }

  private static func storeLittle<Value: FixedWidthInteger & BitwiseCopyable>(
    _ value: Value, _ place: UnsafeMutableRawPointer
  ) {
    place.storeBytes(of: value.littleEndian, as: Value.self)
  }

  /// Stores the complement of a sum that was taken over words in the machine's own order (RFC 1071 §2B).
  private static func storeChecksum(_ folded: UInt16, _ place: UnsafeMutableRawPointer) {
    place.storeBytes(of: ~folded, as: UInt16.self)
  }

  /// The one's complement sum of the words in the machine's own order, of whatever width: it folds to the same 16 bits
  /// (RFC 1071 §2); the missing bytes of the last word are 0.
  private static func sum(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> UInt64 {
    var wide: UInt64 = 0
    var offset = 0
    while offset &+ 32 <= count {
      wide = add(wide, bytes, offset)
      wide = add(wide, bytes, offset &+ 8)
      wide = add(wide, bytes, offset &+ 16)
      wide = add(wide, bytes, offset &+ 24)
      offset &+= 32
    }
    while offset &+ 8 <= count {
      wide = add(wide, bytes, offset)
      offset &+= 8
    }
    // What follows is far too little for these to overflow.
    var total = (wide & 0xFFFF_FFFF) &+ (wide >> 32)
    if offset &+ 4 <= count {
      total &+= UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      offset &+= 4
    }
    var last: UInt32 = 0
    var shift: UInt32 = 0
    while offset < count {
      last |= UInt32(bytes.load(fromByteOffset: offset, as: UInt8.self)) << shift
      shift += 8
      offset += 1
    }
    return total &+ UInt64(last.littleEndian)
  }

  /// Adds a word of 64 bits, and the carry at the other end.
  @inline(__always)
  private static func add(_ sum: UInt64, _ bytes: UnsafeMutableRawPointer, _ offset: Int) -> UInt64 {
    let (next, carry) = sum.addingReportingOverflow(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    return next &+ (carry ? 1 : 0)
  }

  /// A one's complement sum, folded to 16 bits (RFC 1071 §1).
  private static func fold(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return UInt16(truncatingIfNeeded: sum)
  }
}
