import Hunting
import Telephony

/// Performs a hunt's actions as the daemon would, and holds every step against what must always be true, and against
/// ``HuntReference``.
struct HuntWorld {
  /// A phone as it is at the moment.
  enum Phone: Equatable {
    case ringing
    case answered
    case connected
    case over
  }

  /// The caller as he is at the moment.
  enum Caller: Equatable {
    case hunted
    case connected(to: BranchID)
    case released(Cause)
    case gone
  }

  /// The answer of the disk to the opening of a hop.
  enum Disk {
    case takesIt
    case refuses
    case hangs
    /// It does not even tell a number that is asked for; the shell never does this.
    case isDead
  }

  let plan: HuntPlan
  private(set) var hunt: Hunt
  private(set) var reference: HuntReference
  private(set) var now: Moment
  private(set) var phones: [BranchID: Phone] = [:]
  /// Those of them that are not over.
  private var living: Set<BranchID> = []
  private(set) var branches: [BranchID: Branch] = [:]
  private(set) var caller = Caller.hunted
  /// The tickets in the order in which they were closed.
  private(set) var closed: [ClosedTicket] = []
  private(set) var dispatched: [ClosedTicket] = []
  private(set) var notes: [HuntNote] = []
  private(set) var prompts: [BranchID] = []
  /// What was done in the last step.
  private(set) var lastActions: [HuntAction] = []
  private(set) var isFinished = false
  /// What ought never to happen, but did.
  private(set) var violations: [String] = []
  /// Every input with what was done for it, for the report of a violation.
  private(set) var story: [String] = []
  var tellsStory = false

  var disk = Disk.takesIt
  private var nextTicket: TicketNumber
  private var rung: Set<BranchID> = []
  /// The numbers the disk has drawn.
  private var numbers: [HopID: TicketNumber] = [:]
  /// The numbers the hunt has been told.
  private var told: [HopID: TicketNumber] = [:]
  private(set) var opened: [HopID] = []
  private var users: [String] = []
  private var hasEnded = false

  init(plan: HuntPlan, entry: HuntEntry, at start: Moment, nextTicket: UInt64 = 1234) {
    self.plan = plan
    hunt = Hunt(plan: plan, entry: entry)
    reference = HuntReference(plan, entry)
    now = start
    self.nextTicket = TicketNumber(rawValue: nextTicket)
  }

  /// The hop that was opened last.
  var lastHop: HopID? { opened.last }

  /// The number that the disk has drawn for a hop.
  func number(of hop: HopID) -> TicketNumber? { numbers[hop] }

  /// The phones that are not over.
  var livingBranches: [BranchID] { living.sorted() }

  // MARK: Inputs

  /// - Returns: what was done for this input, without what followed from it at once.
  @discardableResult mutating func put(_ input: HuntInput) -> [HuntAction] {
    let actions = hunt.handle(input, at: now)
    lastActions = actions
    if tellsStory { story.append("\(now.instant.nanoseconds / 1_000_000) ms: \(input)\n    \(actions)") }
    learn(input)
    var answers: [HuntInput] = []
    for action in actions { perform(action, &answers) }
    checkStep(input, actions)
    compare(input, actions)
    for answer in answers { put(answer) }
    return actions
  }

  /// Lets the time pass, and the timers come when they are due.
  mutating func wait(_ interval: Duration) {
    let end = now.instant + interval
    while let deadline = hunt.nextDeadline, deadline <= end, !isFinished {
      pass(deadline - now.instant)
      if put(.timersDue).isEmpty { violations.append("a timer comes that means nothing") }
    }
    pass(end - now.instant)
  }

  /// Lets the time pass, but nobody wakes the hunt: the shell is late.
  mutating func pass(_ interval: Duration) { if interval > .zero { now = now + interval } }

  /// The clock on the wall is set.
  mutating func setWall(_ change: Duration) { now = Moment(instant: now.instant, wall: now.wall + change) }

  private mutating func learn(_ input: HuntInput) {
    switch input {
    case .ticketDurable(let hop, let number), .ticketFailed(let hop, let number), .ticketNumbered(let hop, let number):
      if hop == opened.last { told[hop] = told[hop] ?? number }
    case .branchAnswered(let branch) where phones[branch] == .ringing: phones[branch] = .answered
    case .branchAdded(let branch, let first):
      guard !living.contains(branch), !opened.isEmpty, !isFinished else { return }
      phones[branch] = .ringing
      living.insert(branch)
      branches[branch] = branches[first]
    case .branchFailed(let branch, _, _), .branchEnded(let branch, _): isOver(branch)
    case .callerEnded:
      if caller == .hunted { caller = .gone }
      if case .connected = caller { caller = .gone }
    default: return
    }
  }

  // MARK: Actions

  private mutating func perform(_ action: HuntAction, _ answers: inout [HuntInput]) {
    if isFinished { violations.append("\(action) after the end") }
    switch action {
    case .openTicket(let hop, let user, let start):
      if hop != opened.last?.next ?? .first { violations.append("\(hop) is opened out of turn") }
      if start != now.wall { violations.append("\(hop) does not start when it is opened") }
      opened.append(hop)
      users.append(user)
      numbers[hop] = nextTicket
      nextTicket = TicketNumber(rawValue: nextTicket.rawValue + 1)
      switch disk {
      case .takesIt: answers.append(.ticketDurable(hop, numbers[hop] ?? nextTicket))
      case .refuses: answers.append(.ticketFailed(hop, numbers[hop] ?? nextTicket))
      case .hangs, .isDead: break
      }
    case .numberTicket(let hop):
      guard let number = numbers[hop] else { return violations.append("\(hop) has no number to tell") }
      if disk != .isDead { answers.append(.ticketNumbered(hop, number)) }
    case .ring(let id, let branch):
      if told[id.hop] != branch.ticket { violations.append("\(id) rings before its ticket, or under a foreign one") }
      if !rung.insert(id).inserted { violations.append("\(id) is rung twice") }
      if branch.user != users.last || id.hop != opened.last { violations.append("\(id) is not of the open hop") }
      phones[id] = .ringing
      living.insert(id)
      branches[id] = branch
    case .prompt(let id, let ticket, let key):
      prompts.append(id)
      if phones[id] != .answered { violations.append("a prompt for \(id), which is not answered") }
      if branches[id]?.confirmKey != key || told[id.hop] != ticket { violations.append("a wrong prompt") }
    case .cancel(let id, _):
      if phones[id] != .ringing { violations.append("\(id) is cancelled but does not ring") }
      isOver(id)
    case .connect(let id):
      if phones[id] != .answered { violations.append("\(id) is connected but has not answered") }
      if caller != .hunted { violations.append("\(id) is connected with nobody") }
      phones[id] = .connected
      caller = .connected(to: id)
    case .releaseBranch(let id, let cause):
      if cause != .normalClearing { violations.append("\(id) has answered and is released with \(cause)") }
      if phones[id] == .ringing { violations.append("\(id) is released but has not answered") }
      isOver(id)
    case .releaseCaller(let cause):
      if caller == .gone { violations.append("a caller who is gone is released") }
      if case .released = caller { violations.append("the caller is released twice") }
      caller = .released(cause)
    case .closeTicket(let ticket):
      if told[ticket.hop] != ticket.ticket { violations.append("\(ticket.hop) is closed under a foreign number") }
      if ticket.hop != opened.last { violations.append("\(ticket.hop) is closed, but is not the one that is open") }
      if closed.contains(where: { $0.hop == ticket.hop }) { violations.append("\(ticket.hop) is closed twice") }
      if closed.contains(where: \.isLast) { violations.append("a ticket is closed after the last") }
      if ticket.end < ticket.start { violations.append("\(ticket.hop) ends before it starts") }
      if ticket.user != users.last { violations.append("\(ticket.hop) is closed for another user") }
      closed.append(ticket)
    case .dispatch(let ticket): dispatched.append(ticket)
    case .note(let note): hear(note)
    case .finished: isFinished = true
    }
  }

  private mutating func isOver(_ id: BranchID) {
    if living.remove(id) != nil { phones[id] = .over }
  }

  private mutating func hear(_ note: HuntNote) {
    notes.append(note)
    switch note {
    case .confirmTimeout(let id) where phones[id] != .answered:
      violations.append("\(id) is not asked for a key, and does not confirm in time")
    case .ended:
      if hasEnded { violations.append("the end is told twice") }
      hasEnded = true
    default: return
    }
  }

  // MARK: What must always be true

  private mutating func checkStep(_ input: HuntInput, _ actions: [HuntAction]) {
    if living.count(where: { phones[$0] == .connected }) > 1 { violations.append("two phones are connected") }
    if opened.count - closed.count > 1 { violations.append("two tickets are open") }
    for id in living where phones[id] != .connected {
      if closed.count >= id.hop.rawValue { violations.append("\(id) goes on after its ticket is closed") }
      if case .connected = caller { violations.append("\(id) goes on after somebody is connected") }
      if caller == .gone { violations.append("\(id) goes on although the caller is gone") }
      if case .released = caller { violations.append("\(id) goes on although the caller is released") }
    }
    for action in actions {
      guard case .closeTicket(let ticket) = action, !ticket.isLast else { continue }
      let opensNext = actions.contains { if case .openTicket(ticket.hop.next, _, _) = $0 { true } else { false } }
      if !opensNext { violations.append("\(ticket.hop) closes, and the next does not open in the same step") }
    }
    if isFinished { checkEnd() } else { checkWaiting(after: input) }
  }

  /// A hunt that is not over either talks or knows when to go on: it never hangs.
  private mutating func checkWaiting(after input: HuntInput) {
    if hunt.isFinished { violations.append("the hunt believes itself at its end") }
    if case .connected = caller {
      if hunt.nextDeadline != nil { violations.append("a timer runs in a talk") }
    } else if !opened.isEmpty, hunt.nextDeadline == nil {
      violations.append("the hunt hangs: nobody talks, and no timer runs")
    }
    if input == .timersDue, let next = hunt.nextDeadline, next <= now.instant {
      violations.append("a timer that is due stays set")
    }
  }

  private mutating func checkEnd() {
    if hunt.nextDeadline != nil { violations.append("a timer is left") }
    if !living.isEmpty { violations.append("a phone is left") }
    if caller == .hunted { violations.append("the caller is left") }
    if case .connected = caller { violations.append("the caller is left") }
    if !hunt.isFinished { violations.append("the hunt does not know its end") }
    if !hasEnded { violations.append("nobody is told why it ended") }
    if opened.isEmpty { return }
    if opened != closed.map(\.hop) { violations.append("not every ticket is closed, in its order") }
    if closed.count(where: \.isLast) != 1 { violations.append("there is not one END") }
    if dispatched != closed.suffix(1) { violations.append("the message is not the last ticket's") }
  }

  /// The reference says the same.
  private mutating func compare(_ input: HuntInput, _ actions: [HuntAction]) {
    let done = actions.filter { if case .note = $0 { false } else { true } }
    let expected = reference.expected(input, at: now)
    if done != expected { violations.append("for \(input): \(done) instead of \(expected)") }
    if hunt.nextDeadline != reference.deadline {
      violations.append(
        "after \(input): woken at \(words(hunt.nextDeadline)) instead of \(words(reference.deadline))")
    }
  }

  private func words(_ instant: Instant?) -> String { instant.map { "\($0.nanoseconds / 1_000_000) ms" } ?? "never" }
}
