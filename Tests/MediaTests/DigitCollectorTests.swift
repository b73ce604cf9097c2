import Media
import Telephony
import Testing

/// One key press may come by three ways; the table says which arrivals count.
@Suite struct DigitCollectorTests {
  struct Story: Sendable, CustomTestStringConvertible {
    var name: String
    /// Milliseconds, key, way.
    var arrivals: [(Int, Character, DigitWay)]
    var counts: [Bool]
    var testDescription: String { name }
  }

  static let stories: [Story] = [
    Story(name: "one press by one way", arrivals: [(0, "1", .event)], counts: [true]),
    Story(
      name: "one press by all three ways", arrivals: [(0, "1", .event), (20, "1", .info), (120, "1", .tone)],
      counts: [true, false, false]),
    Story(
      name: "the order of the ways does not matter", arrivals: [(0, "1", .tone), (90, "1", .event), (299, "1", .info)],
      counts: [true, false, false]),
    Story(
      name: "300 ms later it is another press", arrivals: [(0, "1", .event), (300, "1", .tone)], counts: [true, true]),
    Story(name: "just before that it is not", arrivals: [(0, "1", .event), (299, "1", .tone)], counts: [true, false]),
    Story(
      name: "the same way twice is two presses", arrivals: [(0, "1", .event), (100, "1", .event)], counts: [true, true]),
    Story(
      name: "a double press, each by two ways",
      arrivals: [(0, "1", .event), (40, "1", .tone), (200, "1", .event), (240, "1", .tone)],
      counts: [true, false, true, false]),
    Story(
      name: "a double press whose tones come behind both events",
      arrivals: [(0, "1", .event), (100, "1", .event), (150, "1", .tone), (250, "1", .tone)],
      counts: [true, true, false, false]),
    Story(
      name: "another key in between",
      arrivals: [(0, "1", .event), (80, "2", .event), (120, "1", .tone), (200, "2", .tone)],
      counts: [true, true, false, false]),
    Story(name: "another key is another press", arrivals: [(0, "1", .event), (10, "2", .tone)], counts: [true, true]),
    Story(
      name: "the window begins at the press, not at its echo",
      arrivals: [(0, "1", .event), (250, "1", .info), (350, "1", .tone)], counts: [true, false, true]),
    Story(
      name: "letters and signs are keys",
      arrivals: [(0, "#", .event), (10, "*", .event), (20, "A", .info), (30, "#", .info)],
      counts: [true, true, true, false]),
  ]

  @Test(arguments: stories) func `what counts`(story: Story) {
    var collector = DigitCollector()
    let counts = story.arrivals.map { time, digit, way in
      collector.counts(digit, by: way, at: Instant(nanoseconds: 5_000_000_000) + .milliseconds(time))
    }
    #expect(counts == story.counts)
  }

  @Test func `a flood counts each press and keeps none of them for long`() {
    var collector = DigitCollector()
    let counts = (0..<10_000).map { number in
      collector.counts("1", by: .info, at: Instant(nanoseconds: Int64(number) * 1000))
    }
    #expect(counts.allSatisfy { $0 })
    let later = collector.counts("1", by: .tone, at: Instant(nanoseconds: 10_000_000_000))
    #expect(later)
  }
}
