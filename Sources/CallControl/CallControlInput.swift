package import Hunting
package import Media
package import SIPMessage
package import SIPUserAgent
package import Site
package import Telephony

/// What call control is told.
package enum CallControlInput: Sendable {
  /// The sockets are open: registrations at trunks and OPTIONS to them may begin.
  case start
  /// A SIP message has come.
  case received(Message, Flow)
  /// What was sent on this flow did not leave.
  case transportFailed(Flow)
  /// `nextDeadline` has passed.
  case timersDue

  /// The answer to `openMedia`: our media address and RTP port.
  case mediaOpened(LegID, Endpoint)
  /// No RTP port could be had.
  case mediaRefused(LegID)
  /// A key press in the leg's RTP, as an event or as tones.
  case digit(LegID, Character, DigitWay)
  /// A key press that came as telephone-event is over; it lasted so long.
  case digitEnded(LegID, Character, milliseconds: Int)
  /// A sound has been heard to its end.
  case played(LegID, token: UInt64)
  /// Neither RTP nor RTCP has come since then; told again and again while it lasts. The peer is asked by SIP whether it
  /// lives, and released only if no answer comes, 408 or 481, or if it lasts longer than `MaxDuration.txt` says. Mute,
  /// DTX and an unconscious caller are no dead leg.
  case silent(LegID, since: Instant)

  /// The hop's record is on the disk.
  case ticketDurable(CallID, HopID, TicketNumber)
  /// The disk refused the hop's record; the number is drawn all the same.
  case ticketFailed(CallID, HopID, TicketNumber)
  /// The answer to `numberTicket`.
  case ticketNumbered(CallID, HopID, TicketNumber)

  /// The site has been read anew; it counts for calls that begin from now on.
  case siteChanged(SiteSnapshot)
  /// Where the site's host names lead, as far as that is known.
  case hostsResolved(KnownHosts)
  /// The callers of the last days' tickets, as the ticket log tells them; those of later calls are known without it.
  case recentCallers([RecentCaller])
  /// Send this instant message; `messageDone` with the same name follows.
  case sendMessage(InstantMessage)
  /// Refuse new calls and end those in progress.
  case shutdown
}

/// An instant message to a user's phone.
package struct InstantMessage: Hashable, Sendable {
  /// Its name in the spool.
  package var name: String
  /// The user's internal number.
  package var user: String
  /// The caller's number, to be called back by lifting the receiver.
  package var caller: String
  package var text: String

  package init(name: String, user: String, caller: String, text: String) {
    self.name = name
    self.user = user
    self.caller = caller
    self.text = text
  }

  /// True if the phone, or what stands before it, has understood the message and will not take such a one: it would not
  /// later either. Whether somebody is not there now, no other status tells for ever.
  package static func isRefused(_ status: Int) -> Bool {
    [405, 413, 415, 416, 488, 501, 505, 513, 606].contains(status)
  }
}
