import Spool
import Telephony
import Testing

@Suite("when a message is tried again")
struct RetryStateTests {
  static let start = WallTime(microseconds: 1_350_050_400_000_000)

  /// The pauses in seconds until it is given up or goes to the next provider, `limit` at most.
  private func pauses(_ state: inout RetryState, of providers: [String], limit: Int) -> [Int64] {
    var pauses: [Int64] = []
    var now = RetryStateTests.start
    while pauses.count < limit, state.failed(.passing("no answer"), with: "A", of: providers, at: now) {
      if state.provider != "A" { break }
      pauses.append((state.due - now).milliseconds / 1000)
      now = state.due
    }
    return pauses
  }

  @Test("10 s, doubling to 15 minutes, for 24 hours, then it has failed")
  func backOff() {
    var state = RetryState(due: RetryStateTests.start)
    let pauses = pauses(&state, of: ["A"], limit: 1000)
    #expect(pauses.prefix(9) == [10, 20, 40, 80, 160, 320, 640, 900, 900])
    #expect(pauses.dropFirst(7).allSatisfy { $0 == 900 })
    let total = pauses.reduce(0, +)
    #expect(total >= 86_400 && total <= 86_400 + 900)
    #expect(state.reason == "no answer")
  }

  @Test("after 24 hours the next provider is tried at once, from the beginning")
  func nextProvider() {
    var state = RetryState(due: RetryStateTests.start)
    _ = pauses(&state, of: ["A", "B"], limit: 1000)
    #expect(state.provider == "B")
    #expect(state.attempts == 0)
    #expect(state.due == state.since)
    let later = state.due
    let goesOn1 = state.failed(.passing("x"), with: "B", of: ["A", "B"], at: later)
    #expect(goesOn1)
    #expect((state.due - later).milliseconds == 10_000)
    let goesOn2 = state.failed(.passing("x"), with: "B", of: ["A", "B"], at: later + .seconds(86_400))
    #expect(!goesOn2)
  }

  @Test("a refusal goes to the next provider at once; by the last one it has failed")
  func refusal() {
    let now = RetryStateTests.start
    var state = RetryState(due: now)
    let goesOn3 = state.failed(.refused("403"), with: "A", of: ["A", "B"], at: now)
    #expect(goesOn3)
    #expect(state.provider == "B")
    #expect(state.isDue(at: now))
    let goesOn4 = state.failed(.refused("402"), with: "B", of: ["A", "B"], at: now)
    #expect(!goesOn4)
    #expect(state.reason == "402")
  }

  @Test("a message that is hastened is due, and given up after its 24 h all the same")
  func hastened() {
    let start = RetryStateTests.start
    var state = RetryState(due: start)
    for pause in [0, 10, 30] {
      let goesOn = state.failed(.passing("480"), with: "phone", of: ["phone"], at: start + .seconds(pause))
      #expect(goesOn)
    }
    state.hasten(at: start + .seconds(40))
    #expect(state.due == start + .seconds(40))
    let goesOn = state.failed(.passing("480"), with: "phone", of: ["phone"], at: start + .seconds(40))
    #expect(goesOn && state.due == start + .seconds(50))
    state.hasten(at: start + .seconds(86_400))
    let isOver = !state.failed(.passing("480"), with: "phone", of: ["phone"], at: start + .seconds(86_400))
    #expect(isOver)
  }

  @Test("a clock that was wrong does not hold a message back")
  func clockSetBack() {
    var state = RetryState(due: RetryStateTests.start + .seconds(86_400 * 365))
    #expect(state.isDue(at: RetryStateTests.start))
    let goesOn5 = state.failed(.passing("x"), with: "A", of: ["A"], at: RetryStateTests.start)
    #expect(goesOn5)
    #expect((state.due - RetryStateTests.start).milliseconds == 10_000)
  }

  @Test("a provider that is no longer named counts as the last")
  func unknownProvider() {
    let now = RetryStateTests.start
    var state = RetryState(due: now)
    let goesOn6 = state.failed(.passing("x"), with: "gone", of: [], at: now)
    #expect(goesOn6)
    #expect((state.due - now).milliseconds == 10_000)
  }
}
