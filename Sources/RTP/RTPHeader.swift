/// Why a datagram is not an RTP packet (RFC 3550 §5.1, and the checks of A.1).
package enum RTPError: Error, Hashable, Sendable {
  /// Shorter than the fixed header, or than its CSRC list or extension claims.
  case truncated
  /// The version is not 2.
  case wrongVersion
  /// The padding count is 0 or exceeds what follows the header.
  case badPadding
}

/// The header of an RTP packet, and where its payload lies (RFC 3550 §5.1).
///
/// A plain value of fixed size: parsing and writing touch no heap.
///
///     0                   1                   2                   3
///     |V=2|P|X|  CC   |M|     PT      |       sequence number         |
///     |                           timestamp                           |
///     |                             SSRC                              |
///     |            CSRC (CC words), then extension (if X)             |
package struct RTPHeader: Hashable, Sendable {
  /// The length of the header without CSRC list and extension, in bytes.
  package static let fixedLength = 12

  /// The start of a talkspurt, or of a telephone-event.
  package var marker: Bool
  /// 0 to 127.
  package var payloadType: UInt8
  package var sequenceNumber: UInt16
  /// In units of the payload's clock, 8000 Hz for all we send.
  package var timestamp: UInt32
  package var ssrc: UInt32
  /// Where the payload begins in the packet: the fixed header, CSRC list and extension lie before it.
  package private(set) var payloadOffset: Int
  /// The payload's length in bytes, without padding; may be 0.
  package private(set) var payloadLength: Int

  /// A header to be written: no padding, no CSRC list, no extension.
  /// - Parameter payloadType: 0 to 127; the upper bit is dropped.
  package init(
    payloadType: UInt8, sequenceNumber: UInt16, timestamp: UInt32, ssrc: UInt32, marker: Bool = false,
    payloadLength: Int = 0
  ) {
    self.marker = marker
    self.payloadType = payloadType & 0x7F
    self.sequenceNumber = sequenceNumber
    self.timestamp = timestamp
    self.ssrc = ssrc
    payloadOffset = Self.fixedLength
    self.payloadLength = payloadLength
  }

  /// Reads the header of `packet`, a whole datagram.
  ///
  /// - Parameter isCut: true if the datagram's end is missing, and with it the word on how much of it is padding.
  @inline(__always)
  package init(parsing packet: RawSpan, isCut: Bool = false) throws(RTPError) {
    guard packet.byteCount >= Self.fixedLength else { throw .truncated }
    let first = packet.byte(0)
    guard first >> 6 == 2 else { throw .wrongVersion }
    var offset = Self.fixedLength + 4 * Int(first & 0x0F)
    if first & 0x10 != 0 {
      // The extension's length counts 32-bit words after its own first word (§5.3.1).
      guard packet.byteCount >= offset + 4 else { throw .truncated }
      offset += 4 + 4 * Int(packet.uint16(offset + 2))
    }
    guard packet.byteCount >= offset else { throw .truncated }
    var length = packet.byteCount - offset
    if first & 0x20 != 0, !isCut {
      let padding = Int(packet.byte(packet.byteCount - 1))
      guard padding > 0, padding <= length else { throw .badPadding }
      length -= padding
    }
    let second = packet.byte(1)
    marker = second & 0x80 != 0
    payloadType = second & 0x7F
    sequenceNumber = packet.uint16(2)
    timestamp = packet.uint32(4)
    ssrc = packet.uint32(8)
    payloadOffset = offset
    payloadLength = length
  }

  /// Reads the header of `packet`, a whole datagram.
  package init(parsing packet: UnsafeRawBufferPointer) throws(RTPError) {
    try self.init(parsing: packet.bytes)
  }

  /// The payload's place in the packet that was parsed.
  package var payloadRange: Range<Int> { payloadOffset..<payloadOffset + payloadLength }

  /// Writes the fixed header without padding, CSRC list or extension.
  /// - Returns: 12, or 0 if `buffer` is too small (nothing is written then).
  @discardableResult
  package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard buffer.count >= Self.fixedLength else { return 0 }
    buffer.storeByte(0x80, at: 0)
    writeVariableFields(into: buffer)
    return Self.fixedLength
  }

  /// Writes marker, type, sequence number, timestamp and SSRC over those of a packet that is passed on; padding, CSRC
  /// list, extension and payload stay.
  /// - Returns: false if `packet` is shorter than a header (nothing is written then).
  @discardableResult
  package func overwrite(_ packet: UnsafeMutableRawBufferPointer) -> Bool {
    guard packet.count >= Self.fixedLength else { return false }
    writeVariableFields(into: packet)
    return true
  }

  private func writeVariableFields(into buffer: UnsafeMutableRawBufferPointer) {
    buffer.storeByte((marker ? 0x80 : 0) | payloadType & 0x7F, at: 1)
    buffer.storeUInt16(sequenceNumber, at: 2)
    buffer.storeUInt32(timestamp, at: 4)
    buffer.storeUInt32(ssrc, at: 8)
  }
}
