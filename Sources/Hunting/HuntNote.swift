package import Telephony

/// What a hunt has to say to the log.
package enum HuntNote: Hashable, Sendable {
  /// This user is first, and why.
  case first(FirstUser)
  /// The hop's user is rung, under this ticket.
  case ringing(HopID, TicketNumber, user: String)
  /// The journal did not take the hop's record within the time; it rings all the same.
  case diskSlow(HopID)
  /// The journal refused the hop's record; it rings all the same.
  case diskRefused(HopID, TicketNumber)
  /// A phone could not be rung.
  case failed(BranchID, BranchFailure, Cause)
  /// A phone was answered and must confirm with this key.
  case mustConfirm(BranchID, key: Character)
  /// A wrong key was pressed.
  case wrongKey(BranchID, pressed: Character)
  /// A phone hung up without having confirmed.
  case unconfirmed(BranchID)
  /// An answered phone did not confirm in time.
  case confirmTimeout(BranchID)
  /// The CFNR timeout has passed, but an answered phone may still confirm.
  case held(HopID)
  /// The user did not respond within his CFNR timeout.
  case noResponse(HopID, user: String)
  /// None of the user's phones is left to ring.
  case nobodyLeft(HopID, user: String)
  /// A whole round in which nobody could be rung: the next begins after this time.
  case pause(Duration)
  /// The caller speaks with this phone.
  case connected(BranchID, user: String)
  /// A phone answered that is no longer rung; it is released.
  case lateAnswer(BranchID)
  /// The hunt is over.
  case ended(HuntEnd)
}

/// Why a hunt was over.
package enum HuntEnd: Hashable, Sendable {
  /// The technician hung up.
  case technicianHungUp
  /// The caller hung up after he had been connected.
  case callerHungUp
  /// The caller gave up before anybody had answered.
  case callerGaveUp
  /// The last user of the chain did not respond.
  case chainEnded
  /// `MaxRounds.txt`.
  case maxRounds
  /// `MaxDuration.txt`.
  case maxDuration
  /// The daemon ends.
  case shutdown
  /// The site has no users.
  case nobodyToRing
}
