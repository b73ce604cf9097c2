import Audio
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  /// Pauses of a peer that sends comfort noise in place of silence (RFC 3389).
  @Suite("Comfort noise")
  struct NoiseTests {
    /// Its level in dB below overload.
    private func level(_ samples: [Int16]) -> Double {
      let power = samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, samples.count))
      var (level, limit) = (0.0, 32_768.0 * 32_768.0)
      while limit > power, level < 120 {
        limit *= 0.977_237_2
        level += 0.1
      }
      return level
    }

    @Test(
      "A side that takes none hears noise of that level until the sound goes on, as one stream",
      arguments: [(G711.aLaw, 50, 50.0), (.muLaw, 45, 45), (.aLaw, 0, 30), (.muLaw, 0x80 | 40, 40)])
    func rendered(law: G711, said: Int, expected: Double) throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.comfortNoise = 13 }
      let (b, bob, _) = try bench.leg {
        ($0.sendLaw, $0.sendPayloadType) = (law, law == .aLaw ? 8 : 0)
      }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160, seed: 1))
      // The level, and a spectrum that we do not render.
      alice.send([UInt8(said), 100, 130, 120], type: 13)
      var heard = try bob.hear(26)
      alice.timestamp &+= 4000
      // The level may change in the pause.
      alice.send([UInt8(said)], type: 13)
      heard += try bob.hear(2)
      alice.timestamp &+= 400
      alice.speak(bytes(160, seed: 2), marker: true)
      alice.speak(bytes(160, seed: 3))
      var last = try bob.hear()
      while last.header.marker == false {
        heard.append(last)
        last = try bob.hear()
      }
      let tables = G711Tables()
      let words = bytes(160, seed: 2).map { law == .aLaw ? $0 : tables.aLawToMuLaw[Int($0)] }
      #expect(last.payload == words)
      let next = try bob.hear()
      #expect(next.header.sequenceNumber == last.header.sequenceNumber &+ 1)
      #expect(next.payload.count == 160 && (law == .muLaw || next.payload == bytes(160, seed: 3)))
      let noise = heard.dropFirst()
      #expect(heard.map(\.header.marker) == heard.indices.map { $0 < 2 })
      #expect(noise.allSatisfy { $0.header.payloadType == (law == .aLaw ? 8 : 0) && $0.payload.count == 160 })
      for (x, y) in zip(heard + [last], (heard + [last]).dropFirst()) {
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1)
        #expect(y.header.ssrc == x.header.ssrc)
        #expect(Int32(bitPattern: y.header.timestamp &- x.header.timestamp) >= 160)
      }
      // No two packets are alike, and the level is as it was told.
      #expect(Set(noise.map(\.payload)).count == noise.count)
      let loudness = level(noise.flatMap { law.decode($0.payload) })
      #expect(abs(loudness - expected) < 1.5, "\(loudness)")
    }

    @Test("What is older than the pause does not end it, what is newer does; payload type 13 needs no mention")
    func late() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (b, bob, _) = try bench.leg { $0.telephoneEventSend = 101 }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160, seed: 1))
      #expect(try bob.hear().payload == bytes(160, seed: 1))
      let before = alice.sequence
      alice.sequence &+= 3
      alice.send([50], type: 13)
      let after = alice.sequence
      _ = try bob.hear()
      alice.sequence = before
      alice.speak(bytes(160, seed: 2))
      alice.sendEvent(5, type: 101, duration: 160, isEnd: false)
      // A description that comes late as well.
      alice.send([31], type: 13)
      try bench.settle()
      for packet in try bob.hear(20) {
        #expect(packet.header.payloadType == 8)
        #expect((45...55).contains(level(G711.aLaw.decode(packet.payload))))
      }
      alice.sequence = after
      alice.speak(bytes(160, seed: 3))
      var heard = try bob.hear()
      while heard.payload != bytes(160, seed: 3) { heard = try bob.hear() }
      try bench.settle()
      #expect(bob.hearsNothing)
    }

    @Test("Our own sound comes first, and noise ends with the bridge")
    func givesWay() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.comfortNoise = 13 }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160))
      alice.send([60], type: 13)
      _ = try bob.hear(3)
      let words = noise(480)
      bench.engine.send(.play(b, Sound(words), loops: false, token: 1))
      var packet = try bob.hear()
      while !packet.header.marker { packet = try bob.hear() }
      #expect([packet].map(\.payload) == [G711.aLaw.encode(Array(words[..<160]))])
      #expect(try bob.hear(2).flatMap(\.payload) == G711.aLaw.encode(Array(words[160...])))
      // The pause goes on.
      #expect(level(G711.aLaw.decode(try bob.hear().payload)) > 50)
      bench.engine.send(.unbridge(a))
      try bench.settle()
      while !bob.hearsNothing {}
      bench.engine.send(.play(b, Sound(words), loops: false, token: 2))
      #expect(try bob.hear().payload == G711.aLaw.encode(Array(words[..<160])))
      bench.engine.send(.stop(b))
      // A description with nothing in it, and one that nobody is to hear.
      alice.send([], type: 13)
      alice.send([40], type: 13)
      try bench.settle()
      #expect(try bench.close(a).packetsReceived == 4)
    }
  }
}
