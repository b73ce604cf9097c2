import Telephony

/// One way to a phone: a host of one of the trunks that lead to it.
struct Way: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The trunk's place in the order of failover, from 0.
  var trunk: Int
  /// The host's place among the trunk's, from 0.
  var host: Int
  /// Under the site's own number, the trunk having refused the caller's.
  var isOwn = false

  static func < (a: Way, b: Way) -> Bool {
    (a.trunk, a.isOwn ? 1 : 0, a.host) < (b.trunk, b.isOwn ? 1 : 0, b.host)
  }

  var description: String { "\(trunk).\(host)\(isOwn ? " own" : "")" }
}

/// In which order, and when in parallel, the ways to one phone are tried.
///
///     trying ──silence for 2 s──▶ trying: the next way in parallel
///       │ ▲ ──503──▶ trying: the next way at once      ──401, 403, 407, 408, 5xx──▶ trying: the next trunk's first way
///       │ │ ──403, 433, 484, 606, 607, 608──▶ trying: the same way under the own number first, once a trunk
///       │ └──refused as above──────────────┐
///       ├──100──▶ led (every other way is cancelled) ──nothing more for 8 s──▶ led: the next trunk in parallel
///       │           │
///       ├──101–199──┴──▶ rung (every other way is cancelled)
///       ├──2xx──▶ answered (every other way is cancelled)
///       └──486, 603 and all else, or no way is left──▶ over
///
/// A way that was left in silence keeps its INVITE until something answers: a phone that can be reached by one slow host
/// alone is rung all the same. The first way that says anything, be it 100, is the one. But a trunk whose first machine
/// lives says 100 also when nothing behind it does, and often nothing else until the hop is long over: then the next
/// trunk is tried beside it, and the first way on which the phone rings is the one. So no phone rings twice for longer
/// than the CANCEL takes.
struct Attempts: Sendable {
  enum Input: Hashable, Sendable {
    case start
    /// 100: the next machine has it, whatever becomes of it.
    case provisional(Way)
    /// 101 to 199: it has come through to the phone or its network.
    case ringing(Way)
    /// 2xx.
    case answered(Way)
    /// 300 and above; 408 for silence to the end, 503 for a way that could not be gone.
    case refused(Way, status: Int)
    case timersDue
  }

  enum Action: Hashable, Sendable {
    /// Nothing has been heard on this way for 2 s.
    case silent(Way)
    /// Nothing but 100 has been heard on this way for 8 s.
    case stuck(Way)
    /// Send an INVITE this way.
    case call(Way)
    /// Withdraw the INVITE that went this way.
    case cancel(Way)
    /// The phone cannot be reached; what refused it last is the reason.
    case over
  }

  /// How long a host may be silent before the next one is tried beside it.
  static let patience = Duration.seconds(2)
  /// How long a trunk may say nothing but 100 before the next trunk is tried beside it: longer than it takes to find a
  /// mobile phone, short enough that there is time to ring.
  static let progressPatience = Duration.seconds(8)

  private enum State: Hashable, Sendable {
    case idle
    /// Nobody has said anything yet on these ways, oldest first.
    case trying([Way])
    /// The first of these ways has said 100; the others are beside it because it said nothing more.
    case led([Way])
    /// The phone rings on this way.
    case rung(Way)
    case answered(Way)
    case over
  }

  private enum Timer: Hashable, Sendable { case silence }

  /// How many hosts each trunk has.
  private let hosts: [Int]
  /// Which trunks are tried once more under the own number.
  private let triesOwn: [Bool]
  private let isParallel: Bool
  private var state = State.idle
  /// The way that was called last, or has spoken: the next is the one behind it.
  private var newest: Way?
  /// True once the newest has said 100.
  private var hasNewestSpoken = false
  private var timers = TimerQueue<Timer>()

  /// - Parameters:
  ///   - hosts: how many hosts each trunk has, in order of failover.
  ///   - triesOwn: which trunks are tried once more under the own number if they refuse the caller's.
  ///   - isParallel: false for what must not arrive twice and cannot be cancelled: silence is waited out.
  init(hosts: [Int], triesOwn: [Bool] = [], isParallel: Bool = true) {
    self.hosts = hosts
    self.triesOwn = hosts.indices.map { triesOwn.indices.contains($0) && triesOwn[$0] }
    self.isParallel = isParallel
  }

  /// When `timersDue` is to be put in.
  var nextDeadline: Instant? { timers.nextDeadline }

  /// Inputs about ways that are not under way are ignored: they have been cancelled.
  mutating func handle(_ input: Input, at now: Instant) -> [Action] {
    switch (state, input) {
    case (.idle, .start): return callNext(beside: [], at: now)
    case (.trying(let open), .provisional(let way)) where open.contains(way):
      settle(.led([way]))
      newest = way
      awaitRinging(at: now)
      return cancel(open, except: way)
    case (.led, .provisional(let way)) where way == newest && !hasNewestSpoken:
      awaitRinging(at: now)
      return []
    case (.trying(let open), .ringing(let way)) where open.contains(way),
      (.led(let open), .ringing(let way)) where open.contains(way):
      settle(.rung(way))
      newest = way
      return cancel(open, except: way)
    case (.trying(let open), .answered(let way)) where open.contains(way),
      (.led(let open), .answered(let way)) where open.contains(way):
      settle(.answered(way))
      return cancel(open, except: way)
    case (.rung(let chosen), .answered(let way)) where way == chosen:
      settle(.answered(way))
      return []
    case (.trying(let open), .refused(let way, let status)) where open.contains(way),
      (.led(let open), .refused(let way, let status)) where open.contains(way):
      return refused(way, status, open: open.filter { $0 != way }, at: now)
    case (.rung(let chosen), .refused(let way, let status)) where way == chosen:
      return refused(way, status, open: [], at: now)
    case (.trying(let open), .timersDue), (.led(let open), .timersDue):
      guard timers.popDue(at: now) != nil, let newest else { return [] }
      if !hasNewestSpoken { return [.silent(newest)] + callNext(beside: open, at: now) }
      guard let way = first(from: newest.trunk + 1) else { return [] }
      return [.stuck(newest)] + call(way, beside: open, at: now)
    case (.idle, _), (.trying, _), (.led, _), (.rung, _), (.answered, _), (.over, _): return []
    }
  }

  private mutating func refused(_ way: Way, _ status: Int, open: [Way], at now: Instant) -> [Action] {
    switch status {
    case _ where status == 503 || (status == 408 && !isParallel):
      // Where a later way is under way already, it is the next one.
      if way != newest, !open.isEmpty {
        state = waiting(open)
        return []
      }
      return callNext(beside: open, at: now)
    case _ where isTrunksOwn(status, way):
      // The trunk has spoken by one host: its others have nothing to add.
      let others = open.filter { $0.trunk != way.trunk }
      let cancelled = cancel(open.filter { $0.trunk == way.trunk })
      if newest?.trunk == way.trunk {
        newest?.host = hosts[way.trunk] - 1
      } else if !others.isEmpty {
        state = waiting(others)
        return cancelled
      }
      return cancelled + callNext(beside: others, at: now)
    case _ where isBesideLeader(way) && status != 603:
      // While the leader still looks for the phone, its network may call it busy, and each trunk has its own mind.
      if way == newest { settle(.led(open)) } else { state = .led(open) }
      return []
    case _ where Self.refusesCaller(status) && triesOwn[way.trunk] && !way.isOwn:
      let own = Way(trunk: way.trunk, host: way.host, isOwn: true)
      return cancel(open) + call(own, beside: [], at: now)
    default:
      settle(.over)
      return cancel(open) + [.over]
    }
  }

  /// The trunk does not want this caller's number, or none: 403 as most providers say it, 484 and 606 as some do, 433
  /// (RFC 5079), 607 (RFC 8197), 608 (RFC 8688).
  private static func refusesCaller(_ status: Int) -> Bool { [403, 433, 484, 606, 607, 608].contains(status) }

  /// True for what tells of the trunk, not of the phone: another trunk may well reach it. 401 and 407 are left when our
  /// password does not suit, or there is none; 403 when the trunk does not let us call, by whatever number.
  private func isTrunksOwn(_ status: Int, _ way: Way) -> Bool {
    switch status {
    case 401, 407, 408, 500...599: true
    case 403: way.isOwn || !triesOwn[way.trunk]
    default: false
    }
  }

  private mutating func callNext(beside open: [Way], at now: Instant) -> [Action] {
    if let next { return call(next, beside: open, at: now) }
    settle(open.isEmpty ? .over : waiting(open))
    return open.isEmpty ? [.over] : []
  }

  private mutating func call(_ way: Way, beside open: [Way], at now: Instant) -> [Action] {
    settle(open.isEmpty ? .trying([way]) : waiting(open + [way]))
    newest = way
    hasNewestSpoken = false
    if isParallel { timers.set(.silence, at: now + Self.patience) }
    return [.call(way)]
  }

  /// The way behind the newest: the trunk's next host under the same number, then the next trunk's first.
  private var next: Way? {
    guard let newest else { return first(from: 0) }
    if newest.host + 1 < hosts[newest.trunk] {
      return Way(trunk: newest.trunk, host: newest.host + 1, isOwn: newest.isOwn)
    }
    return first(from: newest.trunk + 1)
  }

  private func first(from trunk: Int) -> Way? {
    hosts.indices.first { $0 >= trunk && hosts[$0] > 0 }.map { Way(trunk: $0, host: 0) }
  }

  /// The newest has said 100: the phone should ring soon.
  private mutating func awaitRinging(at now: Instant) {
    hasNewestSpoken = true
    timers.cancel(.silence)
    guard isParallel, let newest, first(from: newest.trunk + 1) != nil else { return }
    timers.set(.silence, at: now + Self.progressPatience)
  }

  /// The state with these ways open.
  private func waiting(_ open: [Way]) -> State { if case .led = state { .led(open) } else { .trying(open) } }

  private func isBesideLeader(_ way: Way) -> Bool {
    if case .led(let open) = state { open.first != way } else { false }
  }

  private mutating func settle(_ state: State) {
    self.state = state
    timers.cancel(.silence)
  }

  private func cancel(_ ways: [Way], except chosen: Way? = nil) -> [Action] {
    ways.filter { $0 != chosen }.map { .cancel($0) }
  }
}
