import Glibc
import RTP
import Telephony
import Testing

/// Key presses of real devices, in `data/fixtures/rtp`: what tshark lists of the packets, and the digits they are.
@Suite struct CapturedEventTests {
  private static func lines(_ name: String) -> [Substring] {
    var parents = #filePath.split(separator: "/").dropLast()
    while !parents.isEmpty, access("/" + parents.joined(separator: "/") + "/Package.swift", F_OK) != 0 {
      parents.removeLast()
    }
    guard let stream = fopen("/" + parents.joined(separator: "/") + "/data/fixtures/rtp/\(name).txt", "r") else {
      return []
    }
    defer { fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: 100_000)
    let count = fread(&bytes, 1, bytes.count, stream)
    return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").map { $0 }
  }

  @Test(arguments: ["gateway", "phones", "caller"]) func eachPressIsOneDigit(name: String) throws {
    let lines = Self.lines(name)
    let expected = try #require(lines.first { $0.hasPrefix("# expect: ") }).dropFirst(10)
    var detectors: [UInt32: EventDetector] = [:]
    var digits: [(ssrc: UInt32, digits: String)] = []
    for line in lines where !line.hasPrefix("#") {
      let fields = line.split(separator: " ")
      let ssrc = try #require(UInt32(fields[0].dropFirst(2), radix: 16))
      let numbers = fields.dropFirst().compactMap { UInt32($0, radix: 10) }
      try #require(numbers.count == 6)
      let header = RTPHeader(
        payloadType: 101, sequenceNumber: UInt16(numbers[0]), timestamp: numbers[1], ssrc: ssrc,
        marker: numbers[2] == 1)
      let event = TelephoneEvent(code: UInt8(numbers[3]), isEnd: numbers[4] == 1, duration: UInt16(numbers[5]))
      let digit = detectors[ssrc, default: EventDetector()].receive(event, in: header)
      if let index = digits.firstIndex(where: { $0.ssrc == ssrc }) {
        digits[index].digits += digit.map { String($0) } ?? ""
      } else {
        digits.append((ssrc, digit.map { String($0) } ?? ""))
      }
    }
    #expect(digits.map(\.digits).joined(separator: " ") == expected)
  }
}
