import Telephony

/// A hop whose ticket is being drawn.
struct Hop: Sendable {
  let id: HopID
  let user: User
  let start: WallTime

  /// The hop's phones, in the order in which they are rung: the desk phone, then the forks.
  func branches(ticket: TicketNumber) -> [(id: BranchID, branch: Branch)] {
    var branches: [(BranchID, Branch)] = []
    if user.hasDeskPhone {
      let desk = Branch(user: user.number, phone: .desk, confirmKey: user.confirmKey, ticket: ticket)
      branches.append((BranchID(hop: id, index: 0), desk))
    }
    for (index, fork) in user.forks.enumerated() {
      let phone = Branch(
        user: user.number, phone: .fork(fork.number), confirmKey: fork.confirmKey, ticket: ticket)
      branches.append((BranchID(hop: id, index: index + 1), phone))
    }
    return branches
  }
}

/// A hop that has its ticket.
struct TicketedHop: Sendable {
  let id: HopID
  let user: User
  let start: WallTime
  let ticket: TicketNumber

  init(_ hop: Hop, ticket: TicketNumber) {
    id = hop.id
    user = hop.user
    start = hop.start
    self.ticket = ticket
  }

  /// Its ticket for the log; a clock that was set back in mid-call makes no hop end before it began.
  func closed(at end: WallTime, isLast: Bool) -> ClosedTicket {
    ClosedTicket(hop: id, ticket: ticket, user: user.number, start: start, end: max(start, end), isLast: isLast)
  }
}

/// A hop whose phones ring.
struct RingingHop: Sendable {
  let hop: TicketedHop
  /// The phones that are not over.
  private(set) var phones: [Phone]
  /// The CFNR timeout has passed.
  var isTimedOut = false
  /// A phone that is over had been rung.
  private var hasRung = false
  /// Why the phones that are over could not be rung.
  private(set) var causes: [Cause] = []

  /// One of the hop's phones.
  struct Phone: Sendable {
    let id: BranchID
    let confirmKey: Character?
    /// When it began to ring, or was answered.
    var rangAt: Instant?
    var answer: Answer?

    /// Somebody could hear it. A phone that rang for less than a second did not: a set that refuses by itself says 180
    /// first.
    func wasRung(at now: Instant) -> Bool { rangAt.map { now - $0 >= .seconds(1) } ?? false }
  }

  /// An answer that does not count yet.
  struct Answer: Sendable {
    /// The key that makes it count.
    let key: Character
    /// It came before the CFNR timeout, and its time to confirm has not passed: it holds the hop open.
    var holds: Bool
    /// The first prompt has been played to its end.
    var isPrompted = false
  }

  init(_ hop: TicketedHop, branches: [(id: BranchID, branch: Branch)]) {
    self.hop = hop
    phones = branches.map { Phone(id: $0.id, confirmKey: $0.branch.confirmKey) }
  }

  /// One more phone of the same kind as `first`.
  mutating func add(_ id: BranchID, beside first: BranchID) {
    guard let first = phone(first), phone(id) == nil else { return }
    phones.append(Phone(id: id, confirmKey: first.confirmKey))
  }

  func phone(_ id: BranchID) -> Phone? { phones.first { $0.id == id } }

  /// An answered phone may still confirm, and the hop waits for it even beyond its CFNR timeout.
  var isHeld: Bool { phones.contains { $0.answer?.holds == true } }

  /// Some phone still rings, or may still confirm in time. One that was answered and has not confirmed in its time is a
  /// voicemail: nobody waits for that.
  var hasHope: Bool { phones.contains { $0.answer?.holds ?? true } }

  /// Somebody could hear a phone of this hop ring (or it was tried for the whole timeout).
  func wasRung(at now: Instant) -> Bool { isTimedOut || hasRung || phones.contains { $0.wasRung(at: now) } }

  mutating func didRing(_ id: BranchID, at now: Instant) { update(id) { $0.rangAt = $0.rangAt ?? now } }

  mutating func didAnswer(_ id: BranchID, key: Character, at now: Instant) {
    let answer = Answer(key: key, holds: !isTimedOut)
    update(id) {
      $0.rangAt = $0.rangAt ?? now
      $0.answer = answer
    }
  }

  mutating func didPrompt(_ id: BranchID) { update(id) { $0.answer?.isPrompted = true } }

  /// The time to confirm has passed: the phone holds the hop no longer, but may still confirm while others do.
  mutating func stopHolding(_ id: BranchID) { update(id) { $0.answer?.holds = false } }

  /// The phone is over.
  mutating func remove(_ id: BranchID, cause: Cause, at now: Instant) {
    if phone(id)?.wasRung(at: now) == true { hasRung = true }
    phones.removeAll { $0.id == id }
    causes.append(cause)
  }

  /// What a caller is told for whom this hop was the last.
  var releaseCause: Cause {
    if isTimedOut || causes.isEmpty { return .noAnswer }
    return causes.contains(.userBusy) ? .userBusy : causes[causes.count - 1]
  }

  private mutating func update(_ id: BranchID, _ change: (inout Phone) -> Void) {
    if let index = phones.firstIndex(where: { $0.id == id }) { change(&phones[index]) }
  }
}
