/// What a read of untrusted bytes can refuse.
package enum ByteReaderError: Error, Hashable, Sendable {
  /// The bytes end before what was asked for; `at` is where the read began.
  case outOfBytes(at: Int, wanted: Int)
}

/// Reads untrusted bytes from front to back; every read throws rather than traps.
///
/// The second net is `RawSpan`'s own bounds check.
package struct ByteReader: ~Escapable {
  private let bytes: RawSpan
  /// How many bytes have been read.
  package private(set) var offset = 0

  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan) { self.bytes = bytes }

  /// How many bytes are left.
  package var remaining: Int { bytes.byteCount - offset }

  /// The next byte.
  package mutating func byte() throws(ByteReaderError) -> UInt8 {
    try need(1)
    defer { offset += 1 }
    return bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// The next two bytes in network order.
  package mutating func uint16() throws(ByteReaderError) -> UInt16 {
    try need(2)
    defer { offset += 2 }
    return UInt16(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  /// The next four bytes in network order.
  package mutating func uint32() throws(ByteReaderError) -> UInt32 {
    try need(4)
    defer { offset += 4 }
    return UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  /// The next two bytes, least significant first.
  package mutating func littleUInt16() throws(ByteReaderError) -> UInt16 { try uint16().byteSwapped }

  /// The next four bytes, least significant first.
  package mutating func littleUInt32() throws(ByteReaderError) -> UInt32 { try uint32().byteSwapped }

  /// Passes over `count` bytes.
  package mutating func skip(_ count: Int) throws(ByteReaderError) {
    try need(count)
    offset += count
  }

  /// The next `count` bytes, without a copy.
  @_lifetime(copy self)
  package mutating func span(_ count: Int) throws(ByteReaderError) -> RawSpan {
    try need(count)
    defer { offset += count }
    return bytes.extracting(offset..<offset + count)
  }

  /// The next `count` bytes as an array (not for the packet path).
  package mutating func array(_ count: Int) throws(ByteReaderError) -> [UInt8] {
    try need(count)
    defer { offset += count }
    let start = offset
    return (start..<start + count).map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
  }

  private func need(_ count: Int) throws(ByteReaderError) {
    guard count >= 0, count <= remaining else { throw .outOfBytes(at: offset, wanted: count) }
  }
}
