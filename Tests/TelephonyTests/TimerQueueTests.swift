import Telephony
import Testing

@Suite struct TimerQueueTests {
  @Test func soonestComesFirstAndEqualOnesInTheOrderTheyWereSet() {
    var queue = TimerQueue<String>()
    queue.set("late", at: Instant(nanoseconds: 30))
    queue.set("a", at: Instant(nanoseconds: 10))
    queue.set("b", at: Instant(nanoseconds: 10))
    #expect(queue.nextDeadline == Instant(nanoseconds: 10))
    #expect(queue.popDue(at: Instant(nanoseconds: 9)) == nil)
    #expect(queue.popDue(at: Instant(nanoseconds: 20)) == "a")
    #expect(queue.popDue(at: Instant(nanoseconds: 20)) == "b")
    #expect(queue.popDue(at: Instant(nanoseconds: 20)) == nil)
    #expect(queue.count == 1)
  }

  @Test func settingAgainReplacesAndCancellingRemoves() {
    var queue = TimerQueue<Int>()
    queue.set(1, at: Instant(nanoseconds: 10))
    queue.set(1, at: Instant(nanoseconds: 50))
    queue.set(2, at: Instant(nanoseconds: 20))
    queue.cancel(2)
    queue.cancel(3)
    #expect(queue.nextDeadline == Instant(nanoseconds: 50))
    #expect(!queue.isSet(2))
    #expect(queue.popDue(at: Instant(nanoseconds: 100)) == 1)
    #expect(queue.nextDeadline == nil)
  }

  @Test func whatIsLeftOfARushKeepsItsOrder() {
    var queue = TimerQueue<Int>()
    for key in 0..<5000 { queue.set(key, at: Instant(nanoseconds: Int64(10_000 - key / 2 * 2))) }
    for key in 0..<5000 where key % 500 > 1 { queue.cancel(key) }
    #expect(queue.count == 20)
    queue.set(7, at: Instant(nanoseconds: 1))
    #expect(queue.popDue(at: Instant(nanoseconds: 1)) == 7)
    var left: [Int] = []
    while let key = queue.popDue(at: Instant(nanoseconds: 10_000)) { left.append(key) }
    var expected: [Int] = []
    for first in stride(from: 4500, through: 0, by: -500) { expected += [first, first + 1] }
    #expect(left == expected)
    #expect(queue.count == 0 && queue.nextDeadline == nil)
  }

  /// Against the plainest queue there is: a list that is searched.
  @Test(arguments: 1...20) func agreesWithAList(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var queue = TimerQueue<Int>()
    var list: [(key: Int, at: Int64, order: Int)] = []
    var now: Int64 = 0
    for order in 0..<2000 {
      let key = Int.random(in: 0..<200, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<6:
        let deadline = now + Int64.random(in: 0..<100, using: &random)
        queue.set(key, at: Instant(nanoseconds: deadline))
        list.removeAll { $0.key == key }
        list.append((key, deadline, order))
      case 6..<8:
        queue.cancel(key)
        list.removeAll { $0.key == key }
      default:
        now += 10
        while let due = list.filter({ $0.at <= now }).min(by: { ($0.at, $0.order) < ($1.at, $1.order) }) {
          #expect(queue.popDue(at: Instant(nanoseconds: now)) == due.key)
          list.removeAll { $0.key == due.key }
        }
        #expect(queue.popDue(at: Instant(nanoseconds: now)) == nil)
      }
      #expect(queue.count == list.count)
      #expect(queue.nextDeadline?.nanoseconds == list.map(\.at).min())
    }
  }
}
