/// Writes a compound RTCP packet into a buffer of the caller's: SR or RR first, then SDES, perhaps BYE (RFC 3550 §6.1).
///
/// A packet that does not fit is left out and told by `isOverflown`; nothing is written beyond the buffer.
package struct RTCPWriter {
  private let buffer: UnsafeMutableRawBufferPointer
  /// How many bytes are written.
  package private(set) var count = 0
  /// True if something did not fit.
  package private(set) var isOverflown = false

  /// - Parameter buffer: 128 bytes hold SR with a report, SDES with a CNAME up to 40 bytes, and BYE.
  package init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

  /// A sender report with at most one report block.
  package mutating func append(_ report: SenderReport, reception: ReceptionReport? = nil) {
    let length = 28 + (reception == nil ? 0 : 24)
    guard begin(RTCPType.senderReport, count: reception == nil ? 0 : 1, length: length) else { return }
    put(report.ssrc)
    put(UInt32(truncatingIfNeeded: report.ntpTime.bits >> 32))
    put(UInt32(truncatingIfNeeded: report.ntpTime.bits))
    put(report.rtpTimestamp)
    put(report.packetCount)
    put(report.octetCount)
    if let reception { put(reception) }
  }

  /// A receiver report of `ssrc` with at most one report block: what a leg sends that has sent no packets.
  package mutating func appendReceiverReport(ssrc: UInt32, reception: ReceptionReport? = nil) {
    let length = 8 + (reception == nil ? 0 : 24)
    guard begin(RTCPType.receiverReport, count: reception == nil ? 0 : 1, length: length) else { return }
    put(ssrc)
    if let reception { put(reception) }
  }

  /// The canonical name of `ssrc` (§6.5.1); at most 255 bytes of it.
  package mutating func appendSourceDescription(ssrc: UInt32, canonicalName: UnsafeRawBufferPointer) {
    let nameLength = min(255, canonicalName.count)
    // One chunk: SSRC, the item, and one to four zero bytes up to the next word.
    let chunk = (4 + 2 + nameLength + 4) / 4 * 4
    guard begin(RTCPType.sourceDescription, count: 1, length: 4 + chunk) else { return }
    put(ssrc)
    let end = count + chunk - 4
    buffer.storeByte(1, at: count)
    buffer.storeByte(UInt8(truncatingIfNeeded: nameLength), at: count + 1)
    count += 2
    for index in 0..<nameLength {
      buffer.storeByte(canonicalName[index], at: count)
      count += 1
    }
    while count < end {
      buffer.storeByte(0, at: count)
      count += 1
    }
  }

  /// `ssrc` leaves (§6.6).
  package mutating func appendBye(ssrc: UInt32) {
    guard begin(RTCPType.bye, count: 1, length: 8) else { return }
    put(ssrc)
  }

  private mutating func begin(_ type: UInt8, count items: UInt8, length: Int) -> Bool {
    guard buffer.count - count >= length else {
      isOverflown = true
      return false
    }
    buffer.storeByte(0x80 | items, at: count)
    buffer.storeByte(type, at: count + 1)
    buffer.storeUInt16(UInt16(truncatingIfNeeded: length / 4 - 1), at: count + 2)
    count += 4
    return true
  }

  private mutating func put(_ value: UInt32) {
    buffer.storeUInt32(value, at: count)
    count += 4
  }

  private mutating func put(_ report: ReceptionReport) {
    put(report.ssrc)
    let lost = UInt32(bitPattern: max(-0x80_0000, min(0x7F_FFFF, report.cumulativeLost))) & 0xFF_FFFF
    put(UInt32(report.fractionLost) << 24 | lost)
    put(report.extendedHighestSequence)
    put(report.jitter)
    put(report.lastSenderReport)
    put(report.delaySinceLastSenderReport)
  }
}
