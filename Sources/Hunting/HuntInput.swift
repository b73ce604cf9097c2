package import Telephony

/// What happened, as the hunt is told it.
package enum HuntInput: Hashable, Sendable {
  /// The caller has confirmed (or dialled the XML number): begin.
  case start
  /// The hop's number is drawn and its journal record is on the disk.
  case ticketDurable(HopID, TicketNumber)
  /// The disk refused the hop's record; its number is drawn all the same.
  case ticketFailed(HopID, TicketNumber)
  /// The answer to `numberTicket`: the hop's number, whether the disk has it or not.
  case ticketNumbered(HopID, TicketNumber)
  /// The user has registered several phones: the first one is rung under the branch that was asked for, and this further
  /// one beside it. Each answers, confirms and fails for itself.
  case branchAdded(BranchID, beside: BranchID)
  /// The phone rings (180 or 183).
  case branchRinging(BranchID)
  /// The phone was answered.
  case branchAnswered(BranchID)
  /// The prompt was played to its end. The first time counts: the time to confirm runs from there.
  case promptEnded(BranchID)
  /// A key was pressed on an answered phone: `0` to `9`, `*`, `#`, `A` to `D`.
  case keyPressed(BranchID, Character)
  /// The phone could not be rung, or declined; the branch is over.
  case branchFailed(BranchID, BranchFailure, Cause)
  /// An answered phone hung up; the branch is over.
  case branchEnded(BranchID, Cause)
  /// The caller hung up, or his leg died.
  case callerEnded(Cause)
  /// `nextDeadline` has come.
  case timersDue
  /// The daemon ends.
  case shutdown
}

/// Why a phone could not be rung.
package enum BranchFailure: Hashable, Sendable {
  /// 486 or 600: the user is in another call.
  case busy
  /// 403, 603 and the like: somebody or something said no.
  case refused
  /// No registration, no route, no response, 404, 480, 5xx.
  case unreachable
  /// 3xx to this target, which is logged and not followed.
  case redirected(to: String)
}
