package import Telephony

/// The hunt of one call: who is rung when, what gets a ticket, and who gets the message.
///
///     start ─▶ opening ──number──▶ ringing ──(confirmed) answer──▶ connected ──somebody hangs up──▶ finished
///                 ▲                 │    │                                                             ▲
///                 └─ CFNR timeout ──┘    └─ a whole round in vain ─▶ pausing ─▶ opening                │
///                    or nobody left                                                                    │
///     the caller gives up, the chain ends, MaxRounds, MaxDuration, shutdown: from every state ─────────┘
///
/// A hop is opened by drawing its ticket number, rings only with that number, and is closed in the step in which the next
/// is opened. The last hop of a call is marked `END`, and its user alone gets the message.
package struct Hunt: Sendable {
  /// How long a hop waits for the disk before it rings all the same.
  package static let diskPatience = Duration.milliseconds(500)
  /// How long an answered phone has to confirm, from the end of the first prompt.
  package static let confirmTime = Duration.seconds(10)
  /// The longest time the first prompt is taken to last, should nobody say that it ended.
  package static let promptLimit = Duration.seconds(30)

  private let plan: HuntPlan
  private let entry: HuntEntry
  private var state = State.idle
  private var round = Round()
  private var timers = TimerQueue<Timer>()
  private var actions: [HuntAction] = []

  private enum State: Sendable {
    case idle
    /// The ticket is being drawn; nobody is rung yet.
    case opening(Hop)
    case ringing(RingingHop)
    /// In a whole round nobody could be rung. The last hop stays open until the next round begins with this user.
    case pausing(TicketedHop, next: User)
    case connected(TicketedHop, BranchID)
    /// The call ended while its last ticket was being drawn; only the number is still to come.
    case closing(Hop, end: WallTime)
    case finished
  }

  private enum Timer: Hashable {
    case disk
    case noResponse
    case confirm(BranchID)
    case pause
    case maxDuration
  }

  /// - Parameters:
  ///   - plan: the site as it is now.
  ///   - entry: how the call enters the hunt.
  package init(plan: HuntPlan, entry: HuntEntry) {
    self.plan = plan
    self.entry = entry
  }

  /// When `timersDue` is to be put in at the latest.
  package var nextDeadline: Instant? { timers.nextDeadline }

  /// Handles one input; the actions are to be performed in their order. Inputs that come too late are ignored by name.
  package mutating func handle(_ input: HuntInput, at now: Moment) -> [HuntAction] {
    switch input {
    case .start: start(now)
    case .ticketDurable(let hop, let ticket): numberArrived(hop, ticket, isRefused: false, now)
    case .ticketFailed(let hop, let ticket): numberArrived(hop, ticket, isRefused: true, now)
    case .ticketNumbered(let hop, let ticket): numberArrived(hop, ticket, isRefused: false, now)
    case .branchAdded(let branch, let first): branchAdded(branch, beside: first)
    case .branchRinging(let branch): branchRang(branch, now)
    case .branchAnswered(let branch): branchAnswered(branch, now)
    case .promptEnded(let branch): promptEnded(branch, now)
    case .keyPressed(let branch, let key): keyPressed(branch, key)
    case .branchFailed(let branch, let failure, let cause): branchFailed(branch, failure, cause, now)
    case .branchEnded(let branch, let cause): branchEnded(branch, cause, now)
    case .callerEnded: callerEnded(now)
    case .timersDue: while let timer = timers.popDue(at: now.instant) { due(timer, now) }
    case .shutdown: giveUp(.shutdown, release: .temporaryFailure, now)
    }
    defer { actions = [] }
    return actions
  }
}

// MARK: - Opening a hop

extension Hunt {
  private mutating func start(_ now: Moment) {
    guard case .idle = state else { return }
    guard let first = plan.firstUser(for: entry) else {
      actions += [.releaseCaller(.destinationOutOfOrder), .note(.ended(.nobodyToRing)), .finished]
      state = .finished
      return
    }
    actions.append(.note(.first(first)))
    if let limit = plan.maxDuration { timers.set(.maxDuration, at: now.instant + limit) }
    open(.first, first.user, now)
  }

  /// Draws the ticket of the next hop.
  private mutating func open(_ id: HopID, _ user: User, _ now: Moment) {
    round.enter(user)
    timers.set(.disk, at: now.instant + Hunt.diskPatience)
    actions.append(.openTicket(id, user: user.number, start: now.wall))
    state = .opening(Hop(id: id, user: user, start: now.wall))
  }

  /// The number can be waited for no longer. Should it not come at once, it is asked for again: no call is ever stuck.
  private mutating func askForNumber(_ hop: Hop, _ now: Moment) {
    actions.append(.numberTicket(hop.id))
    timers.set(.disk, at: now.instant + Hunt.diskPatience)
  }

  private mutating func numberArrived(_ id: HopID, _ ticket: TicketNumber, isRefused: Bool, _ now: Moment) {
    switch state {
    case .idle, .finished: return
    case .opening, .ringing, .pausing, .connected, .closing: break
    }
    if isRefused { actions.append(.note(.diskRefused(id, ticket))) }
    switch state {
    case .opening(let hop) where hop.id == id:
      timers.cancel(.disk)
      ring(hop, ticket, now)
    case .closing(let hop, let end) where hop.id == id:
      finish(TicketedHop(hop, ticket: ticket), end)
    case .idle, .opening, .ringing, .pausing, .connected, .closing, .finished:
      return  // the disk's late word on a hop that rings already, or is closed
    }
  }

  /// The desk phone and all forks ring in parallel.
  private mutating func ring(_ hop: Hop, _ ticket: TicketNumber, _ now: Moment) {
    let branches = hop.branches(ticket: ticket)
    actions.append(.note(.ringing(hop.id, ticket, user: hop.user.number)))
    actions += branches.map { .ring($0.id, $0.branch) }
    timers.set(.noResponse, at: now.instant + hop.user.cfnrTimeout)
    let ringing = RingingHop(TicketedHop(hop, ticket: ticket), branches: branches)
    state = .ringing(ringing)
    leaveIfOver(ringing, now)
  }
}

// MARK: - What the phones do

extension Hunt {
  private mutating func branchAdded(_ branch: BranchID, beside first: BranchID) {
    switch state {
    case .ringing(let ringing) where ringing.phone(branch) != nil: return
    case .ringing(var ringing) where ringing.phone(first) != nil && branch.hop == first.hop:
      ringing.add(branch, beside: first)
      state = .ringing(ringing)
    case .idle, .finished, .connected(_, branch): return
    case .opening, .ringing, .pausing, .connected, .closing: actions.append(.cancel(branch, .normalClearing))
    }
  }

  private mutating func branchRang(_ branch: BranchID, _ now: Moment) {
    guard var ringing = ringing(branch) else { return }
    ringing.didRing(branch, at: now.instant)
    state = .ringing(ringing)
  }

  /// The first answer wins, if it counts: a phone that must confirm is asked for its key, while the others ring on.
  private mutating func branchAnswered(_ branch: BranchID, _ now: Moment) {
    guard var ringing = ringing(branch), let phone = ringing.phone(branch) else { return lateAnswer(branch) }
    guard phone.answer == nil else { return }
    guard let key = phone.confirmKey else { return connect(branch, ringing) }
    ringing.didAnswer(branch, key: key, at: now.instant)
    if !ringing.isTimedOut { timers.set(.confirm(branch), at: now.instant + Hunt.promptLimit + Hunt.confirmTime) }
    actions += [.note(.mustConfirm(branch, key: key)), .prompt(branch, ringing.hop.ticket, key: key)]
    state = .ringing(ringing)
  }

  private mutating func promptEnded(_ branch: BranchID, _ now: Moment) {
    guard var ringing = ringing(branch), let answer = ringing.phone(branch)?.answer, !answer.isPrompted else { return }
    ringing.didPrompt(branch)
    if answer.holds { timers.set(.confirm(branch), at: now.instant + Hunt.confirmTime) }
    state = .ringing(ringing)
  }

  private mutating func keyPressed(_ branch: BranchID, _ key: Character) {
    guard let ringing = ringing(branch), let answer = ringing.phone(branch)?.answer else { return }
    if key == answer.key {
      connect(branch, ringing)
    } else {
      actions += [
        .note(.wrongKey(branch, pressed: key)), .prompt(branch, ringing.hop.ticket, key: answer.key),
      ]
    }
  }

  private mutating func connect(_ branch: BranchID, _ ringing: RingingHop) {
    actions += [.connect(branch), .note(.connected(branch, user: ringing.hop.user.number))]
    stopRinging(ringing, except: branch, .answeredElsewhere)
    timers.cancel(.maxDuration)
    state = .connected(ringing.hop, branch)
  }

  private mutating func branchFailed(
    _ branch: BranchID, _ failure: BranchFailure, _ cause: Cause, _ now: Moment
  ) {
    guard let ringing = ringing(branch), ringing.phone(branch)?.answer == nil else {
      return branchEnded(branch, cause, now)
    }
    actions.append(.note(.failed(branch, failure, cause)))
    remove(branch, cause, from: ringing, now)
  }

  private mutating func branchEnded(_ branch: BranchID, _ cause: Cause, _ now: Moment) {
    switch state {
    case .connected(let hop, branch):
      // A caller in panic need not hang up.
      actions.append(.releaseCaller(.normalClearing))
      actions.append(.note(.ended(.technicianHungUp)))
      finish(hop, now.wall)
    case .ringing(let ringing) where ringing.phone(branch) != nil:
      actions.append(.note(.unconfirmed(branch)))
      remove(branch, cause, from: ringing, now)
    case .idle, .opening, .ringing, .pausing, .connected, .closing, .finished:
      return  // a phone that was told to stop has stopped
    }
  }

  private mutating func remove(_ branch: BranchID, _ cause: Cause, from ringing: RingingHop, _ now: Moment) {
    var ringing = ringing
    ringing.remove(branch, cause: cause, at: now.instant)
    timers.cancel(.confirm(branch))
    state = .ringing(ringing)
    leaveIfOver(ringing, now)
  }

  private mutating func lateAnswer(_ branch: BranchID) {
    switch state {
    case .idle, .finished, .connected(_, branch): return
    case .opening, .ringing, .pausing, .connected, .closing: break
    }
    actions += [.releaseBranch(branch, .normalClearing), .note(.lateAnswer(branch))]
  }

  /// The hop that rings, if `branch` is one of its phones and not over.
  private func ringing(_ branch: BranchID) -> RingingHop? {
    guard case .ringing(let ringing) = state, ringing.phone(branch) != nil else { return nil }
    return ringing
  }
}

// MARK: - From hop to hop

extension Hunt {
  /// A hop ends when none of its phones is left, or at its CFNR timeout unless an answered phone may still confirm.
  private mutating func leaveIfOver(_ ringing: RingingHop, _ now: Moment) {
    if !ringing.hasHope {
      actions.append(.note(.nobodyLeft(ringing.hop.id, user: ringing.hop.user.number)))
    } else if ringing.isTimedOut, !ringing.isHeld {
      actions.append(.note(.noResponse(ringing.hop.id, user: ringing.hop.user.number)))
    } else {
      return
    }
    leave(ringing, now)
  }

  /// The call goes on to the CFNR of the user who did not respond.
  private mutating func leave(_ ringing: RingingHop, _ now: Moment) {
    stopRinging(ringing, except: nil, .noAnswer)
    if ringing.wasRung(at: now.instant) { round.didRing() }
    guard let next = plan.userAfter(ringing.hop.user) else {
      return end(ringing.hop, .chainEnded, release: ringing.releaseCause, now)
    }
    switch round.step(to: next) {
    case .goOn:
      goOn(from: ringing.hop, to: next, now)
    case .newRound(let pause):
      if let maxRounds = plan.maxRounds, round.number > maxRounds {
        end(ringing.hop, .maxRounds, release: ringing.releaseCause, now)
      } else if pause == .zero {
        goOn(from: ringing.hop, to: next, now)
      } else {
        actions.append(.note(.pause(pause)))
        timers.set(.pause, at: now.instant + pause)
        state = .pausing(ringing.hop, next: next)
      }
    }
  }

  /// The old hop closes in the step in which the next opens.
  private mutating func goOn(from hop: TicketedHop, to next: User, _ now: Moment) {
    actions.append(.closeTicket(hop.closed(at: now.wall, isLast: false)))
    open(hop.id.next, next, now)
  }

  private mutating func due(_ timer: Timer, _ now: Moment) {
    switch (timer, state) {
    case (.disk, .opening(let hop)):
      actions.append(.note(.diskSlow(hop.id)))
      askForNumber(hop, now)
    case (.disk, .closing(let hop, _)):
      askForNumber(hop, now)
    case (.noResponse, .ringing(var ringing)):
      ringing.isTimedOut = true
      state = .ringing(ringing)
      if ringing.isHeld { actions.append(.note(.held(ringing.hop.id))) }
      leaveIfOver(ringing, now)
    case (.confirm(let branch), .ringing(var ringing)):
      ringing.stopHolding(branch)
      state = .ringing(ringing)
      actions.append(.note(.confirmTimeout(branch)))
      leaveIfOver(ringing, now)
    case (.pause, .pausing(let hop, let next)):
      goOn(from: hop, to: next, now)
    case (.maxDuration, _):
      giveUp(.maxDuration, release: .noAnswer, now)
    case (.disk, _), (.noResponse, _), (.confirm, _), (.pause, _):
      return
    }
  }
}

// MARK: - The end

extension Hunt {
  private mutating func callerEnded(_ now: Moment) {
    if case .connected = state {
      giveUp(.callerHungUp, release: nil, now)
    } else {
      giveUp(.callerGaveUp, release: nil, now)
    }
  }

  /// Ends the call from whatever state it is in; `cause` is for the caller if he is still there.
  private mutating func giveUp(_ end: HuntEnd, release cause: Cause?, _ now: Moment) {
    let release: [HuntAction] = cause.map { [.releaseCaller($0)] } ?? []
    switch state {
    case .idle:
      actions += release + [.note(.ended(end)), .finished]
      state = .finished
    case .opening(let hop):
      // The number may be on the disk already: it is waited for, so that it gets its file.
      timers = TimerQueue()
      actions += release + [.note(.ended(end))]
      askForNumber(hop, now)
      state = .closing(hop, end: now.wall)
    case .ringing(let ringing):
      stopRinging(ringing, except: nil, .normalClearing)
      self.end(ringing.hop, end, release: cause, now)
    case .pausing(let hop, _):
      self.end(hop, end, release: cause, now)
    case .connected(let hop, let branch):
      actions.append(.releaseBranch(branch, .normalClearing))
      self.end(hop, end, release: cause, now)
    case .closing, .finished:
      return
    }
  }

  private mutating func end(_ hop: TicketedHop, _ end: HuntEnd, release cause: Cause?, _ now: Moment) {
    if let cause { actions.append(.releaseCaller(cause)) }
    actions.append(.note(.ended(end)))
    finish(hop, now.wall)
  }

  /// The last hop is logged with `END`, and its user gets the message.
  private mutating func finish(_ hop: TicketedHop, _ end: WallTime) {
    timers = TimerQueue()
    let ticket = hop.closed(at: end, isLast: true)
    actions += [.closeTicket(ticket), .dispatch(ticket), .finished]
    state = .finished
  }

  /// Cancels the phones that ring, for this cause, and hangs up those that have answered: after an answer some trunks
  /// take nothing but cause 16.
  private mutating func stopRinging(_ ringing: RingingHop, except winner: BranchID?, _ cause: Cause) {
    timers.cancel(.noResponse)
    for phone in ringing.phones where phone.id != winner {
      actions.append(phone.answer == nil ? .cancel(phone.id, cause) : .releaseBranch(phone.id, .normalClearing))
    }
    for phone in ringing.phones { timers.cancel(.confirm(phone.id)) }
  }
}

// MARK: - Where the hunt stands

extension Hunt {
  /// The user of the hop that is open, from its opening to the end of the call.
  package var currentUser: User? {
    switch state {
    case .opening(let hop), .closing(let hop, _): hop.user
    case .ringing(let ringing): ringing.hop.user
    case .pausing(let hop, _), .connected(let hop, _): hop.user
    case .idle, .finished: nil
    }
  }

  /// The ticket of the hop that is open, once it is drawn.
  package var currentTicket: TicketNumber? {
    switch state {
    case .ringing(let ringing): ringing.hop.ticket
    case .pausing(let hop, _), .connected(let hop, _): hop.ticket
    case .idle, .opening, .closing, .finished: nil
    }
  }

  /// Who would be rung next: a PBX that still has the original's CFNR sends our own branch back to this number.
  package var nextUser: User? { currentUser.flatMap { plan.userAfter($0) } }

  /// The phone the caller speaks with.
  package var connectedBranch: BranchID? {
    guard case .connected(_, let branch) = state else { return nil }
    return branch
  }

  /// Nothing more will come.
  package var isFinished: Bool {
    guard case .finished = state else { return false }
    return true
  }
}
