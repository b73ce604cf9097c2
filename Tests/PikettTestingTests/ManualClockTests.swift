import PikettTesting
import Telephony
import Testing

@Suite struct ManualClockTests {
  @Test func bothHandsMoveTogether() {
    var clock = ManualClock()
    clock.advance(by: .milliseconds(1500))
    #expect(clock.now.instant == Instant(nanoseconds: 1_500_000_000))
    #expect(LocalCalendar.utc.local(clock.now.wall).stamp == "2012-10-12 14:00:01")
  }

  @Test func itNeverGoesBack() {
    var clock = ManualClock()
    clock.advance(to: Instant(nanoseconds: 5))
    clock.advance(to: Instant(nanoseconds: 3))
    #expect(clock.now.instant == Instant(nanoseconds: 5))
  }

  @Test func aSeedGivesOneSequence() {
    let (a, b, other) = (RandomSource.seeded(1), RandomSource.seeded(1), RandomSource.seeded(2))
    let copy = a
    let first = [a.next(), copy.next(), a.next()]
    #expect(first == [b.next(), b.next(), b.next()])
    #expect(Set(first).count == 3)
    #expect(other.next() != first[0])
    var generator = SeededGenerator(seed: 1)
    #expect(first == [generator.next(), generator.next(), generator.next()])
  }
}
