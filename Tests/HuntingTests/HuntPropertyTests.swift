import Hunting
import PikettTesting
import Telephony
import Testing

/// Random calls: whatever phones, caller, disk and clock do, and in whatever order, the promises hold after every step.
///
/// A failure names its seed; `PIKETT_SEED=… swift test --filter HuntPropertyTests` tells that call step by step.
@Suite("Hunt: random calls")
struct HuntPropertyTests {
  @Test("No order of events breaks a promise", arguments: 0..<10)
  func randomCalls(part: Int) {
    let seeds = Seeds.run(0...3999)
    for seed in seeds where seed % 10 == part {
      var call = RandomCall(seed: UInt64(seed))
      call.run()
      if Seeds.replayed == nil, call.faults.isEmpty { continue }
      var told = RandomCall(seed: seed, tellsStory: true)
      told.run()
      let story = told.world.story.suffix(Seeds.replayed == nil ? 12 : .max).joined(separator: "\n")
      if Seeds.replayed != nil { print(story) }
      if call.faults.isEmpty { continue }
      Issue.record("PIKETT_SEED=\(seed): \(call.faults.joined(separator: "; "))\n\(told.world.plan)\n\(story)")
      return
    }
  }

  @Test("The random calls reach what they are to prove", .enabled(if: Seeds.replayed == nil))
  func coverage() {
    var ends: [HuntEnd: Int] = [:]
    var notes: [String: Int] = [:]
    var pauses: Set<Duration> = []
    var hops = 0
    for seed in UInt64(0)..<1000 {
      var call = RandomCall(seed: seed)
      call.run()
      hops = max(hops, call.world.opened.count)
      for note in call.world.notes {
        notes[String("\(note)".prefix { $0 != "(" }), default: 0] += 1
        if case .ended(let end) = note { ends[end, default: 0] += 1 }
        if case .pause(let time) = note { pauses.insert(time) }
      }
    }
    let all: [HuntEnd] = [
      .technicianHungUp, .callerHungUp, .callerGaveUp, .chainEnded, .maxRounds, .maxDuration, .shutdown, .nobodyToRing,
    ]
    for end in all { #expect(ends[end, default: 0] >= 10, "\(end)") }
    for note in [
      "first", "ringing", "diskSlow", "diskRefused", "failed", "mustConfirm", "wrongKey", "unconfirmed",
      "confirmTimeout", "held", "noResponse", "nobodyLeft", "pause", "connected", "lateAnswer",
    ] {
      #expect(notes[note, default: 0] >= 50, "\(note)")
    }
    #expect(pauses == Set([5, 10, 20, 40, 60].map { .seconds($0) }))
    #expect(hops >= 20)
  }
}
