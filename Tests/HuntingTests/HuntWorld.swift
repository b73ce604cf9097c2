import Hunting
import Telephony

/// Performs a hunt's actions as the daemon would, and holds them against what must always be true.
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

  private(set) var hunt: Hunt
  private(set) var now: Moment
  private(set) var phones: [BranchID: Phone] = [:]
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

  /// The answer of the disk to the opening of a hop.
  enum Disk {
    case takesIt
    case refuses
    case hangs
  }
  var disk = Disk.takesIt

  private var nextTicket: TicketNumber
  private var numbers: [HopID: TicketNumber] = [:]
  private var opened: [HopID] = []

  init(_ hunt: Hunt, at start: Moment, nextTicket: UInt64 = 1234) {
    self.hunt = hunt
    now = start
    self.nextTicket = TicketNumber(rawValue: nextTicket)
  }

  mutating func put(_ input: HuntInput) {
    let actions = hunt.handle(input, at: now)
    lastActions = actions
    applyOutside(input)
    var answers: [HuntInput] = []
    for action in actions { perform(action, &answers) }
    checkStep(actions)
    for answer in answers { put(answer) }
  }

  /// Lets the time pass, and the timers come when they are due.
  mutating func wait(_ interval: Duration) {
    let end = now + interval
    while let deadline = hunt.nextDeadline, deadline <= end.instant, !isFinished {
      if deadline > now.instant { now = now + (deadline - now.instant) }
      put(.timersDue)
      if lastActions.isEmpty { violations.append("a timer comes that means nothing") }
      if let next = hunt.nextDeadline, next <= now.instant { violations.append("a timer that is due stays set") }
    }
    now = end
  }

  /// The number that the disk has taken, or would have, for a hop.
  func number(of hop: HopID) -> TicketNumber? { numbers[hop] }

  private mutating func applyOutside(_ input: HuntInput) {
    switch input {
    case .branchAnswered(let branch) where phones[branch] == .ringing: phones[branch] = .answered
    case .branchAdded(let branch, let first) where phones[branch] == nil:
      phones[branch] = .ringing
      branches[branch] = branches[first]
    case .branchFailed(let branch, _, _), .branchEnded(let branch, _): phones[branch] = .over
    case .callerEnded: caller = .gone
    default: return
    }
  }

  private mutating func perform(_ action: HuntAction, _ answers: inout [HuntInput]) {
    if isFinished { violations.append("\(action) after the end") }
    switch action {
    case .openTicket(let hop, _, let start):
      if opened.contains(hop) { violations.append("\(hop) is opened twice") }
      if start != now.wall { violations.append("\(hop) does not start when it is opened") }
      opened.append(hop)
      numbers[hop] = nextTicket
      nextTicket = TicketNumber(rawValue: nextTicket.rawValue + 1)
      switch disk {
      case .takesIt: answers.append(.ticketDurable(hop, numbers[hop] ?? nextTicket))
      case .refuses: answers.append(.ticketFailed(hop, numbers[hop] ?? nextTicket))
      case .hangs: break
      }
    case .numberTicket(let hop):
      guard let number = numbers[hop] else { return violations.append("\(hop) has no number to tell") }
      answers.append(.ticketNumbered(hop, number))
    case .ring(let id, let branch):
      if numbers[id.hop] != branch.ticket { violations.append("\(id) rings under a foreign number") }
      if phones[id] != nil { violations.append("\(id) is rung twice") }
      phones[id] = .ringing
      branches[id] = branch
    case .prompt(let id, let ticket, let key):
      prompts.append(id)
      if phones[id] != .answered { violations.append("a prompt for \(id), which is not answered") }
      if branches[id]?.confirmKey != key || numbers[id.hop] != ticket { violations.append("a wrong prompt") }
    case .cancel(let id, _):
      if phones[id] != .ringing { violations.append("\(id) is cancelled but does not ring") }
      phones[id] = .over
    case .connect(let id):
      if phones[id] != .answered { violations.append("\(id) is connected but has not answered") }
      if caller != .hunted { violations.append("\(id) is connected with nobody") }
      phones[id] = .connected
      caller = .connected(to: id)
    case .releaseBranch(let id, _): phones[id] = .over
    case .releaseCaller(let cause):
      if caller == .gone { violations.append("a caller who is gone is released") }
      if case .released = caller { violations.append("the caller is released twice") }
      caller = .released(cause)
    case .closeTicket(let ticket):
      if numbers[ticket.hop] != ticket.ticket { violations.append("\(ticket.hop) is closed under a foreign number") }
      if closed.contains(where: { $0.hop == ticket.hop }) { violations.append("\(ticket.hop) is closed twice") }
      if closed.contains(where: \.isLast) { violations.append("a ticket is closed after the last") }
      if ticket.end < ticket.start { violations.append("\(ticket.hop) ends before it starts") }
      closed.append(ticket)
    case .dispatch(let ticket): dispatched.append(ticket)
    case .note(let note):
      notes.append(note)
      if case .confirmTimeout(let id) = note, phones[id] != .answered {
        violations.append("\(id) is not asked for a key, and does not confirm in time")
      }
    case .finished: isFinished = true
    }
  }

  private mutating func checkStep(_ actions: [HuntAction]) {
    if phones.values.count(where: { $0 == .connected }) > 1 { violations.append("two phones are connected") }
    if opened.count - closed.count > 1 { violations.append("two tickets are open") }
    for (id, phone) in phones where phone == .ringing || phone == .answered {
      if closed.contains(where: { $0.hop == id.hop }) { violations.append("\(id) goes on after its ticket is closed") }
      if case .connected = caller { violations.append("\(id) goes on after somebody is connected") }
    }
    for action in actions {
      guard case .closeTicket(let ticket) = action, !ticket.isLast else { continue }
      let opensNext = actions.contains { if case .openTicket(ticket.hop.next, _, _) = $0 { true } else { false } }
      if !opensNext { violations.append("\(ticket.hop) closes, and the next does not open in the same step") }
    }
    if isFinished { checkEnd() }
  }

  private mutating func checkEnd() {
    if hunt.nextDeadline != nil { violations.append("a timer is left") }
    if phones.values.contains(where: { $0 != .over }) { violations.append("a phone is left") }
    if caller == .hunted { violations.append("the caller is left") }
    if case .connected = caller { violations.append("the caller is left") }
    if opened.isEmpty { return }
    if opened != closed.map(\.hop) { violations.append("not every ticket is closed, in its order") }
    if closed.count(where: \.isLast) != 1 { violations.append("there is not one END") }
    if dispatched != closed.suffix(1) { violations.append("the message is not the last ticket's") }
    if !hunt.isFinished { violations.append("the hunt does not know its end") }
  }
}
