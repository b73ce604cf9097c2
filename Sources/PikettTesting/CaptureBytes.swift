/// Classic capture files byte by byte (draft-ietf-opsawg-pcap), in all four varieties.
package struct PcapBytes {
  /// The file so far.
  package private(set) var bytes: [UInt8] = []
  private let isBigEndian: Bool
  private let isNanoseconds: Bool

  /// - Parameter link: the LINKTYPE_ number.
  package init(link: UInt32 = 1, isBigEndian: Bool = false, isNanoseconds: Bool = false) {
    self.isBigEndian = isBigEndian
    self.isNanoseconds = isNanoseconds
    bytes = number(UInt32(isNanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4)) + number(UInt16(2)) + number(UInt16(4))
    bytes += [UInt8](repeating: 0, count: 8) + number(UInt32(262_144)) + number(link)
  }

  /// Adds a record.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since 1970.
  ///   - sent: how long the frame was on the wire, if it was longer than what is kept of it.
  package mutating func add(_ frame: [UInt8], at time: Int64, sent: Int? = nil) {
    let fraction = time % 1_000_000_000
    bytes += number(UInt32(time / 1_000_000_000)) + number(UInt32(isNanoseconds ? fraction : fraction / 1000))
    bytes += number(UInt32(frame.count)) + number(UInt32(sent ?? frame.count)) + frame
  }

  private func number(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }
}

/// pcapng files block by block (draft-ietf-opsawg-pcapng).
package struct PcapngBytes {
  /// The file so far.
  package private(set) var bytes: [UInt8] = []
  private var isBigEndian = false

  /// An empty file.
  package init() {}

  /// Begins a section in a byte order.
  package mutating func section(isBigEndian: Bool = false, version: UInt16 = 1) {
    self.isBigEndian = isBigEndian
    block(
      0x0A0D_0D0A,
      number(UInt32(0x1A2B_3C4D)) + number(version) + number(UInt16(0)) + [UInt8](repeating: 0xFF, count: 8))
  }

  /// Adds an interface of a LINKTYPE_.
  ///
  /// - Parameters:
  ///   - resolution: if_tsresol.
  ///   - offset: if_tsoffset, in seconds.
  package mutating func interface(
    link: UInt16 = 1, snapLength: UInt32 = 262_144, resolution: UInt8? = nil, offset: Int64? = nil
  ) {
    var options: [UInt8] = []
    if let resolution { options += number(UInt16(9)) + number(UInt16(1)) + [resolution, 0, 0, 0] }
    if let offset { options += number(UInt16(14)) + number(UInt16(8)) + number(offset) }
    if !options.isEmpty { options += [0, 0, 0, 0] }
    block(1, number(link) + [0, 0] + number(snapLength) + options)
  }

  /// Adds a packet.
  ///
  /// - Parameter stamp: in the interface's units.
  package mutating func packet(_ frame: [UInt8], interface: UInt32 = 0, stamp: UInt64) {
    let head = number(interface) + number(UInt32(stamp >> 32)) + number(UInt32(truncatingIfNeeded: stamp))
    block(6, head + number(UInt32(frame.count)) + number(UInt32(frame.count)) + padded(frame))
  }

  /// Adds a Packet Block, the obsolete form.
  package mutating func oldPacket(_ frame: [UInt8], interface: UInt16 = 0, stamp: UInt64) {
    let head =
      number(interface) + [0xFF, 0xFF] + number(UInt32(stamp >> 32)) + number(UInt32(truncatingIfNeeded: stamp))
    block(2, head + number(UInt32(frame.count)) + number(UInt32(frame.count)) + padded(frame))
  }

  /// Adds a packet without time or interface.
  package mutating func simplePacket(_ frame: [UInt8], sent: Int? = nil) {
    block(3, number(UInt32(sent ?? frame.count)) + padded(frame))
  }

  /// Adds any block; the body is padded already.
  package mutating func block(_ type: UInt32, _ body: [UInt8]) {
    let length = number(UInt32(body.count + 12))
    bytes += number(type) + length + body + length
  }

  /// Adds bytes as they are.
  package mutating func raw(_ more: [UInt8]) { bytes += more }

  private func padded(_ frame: [UInt8]) -> [UInt8] {
    frame + [UInt8](repeating: 0, count: (4 - frame.count % 4) % 4)
  }

  private func number(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { Array($0) }
  }
}
