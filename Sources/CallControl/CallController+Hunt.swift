import Hunting
import Media
import SIPUserAgent
import Site
import Telephony

/// The hunt: what it asks for is done on the legs, what they do is told to it.
extension CallController {
  /// The caller has confirmed: from now on the call is recorded.
  mutating func startHunt(_ id: CallID, _ entry: HuntEntry, at now: Moment) {
    guard let call = calls[id], let leg = call.callerLeg else { return }
    startRecording(id)
    emit(.detectTones(leg, false))
    play(.waiting(queue: call.queue), to: leg)
    calls[id]?.stage = .hunt(Hunt(plan: call.site.huntPlan, entry: entry))
    hunt(id, .start, at: now)
  }

  private mutating func startRecording(_ id: CallID) {
    guard let call = calls[id], let leg = call.callerLeg, case .waiting(let frames) = call.recording else { return }
    calls[id]?.recording = .running
    emit(.startRecording(id, caller: call.caller, frames))
    emit(.tap(id, leg))
  }

  /// Tells the hunt what happened and does what it says.
  mutating func hunt(_ id: CallID, _ input: HuntInput, at now: Moment) {
    guard case .hunt(var hunt) = calls[id]?.stage else { return }
    let actions = hunt.handle(input, at: now)
    calls[id]?.stage = .hunt(hunt)
    for action in actions { perform(action, id, at: now) }
  }

  private mutating func perform(_ action: HuntAction, _ id: CallID, at now: Moment) {
    guard let call = calls[id] else { return }
    switch action {
    case .openTicket(let hop, let user, let start):
      calls[id]?.user = user
      calls[id]?.closing = nil
      recentCallers.add(RecentCaller(number: call.caller.text, at: now.wall))
      emit(
        .openTicket(
          id,
          TicketOpening(
            hop: hop, user: user, caller: call.caller, start: start, closing: call.closing, origin: call.origin.name,
            dialled: call.dialled, ring: call.arrived.wall)))
    case .numberTicket(let hop): emit(.numberTicket(id, hop))
    case .ring(let branch, let phone): ring(id, branch, phone, at: now)
    case .prompt(let branch, let ticket, let key):
      guard let leg = answeredLeg(id, branch) else { return }
      emit(.detectTones(leg, true))
      play(.confirmPrompt(ticket: ticket.rawValue, key: key), to: leg)
    case .cancel(let branch, let cause): releaseBranch(id, branch, whyHeGaveUp(id) ?? cause)
    case .releaseBranch(let branch, let cause): releaseBranch(id, branch, cause)
    case .connect(let branch): connect(id, branch, at: now)
    case .releaseCaller(let cause):
      calls[id]?.cause = call.cause ?? (call.answeredAt != nil ? .normalClearing : cause)
      releaseCaller(id, cause, at: now)
    case .closeTicket(let ticket):
      // A hop that never rang: the caller gave up while its number was being drawn.
      if call.ticket != ticket.ticket { numbered(id, ticket.ticket, user: ticket.user) }
      calls[id]?.closing = ticket
      note(.ticketClosed(id, ticket))
    case .dispatch(let ticket):
      calls[id]?.dispatch = ticket
      note(.dispatched(id, ticket))
    case .note(let what):
      if case .ringing(_, let ticket, let user) = what { numbered(id, ticket, user: user) }
      note(.hunt(id, what))
    case .finished: end(id, at: now)
    }
  }

  /// The cause with which the caller has left before he was connected (RFC 3326): a call that was answered elsewhere is
  /// no missed call on the phones that were rung.
  func whyHeGaveUp(_ id: CallID) -> Cause? {
    guard let call = calls[id], call.callerLeg == nil, call.answeredAt == nil else { return nil }
    return call.cause
  }

  /// The hop has its number.
  private mutating func numbered(_ id: CallID, _ ticket: TicketNumber, user: String) {
    let isFirst = calls[id]?.ticket == nil
    calls[id]?.ticket = ticket
    note(.ticketOpened(id, ticket, user: user))
    if isFirst { emit(.nameRecording(id, ticket)) }
  }

  private mutating func connect(_ id: CallID, _ branch: BranchID, at now: Moment) {
    guard let caller = calls[id]?.callerLeg, let leg = answeredLeg(id, branch) else { return }
    calls[id]?.connected = branch
    calls[id]?.answeredAt = now.wall
    answerCaller(id)
    silence(caller)
    silence(leg)
    emit(.detectTones(leg, false))
    emit(.bridge(caller, leg))
    updateHold(id)
    listenForDoubles(id)
  }
}
