import CallControl
import Hunting
import Logging
import Records
import Telephony

/// A hop of a call: what the disk's answers are addressed to.
struct TicketKey: Hashable {
  var call: CallID
  var hop: HopID
}

/// Tickets and endings: the core's words into the records', and the disk's answers back.
extension Switchboard {
  func openTicket(_ call: CallID, _ opening: TicketOpening) {
    let key = TicketKey(call: call, hop: opening.hop)
    draws[key] = records.openHop(
      HopOpening(
        call: "\(call)", hop: opening.hop, user: opening.user, caller: opening.caller, start: opening.start,
        closing: opening.closing, origin: opening.origin, dialled: opening.dialled, ring: opening.ring)
    ) { [weak self] result in
      self?.assumeIsolated { $0.diskSaid(key, result) }
    }
  }

  private func diskSaid(_ key: TicketKey, _ result: HopResult) {
    draws[key] = nil
    switch result {
    case .durable(let number): take(.ticketDurable(key.call, key.hop, number))
    case .failed(let number, let fault):
      logger.error("the journal cannot be written", metadata: ["ticket": "\(number)", "fault": "\(fault)"])
      take(.ticketFailed(key.call, key.hop, number))
    }
  }

  /// The disk is slow: the number is decided now, by whoever was first.
  func numberTicket(_ call: CallID, _ hop: HopID) {
    guard let draw = draws[TicketKey(call: call, hop: hop)] else { return }
    take(.ticketNumbered(call, hop, records.decide(draw)))
  }

  func endCall(_ call: CallID, _ ending: CallEnding) {
    let detail = ending.detail
    records.endCall(
      CallEnd(
        call: "\(call)", caller: ending.caller, closing: ending.closing, dispatch: ending.dispatch,
        channels: ending.dispatch.map { control.site.channels(of: $0.user) } ?? [],
        cdr: CDRLine(
          origin: detail.origin, call: "\(call)", ring: detail.ring, answer: detail.answer, hangUp: detail.hangUp,
          answeredExtension: detail.answeredExtension, dialled: detail.dialled, caller: detail.caller.text,
          cause: detail.cause, ticket: detail.ticket),
        flaw: recordingFlaw(of: call)))
  }

  func recordsSaid(_ note: RecordsNote) {
    logger.log(level: note.isFault ? .error : .info, "records", metadata: ["note": "\(note)"])
    if case .messageSpooled(let channel) = note { messages.spooled(channel) }
  }
}
