import Hunting
import Telephony

/// The hunt said a second time, from the rules of the flow and from facts (who rang when, who was asked when) instead of
/// from states and timers: what it must do in each step, and when it must be woken.
struct HuntReference {
  enum Stage: Equatable {
    case idle
    case opening(askAt: Instant)
    case ringing(since: Instant)
    case pausing(until: Instant, next: User)
    case talking(BranchID)
    /// Ended while its number was still to come.
    case closing(end: WallTime, askAt: Instant)
    case over
  }

  /// A phone of the open hop that is not over.
  struct Phone {
    let id: BranchID
    let key: Character?
    var rangAt: Instant?
    var isAnswered = false
    var isPrompted = false
    /// Until when its answer keeps the hop from being left.
    var holdsUntil: Instant?

    /// It may still become the one who talks, as far as anybody waits for that.
    var isHope: Bool { !isAnswered || holdsUntil != nil }
    func wasHeard(_ now: Instant) -> Bool { rangAt.map { now - $0 >= .seconds(1) } ?? false }
  }

  private let plan: HuntPlan
  private let entry: HuntEntry
  private(set) var stage = Stage.idle
  private(set) var phones: [Phone] = []
  private var hop = HopID.first
  private var user = User(number: "")
  private var openedAt = WallTime(microseconds: 0)
  private var ticket = TicketNumber(rawValue: 0)
  private var isTimedOut = false
  private var wasHeard = false
  private var causes: [Cause] = []
  private var endsAt: Instant?

  private var round: [String] = []
  private var roundNumber = 1
  private var roundWasHeard = false
  private var roundsInVain = 0

  init(_ plan: HuntPlan, _ entry: HuntEntry) {
    self.plan = plan
    self.entry = entry
  }

  /// When the hunt must be woken at the latest.
  var deadline: Instant? {
    switch stage {
    case .idle, .talking, .over: nil
    case .closing(_, let askAt): askAt
    case .opening(let askAt): soonest([askAt, endsAt])
    case .pausing(let until, _): soonest([until, endsAt])
    case .ringing(let since):
      soonest([endsAt, isTimedOut ? nil : since + user.cfnrTimeout] + phones.map(\.holdsUntil))
    }
  }

  private func soonest(_ instants: [Instant?]) -> Instant? { instants.compactMap { $0 }.min() }

  /// All that must be done for this input, in order; notes left out.
  mutating func expected(_ input: HuntInput, at now: Moment) -> [HuntAction] {
    switch input {
    case .start: begin(now)
    case .ticketDurable(let id, let number), .ticketFailed(let id, let number), .ticketNumbered(let id, let number):
      id == hop ? told(number, now) : []
    case .branchAdded(let id, let first): added(id, first)
    case .branchRinging(let id):
      change(id) { $0.rangAt = $0.rangAt ?? now.instant }
    case .branchAnswered(let id): answered(id, now)
    case .promptEnded(let id):
      change(id) { phone in
        guard phone.isAnswered, !phone.isPrompted else { return }
        phone.isPrompted = true
        if phone.holdsUntil != nil { phone.holdsUntil = now.instant + .seconds(10) }
      }
    case .keyPressed(let id, let key): pressed(id, key)
    case .branchFailed(let id, _, let cause), .branchEnded(let id, let cause): over(id, cause, now)
    case .callerEnded: giveUp(nil, now)
    case .shutdown: giveUp(.temporaryFailure, now)
    case .timersDue: time(now)
    }
  }

  // MARK: What happens

  private mutating func begin(_ now: Moment) -> [HuntAction] {
    guard stage == .idle else { return [] }
    guard let first = plan.firstUser(for: entry)?.user else {
      stage = .over
      return [.releaseCaller(.destinationOutOfOrder), .finished]
    }
    endsAt = plan.maxDuration.map { now.instant + $0 }
    return open(first, now)
  }

  private mutating func told(_ number: TicketNumber, _ now: Moment) -> [HuntAction] {
    switch stage {
    case .opening:
      ticket = number
      stage = .ringing(since: now.instant)
      let branches =
        (user.hasDeskPhone ? [(0, Branch.Phone.desk, user.confirmKey)] : [])
        + user.forks.enumerated().map { ($0 + 1, .fork($1.number), $1.confirmKey) }
      phones = branches.map { Phone(id: BranchID(hop: hop, index: $0.0), key: $0.2) }
      let rings = branches.map { index, phone, key in
        let branch = Branch(user: user.number, phone: phone, confirmKey: key, ticket: number)
        return HuntAction.ring(BranchID(hop: hop, index: index), branch)
      }
      return rings + leaveIfInVain(now)
    case .closing(let end, _):
      ticket = number
      return finish(end)
    case .idle, .ringing, .pausing, .talking, .over: return []
    }
  }

  private mutating func added(_ id: BranchID, _ first: BranchID) -> [HuntAction] {
    if stage == .idle || stage == .over || stage == .talking(id) || phone(id) != nil { return [] }
    guard let first = phone(first), id.hop == first.id.hop else { return [.cancel(id, .normalClearing)] }
    phones.append(Phone(id: id, key: first.key))
    return []
  }

  private mutating func answered(_ id: BranchID, _ now: Moment) -> [HuntAction] {
    if stage == .idle || stage == .over || stage == .talking(id) { return [] }
    guard let phone = phone(id) else { return [.releaseBranch(id, .normalClearing)] }
    if phone.isAnswered { return [] }
    guard let key = phone.key else { return connect(id) }
    let holdsUntil = isTimedOut ? nil : now.instant + .seconds(40)
    _ = change(id) {
      $0.rangAt = $0.rangAt ?? now.instant
      $0.isAnswered = true
      $0.holdsUntil = holdsUntil
    }
    return [.prompt(id, ticket, key: key)]
  }

  private mutating func pressed(_ id: BranchID, _ key: Character) -> [HuntAction] {
    guard let phone = phone(id), phone.isAnswered, let right = phone.key else { return [] }
    return key == right ? connect(id) : [.prompt(id, ticket, key: right)]
  }

  private mutating func connect(_ id: BranchID) -> [HuntAction] {
    stage = .talking(id)
    return [.connect(id)] + silence(.answeredElsewhere, except: id)
  }

  private mutating func over(_ id: BranchID, _ cause: Cause, _ now: Moment) -> [HuntAction] {
    if stage == .talking(id) { return [.releaseCaller(.normalClearing)] + finish(now.wall) }
    guard let phone = phone(id) else { return [] }
    if phone.wasHeard(now.instant) { wasHeard = true }
    phones.removeAll { $0.id == id }
    causes.append(cause)
    return leaveIfInVain(now)
  }

  private mutating func giveUp(_ cause: Cause?, _ now: Moment) -> [HuntAction] {
    let release = cause.map { [HuntAction.releaseCaller($0)] } ?? []
    switch stage {
    case .idle:
      stage = .over
      return release + [.finished]
    case .opening:
      stage = .closing(end: now.wall, askAt: now.instant + .milliseconds(500))
      return release + [.numberTicket(hop)]
    case .ringing: return silence(.normalClearing) + release + finish(now.wall)
    case .pausing: return release + finish(now.wall)
    case .talking(let id): return [.releaseBranch(id, .normalClearing)] + release + finish(now.wall)
    case .closing, .over: return []
    }
  }

  /// What is due comes in the order in which it was due, and MaxDuration before all that is due with it.
  private mutating func time(_ now: Moment) -> [HuntAction] {
    guard let endsAt, endsAt <= now.instant, isHunting else { return pass(until: now.instant, now) }
    let before = pass(until: Instant(nanoseconds: endsAt.nanoseconds - 1), now)
    return before + (isHunting ? giveUp(.noAnswer, now) : [])
  }

  private var isHunting: Bool {
    switch stage {
    case .opening, .ringing, .pausing: true
    case .idle, .talking, .closing, .over: false
    }
  }

  private mutating func pass(until limit: Instant, _ now: Moment) -> [HuntAction] {
    switch stage {
    case .idle, .talking, .over: return []
    case .opening(let askAt):
      if askAt > limit { return [] }
      stage = .opening(askAt: now.instant + .milliseconds(500))
      return [.numberTicket(hop)]
    case .closing(let end, let askAt):
      if askAt > limit { return [] }
      stage = .closing(end: end, askAt: now.instant + .milliseconds(500))
      return [.numberTicket(hop)]
    case .pausing(let until, let next): return until > limit ? [] : goOn(to: next, now)
    case .ringing(let since):
      let timeout = since + user.cfnrTimeout
      for time in Set(phones.compactMap(\.holdsUntil) + [timeout]).sorted() where time <= limit {
        for index in phones.indices where phones[index].holdsUntil == time { phones[index].holdsUntil = nil }
        if time == timeout { isTimedOut = true }
        let left = leaveIfInVain(now)
        if stage != .ringing(since: since) { return left }
      }
      return []
    }
  }

  // MARK: From hop to hop

  private mutating func open(_ user: User, _ now: Moment) -> [HuntAction] {
    self.user = user
    openedAt = now.wall
    (phones, causes, isTimedOut, wasHeard) = ([], [], false, false)
    round.append(user.number)
    stage = .opening(askAt: now.instant + .milliseconds(500))
    return [.openTicket(hop, user: user.number, start: now.wall)]
  }

  private mutating func goOn(to next: User, _ now: Moment) -> [HuntAction] {
    let close = HuntAction.closeTicket(closed(now.wall, isLast: false))
    hop = HopID(rawValue: hop.rawValue + 1)
    return [close] + open(next, now)
  }

  private mutating func leaveIfInVain(_ now: Moment) -> [HuntAction] {
    let isHeld = phones.contains { $0.holdsUntil != nil }
    let isInVain = !phones.contains(where: \.isHope) || (isTimedOut && !isHeld)
    if !isInVain { return [] }
    roundWasHeard = roundWasHeard || wasHeard || isTimedOut || phones.contains { $0.wasHeard(now.instant) }
    let silenced = silence(.noAnswer)
    guard let next = plan.users.first(where: { $0.number == user.cfnr }) else {
      return silenced + [.releaseCaller(causeOfTheLast)] + finish(now.wall)
    }
    guard round.contains(next.number) else { return silenced + goOn(to: next, now) }
    // The round is full.
    roundsInVain = roundWasHeard ? 0 : roundsInVain + 1
    (round, roundWasHeard, roundNumber) = ([], false, roundNumber + 1)
    if let maxRounds = plan.maxRounds, roundNumber > maxRounds {
      return silenced + [.releaseCaller(causeOfTheLast)] + finish(now.wall)
    }
    if roundsInVain == 0 { return silenced + goOn(to: next, now) }
    let pauses = [5, 10, 20, 40, 60]
    stage = .pausing(until: now.instant + .seconds(pauses[min(roundsInVain, 5) - 1]), next: next)
    return silenced
  }

  private var causeOfTheLast: Cause {
    if isTimedOut { return .noAnswer }
    return causes.contains(.userBusy) ? .userBusy : causes.last ?? .noAnswer
  }

  private mutating func silence(_ cause: Cause, except winner: BranchID? = nil) -> [HuntAction] {
    defer { phones = [] }
    return phones.filter { $0.id != winner }.map {
      $0.isAnswered ? .releaseBranch($0.id, .normalClearing) : .cancel($0.id, cause)
    }
  }

  private mutating func finish(_ end: WallTime) -> [HuntAction] {
    stage = .over
    let last = closed(end, isLast: true)
    return [.closeTicket(last), .dispatch(last), .finished]
  }

  private func closed(_ end: WallTime, isLast: Bool) -> ClosedTicket {
    ClosedTicket(
      hop: hop, ticket: ticket, user: user.number, start: openedAt, end: max(openedAt, end), isLast: isLast)
  }

  private func phone(_ id: BranchID) -> Phone? { phones.first { $0.id == id } }

  private mutating func change(_ id: BranchID, _ change: (inout Phone) -> Void) -> [HuntAction] {
    if let index = phones.firstIndex(where: { $0.id == id }) { change(&phones[index]) }
    return []
  }
}
