import PikettTesting
import Telephony
import Testing

/// The measure itself: it finds what is there and where, and does not find what is not.
@Suite struct SpokenWindowTests {
  private static func noise(seed: UInt64, seconds: Int = 4) -> [Int16] {
    var generator = SeededGenerator(seed: seed)
    return (0..<seconds * 8000).map { _ in Int16(truncatingIfNeeded: generator.next()) / 4 }
  }

  @Test(arguments: [-161, 0, 37, 400]) func wordsAreFoundWhereTheyLie(offset: Int) {
    let words = Self.noise(seed: 1)
    let lost: Set = [3, 4, 60]
    var heard = [Int16](repeating: 0, count: 500 + offset) + words
    for packet in lost {
      for index in packet * 160..<packet * 160 + 160 { heard[500 + offset + index] = 0 }
    }
    let windows = SpokenWindow.all(of: words, without: lost, samplesPerPacket: 160, in: heard, at: 500)
    #expect(windows.map(\.start) == [0, 8000, 16_000])
    #expect(windows.allSatisfy { $0.offset == offset && $0.correlation > 0.999 }, "\(windows)")
  }

  @Test func lossThatNobodyNamedCosts() {
    let words = Self.noise(seed: 1)
    var heard = words
    for index in 0..<heard.count where index / 160 % 4 == 0 { heard[index] = 0 }
    let windows = SpokenWindow.all(of: words, without: [], samplesPerPacket: 160, in: heard, at: 0)
    #expect(windows.allSatisfy { $0.correlation < 0.9 }, "\(windows)")
  }

  @Test func otherWordsAreNotFound() {
    let windows = SpokenWindow.all(
      of: Self.noise(seed: 1), without: [], samplesPerPacket: 160, in: Self.noise(seed: 2), at: 0)
    #expect(windows.count == 3 && windows.allSatisfy { $0.correlation < 0.2 }, "\(windows)")
  }

  @Test func arrivalsFollowFromTheSeed() {
    let list = ArrivalList(seed: 203, packets: 1000)
    #expect(list.arrivals == ArrivalList(seed: 203, packets: 1000).arrivals)
    #expect(list.arrivals != ArrivalList(seed: 204, packets: 1000).arrivals)
    #expect(Set(list.arrivals.map(\.packet)).union(list.lost) == Set(0..<1000))
    #expect((30...70).contains(list.lost.count))
    let delays = list.arrivals.map { $0.time - Int64($0.packet) * 20_000 }
    #expect(delays.allSatisfy { (0...60_000).contains($0) } && (delays.max() ?? 0) - (delays.min() ?? 0) > 58_000)
    let order = list.arrivals.map(\.packet)
    #expect(order != order.sorted() && list.arrivals.map(\.time) == list.arrivals.map(\.time).sorted())
  }
}
