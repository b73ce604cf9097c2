import CallControl
import PikettTesting
import Site
import Telephony
import Testing

/// The waiting queue's machine, input by input.
@Suite struct WaitingQueueTests {
  private static func number(_ text: String) -> PhoneNumber {
    PhoneNumber(text) ?? PhoneNumber(internalNumber: 0)
  }

  /// The machine, for expectations that change it.
  private final class Bench {
    private var machine: WaitingQueue
    /// The caller is there.
    init(_ queue: Queue, at now: Moment) {
      machine = WaitingQueue(queue)
      #expect(machine.handle(.start, at: now) == [.announce])
      #expect(machine.handle(.start, at: now) == [])
    }
    var nextDeadline: Instant? { machine.nextDeadline }
    func handle(_ input: WaitingQueue.Input, at now: Moment) -> [WaitingQueue.Action] { machine.handle(input, at: now) }
  }

  private func queue(_ change: (inout Queue) -> Void = { _ in }) -> Bench {
    var queue = Queue(name: "WQ")
    queue.maps = [
      Queue.KeyMap(key: "1", destination: Self.number("799*731")),
      Queue.KeyMap(key: "#", destination: Self.number("700")),
    ]
    change(&queue)
    return Bench(queue, at: clock.now)
  }

  private var clock = ManualClock()

  @Test(arguments: ["1", "#"] as [Character]) func `a key that leads somewhere, while the announcement plays`(
    key: Character
  ) {
    let machine = queue()
    let destination = Self.number(key == "1" ? "799*731" : "700")
    #expect(machine.handle(.key(key), at: clock.now) == [.proceed(destination, key: key)])
    #expect(machine.handle(.key(key), at: clock.now) == [])
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    #expect(machine.handle(.timersDue, at: clock.now) == [])
    #expect(machine.nextDeadline == nil)
  }

  @Test mutating func `a key after the announcement`() {
    let machine = queue()
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    #expect(machine.nextDeadline == clock.now.instant + .seconds(10))
    clock.advance(by: .seconds(9))
    #expect(machine.handle(.key("1"), at: clock.now) == [.proceed(Self.number("799*731"), key: "1")])
  }

  @Test mutating func `silence repeats, then hangs up`() {
    let machine = queue { $0.repeats = 2 }
    for _ in 0..<2 {
      #expect(machine.handle(.announcementEnded, at: clock.now) == [])
      clock.advance(by: .seconds(10))
      #expect(machine.handle(.timersDue, at: clock.now) == [.announce])
      #expect(machine.nextDeadline == clock.now.instant + WaitingQueue.announcementLimit)
    }
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    clock.advance(by: .milliseconds(9_999))
    #expect(machine.handle(.timersDue, at: clock.now) == [])
    clock.advance(by: .milliseconds(1))
    #expect(machine.handle(.timersDue, at: clock.now) == [.hangUp])
    #expect(machine.handle(.timersDue, at: clock.now) == [])
  }

  struct Silent: Sendable, CustomTestStringConvertible {
    var name: String
    var onSilence: Queue.OnSilence
    var keys: [Character]
    var action: WaitingQueue.Action
    var testDescription: String { name }
  }

  static let silent: [Silent] = [
    Silent(name: "hangup", onSilence: .hangup, keys: ["1"], action: .hangUp),
    Silent(name: "proceed as by 1", onSilence: .proceed, keys: ["5", "1"], action: .proceed(number("7001"), key: nil)),
    Silent(
      name: "proceed by the only key", onSilence: .proceed, keys: ["5"], action: .proceed(number("7005"), key: nil)),
    Silent(name: "proceed where several keys and no 1 are", onSilence: .proceed, keys: ["5", "6"], action: .hangUp),
    Silent(name: "proceed where no key is", onSilence: .proceed, keys: [], action: .hangUp),
    Silent(
      name: "a destination", onSilence: .destination(number("799732")), keys: ["1"],
      action: .proceed(number("799732"), key: nil)),
  ]

  @Test(arguments: silent) mutating func `what silence does in the end`(story: Silent) {
    let machine = queue {
      $0.repeats = 0
      $0.onSilence = story.onSilence
      $0.maps = story.keys.map { Queue.KeyMap(key: $0, destination: Self.number("700\($0)")) }
    }
    _ = machine.handle(.announcementEnded, at: clock.now)
    clock.advance(by: .seconds(10))
    #expect(machine.handle(.timersDue, at: clock.now) == [story.action])
  }

  @Test mutating func `a wrong key repeats the announcement ten times, then it is silence`() {
    let machine = queue { $0.repeats = 0 }
    for _ in 0..<10 { #expect(machine.handle(.key("9"), at: clock.now) == [.announce]) }
    #expect(machine.nextDeadline == clock.now.instant + WaitingQueue.announcementLimit)
    #expect(machine.handle(.key("9"), at: clock.now) == [])
    // From now on he is waited for as if he had said nothing, whatever he goes on pressing.
    let end = clock.now.instant + .seconds(10)
    #expect(machine.nextDeadline == end)
    clock.advance(by: .seconds(5))
    #expect(machine.handle(.key("9"), at: clock.now) == [])
    #expect(machine.nextDeadline == end)
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    clock.advance(by: .seconds(5))
    #expect(machine.handle(.timersDue, at: clock.now) == [.hangUp])
  }

  @Test mutating func `the right key counts even after too many wrong ones`() {
    let machine = queue()
    for _ in 0..<20 { _ = machine.handle(.key("9"), at: clock.now) }
    #expect(machine.handle(.key("1"), at: clock.now) == [.proceed(Self.number("799*731"), key: "1")])
  }

  @Test mutating func `a wrong key in the silence after the announcement begins anew`() {
    let machine = queue()
    _ = machine.handle(.announcementEnded, at: clock.now)
    clock.advance(by: .seconds(9))
    #expect(machine.handle(.key("*"), at: clock.now) == [.announce])
    #expect(machine.nextDeadline == clock.now.instant + WaitingQueue.announcementLimit)
    clock.advance(by: .seconds(9))
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    #expect(machine.nextDeadline == clock.now.instant + .seconds(10))
  }

  @Test func `inputs that do not fit are passed over`() {
    let machine = queue()
    #expect(machine.handle(.timersDue, at: clock.now) == [])
    #expect(machine.handle(.announcementEnded, at: clock.now) == [])
    let deadline = machine.nextDeadline
    #expect(machine.handle(.announcementEnded, at: clock.now + .seconds(3)) == [])
    #expect(machine.nextDeadline == deadline)
  }
}
