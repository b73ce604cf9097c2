import Audio
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Playing")
  struct PlayTests {
    @Test("A sound is heard bit for bit, as one stream", arguments: [(G711.aLaw, UInt8(8)), (.muLaw, 0)])
    func exact(law: G711, type: UInt8) throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg {
        $0.sendLaw = law
        $0.sendPayloadType = type
      }
      let samples = noise(160 * 5 + 40)
      bench.engine.send(.play(leg, Sound(samples), loops: false, token: 7))
      let packets = try phone.hear(6)
      try bench.waitForPlayed(leg, token: 7)
      let padding = [UInt8](repeating: law.silence, count: 120)
      #expect(packets.flatMap(\.payload) == law.encode(samples) + padding)
      #expect(packets.map(\.header.marker) == [true, false, false, false, false, false])
      #expect(packets.allSatisfy { $0.header.payloadType == type && $0.header.ssrc == packets[0].header.ssrc })
      for (a, b) in zip(packets, packets.dropFirst()) {
        #expect(b.header.sequenceNumber == a.header.sequenceNumber &+ 1)
        #expect(b.header.timestamp == a.header.timestamp &+ 160)
      }
      let statistics = try bench.close(leg)
      #expect(statistics.packetsSent == 6)
      #expect(phone.hearsNothing)
    }

    @Test("A loop goes on without a seam until it is stopped; no end is told")
    func loop() throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg()
      let samples = noise(100)
      bench.engine.send(.play(leg, Sound(samples), loops: true, token: 1))
      let heard = try phone.hear(5).flatMap(\.payload)
      let expected = (0..<800).map { G711.aLaw.encode(samples[$0 % 100]) }
      #expect(heard == expected)
      bench.engine.send(.stop(leg))
      try bench.settle()
      #expect(!bench.events.all.contains(.played(leg, token: 1)))
    }

    @Test("Another sound takes the place of the first at once, in the same stream, with a marker")
    func replace() throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg()
      bench.engine.send(.play(leg, Sound([Int16](repeating: 1000, count: 80_000)), loops: false, token: 1))
      let before = try phone.hear()
      let samples = noise(320)
      bench.engine.send(.play(leg, Sound(samples), loops: false, token: 2))
      try bench.waitForPlayed(leg, token: 2)
      var packets = [before]
      while packets.count(where: \.header.marker) < 2 { packets.append(try phone.hear()) }
      packets.append(try phone.hear())
      #expect(packets.suffix(2).flatMap(\.payload) == G711.aLaw.encode(samples))
      #expect(packets.count < 100)
      for (a, b) in zip(packets, packets.dropFirst()) {
        #expect(b.header.sequenceNumber == a.header.sequenceNumber &+ 1)
        #expect(Int32(bitPattern: b.header.timestamp &- a.header.timestamp) >= 160)
        #expect(b.header.ssrc == a.header.ssrc)
      }
      #expect(!bench.events.all.contains(.played(leg, token: 1)))
    }

    @Test("Packets last as long as the SDP asks", arguments: [10, 30, 40, 60])
    func packetTime(ptime: Int) throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg { $0.ptime = ptime }
      let samples = noise(ptime * 8 * 4)
      bench.engine.send(.play(leg, Sound(samples), loops: false, token: 1))
      let packets = try phone.hear(4)
      #expect(packets.allSatisfy { $0.payload.count == ptime * 8 })
      #expect(packets.flatMap(\.payload) == G711.aLaw.encode(samples))
      #expect(packets[3].header.timestamp &- packets[0].header.timestamp == UInt32(ptime * 24))
    }

    @Test("A leg that may not send keeps still, but its sound ends in time")
    func held() throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg { $0.sends = false }
      bench.engine.send(.play(leg, Sound(noise(320)), loops: false, token: 1))
      bench.engine.send(.play(leg, Sound([]), loops: false, token: 2))
      try bench.waitForPlayed(leg, token: 2)
      bench.engine.send(.play(leg, Sound(noise(320)), loops: false, token: 3))
      try bench.waitForPlayed(leg, token: 3)
      #expect(phone.hearsNothing)
    }

    @Test("A key press goes out as telephone-event where negotiated")
    func eventPress() throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg { $0.telephoneEventSend = 101 }
      bench.engine.send(.sendDigit(leg, "#", milliseconds: 60))
      bench.engine.send(.sendDigit(leg, "7", milliseconds: 60))
      let packets = try phone.hear(10)
      #expect(packets.allSatisfy { $0.header.payloadType == 101 })
      let events = packets.compactMap { packet in packet.payload.withUnsafeBytes { TelephoneEvent(parsing: $0) } }
      #expect(events.map(\.code) == [11, 11, 11, 11, 11, 7, 7, 7, 7, 7])
      #expect(events.map(\.isEnd) == [false, false, true, true, true, false, false, true, true, true])
      #expect(events.prefix(5).map(\.duration) == [160, 320, 480, 480, 480])
      #expect(Set(packets.prefix(5).map(\.header.timestamp)).count == 1)
      #expect(packets[5].header.timestamp &- packets[0].header.timestamp >= 480)
      #expect(packets.map(\.header.marker).enumerated().allSatisfy { $1 == ($0 % 5 == 0) })
    }

    @Test("A key press goes out as tones where telephone-event is not taken")
    func tonePress() throws {
      let bench = try Bench()
      let (first, phone, _) = try bench.leg()
      let (second, other, _) = try bench.leg()
      bench.engine.send(.detectTones(second, true))
      bench.engine.send(.sendDigit(first, "5", milliseconds: 100))
      for packet in try phone.hear(8) { other.speak(packet.payload) }
      #expect(try bench.waitForDigit(second, by: .tone) == "5")
    }
  }
}
