package import Telephony

/// What is to be done, in this order, in the step that handles the input.
package enum HuntAction: Hashable, Sendable {
  /// Draw the next ticket number for this hop and make its journal record durable; the answer is `ticketDurable` or
  /// `ticketFailed`. Where the step also closes the hop before, both go into one record.
  case openTicket(HopID, user: String, start: WallTime)
  /// The hop cannot wait for the disk any longer: `ticketNumbered` must follow at once, from memory if need be.
  case numberTicket(HopID)
  /// Call this phone.
  case ring(BranchID, Branch)
  /// Play "emergency call, ticket 1234, press 1" to this answered phone, from the beginning.
  case prompt(BranchID, TicketNumber, key: Character)
  /// Stop ringing this phone, which has not answered.
  case cancel(BranchID, Cause)
  /// Bridge this phone with the caller.
  case connect(BranchID)
  /// Hang up this phone, which has answered.
  case releaseBranch(BranchID, Cause)
  /// Release the caller. A leg that is answered already takes cause 16 in its BYE, whatever stands here.
  case releaseCaller(Cause)
  /// Write the hop's ticket to the log.
  case closeTicket(ClosedTicket)
  /// Send the SMS and the IM of this ticket, the call's last, to its user.
  case dispatch(ClosedTicket)
  /// Worth a line in the log.
  case note(HuntNote)
  /// The hunt is over; nothing more will come.
  case finished
}

/// A phone to be rung.
package struct Branch: Hashable, Sendable {
  /// The user whose phone this is.
  package var user: String
  package var phone: Phone
  /// The key that must be pressed after answering, or nil.
  package var confirmKey: Character?
  package var ticket: TicketNumber

  package init(user: String, phone: Phone, confirmKey: Character?, ticket: TicketNumber) {
    self.user = user
    self.phone = phone
    self.confirmKey = confirmKey
    self.ticket = ticket
  }

  /// Which of a user's phones.
  package enum Phone: Hashable, Sendable {
    /// The desk phone, by Contact, registration or trunk.
    case desk
    /// This external number, by the external trunk.
    case fork(String)
  }
}

/// The ticket of a hop that is over.
package struct ClosedTicket: Hashable, Sendable {
  package var hop: HopID
  package var ticket: TicketNumber
  /// The internal number that was rung, even if a fork answered.
  package var user: String
  /// When the hop was opened.
  package var start: WallTime
  /// When it was over.
  package var end: WallTime
  /// The last hop of the call, marked `END`.
  package var isLast: Bool

  package init(hop: HopID, ticket: TicketNumber, user: String, start: WallTime, end: WallTime, isLast: Bool) {
    self.hop = hop
    self.ticket = ticket
    self.user = user
    self.start = start
    self.end = end
    self.isLast = isLast
  }
}
