import RTP
import Telephony
import Testing

@Suite struct TelephoneEventTests {
  @Test func readsAndWritesThePayload() throws {
    let bytes: [UInt8] = [11, 0x8A, 0x03, 0x20]
    let parsed = TelephoneEvent(parsing: bytes.span.bytes)
    let event = try #require(parsed)
    #expect(event == TelephoneEvent(code: 11, isEnd: true, volume: 10, duration: 800))
    #expect(event.digit == "#")
    var out = [UInt8](repeating: 0, count: 4)
    let length = out.withUnsafeMutableBytes { event.write(into: $0) }
    #expect(length == 4)
    #expect(out == bytes)
  }

  @Test func refusesTooFewBytesAndTakesMore() {
    for count in 0..<4 {
      let short = [UInt8](repeating: 1, count: count)
      let event = TelephoneEvent(parsing: short.span.bytes)
      #expect(event == nil)
    }
    let long: [UInt8] = [1, 0, 0, 160, 9, 9]
    let event = TelephoneEvent(parsing: long.span.bytes)
    #expect(event?.duration == 160)
    var small = [UInt8](repeating: 0, count: 3)
    #expect(small.withUnsafeMutableBytes { TelephoneEvent(code: 1, duration: 1).write(into: $0) } == 0)
  }

  @Test func mapsAllKeys() {
    for (code, digit) in "0123456789*#ABCD".enumerated() {
      #expect(TelephoneEvent.digit(of: UInt8(code)) == digit)
      #expect(TelephoneEvent.code(of: digit) == UInt8(code))
    }
    #expect(TelephoneEvent.code(of: "d") == 15)
    for code in UInt8(16)...255 { #expect(TelephoneEvent.digit(of: code) == nil) }
    for other: Character in ["E", "@", "é", " ", "Q", "\u{1F4DE}", "!"] {
      #expect(TelephoneEvent.code(of: other) == nil)
    }
  }

  @Test func anyPayloadIsRead() {
    var random = SeededGenerator(seed: 4)
    var detector = EventDetector()
    for _ in 0..<50_000 {
      let bits = random.next()
      let payload = (0..<Int(bits % 7)).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) }
      guard let event = TelephoneEvent(parsing: payload.span.bytes) else { continue }
      let more = random.next()
      let digit = detector.receive(
        event,
        in: RTPHeader(
          payloadType: 101, sequenceNumber: UInt16(truncatingIfNeeded: more),
          timestamp: UInt32(truncatingIfNeeded: more >> 16), ssrc: UInt32(more >> 60), marker: more & 1 == 0))
      #expect(digit == nil || digit == event.digit)
    }
  }
}

@Suite struct EventDetectorTests {
  struct Packet: CustomTestStringConvertible {
    var sequence: UInt16
    var timestamp: UInt32
    var code: UInt8
    var duration: UInt16
    var isEnd = false
    var marker = false
    var ssrc: UInt32 = 1
    var testDescription: String { "#\(sequence) @\(timestamp) \(code) \(duration)\(isEnd ? " end" : "")" }
  }

  private func digits(_ packets: [Packet]) -> String {
    var detector = EventDetector()
    var digits = ""
    for packet in packets {
      let header = RTPHeader(
        payloadType: 101, sequenceNumber: packet.sequence, timestamp: packet.timestamp, ssrc: packet.ssrc,
        marker: packet.marker)
      let event = TelephoneEvent(code: packet.code, isEnd: packet.isEnd, duration: packet.duration)
      if let digit = detector.receive(event, in: header) { digits.append(digit) }
    }
    return digits
  }

  /// A press of 100 ms as it should come.
  private func press(_ code: UInt8, sequence: UInt16, timestamp: UInt32) -> [Packet] {
    (0..<7).map { (index: UInt16) -> Packet in
      let duration = min(index + 1, 5) * 160
      return Packet(
        sequence: sequence &+ index, timestamp: timestamp, code: code, duration: duration, isEnd: index >= 4,
        marker: index == 0)
    }
  }

  @Test func onePressIsOneDigitAtItsFirstPacket() {
    let packets = press(1, sequence: 100, timestamp: 8000)
    #expect(digits(Array(packets.prefix(1))) == "1")
    #expect(digits(packets) == "1")
  }

  @Test func oneArrivedPacketIsEnough() {
    for packet in press(10, sequence: 65_533, timestamp: 4_294_967_000) { #expect(digits([packet]) == "*") }
  }

  @Test func theSameKeyTwiceIsTwoDigits() {
    #expect(digits(press(1, sequence: 100, timestamp: 8000) + press(1, sequence: 120, timestamp: 9600)) == "11")
  }

  @Test func theSameKeyTwiceWithTheFirstEndLost() {
    let first = Array(press(1, sequence: 100, timestamp: 8000).prefix(3))
    let second = press(1, sequence: 112, timestamp: 9600)
    #expect(digits(first + second) == "11")
    // Even if the second press's beginning is lost as well.
    #expect(digits(first + Array(second.dropFirst(2))) == "11")
  }

  @Test func stragglersDoNotCount() {
    let first = press(1, sequence: 100, timestamp: 8000)
    let second = press(2, sequence: 107, timestamp: 9600)
    var mixed = Array(first.dropLast())
    mixed += second.prefix(2)
    mixed.append(first[6])
    mixed += second.dropFirst(2)
    #expect(digits(mixed) == "12")
    #expect(digits(first.reversed()) == "1")
  }

  @Test func orderAcrossTheWrap() {
    #expect(
      digits(press(3, sequence: 65_532, timestamp: 4_294_967_200) + press(3, sequence: 20, timestamp: 1600)) == "33")
  }

  @Test func aLongPressInSegmentsIsOneDigit() {
    // RFC 4733 §2.5.1.3: at 0xFFFF the duration starts again with a new timestamp.
    var packets = [Packet(sequence: 1, timestamp: 1000, code: 5, duration: 160, marker: true)]
    packets.append(Packet(sequence: 2, timestamp: 1000, code: 5, duration: 0xFFFF))
    packets.append(Packet(sequence: 3, timestamp: 1000 + 0xFFFF, code: 5, duration: 160))
    packets.append(Packet(sequence: 4, timestamp: 1000 + 0xFFFF, code: 5, duration: 320, isEnd: true))
    #expect(digits(packets) == "5")
  }

  @Test func creepingTimestampsAreOnePress() {
    let packets = (0..<10).map { (index: UInt16) -> Packet in
      Packet(
        sequence: index, timestamp: UInt32(index) * 160, code: 1, duration: 160, isEnd: index == 9,
        marker: index == 0)
    }
    #expect(digits(packets) == "1")
  }

  @Test func anotherSourceBeginsAnew() {
    var second = press(1, sequence: 100, timestamp: 8000)
    for index in second.indices { second[index].ssrc = 2 }
    #expect(digits(press(1, sequence: 100, timestamp: 8000) + second) == "11")
  }

  @Test func signalsThatAreNoKeysAreSilent() {
    #expect(digits(press(16, sequence: 1, timestamp: 1) + press(1, sequence: 20, timestamp: 4000)) == "1")
  }

  @Test func whateverIsLostEachPressIsOneDigitOrNone() throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<500 {
      var sequence = UInt16(truncatingIfNeeded: random.next())
      var timestamp = UInt32(truncatingIfNeeded: random.next())
      var expected = ""
      var arrived: [Packet] = []
      for digit in "1598*11#" {
        var sender = try #require(EventSender(digit: digit, milliseconds: 60 + Int(random.next() % 200)))
        var isHeard = false
        while let packet = sender.next() {
          sequence &+= 1
          if random.next() % 10 < 4 { continue }
          isHeard = true
          arrived.append(
            Packet(
              sequence: sequence, timestamp: timestamp, code: packet.event.code, duration: packet.event.duration,
              isEnd: packet.event.isEnd, marker: packet.marker))
        }
        timestamp &+= 4000
        if isHeard { expected.append(digit) }
      }
      #expect(digits(arrived) == expected)
    }
  }
}

@Suite struct EventSenderTests {
  @Test func sendsAPressPacketByPacket() throws {
    var sender = try #require(EventSender(digit: "1", milliseconds: 100))
    var packets: [EventPacket] = []
    while let packet = sender.next() { packets.append(packet) }
    #expect(packets.map(\.event.duration) == [160, 320, 480, 640, 800, 800, 800])
    #expect(packets.map(\.event.isEnd) == [false, false, false, false, true, true, true])
    #expect(packets.map(\.marker) == [true, false, false, false, false, false, false])
    #expect(packets.allSatisfy { $0.event.code == 1 })
  }

  @Test func endsAtTheAskedTimeAlsoBetweenPackets() throws {
    var sender = try #require(EventSender(digit: "D", milliseconds: 50))
    var durations: [UInt16] = []
    while let packet = sender.next() { durations.append(packet.event.duration) }
    #expect(durations == [160, 320, 400, 400, 400])
  }

  @Test func holdsTimesToTheirRange() throws {
    var sender = try #require(EventSender(digit: "0", milliseconds: .max, packetMilliseconds: .max))
    var last: EventPacket?
    while let packet = sender.next() { last = packet }
    #expect(last?.event.duration == 64_000)
    #expect(EventSender(digit: "x") == nil)
  }
}
