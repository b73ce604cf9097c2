import Telephony
import Testing

@Suite struct TimeTests {
  private static let farthest = Instant(nanoseconds: .max)
  private static let earliest = Instant(nanoseconds: .min)

  @Test func instantsAddAndSubtract() {
    let start = Instant(nanoseconds: 1_000)
    #expect(start + .milliseconds(2) == Instant(nanoseconds: 2_001_000))
    #expect(start + .seconds(-1) == Instant(nanoseconds: -999_999_000))
    #expect(Instant(nanoseconds: 2_001_000) - start == .milliseconds(2))
    #expect(start - Instant(nanoseconds: 2_001_000) == .milliseconds(-2))
    #expect(start < start + .nanoseconds(1))
  }

  @Test func instantsSaturate() {
    #expect(Self.farthest + .nanoseconds(1) == Self.farthest)
    #expect(Self.earliest + .nanoseconds(-1) == Self.earliest)
    #expect(Instant(nanoseconds: 0) + .seconds(Int64.max) == Self.farthest)
    #expect(Instant(nanoseconds: 0) + .seconds(Int64.min) == Self.earliest)
    #expect(Self.farthest - Self.earliest == .nanoseconds(Int64.max))
    #expect(Self.earliest - Self.farthest == .nanoseconds(Int64.min))
  }

  @Test func wallTimesAddAndSubtract() {
    let start = WallTime(microseconds: 5)
    #expect(start + .seconds(1) == WallTime(microseconds: 1_000_005))
    #expect(start + .nanoseconds(999) == start)
    #expect(WallTime(microseconds: 1_000_005) - start == .seconds(1))
    #expect(start - WallTime(microseconds: 1_000_005) == .seconds(-1))
    #expect(start < start + .microseconds(1))
  }

  /// A difference that does not fit is the greatest there is, so that it is never less than one that fits.
  @Test func wallTimesSaturate() {
    let farthest = WallTime(microseconds: .max)
    let earliest = WallTime(microseconds: .min)
    #expect(farthest + .microseconds(1) == farthest)
    #expect(earliest + .microseconds(-1) == earliest)
    #expect(farthest - earliest == .microseconds(Int64.max))
    #expect(earliest - farthest == .microseconds(Int64.min))
    #expect(farthest - earliest >= farthest - WallTime(microseconds: 0))
  }

  @Test(
    arguments: [
      (0, 0), (1, 0), (999_999, 0), (1_000_000, 1), (1_999_999, 1), (-1, -1), (-1_000_000, -1), (-1_000_001, -2),
      (Int64.max, 9_223_372_036_854), (Int64.min, -9_223_372_036_855),
    ] as [(Int64, Int64)])
  func unixSecondsAreRoundedDown(_ microseconds: Int64, _ seconds: Int64) {
    #expect(WallTime(microseconds: microseconds).unixSeconds == seconds)
  }

  @Test func bothClocksGoOnTogether() {
    let moment = Moment(instant: Instant(nanoseconds: 1), wall: WallTime(microseconds: 2)) + .milliseconds(3)
    #expect(moment == Moment(instant: Instant(nanoseconds: 3_000_001), wall: WallTime(microseconds: 3_002)))
  }

  @Test func durationsInOtherUnits() {
    #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
    #expect(Duration.milliseconds(-1500).nanoseconds == -1_500_000_000)
    #expect(Duration.microseconds(1999).milliseconds == 1)
    #expect(Duration.microseconds(-1999).milliseconds == -1)
    #expect(Duration.milliseconds(1500).inSeconds == 1.5)
    #expect(Duration.nanoseconds(Int64.max).nanoseconds == .max)
    #expect(Duration.nanoseconds(Int64.min).nanoseconds == .min)
    #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).nanoseconds == .max)
    #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).nanoseconds == .min)
    #expect(Duration.seconds(Int64.max).nanoseconds == .max)
    #expect(Duration.seconds(Int64.min).nanoseconds == .min)
  }
}
