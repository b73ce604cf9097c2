import PikettTesting
import Telephony
import Testing

@testable import CallControl

/// The order in which the ways to one phone are tried: each story is a list of things that happen, and what follows.
@Suite struct AttemptsTests {
  /// One thing that happens, so long after the beginning, and what is to be done then: `call 0.0`, `cancel 0.1`.
  struct Event: Sendable {
    var at: Double
    var input: Attempts.Input
    var actions: [String]

    init(_ at: Double, _ input: Attempts.Input, _ actions: String...) {
      self.at = at
      self.input = input
      self.actions = actions
    }
  }

  struct Table: Sendable, CustomTestStringConvertible {
    var name: String
    /// How many hosts each trunk has.
    var hosts: [Int]
    var triesOwn = false
    var isParallel = true
    var events: [Event]
    /// When something would be done by itself next, at the end.
    var deadline: Double?
    var testDescription: String { name }
  }

  private static func way(_ trunk: Int, _ host: Int, own: Bool = false) -> Way {
    Way(trunk: trunk, host: host, isOwn: own)
  }

  static let tables: [Table] =
    [
      Table(
        name: "one way: its silence is told, and nothing else is done by itself", hosts: [1],
        events: [
          Event(0, .start, "call 0.0"), Event(2, .timersDue, "silent 0.0"), Event(4, .timersDue),
          Event(5, .answered(way(0, 0))),
        ]),
      Table(name: "no way at all", hosts: [], events: [Event(0, .start, "over")]),
      Table(name: "trunks without a host", hosts: [0, 0, 1], events: [Event(0, .start, "call 2.0")]),
      Table(name: "only trunks without a host", hosts: [0, 0], events: [Event(0, .start, "over")]),
      Table(
        name: "silence: each next host and trunk beside it, every 2 s", hosts: [2, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(1.999, .timersDue),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(4, .timersDue, "silent 0.1", "call 1.0"),
          Event(6, .timersDue, "silent 1.0"),
          Event(9, .timersDue),
          Event(10, .provisional(way(0, 0)), "cancel 0.1", "cancel 1.0"),
          Event(11, .answered(way(0, 0))),
        ]),
      Table(
        name: "the second host answers: the first is cancelled, what it says then is nobody's", hosts: [2],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(3, .answered(way(0, 1)), "cancel 0.0"),
          Event(3.1, .answered(way(0, 0))),
          Event(3.1, .refused(way(0, 0), status: 503)),
        ]),
      Table(
        name: "a provisional answer ends the waiting", hosts: [2, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.5, .provisional(way(0, 0))), Event(1, .provisional(way(0, 0))),
          Event(2, .timersDue),
        ], deadline: 8.5),
      Table(
        name: "100 and nothing more: the next trunk beside it, and the one that rings is the one", hosts: [2, 2, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))), Event(5, .provisional(way(0, 0))),
          Event(8.099, .timersDue),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(10.1, .timersDue, "silent 1.0", "call 1.1"),
          Event(10.2, .provisional(way(1, 1))),
          Event(18.2, .timersDue, "stuck 1.1", "call 2.0"),
          Event(18.3, .ringing(way(1, 1)), "cancel 0.0", "cancel 1.0", "cancel 2.0"),
          Event(19, .ringing(way(0, 0))),
          Event(20, .answered(way(1, 1))),
        ]),
      Table(
        name: "a phone that is found late is rung once", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(8.2, .provisional(way(1, 0))),
          Event(9, .ringing(way(0, 0)), "cancel 1.0"),
          Event(12, .answered(way(0, 0))),
        ]),
      Table(
        name: "one that rings is waited for, and so is the last trunk", hosts: [1, 2],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))), Event(7, .ringing(way(0, 0))),
          Event(100, .timersDue),
          Event(100, .refused(way(0, 0), status: 500), "call 1.0"),
          Event(101, .provisional(way(1, 0))),
          Event(200, .timersDue),
        ]),
      Table(
        name: "the trunk that was stuck fails at last: the other goes on", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(8.2, .provisional(way(1, 0))),
          Event(15, .refused(way(0, 0), status: 408)),
          Event(16, .refused(way(1, 0), status: 486), "over"),
        ]),
      Table(
        name: "it says that the phone is busy: so it is", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(9, .refused(way(0, 0), status: 486), "cancel 1.0", "over"),
        ]),
      Table(
        name: "the trunk beside it fails too: the first is waited for", hosts: [1, 1, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(8.2, .refused(way(1, 0), status: 503), "call 2.0"),
          Event(8.3, .refused(way(2, 0), status: 500)),
          Event(9, .answered(way(0, 0))),
        ]),
    ]
    + [302, 403, 404, 486, 600].map { status in
      Table(
        name: "\(status) beside a trunk that still looks for the phone", hosts: [1, 1], triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(9, .refused(way(1, 0), status: status)),
          Event(11, .timersDue),
          Event(12, .ringing(way(0, 0))),
          Event(13, .answered(way(0, 0))),
        ])
    } + [
      Table(
        name: "603 beside it: he has declined", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"), Event(0.1, .provisional(way(0, 0))),
          Event(8.1, .timersDue, "stuck 0.0", "call 1.0"),
          Event(9, .refused(way(1, 0), status: 603), "cancel 0.0", "over"),
        ]),
      Table(
        name: "503: the next host at once, then the next trunk", hosts: [2, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .refused(way(0, 0), status: 503), "call 0.1"),
          Event(0.2, .refused(way(0, 1), status: 503), "call 1.0"),
          Event(0.3, .refused(way(1, 0), status: 503), "over"),
        ]),
      Table(
        name: "503 behind 100 as well", hosts: [2],
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .provisional(way(0, 0))),
          Event(5, .refused(way(0, 0), status: 503), "call 0.1"),
        ]),
      Table(
        name: "503 of a host whose next one is under way already", hosts: [3],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(2.5, .refused(way(0, 0), status: 503)),
          Event(4, .timersDue, "silent 0.1", "call 0.2"),
        ]),
      Table(
        name: "503 of the last, while a silent one may still answer", hosts: [2],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(2.1, .refused(way(0, 1), status: 503)),
          Event(6, .provisional(way(0, 0))),
          Event(9, .refused(way(0, 0), status: 486), "over"),
        ]),
      Table(
        name: "nobody ever answers", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 1.0"),
          Event(32, .refused(way(0, 0), status: 408)),
          Event(34, .refused(way(1, 0), status: 408), "over"),
        ]),
      Table(
        name: "a host cancelled for the sake of one that then says 503 is tried again", hosts: [2],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(2.1, .provisional(way(0, 0)), "cancel 0.1"),
          Event(2.2, .refused(way(0, 0), status: 503), "call 0.1"),
          Event(2.3, .refused(way(0, 1), status: 503), "over"),
        ]),
    ]
    + [401, 403, 407, 408, 500, 502, 504, 580].map { status in
      Table(
        name: "\(status): the next trunk, not the next host", hosts: [3, 2],
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .refused(way(0, 0), status: status), "call 1.0"),
          Event(0.2, .provisional(way(1, 0))),
          Event(0.3, .refused(way(1, 0), status: status), "over"),
        ])
    } + [
      Table(
        name: "500 while another host of the trunk is silent", hosts: [2, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(2.1, .refused(way(0, 1), status: 500), "cancel 0.0", "call 1.0"),
        ]),
      Table(
        name: "500 of a trunk whose next is under way already", hosts: [2, 1, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(4, .timersDue, "silent 0.1", "call 1.0"),
          Event(4.1, .refused(way(0, 0), status: 500), "cancel 0.1"),
          Event(6, .timersDue, "silent 1.0", "call 2.0"),
        ]),
      Table(
        name: "500 of the second trunk: the first, which is silent, may still answer", hosts: [1, 1],
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 1.0"),
          Event(2.1, .refused(way(1, 0), status: 500)),
          Event(3, .answered(way(0, 0))),
        ]),
    ]
    + [302, 400, 404, 480, 486, 487, 488, 600, 603, 604].map { status in
      Table(
        name: "\(status): no other way", hosts: [2, 1], triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 0.1"),
          Event(2.1, .refused(way(0, 1), status: status), "cancel 0.0", "over"),
          Event(5, .answered(way(0, 0))),
        ])
    }
    + [433, 484, 606, 607, 608].map { status in
      Table(
        name: "\(status): once more under the own number, then no more", hosts: [2, 1], triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .refused(way(0, 0), status: status), "call 0.0 own"),
          Event(0.2, .refused(way(0, 0, own: true), status: status), "over"),
        ])
    } + [
      Table(
        name: "403 under the own number too: that trunk does not let us call", hosts: [2, 1], triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .refused(way(0, 0), status: 403), "call 0.0 own"),
          Event(0.2, .refused(way(0, 0, own: true), status: 403), "call 1.0"),
          Event(0.3, .refused(way(1, 0), status: 403), "call 1.0 own"),
          Event(0.4, .refused(way(1, 0, own: true), status: 403), "over"),
        ]),
      Table(
        name: "403 where the own number would change nothing", hosts: [2],
        events: [Event(0, .start, "call 0.0"), Event(0.1, .refused(way(0, 0), status: 403), "over")]),
      Table(
        name: "the trunk's other hosts get the own number too, the next trunk the caller's", hosts: [2, 1],
        triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"),
          Event(0.1, .refused(way(0, 0), status: 403), "call 0.0 own"),
          Event(0.2, .refused(way(0, 0, own: true), status: 503), "call 0.1 own"),
          Event(2.2, .timersDue, "silent 0.1 own", "call 1.0"),
          Event(2.3, .refused(way(1, 0), status: 403), "cancel 0.1 own", "call 1.0 own"),
        ]),
      Table(
        name: "403 of a trunk that was slow", hosts: [1, 1], triesOwn: true,
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue, "silent 0.0", "call 1.0"),
          Event(2.1, .refused(way(0, 0), status: 403), "cancel 1.0", "call 0.0 own"),
        ], deadline: 4.1),
      Table(
        name: "one after the other: silence is waited out, then the next host", hosts: [2, 1], isParallel: false,
        events: [
          Event(0, .start, "call 0.0"),
          Event(2, .timersDue),
          Event(32, .refused(way(0, 0), status: 408), "call 0.1"),
          Event(33, .refused(way(0, 1), status: 500), "call 1.0"),
          Event(34, .answered(way(1, 0))),
        ]),
    ]

  @Test(arguments: tables) func `the ways are tried in their order`(table: Table) {
    var attempts = Attempts(
      hosts: table.hosts, triesOwn: table.hosts.map { _ in table.triesOwn }, isParallel: table.isParallel)
    var now = Instant(nanoseconds: 0)
    for event in table.events {
      now = Instant(nanoseconds: Int64((event.at * 1e9).rounded()))
      #expect(attempts.handle(event.input, at: now).map(words) == event.actions, "at \(event.at) s")
      if event.actions.contains("over") { #expect(attempts.nextDeadline == nil) }
    }
    if let deadline = table.deadline {
      #expect(attempts.nextDeadline == Instant(nanoseconds: Int64((deadline * 1e9).rounded())))
    }
  }

  private func words(_ action: Attempts.Action) -> String {
    switch action {
    case .call(let way): "call \(way)"
    case .cancel(let way): "cancel \(way)"
    case .silent(let way): "silent \(way)"
    case .stuck(let way): "stuck \(way)"
    case .over: "over"
    }
  }

  /// Whatever the hosts say, in whatever order.
  @Test(arguments: 1...300 as ClosedRange<UInt64>) func `nothing is left, nothing is called twice at once`(seed: UInt64)
  {
    var dice = SeededGenerator(seed: seed)
    func draw(_ count: Int) -> Int { Int(dice.next() % UInt64(count)) }
    let hosts = (0..<draw(5)).map { _ in draw(4) }
    var attempts = Attempts(hosts: hosts, triesOwn: hosts.map { _ in draw(2) == 0 }, isParallel: draw(5) > 0)
    var now = Instant(nanoseconds: 0)
    var open: [Way] = []
    var calls = 0
    var isOver = false
    var chosen: Way?
    func perform(_ actions: [Attempts.Action]) {
      for action in actions {
        #expect(!isOver, "\(action) after the end")
        switch action {
        case .call(let way):
          #expect(!open.contains(way) && way.host < hosts[way.trunk])
          open.append(way)
          calls += 1
        case .cancel(let way):
          #expect(open.contains(way))
          open.removeAll { $0 == way }
        case .silent(let way), .stuck(let way): #expect(open.contains(way))
        case .over: isOver = true
        }
      }
    }
    perform(attempts.handle(.start, at: now))
    var isLed = false
    for _ in 0..<100 where !isOver {
      now = now + .milliseconds(draw(draw(4) == 0 ? 9000 : 1500))
      if open.isEmpty { isLed = false }
      if let deadline = attempts.nextDeadline, deadline <= now {
        perform(attempts.handle(.timersDue, at: now))
        #expect(attempts.nextDeadline.map { $0 > now } ?? true)
      }
      // Also ways that are not under way: their words come too late.
      let way = draw(4) > 0 && !open.isEmpty ? open[draw(open.count)] : Way(trunk: draw(5), host: draw(4))
      let isOpen = open.contains(way)
      switch draw(7) {
      case 0:
        let before = open
        perform(attempts.handle(.provisional(way), at: now))
        // The first 100 leaves one; later ones nothing to cancel.
        if isOpen { #expect(open == [way] || (isLed && open == before)) }
        if isOpen { isLed = true }
      case 6:
        perform(attempts.handle(.ringing(way), at: now))
        if isOpen { #expect(open == [way] && attempts.nextDeadline == nil) }
      case 1 where draw(3) == 0:
        perform(attempts.handle(.answered(way), at: now))
        if isOpen {
          #expect(open == [way] && attempts.nextDeadline == nil)
          chosen = chosen ?? way
        }
      case 2, 3:
        if chosen == way { continue }
        open.removeAll { $0 == way }
        let status = [302, 403, 404, 408, 484, 486, 500, 503, 503, 503, 603, 607][draw(12)]
        perform(attempts.handle(.refused(way, status: status), at: now))
        if isOpen { #expect(isOver || !open.isEmpty, "nothing is tried and nobody is told") }
      default: continue
      }
    }
    if isOver { #expect(open.isEmpty && attempts.nextDeadline == nil) }
    #expect(calls <= 4 * hosts.reduce(0, +))
  }
}
