import RTP
import Telephony
import Testing

@Suite struct SequenceTrackerTests {
  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  private func verdicts(_ sequences: [UInt16], minimumSequential: Int = 1) -> ([SequenceVerdict], SequenceTracker) {
    var tracker = SequenceTracker(minimumSequential: minimumSequential)
    let verdicts = sequences.enumerated().map { index, sequence in
      tracker.receive(sequence, timestamp: UInt32(index) * 160, at: at(Int64(index) * 20))
    }
    return (verdicts, tracker)
  }

  @Test func takesTheFirstPacket() {
    let (verdicts, tracker) = verdicts([7, 8, 9])
    #expect(verdicts == [.started, .inOrder, .inOrder])
    #expect(tracker.received == 3)
    #expect(tracker.expected == 3)
    #expect(tracker.cumulativeLost == 0)
  }

  @Test func probationWantsPacketsInSequence() {
    #expect(verdicts([7, 8, 9], minimumSequential: 2).0 == [.probation, .started, .inOrder])
    #expect(verdicts([7, 9, 10], minimumSequential: 2).0 == [.probation, .probation, .started])
    #expect(verdicts([65_535, 0, 1], minimumSequential: 3).0 == [.probation, .probation, .started])
  }

  @Test func countsCyclesOverTheWrap() {
    let (verdicts, tracker) = verdicts([65_534, 65_535, 0, 1])
    #expect(verdicts == [.started, .inOrder, .inOrder, .inOrder])
    #expect(tracker.extendedHighestSequence == 65_537)
    #expect(tracker.expected == 4)
  }

  @Test func lateAcrossTheWrapIsLate() {
    let (verdicts, tracker) = verdicts([65_533, 65_534, 0, 65_535, 1])
    #expect(verdicts == [.started, .inOrder, .inOrder, .late, .inOrder])
    #expect(tracker.cumulativeLost == 0)
    #expect(tracker.extendedHighestSequence == 65_537)
  }

  @Test func wrapsMoreThanOnce() {
    var tracker = SequenceTracker()
    for index in 0..<200_000 {
      _ = tracker.receive(UInt16(truncatingIfNeeded: index), timestamp: 0, at: at(0))
    }
    #expect(tracker.extendedHighestSequence == 199_999)
    #expect(tracker.expected == 200_000)
  }

  @Test func countsLossAndRepetition() {
    var (_, tracker) = verdicts([100, 101, 104, 105])
    #expect(tracker.expected == 6)
    #expect(tracker.cumulativeLost == 2)
    #expect(tracker.takeFractionLost() == 2 * 256 / 6)
    _ = tracker.receive(106, timestamp: 0, at: at(1))
    #expect(tracker.takeFractionLost() == 0)
    for _ in 0..<9 { _ = tracker.receive(106, timestamp: 0, at: at(1)) }
    #expect(tracker.cumulativeLost == 7 - 14)
    #expect(tracker.takeFractionLost() == 0)
  }

  @Test func aLoneJumpDoesNotCount() {
    let (verdicts, tracker) = verdicts([10, 40_000, 11, 50_000, 12])
    #expect(verdicts == [.started, .jumped, .inOrder, .jumped, .inOrder])
    #expect(tracker.cumulativeLost == 0)
  }

  @Test func twoInSequenceAfterAJumpBeginAnew() {
    let (verdicts, tracker) = verdicts([10, 11, 40_000, 40_001, 40_002])
    #expect(verdicts == [.started, .inOrder, .jumped, .started, .inOrder])
    #expect(tracker.received == 2)
    #expect(tracker.expected == 2)
  }

  @Test(arguments: [(2999, SequenceVerdict.inOrder), (3000, .jumped), (65_436, .jumped), (65_437, .late)])
  func theLimitsAreThoseOfRFC3550(distance: Int, verdict: SequenceVerdict) {
    let next = UInt16(truncatingIfNeeded: 500 + distance)
    #expect(verdicts([500, next]).0 == [.started, verdict])
  }

  @Test func jitterFollowsTheFormula() {
    // Expected values from the C of RFC 3550 A.8, computed apart from this code; timestamps wrap on the way.
    let arrivals: [Int64] = [0, 20, 41, 60, 95, 96, 121, 140, 160, 260, 261, 262]
    let expected: [UInt32] = [0, 0, 0, 0, 8, 17, 18, 18, 17, 55, 61, 67]
    var tracker = SequenceTracker()
    var seen: [UInt32] = []
    for (index, arrival) in arrivals.enumerated() {
      _ = tracker.receive(
        UInt16(index), timestamp: 4_294_967_136 &+ UInt32(index) &* 160, at: at(1_000_000 + arrival))
      seen.append(tracker.jitter)
    }
    #expect(seen == expected)
  }

  @Test func reportsWhatItSaw() {
    var (_, tracker) = verdicts([65_534, 65_535, 1])
    let report = tracker.report(
      on: 42, lastSenderReport: (NTPTime(bits: 0x1122_3344_5566_7788), at(500)), at: at(2000))
    #expect(report.ssrc == 42)
    #expect(report.cumulativeLost == 1)
    #expect(report.fractionLost == 64)
    #expect(report.extendedHighestSequence == 65_537)
    #expect(report.lastSenderReport == 0x3344_5566)
    #expect(report.delaySinceLastSenderReport == 98_304)
    #expect(tracker.report(on: 42, lastSenderReport: nil, at: at(2000)).lastSenderReport == 0)
  }

  @Test func anyNumbersAreTaken() {
    var random = SeededGenerator(seed: 3)
    var tracker = SequenceTracker(minimumSequential: 2)
    for _ in 0..<50_000 {
      let bits = random.next()
      // Half of the packets go on from where the last one was, so that all states are met.
      let sequence =
        bits & 1 == 0
        ? UInt16(truncatingIfNeeded: tracker.extendedHighestSequence &+ 1) : UInt16(truncatingIfNeeded: bits >> 1)
      _ = tracker.receive(
        sequence, timestamp: UInt32(truncatingIfNeeded: bits >> 20),
        at: Instant(nanoseconds: Int64(bitPattern: random.next())))
      _ = tracker.report(on: 1, lastSenderReport: (NTPTime(bits: bits), Instant(nanoseconds: .min)), at: at(.zero))
    }
    #expect(tracker.received > 0)
  }
}
