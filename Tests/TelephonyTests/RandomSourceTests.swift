import Synchronization
import Telephony
import Testing

@Suite struct RandomSourceTests {
  /// A source whose sequence follows from its seed.
  private static func source(seed: UInt64) -> RandomSource {
    let generator = Shared(seed)
    return RandomSource { generator.next() }
  }

  private final class Shared: Sendable {
    private let generator: Mutex<SeededGenerator>
    init(_ seed: UInt64) { generator = Mutex(SeededGenerator(seed: seed)) }
    func next() -> UInt64 { generator.withLock { $0.next() } }
  }

  @Test func numbersStayInTheirRange() {
    let source = Self.source(seed: 1)
    for range in [0...0, 5...5, 0...1, 10...19, 0...UInt64.max, 1...UInt64.max, UInt64.max...UInt64.max] {
      for _ in 0..<100 { #expect(range.contains(source.next(in: range))) }
    }
  }

  @Test func everyNumberOfASmallRangeComes() {
    let source = Self.source(seed: 2)
    let drawn = Set((0..<1000).map { _ in source.next(in: 10...19) })
    #expect(drawn.count == 10)
  }

  @Test func tokensAreHexadecimalAndAsLongAsAskedFor() {
    let source = Self.source(seed: 3)
    for count in [0, 1, 15, 16, 17, 32, 100] {
      let token = source.token(count)
      #expect(token.utf8.count == count)
      #expect(token.utf8.allSatisfy { $0.hexadecimalValue != nil && !(0x41...0x46).contains($0) })
    }
    #expect(source.token().utf8.count == 16)
    #expect(RandomSource { 0 }.token(20) == String(repeating: "0", count: 20))
    #expect(RandomSource { 0xAB }.token() == "00000000000000ab")
  }

  @Test func tokensDiffer() {
    let source = Self.source(seed: 4)
    #expect(Set((0..<10_000).map { _ in source.token() }).count == 10_000)
  }

  /// The published reference values of SplitMix64.
  @Test func theSeededGeneratorIsSplitMix64() {
    var generator = SeededGenerator(seed: 1_234_567)
    #expect(
      (0..<5).map { _ in generator.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
        16_408_922_859_458_223_821,
      ])
  }
}
