import RTP
import Telephony
import Testing

@Suite struct RTPHeaderTests {
  static let plain: [UInt8] = [0x80, 0x88, 0x12, 0x34, 0, 0, 0x1F, 0x40, 0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3]

  private func parse(_ bytes: [UInt8]) throws(RTPError) -> RTPHeader { try RTPHeader(parsing: bytes.span.bytes) }

  private func refusal(_ bytes: [UInt8]) -> RTPError? {
    do throws(RTPError) {
      _ = try parse(bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test func readsTheFixedHeader() throws {
    let header = try parse(Self.plain)
    #expect(header.marker)
    #expect(header.payloadType == 8)
    #expect(header.sequenceNumber == 0x1234)
    #expect(header.timestamp == 8000)
    #expect(header.ssrc == 0xDEAD_BEEF)
    #expect(header.payloadRange == 12..<15)
  }

  @Test func pointersAndSpansReadTheSame() throws {
    let pointed = try Self.plain.withUnsafeBytes { bytes throws(RTPError) in try RTPHeader(parsing: bytes) }
    #expect(try pointed == parse(Self.plain))
  }

  @Test func passesOverSourcesAndExtension() throws {
    var bytes = Self.plain
    bytes[0] = 0x92  // extension, two contributing sources
    bytes.insert(contentsOf: [0, 0, 0, 1, 0, 0, 0, 2, 0xBE, 0xDE, 0, 1, 9, 9, 9, 9], at: 12)
    #expect(try parse(bytes).payloadRange == 28..<31)
  }

  @Test func leavesPaddingOut() throws {
    var bytes = Self.plain
    bytes[0] = 0xA0
    bytes += [0, 0, 3]
    #expect(try parse(bytes).payloadRange == 12..<15)
    bytes[bytes.count - 1] = 6
    #expect(try parse(bytes).payloadLength == 0)
  }

  @Test(
    arguments: [
      ([], .truncated),
      ([UInt8](repeating: 0x80, count: 11), .truncated),
      ([0x40] + plain.dropFirst(), .wrongVersion),
      ([0xC0] + plain.dropFirst(), .wrongVersion),
      ([0x81] + plain.dropFirst(), .truncated),  // the contributing source is cut off
      ([0x90] + plain.dropFirst(), .truncated),  // so is the extension
      ([0x90] + plain[1..<12] + [0, 0, 0xFF, 0xFF], .truncated),  // an extension of 256 KB
      ([0xA0] + plain[1..<14] + [0], .badPadding),
      ([0xA0] + plain[1..<14] + [4], .badPadding),
      ([0xA0] + plain[1..<12], .badPadding),
    ] as [([UInt8], RTPError)])
  func refuses(bytes: [UInt8], error: RTPError) { #expect(refusal(bytes) == error) }

  @Test func writesWhatItReads() throws {
    let header = RTPHeader(payloadType: 101, sequenceNumber: 65_535, timestamp: .max, ssrc: 1, marker: true)
    var bytes = [UInt8](repeating: 0, count: 12)
    let length = bytes.withUnsafeMutableBytes { header.write(into: $0) }
    #expect(length == 12)
    #expect(bytes == [0x80, 0xE5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1])
    #expect(try parse(bytes) == header)
    #expect(
      bytes.withUnsafeMutableBytes { header.write(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<11])) } == 0)
  }

  @Test func overwritesInPlaceAndKeepsTheRest() throws {
    var bytes = Self.plain
    bytes[0] = 0x91
    bytes.insert(contentsOf: [0, 0, 0, 7, 0xBE, 0xDE, 0, 0], at: 12)
    let before = bytes
    var header = try parse(bytes)
    header.ssrc = 0x0102_0304
    header.sequenceNumber = 5
    header.timestamp = 6
    header.marker = false
    header.payloadType = 0
    let isDone = bytes.withUnsafeMutableBytes { header.overwrite($0) }
    #expect(isDone)
    #expect(bytes[0] == before[0])
    #expect(bytes[12...] == before[12...])
    #expect(try parse(bytes) == header)
  }

  @Test func anyBytesAreReadOrRefused() {
    var random = SeededGenerator(seed: 1)
    for round in 0..<20_000 {
      var bytes = Self.plain + [UInt8](repeating: 0, count: round % 40)
      for _ in 0..<1 + round % 5 {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
      guard let header = try? parse(bytes) else { continue }
      #expect(header.payloadOffset >= 12 && header.payloadLength >= 0 && header.payloadRange.upperBound <= bytes.count)
    }
  }
}
