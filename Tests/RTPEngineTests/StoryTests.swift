import Audio
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  /// A whole call as one phone gets it: whatever sounds, it is one stream.
  @Suite("One stream")
  struct StoryTests {
    /// Checks a stream packet by packet as it comes.
    private final class Listener {
      let phone: Phone
      private(set) var all: [Phone.Packet] = []

      init(_ phone: Phone) { self.phone = phone }

      /// The next `count` packets: the first of them, and no other, bears the marker if something new begins here.
      @discardableResult
      func hear(_ count: Int, isNew: Bool = false, lost: UInt16 = 0) throws -> [Phone.Packet] {
        let packets = try phone.hear(count)
        for (index, packet) in packets.enumerated() {
          #expect(packet.header.marker == (isNew && index == 0), "packet \(all.count) (\(index) of \(count))")
          if let last = all.last {
            let gap = index == 0 ? lost : 0
            #expect(packet.header.ssrc == last.header.ssrc)
            #expect(packet.header.sequenceNumber == last.header.sequenceNumber &+ 1 &+ gap, "packet \(all.count)")
            let advance = Int32(bitPattern: packet.header.timestamp &- last.header.timestamp)
            // Never back, never over the packet before, and never farther ahead than the time that passed.
            #expect(advance >= Int32(last.payload.count) && advance < 16_000, "packet \(all.count): \(advance)")
          }
          all.append(packet)
        }
        return packets
      }

      /// Passes over what still comes of a sound that has been replaced.
      func hear(until isLast: (Phone.Packet) -> Bool) throws {
        while true {
          let packet = try phone.hear()
          if let last = all.last {
            #expect(packet.header.sequenceNumber == last.header.sequenceNumber &+ 1)
            #expect(Int32(bitPattern: packet.header.timestamp &- last.header.timestamp) >= Int32(last.payload.count))
          }
          all.append(packet)
          if isLast(packet) { return }
        }
      }
    }

    @Test("Announcement, ringing, talk, hold, talk, another source, ringing again, a second talk, another law")
    func story() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.telephoneEventSend = 101 }
      let (b, bob, _) = try bench.leg { $0.telephoneEventReceive = 101 }
      let (c, carol, _) = try bench.leg()
      let caller = Listener(alice)
      func payload(_ seed: UInt64) -> [UInt8] { bytes(160, seed: seed) }

      bench.engine.send(.play(a, Sound(noise(1600)), loops: false, token: 1))
      try caller.hear(10, isNew: true)
      try bench.waitForPlayed(a, token: 1)
      bench.engine.send(.play(a, Sound(noise(400, seed: 2)), loops: true, token: 2))
      try caller.hear(8, isNew: true)
      // The technician answers.
      bench.engine.send(.stop(a))
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      while !alice.hearsNothing { try caller.hear(1) }
      for seed in 0..<10 as Range<UInt64> { bob.speak(payload(seed)) }
      #expect(try caller.hear(10, isNew: true).map(\.payload) == (0..<10).map { payload($0) })
      // A key, then speech: one timestamp for the whole press.
      bob.press(7, type: 101)
      let press = try alice.hear(6)
      #expect(press.map(\.header.marker) == [true, false, false, false, false, false])
      #expect(press.allSatisfy { $0.header.payloadType == 101 && $0.header.timestamp == press[0].header.timestamp })
      #expect(
        press.map(\.header.sequenceNumber)
          == (1...6).map { caller.all[caller.all.count - 1].header.sequenceNumber &+ $0 })
      bob.speak(payload(20), marker: true)
      let afterPress = try alice.hear()
      #expect(afterPress.header.marker && afterPress.header.sequenceNumber == press[5].header.sequenceNumber &+ 1)
      #expect(afterPress.header.timestamp &- press[0].header.timestamp == 960)
      // Hold, and back.
      let held = Listener(alice)
      bob.speak(payload(21))
      try held.hear(1)
      bench.engine.send(.play(a, Sound(noise(160, seed: 3)), loops: true, token: 3))
      try held.hear(12, isNew: true)
      bench.engine.send(.stop(a))
      try bench.settle()
      while !alice.hearsNothing { try held.hear(1) }
      bob.timestamp &+= 4000
      for seed in 30..<35 as Range<UInt64> { bob.speak(payload(seed)) }
      #expect(try held.hear(5, isNew: true).map(\.payload) == (30..<35).map { payload($0) })
      // The technician's gateway changes its source: other numbers, the same stream.
      (bob.ssrc, bob.sequence, bob.timestamp) = (0xDEAD_BEEF, 40_000, 12)
      for seed in 40..<45 as Range<UInt64> { bob.speak(payload(seed)) }
      #expect(try held.hear(5, isNew: true).map(\.payload) == (40..<45).map { payload($0) })
      // He hangs up, it rings again, somebody else answers, who speaks the other law.
      _ = try bench.close(b)
      bench.engine.send(.play(a, Sound(noise(400, seed: 4)), loops: true, token: 4))
      try held.hear(6, isNew: true)
      bench.engine.send(.stop(a))
      bench.engine.send(.bridge(a, c))
      try bench.settle()
      while !alice.hearsNothing { try held.hear(1) }
      carol.payloadType = 0
      carol.ssrc = 7
      for seed in 50..<53 as Range<UInt64> { carol.speak(payload(seed)) }
      #expect(
        try held.hear(3, isNew: true).map(\.payload)
          == (50..<53).map { seed in
            payload(seed).map { G711Tables().muLawToALaw[Int($0)] }
          })
      #expect(Set((caller.all + press + held.all).map(\.header.ssrc)).count == 1)
      // All our reports and the phone's own arithmetic agree on what was sent.
      let statistics = try bench.close(a)
      let whole = caller.all + press + [afterPress] + held.all
      #expect(statistics.packetsSent == UInt64(whole.count))
      let first = whole[0].header
      let last = whole[whole.count - 1].header
      #expect(last.sequenceNumber &- first.sequenceNumber == UInt16(whole.count - 1))
    }

    @Test("Losses, late packets and duplicates stay what they are: a late one in its place, a duplicate a duplicate")
    func disorder() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.play(b, Sound(noise(320)), loops: false, token: 1))
      let before = try bob.hear(2)[1]
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      // 4 comes twice, 7 never, 6 after 8 and once more later, the first ones after the beginning are too old to be placed.
      let arrivals: [UInt16] = [3, 4, 4, 5, 8, 6, 9, 6, 2, 1, 10]
      let (firstSequence, firstTimestamp) = (alice.sequence, alice.timestamp)
      for number in arrivals {
        alice.sequence = firstSequence &+ number
        alice.timestamp = firstTimestamp &+ 160 * UInt32(number)
        alice.speak(bytes(160, seed: UInt64(number)), marker: number == 9)
      }
      let expected: [UInt16] = [3, 4, 4, 5, 8, 6, 9, 6, 10]
      let heard = try bob.hear(expected.count)
      #expect(heard.map(\.payload) == expected.map { bytes(160, seed: UInt64($0)) })
      #expect(heard.map { $0.header.sequenceNumber &- before.header.sequenceNumber } == expected.map { $0 - 2 })
      #expect(heard.map { $0.header.timestamp &- heard[0].header.timestamp } == expected.map { 160 * UInt32($0 - 3) })
      #expect(heard.map(\.header.marker) == [true, false, false, false, false, false, true, false, false])
      #expect(bob.hearsNothing)
    }
  }
}
