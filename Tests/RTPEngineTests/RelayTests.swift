import Audio
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Relaying")
  struct RelayTests {
    @Test("Audio is passed on as it is, with telephone-event types translated, as one stream")
    func plain() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg {
        $0.telephoneEventReceive = 101
        $0.telephoneEventSend = 101
      }
      let (b, bob, _) = try bench.leg {
        $0.telephoneEventReceive = 96
        $0.telephoneEventSend = 97
      }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let audio = (0..<12).map { bytes(160, seed: UInt64($0)) }
      for payload in audio.prefix(10) { alice.speak(payload) }
      alice.press(1, type: 101)
      for payload in audio.suffix(2) { alice.speak(payload) }
      let heard = try bob.hear(18)
      #expect(
        heard.map(\.header.payloadType) == Array(repeating: 8, count: 10) + Array(repeating: 97, count: 6) + [8, 8])
      #expect(heard.filter { $0.header.payloadType == 8 }.map(\.payload) == audio)
      #expect(Set(heard.map(\.header.ssrc)).count == 1)
      #expect(heard[0].header.ssrc != alice.ssrc)
      #expect(heard.map(\.header.marker) == (0..<18).map { $0 == 0 || $0 == 10 })
      for (x, y) in zip(heard, heard.dropFirst()) {
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1)
      }
      #expect(heard[9].header.timestamp &- heard[0].header.timestamp == 1440)
      #expect(Set(heard[10..<16].map(\.header.timestamp)).count == 1)
      #expect(try bench.waitForDigit(a, by: .event) == "1")
      // The other way round.
      bob.speak(audio[0])
      #expect(try alice.hear().payload == audio[0])
      let statistics = try bench.close(a)
      #expect(statistics.packetsReceived == 18)
      #expect(statistics.bytesReceived == 12 * 172 + 6 * 16)
      #expect(statistics.packetsSent == 1)
      #expect(statistics.packetsLost == 0)
      #expect(bench.events.all.count { if case .digit = $0 { true } else { false } } == 1)
    }

    @Test("Laws are translated by G.711's own tables, both ways")
    func transcoding() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg {
        $0.sendLaw = .muLaw
        $0.sendPayloadType = 0
      }
      bob.payloadType = 0
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let all = (0...255).map { UInt8($0) }
      let tables = G711Tables()
      alice.speak(all)
      let heard = try bob.hear()
      #expect(heard.header.payloadType == 0)
      #expect(heard.payload == all.map { tables.aLawToMuLaw[Int($0)] })
      bob.speak(all)
      let answer = try alice.hear()
      #expect(answer.header.payloadType == 8)
      #expect(answer.payload == all.map { tables.muLawToALaw[Int($0)] })
    }

    @Test("CSRC list, extension and padding do not reach the other side")
    func plainHeader() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let payload = bytes(160)
      let head: [UInt8] = [0xB1, 0x08, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 7, 7, 7, 7]
      alice.sendRaw(head + payload + [0, 0, 0, 4])
      let heard = try bob.hear()
      #expect(heard.payload == payload)
      #expect(heard.bytes.count == 172)
      #expect(heard.bytes[0] == 0x80)
    }

    @Test("Announcement, bridge, prompt, bridge: one stream without a break; the prompt wins")
    func continuity() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.play(b, Sound(noise(320)), loops: false, token: 1))
      try bench.waitForPlayed(b, token: 1)
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      for index in 0..<3 { alice.speak(bytes(160, seed: UInt64(index))) }
      var heard = try bob.hear(5)
      bench.engine.send(.play(b, Sound(noise(480)), loops: false, token: 2))
      try bench.settle()
      alice.speak(bytes(160, seed: 99))
      try bench.waitForPlayed(b, token: 2)
      heard += try bob.hear(3)
      alice.speak(bytes(160, seed: 100))
      heard.append(try bob.hear())
      #expect(heard.map(\.header.marker) == [true, false, true, false, false, true, false, false, true])
      #expect(Set(heard.map(\.header.ssrc)).count == 1)
      for (x, y) in zip(heard, heard.dropFirst()) {
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1)
        #expect(Int32(bitPattern: y.header.timestamp &- x.header.timestamp) >= 160)
      }
      #expect(heard[8].payload == bytes(160, seed: 100))
    }

    @Test("A bridge to a third leaves the second alone")
    func third() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      let (c, carol, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      bench.engine.send(.bridge(c, a))
      try bench.settle()
      alice.speak(bytes(160))
      #expect(try carol.hear().payload == bytes(160))
      bob.speak(bytes(160, seed: 2))
      carol.speak(bytes(160, seed: 3))
      #expect(try alice.hear().payload == bytes(160, seed: 3))
      bench.engine.send(.unbridge(a))
      try bench.settle()
      alice.speak(bytes(160, seed: 4))
      bench.engine.send(.bridge(a, b))
      #expect(try bench.close(c).packetsSent == 1)
      #expect(bob.hearsNothing && carol.hearsNothing)
    }

    @Test("Comfort noise passes where both take it; types not negotiated do not pass")
    func types() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.comfortNoise = 13 }
      let (b, bob, _) = try bench.leg { $0.comfortNoise = 13 }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.send([60], type: 13)
      #expect(try bob.hear().header.payloadType == 13)
      alice.send(bytes(160), type: 99)
      bench.engine.send(.describe(b, LegMedia(remote: bob.endpoint)))
      try bench.settle()
      alice.send([60], type: 13)
      alice.speak(bytes(160))
      #expect(try bob.hear().payload == bytes(160))
      #expect(try bench.close(a).packetsRefused == 1)
    }

    @Test("A key press to a side without telephone-event is told with its length, and not passed on")
    func eventToNone() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.press(3, type: 101)
      let milliseconds = try bench.waitForEnd(a, of: "3")
      #expect(milliseconds == 80)
      #expect(bob.hearsNothing)
      #expect(bench.events.all.count { if case .digitEnded = $0 { true } else { false } } == 1)
    }

    @Test("While a key is pressed by event, the tone in the audio does not go through, unless somebody listens for it")
    func eventAndTone() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (b, bob, _) = try bench.leg { $0.telephoneEventSend = 96 }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160, seed: 1))
      #expect(try bob.hear().header.payloadType == 8)
      alice.sendEvent(3, type: 101, duration: 160, isEnd: false)
      alice.speak(bytes(160, seed: 2))
      alice.sendEvent(3, type: 101, duration: 320, isEnd: true)
      alice.speak(bytes(160, seed: 3))
      let heard = try bob.hear(3)
      #expect(heard.map(\.header.payloadType) == [96, 96, 8])
      #expect(heard[2].payload == bytes(160, seed: 3))
      #expect(try bench.waitForEnd(a, of: "3") == 40)
      bench.engine.send(.detectTones(a, true))
      try bench.settle()
      alice.sendEvent(4, type: 101, duration: 160, isEnd: false)
      alice.speak(bytes(160, seed: 4))
      #expect(try bob.hear(2).map(\.header.payloadType) == [96, 8])
    }

    @Test("A press whose end is lost is over 200 ms later, and the audio goes on")
    func lostEnd() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (b, bob, _) = try bench.leg { $0.telephoneEventSend = 96 }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.sendEvent(3, type: 101, duration: 640, isEnd: false)
      #expect(try bench.waitForEnd(a, of: "3") == 80)
      alice.speak(bytes(160))
      #expect(try bob.hear(2).map(\.header.payloadType) == [96, 8])
    }

    @Test("What is left of a press that began before the bridge is not passed on")
    func pressBeforeBridge() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (b, bob, _) = try bench.leg { $0.telephoneEventSend = 96 }
      alice.sendEvent(1, type: 101, duration: 160, isEnd: false)
      #expect(try bench.waitForDigit(a, by: .event) == "1")
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      for _ in 0..<3 { alice.sendEvent(1, type: 101, duration: 640, isEnd: true) }
      #expect(try bench.waitForEnd(a, of: "1") == 80)
      alice.speak(bytes(160))
      alice.press(2, type: 101)
      #expect(try bob.hear(7).map(\.header.payloadType) == [8] + Array(repeating: 96, count: 6))
    }

    @Test("Tones in the audio are a digit, in both laws", arguments: [(G711.aLaw, UInt8(8)), (.muLaw, 0)])
    func tones(law: G711, type: UInt8) throws {
      let bench = try Bench()
      let (leg, phone, _) = try bench.leg()
      phone.payloadType = type
      bench.engine.send(.detectTones(leg, true))
      try bench.settle()
      let audio = law.encode(try #require(Tone(dtmf: "8", milliseconds: 80, pause: 80)).samples())
      for start in stride(from: 0, to: audio.count, by: 160) { phone.speak(Array(audio[start..<start + 160])) }
      #expect(try bench.waitForDigit(leg, by: .tone) == "8")
      _ = try bench.close(leg)
      #expect(bench.events.all.count { if case .digit = $0 { true } else { false } } == 1)
    }

    @Test("IPv6 legs, and a bridge between the families")
    func families() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg("::1")
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160))
      #expect(try bob.hear().payload == bytes(160))
      bob.speak(bytes(160, seed: 5))
      #expect(try alice.hear().payload == bytes(160, seed: 5))
    }
  }
}
