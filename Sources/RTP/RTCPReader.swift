/// Why a datagram is not RTCP, or where it stops being so (RFC 3550 A.2).
package enum RTCPError: Error, Hashable, Sendable {
  /// The version is not 2.
  case wrongVersion
  /// A packet ends beyond the datagram, or is too short for what it says it holds.
  case truncated
  /// Padding that is no multiple of 4, exceeds its packet, or stands before the last packet.
  case badPadding
}

/// One thing a compound RTCP packet says.
package enum RTCPItem: Hashable, Sendable {
  case senderReport(SenderReport)
  /// A receiver report begins; its blocks follow as `reception`.
  case receiverReport(ssrc: UInt32)
  /// One report block, told by `reporter`.
  case reception(reporter: UInt32, ReceptionReport)
  /// The canonical name of a source; `range` is where its text stands in the datagram. Other SDES items are passed over.
  case canonicalName(ssrc: UInt32, range: Range<Int>)
  case bye(ssrc: UInt32)
  /// APP, feedback, extended reports and anything else; passed over whole.
  case other(type: UInt8)
}

/// Reads a compound RTCP packet item by item, without touching the heap.
package struct RTCPReader: ~Escapable {
  private enum State {
    case nextPacket
    case blocks(reporter: UInt32, left: Int)
    case chunk(left: Int)
    case items(ssrc: UInt32, chunksLeft: Int)
    case byes(left: Int)
  }

  private let bytes: RawSpan
  private var state = State.nextPacket
  private var offset = 0
  /// Where the present packet's content ends, padding left out.
  private var end = 0
  /// Where the next packet begins.
  private var nextOffset = 0

  @_lifetime(copy bytes)
  package init(_ bytes: RawSpan) { self.bytes = bytes }

  /// True if a datagram on a port that carries both is RTCP by its type (RFC 5761 §4).
  package static func isRTCP(_ packet: UnsafeRawBufferPointer) -> Bool {
    packet.count >= 8 && packet.bytes.byte(0) >> 6 == 2 && (192...223).contains(packet.bytes.byte(1))
  }

  /// The next item; nil at the end. After an error nothing more can be read.
  package mutating func next() throws(RTCPError) -> RTCPItem? {
    while true {
      switch state {
      case .nextPacket:
        guard nextOffset < bytes.byteCount else { return nil }
        if let item = try beginPacket() { return item }
      case .blocks(let reporter, let left):
        guard left > 0 else {
          state = .nextPacket
          continue
        }
        state = .blocks(reporter: reporter, left: left - 1)
        return .reception(reporter: reporter, try block())
      case .chunk(let left):
        guard left > 0 else {
          state = .nextPacket
          continue
        }
        state = .items(ssrc: try word(), chunksLeft: left - 1)
      case .items(let ssrc, let chunksLeft):
        if let item = try descriptionItem(ssrc, chunksLeft) { return item }
      case .byes(let left):
        guard left > 0 else {
          state = .nextPacket
          continue
        }
        state = .byes(left: left - 1)
        return .bye(ssrc: try word())
      }
    }
  }

  private mutating func beginPacket() throws(RTCPError) -> RTCPItem? {
    offset = nextOffset
    guard bytes.byteCount - offset >= 4 else { throw fail(.truncated) }
    let first = bytes.byte(offset)
    guard first >> 6 == 2 else { throw fail(.wrongVersion) }
    let type = bytes.byte(offset + 1)
    nextOffset = offset + 4 + 4 * Int(bytes.uint16(offset + 2))
    guard nextOffset <= bytes.byteCount else { throw fail(.truncated) }
    end = nextOffset
    if first & 0x20 != 0 {
      let padding = Int(bytes.byte(end - 1))
      guard nextOffset == bytes.byteCount, padding > 0, padding % 4 == 0, padding <= end - offset - 4 else {
        throw fail(.badPadding)
      }
      end -= padding
    }
    offset += 4
    let count = Int(first & 0x1F)
    switch type {
    case RTCPType.senderReport:
      let report = SenderReport(
        ssrc: try word(), ntpTime: NTPTime(bits: UInt64(try word()) << 32 | UInt64(try word())),
        rtpTimestamp: try word(), packetCount: try word(), octetCount: try word())
      state = .blocks(reporter: report.ssrc, left: count)
      return .senderReport(report)
    case RTCPType.receiverReport:
      let ssrc = try word()
      state = .blocks(reporter: ssrc, left: count)
      return .receiverReport(ssrc: ssrc)
    case RTCPType.sourceDescription:
      state = .chunk(left: count)
      return nil
    case RTCPType.bye:
      state = .byes(left: count)
      return nil
    default:
      return .other(type: type)
    }
  }

  private mutating func descriptionItem(_ ssrc: UInt32, _ chunksLeft: Int) throws(RTCPError) -> RTCPItem? {
    guard offset < end else { throw fail(.truncated) }
    let kind = bytes.byte(offset)
    if kind == 0 {
      // The list ends with zeros up to the next word; words count from the packet's start, which lies on one.
      offset += 4 - offset % 4
      guard offset <= end else { throw fail(.truncated) }
      state = .chunk(left: chunksLeft)
      return nil
    }
    guard end - offset >= 2 else { throw fail(.truncated) }
    let length = Int(bytes.byte(offset + 1))
    guard end - offset - 2 >= length else { throw fail(.truncated) }
    let range = offset + 2..<offset + 2 + length
    offset = range.upperBound
    return kind == 1 ? .canonicalName(ssrc: ssrc, range: range) : nil
  }

  private mutating func block() throws(RTCPError) -> ReceptionReport {
    let ssrc = try word()
    let lost = try word()
    return ReceptionReport(
      ssrc: ssrc, fractionLost: UInt8(lost >> 24), cumulativeLost: Int32(bitPattern: lost << 8) >> 8,
      extendedHighestSequence: try word(), jitter: try word(), lastSenderReport: try word(),
      delaySinceLastSenderReport: try word())
  }

  private mutating func word() throws(RTCPError) -> UInt32 {
    guard end - offset >= 4 else { throw fail(.truncated) }
    defer { offset += 4 }
    return bytes.uint32(offset)
  }

  private mutating func fail(_ error: RTCPError) -> RTCPError {
    state = .nextPacket
    nextOffset = bytes.byteCount
    return error
  }
}
