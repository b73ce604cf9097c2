import RTP
import Telephony
import Testing

@Suite struct RTCPTests {
  private let report = SenderReport(
    ssrc: 0x0102_0304, ntpTime: NTPTime(bits: 0x1122_3344_5566_7788), rtpTimestamp: 0x99AA_BBCC, packetCount: 1000,
    octetCount: 160_000)
  private let block = ReceptionReport(
    ssrc: 0xA0A0_A0A0, fractionLost: 128, cumulativeLost: -2, extendedHighestSequence: 65_537, jitter: 55,
    lastSenderReport: 0x3344_5566, delaySinceLastSenderReport: 65_536)

  private func write(_ capacity: Int = 200, _ body: (inout RTCPWriter) -> Void) -> (bytes: [UInt8], isOverflown: Bool) {
    var buffer = [UInt8](repeating: 0xEE, count: capacity + 8)
    let result = buffer.withUnsafeMutableBytes { bytes in
      var writer = RTCPWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[..<capacity]))
      body(&writer)
      return (writer.count, writer.isOverflown)
    }
    #expect(buffer[result.0...].dropFirst(capacity - result.0).allSatisfy { $0 == 0xEE })
    return (Array(buffer[..<result.0]), result.1)
  }

  private func items(_ bytes: [UInt8]) throws(RTCPError) -> [RTCPItem] {
    var reader = RTCPReader(bytes.span.bytes)
    var items: [RTCPItem] = []
    while let item = try reader.next() { items.append(item) }
    return items
  }

  private func refusal(_ bytes: [UInt8]) -> RTCPError? {
    do throws(RTCPError) {
      _ = try items(bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test func writesTheLayoutOfRFC3550() {
    let name = Array("a@b".utf8)
    let (bytes, isOverflown) = write { writer in
      writer.append(report, reception: block)
      name.withUnsafeBytes { writer.appendSourceDescription(ssrc: 0x0102_0304, canonicalName: $0) }
      writer.appendBye(ssrc: 0x0102_0304)
    }
    #expect(!isOverflown)
    #expect(
      bytes == [
        0x81, 200, 0, 12, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC,
        0, 0, 3, 0xE8, 0, 2, 0x71, 0, 0xA0, 0xA0, 0xA0, 0xA0, 128, 0xFF, 0xFF, 0xFE, 0, 1, 0, 1, 0, 0, 0, 55,
        0x33, 0x44, 0x55, 0x66, 0, 1, 0, 0,
        0x81, 202, 0, 3, 1, 2, 3, 4, 1, 3, 0x61, 0x40, 0x62, 0, 0, 0,
        0x81, 203, 0, 1, 1, 2, 3, 4,
      ])
  }

  @Test(arguments: 0...9)
  func readsWhatItWrites(nameLength: Int) throws {
    let name = [UInt8](repeating: 0x78, count: nameLength)
    let (bytes, _) = write { writer in
      writer.appendReceiverReport(ssrc: 5, reception: block)
      name.withUnsafeBytes { writer.appendSourceDescription(ssrc: 5, canonicalName: $0) }
      writer.appendBye(ssrc: 5)
    }
    #expect(bytes.count % 4 == 0)
    #expect(
      try items(bytes) == [
        .receiverReport(ssrc: 5), .reception(reporter: 5, block),
        .canonicalName(ssrc: 5, range: 42..<42 + nameLength), .bye(ssrc: 5),
      ])
  }

  @Test func readsReportsWithoutAndWithManyBlocks() throws {
    let (bytes, _) = write { $0.append(report) }
    #expect(try items(bytes) == [.senderReport(report)])
    var (many, _) = write { $0.appendReceiverReport(ssrc: 1, reception: block) }
    for _ in 0..<30 { many += many[8..<32] }
    many[0] = 0x9F
    many[3] = UInt8(many.count / 4 - 1)
    #expect(
      try items(many) == [.receiverReport(ssrc: 1)] + [RTCPItem](repeating: .reception(reporter: 1, block), count: 31))
  }

  @Test func passesOverWhatItDoesNotKnow() throws {
    let extended: [UInt8] = [0x80, 207, 0, 2, 0, 0, 0, 1, 9, 9, 9, 9]
    let (bye, _) = write { $0.appendBye(ssrc: 3) }
    #expect(try items(extended + bye) == [.other(type: 207), .bye(ssrc: 3)])
    // A note and a tool before the name, another source after it.
    let description: [UInt8] = [
      0x82, 202, 0, 6, 0, 0, 0, 1, 7, 1, 0x6E, 6, 0, 1, 1, 0x63, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0,
    ]
    #expect(try items(description) == [.canonicalName(ssrc: 1, range: 15..<16)])
  }

  @Test func leavesPaddingOut() throws {
    let bytes: [UInt8] = [0xA1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4]
    #expect(try items(bytes) == [.bye(ssrc: 9)])
  }

  @Test(
    arguments: [
      ([0x80, 201, 0], .truncated),
      ([0x40, 201, 0, 1, 0, 0, 0, 1], .wrongVersion),
      ([0x80, 201, 0, 2, 0, 0, 0, 1], .truncated),  // says 12 bytes, has 8
      ([0x81, 201, 0, 1, 0, 0, 0, 1], .truncated),  // says one block, has none
      ([0x80, 200, 0, 1, 0, 0, 0, 1], .truncated),  // a sender report of 8 bytes
      ([0x82, 203, 0, 1, 0, 0, 0, 1], .truncated),
      ([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 0, 0], .truncated),  // an item of 200 bytes
      ([0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 65, 66], .truncated),  // no end of the list
      ([0xA1, 203, 0, 1, 0, 0, 0, 0], .badPadding),
      ([0xA0, 203, 0, 1, 0, 0, 0, 8], .badPadding),
      ([0xA1, 203, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4, 0x80, 203, 0, 0], .badPadding),  // padding before the last packet
    ] as [([UInt8], RTCPError)])
  func refuses(bytes: [UInt8], error: RTCPError) { #expect(refusal(bytes) == error) }

  @Test(arguments: 0...100)
  func neverWritesBeyondTheBuffer(capacity: Int) throws {
    let name = Array("line@pikett".utf8)
    let (bytes, isOverflown) = write(capacity) { writer in
      writer.append(report, reception: block)
      name.withUnsafeBytes { writer.appendSourceDescription(ssrc: 1, canonicalName: $0) }
      writer.appendBye(ssrc: 1)
    }
    #expect(isOverflown == (capacity < 84))
    _ = try items(bytes)
  }

  @Test func tellsRTCPFromRTP() {
    let (bytes, _) = write { $0.append(report) }
    #expect(bytes.withUnsafeBytes { RTCPReader.isRTCP($0) })
    #expect(!RTPHeaderTests.plain.withUnsafeBytes { RTCPReader.isRTCP($0) })
    #expect(![UInt8](bytes[..<7]).withUnsafeBytes { RTCPReader.isRTCP($0) })
  }

  @Test func networkTimeCountsFrom1900() {
    // 2012-10-12 14:05:09.5 UTC is 1350050709.5 since 1970.
    let time = NTPTime(WallTime(microseconds: 1_350_050_709_500_000))
    #expect(time.bits == UInt64(1_350_050_709 + 2_208_988_800) << 32 | 0x8000_0000)
    #expect(NTPTime(WallTime(microseconds: -500_000)).bits == UInt64(2_208_988_799) << 32 | 0x8000_0000)
  }

  @Test func anyBytesAreReadOrRefused() throws {
    let name = Array("line@pikett".utf8)
    let (valid, _) = write { writer in
      writer.append(report, reception: block)
      name.withUnsafeBytes { writer.appendSourceDescription(ssrc: 1, canonicalName: $0) }
      writer.appendBye(ssrc: 1)
    }
    var random = SeededGenerator(seed: 2)
    var read = 0
    for round in 0..<20_000 {
      var bytes = valid
      for _ in 0...round % 4 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 3 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      guard let items = try? items(bytes) else { continue }
      read += 1
      for case .canonicalName(_, let range) in items { #expect(range.upperBound <= bytes.count) }
    }
    #expect(read > 1000)
  }
}
