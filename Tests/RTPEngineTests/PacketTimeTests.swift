import Audio
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  /// Packets of 10 to 60 ms.
  @Suite("Packet times")
  struct PacketTimeTests {
    @Test(
      "What we generate lasts as long as the peer asks: sound, noise, and key presses",
      arguments: [10, 20, 30, 40, 50, 60])
    func generated(ptime: Int) throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.comfortNoise = 13 }
      let (b, bob, _) = try bench.leg {
        $0.ptime = ptime
        $0.telephoneEventSend = 101
      }
      let samples = noise(ptime * 8 * 5)
      bench.engine.send(.play(b, Sound(samples), loops: false, token: 1))
      let heard = try bob.hear(5)
      #expect(heard.flatMap(\.payload) == G711.aLaw.encode(samples))
      #expect(heard.allSatisfy { $0.payload.count == ptime * 8 })
      for (x, y) in zip(heard, heard.dropFirst()) {
        #expect(y.header.timestamp &- x.header.timestamp == UInt32(ptime * 8))
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1)
      }
      bench.engine.send(.sendDigit(b, "5", milliseconds: 2 * ptime))
      let event = try bob.hear()
      let first = try event.payload.withUnsafeBytes { try #require(TelephoneEvent(parsing: $0)) }
      #expect(first.duration == UInt16(ptime * 8))
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.send([60], type: 13)
      var packet = try bob.hear()
      while packet.header.payloadType == 101 { packet = try bob.hear() }
      #expect(packet.payload.count == ptime * 8)
    }

    @Test("Packets of any size are relayed as they are, with their times")
    func relayed() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.ptime = 60 }
      let (b, bob, _) = try bench.leg { $0.ptime = 10 }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let said = [80, 160, 240, 320, 400, 480, 80, 480, 160, 1, 960].enumerated().map { bytes($1, seed: UInt64($0)) }
      for payload in said { alice.speak(payload) }
      let heard = try bob.hear(said.count)
      #expect(heard.map(\.payload) == said)
      for (index, (x, y)) in zip(heard, heard.dropFirst()).enumerated() {
        #expect(y.header.timestamp &- x.header.timestamp == UInt32(said[index].count))
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1 && !y.header.marker)
      }
      for payload in said { bob.speak(payload) }
      #expect(try alice.hear(said.count).map(\.payload) == said)
    }
  }
}
