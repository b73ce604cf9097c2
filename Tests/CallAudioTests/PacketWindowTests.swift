import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// Packets of a stateful codec: each once, in order, and none waits for ever.
@Suite struct PacketWindowTests {
  private func packet(_ sequence: UInt16, at time: Int64) -> PacketWindow.Packet {
    PacketWindow.Packet(sequence: sequence, timestamp: 0, type: 3, frame: 0, arrival: time, payload: [])
  }

  /// What comes out, with how many were lost before it; sequence numbers begin before their wrap.
  private func played(_ arrivals: [(number: Int, time: Int64)]) -> [(number: Int, lost: Int)] {
    var window = PacketWindow()
    var out: [(Int, Int)] = []
    var highest = -1
    let first = 65_500
    for arrival in arrivals {
      let sequence = UInt16(truncatingIfNeeded: first + arrival.number)
      switch window.judge(sequence, isBehind: arrival.number <= highest) {
      case .next:
        out.append((arrival.number, 0))
        highest = arrival.number
      case .early: window.hold(packet(sequence, at: arrival.time))
      case .late: break
      case .anew:
        window.restart(at: sequence)
        out.append((arrival.number, 0))
      }
      while let (packet, lost) = window.pop(at: arrival.time) {
        highest = Int(packet.sequence &- UInt16(first))
        out.append((highest, lost))
      }
    }
    while let (packet, lost) = window.pop(at: nil) { out.append((Int(packet.sequence &- UInt16(first)), lost)) }
    return out
  }

  @Test func anyDisorderWithinTheWindow() {
    for seed in Seeds.run(1...40) {
      var generator = SeededGenerator(seed: seed)
      let lost = Set((1..<200).filter { _ in Int.random(in: 0..<10, using: &generator) == 0 })
      var arrivals = [(number: 0, time: Int64(0))]
      for number in 1..<200 where !lost.contains(number) {
        for _ in 0...(Int.random(in: 0..<8, using: &generator) == 0 ? 1 : 0) {
          arrivals.append((number, Int64(number) * 20_000_000 + Int64.random(in: 0...300_000_000, using: &generator)))
        }
      }
      arrivals.sort { ($0.time, $0.number) < ($1.time, $1.number) }
      let out = played(arrivals)
      #expect(out.map(\.number) == (0..<200).filter { !lost.contains($0) }, "seed \(seed)")
      #expect(out.reduce(0) { $0 + $1.lost } <= lost.count, "seed \(seed)")
    }
  }

  @Test func nothingWaitsForEver() {
    // One is missing; the others go on after a second at most, or when 64 wait.
    let slow = played([(0, 0)] + (2..<60).map { ($0, Int64($0) * 20_000_000) })
    #expect(slow.map(\.number) == [0] + Array(2..<60) && slow[1].lost == 1)
    var window = PacketWindow()
    _ = window.judge(0, isBehind: false)
    for sequence in UInt16(2)..<67 {
      #expect(window.judge(sequence, isBehind: false) == .early)
      window.hold(packet(sequence, at: 0))
    }
    #expect(window.pop(at: 0)?.lost == 1)
  }

  @Test func aSenderThatCountsAnew() {
    var window = PacketWindow()
    #expect(window.judge(100, isBehind: false) == .next)
    #expect(window.judge(40_000, isBehind: false) == .anew)
    // Its sound is ahead of all that was heard: not late.
    #expect(window.judge(90, isBehind: false) == .anew)
    window.restart(at: 90)
    #expect(window.judge(91, isBehind: false) == .next)
    #expect(window.judge(90, isBehind: true) == .late)
  }
}
