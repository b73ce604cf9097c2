import Glibc
import Telephony
import Testing

@testable import Frames

@Suite struct PcapFormatTests {
  private func frame(_ from: FrameAddress, _ to: FrameAddress, _ payload: [UInt8], at micros: Int64 = 1_500_000)
    -> [UInt8]
  {
    let length = PcapFormat.frameLength(payloadLength: payload.count, isIPv6: from.isIPv6 || to.isIPv6)
    var bytes = [UInt8](repeating: 0xEE, count: length)
    let written = bytes.withUnsafeMutableBytes { buffer in
      payload.withUnsafeBytes {
        PcapFormat.writeUDPFrame(
          into: buffer, time: WallTime(microseconds: micros), from: from, to: to, payload: $0)
      }
    }
    #expect(written == length)
    return bytes
  }

  /// The one's complement sum of big-endian words, by the book (RFC 1071).
  private func onesComplement(_ bytes: [UInt8]) -> UInt32 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      sum += UInt32(bytes[index]) << 8 | (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
      if sum > 0xFFFF { sum = (sum & 0xFFFF) + 1 }
    }
    return sum
  }

  @Test func headerOfAFrame() {
    let a = FrameAddress(ipv4: 0xC000_0201, port: 5060)
    let b = FrameAddress(ipv4: 0xC633_6407, port: 16_386)
    let bytes = frame(a, b, [1, 2, 3], at: 1_350_000_000_123_456)
    #expect(bytes.count == 16 + 14 + 20 + 8 + 3)
    #expect(Array(bytes[0..<16]) == [0x80, 0x5D, 0x77, 0x50, 0x40, 0xE2, 0x01, 0, 45, 0, 0, 0, 45, 0, 0, 0])
    #expect(Array(bytes[16..<30]) == [2, 0, 198, 51, 100, 7, 2, 0, 192, 0, 2, 1, 8, 0])
    #expect(Array(bytes[30..<40]) == [0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17])
    #expect(Array(bytes[42..<50]) == [192, 0, 2, 1, 198, 51, 100, 7])
    #expect(Array(bytes[50..<56]) == [0x13, 0xC4, 0x40, 0x02, 0, 11])
    #expect(Array(bytes[58...]) == [1, 2, 3])
  }

  @Test func timeBeforeTheEpochStaysInRange() {
    let bytes = frame(FrameAddress(ipv4: 1, port: 1), FrameAddress(ipv4: 2, port: 2), [], at: -1)
    #expect(Array(bytes[0..<8]) == [0xFF, 0xFF, 0xFF, 0xFF, 0x3F, 0x42, 0x0F, 0])
  }

  @Test(arguments: [0, 1, 2, 3, 5, 160, 172, 1471, 65_507]) func checksumsAreRight(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let payload = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    let a4 = FrameAddress(ipv4: 0x0A01_02FF, port: 30_001)
    let b4 = FrameAddress(ipv4: 0xFFFE_0304, port: 65_535)
    let a6 = FrameAddress(ipv6: 0x2001_0DB8_0000_0000, 0xFFFF_FFFF_FFFF_FFFF, port: 9)
    let four = Array(frame(a4, b4, payload)[30...])
    #expect(onesComplement(Array(four[0..<20])) == 0xFFFF)
    let segment = Array(four[20...])
    #expect(onesComplement(Array(four[12..<20]) + [0, 17, segment[4], segment[5]] + segment) == 0xFFFF)
    let six = Array(frame(a6, b4, payload)[30...])
    #expect(Array(six[24..<40]) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFE, 3, 4])
    let long = Array(six[40...])
    #expect(onesComplement(Array(six[8..<40]) + [0, 17, long[4], long[5]] + long) == 0xFFFF)
  }

  @Test func aChecksumThatComesOutAsZeroIsWrittenAsOnes() {
    // 0.0.0.0:0 to itself: pseudo header 17 + 10, UDP header 10, so a payload of 0xFFFF - 37 makes the sum 0xFFFF.
    let nobody = FrameAddress(ipv4: 0, port: 0)
    let bytes = frame(nobody, nobody, [0xFF, 0xFF - 37])
    #expect(Array(bytes[56..<58]) == [0xFF, 0xFF])
  }

  @Test func tooLongDatagramIsCutAndSaysSo() {
    let a = FrameAddress(ipv4: 1, port: 1)
    let bytes = frame(a, a, [UInt8](repeating: 7, count: 65_510))
    #expect(bytes.count == 16 + 42 + 65_507)
    #expect(Array(bytes[8..<16]) == [0x0D, 0, 1, 0, 0x10, 0, 1, 0])
  }

  @Test func tooSmallBufferGetsNothing() {
    var bytes = [UInt8](repeating: 0xEE, count: PcapFormat.frameLength(payloadLength: 4, isIPv6: false) - 1)
    let payload: [UInt8] = [1, 2, 3, 4]
    let written = bytes.withUnsafeMutableBytes { buffer in
      payload.withUnsafeBytes {
        PcapFormat.writeUDPFrame(
          into: buffer, time: WallTime(microseconds: 0), from: FrameAddress(ipv4: 1, port: 1),
          to: FrameAddress(ipv4: 2, port: 2), payload: $0)
      }
    }
    #expect(written == 0)
    #expect(bytes.allSatisfy { $0 == 0xEE })
  }

  @Test(arguments: ["192.0.2.1:5060", "[2001:db8::7]:16386", "0.0.0.0:0"]) func addressThereAndBack(text: String) throws
  {
    let endpoint = try #require(Endpoint(text))
    #expect(FrameAddress(endpoint).endpoint == endpoint)
  }
}
