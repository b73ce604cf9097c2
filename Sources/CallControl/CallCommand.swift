package import Hunting
package import Media
package import SDP
package import SIPMessage
package import SIPUserAgent
package import Telephony

/// What call control wants done; the owner performs it and hands results back as inputs.
package enum CallCommand: Sendable {
  /// Send this message.
  case transmit(Message, Flow)

  /// Bind a leg's RTP ports on our address of this flow; the answer is `mediaOpened` or `mediaRefused`.
  case openMedia(LegID, Flow)
  /// What the leg's offer and answer agreed on; also after each new one.
  case describe(LegID, NegotiatedAudio)
  /// Play this sound from its beginning; one that ends is answered by `played` with the token.
  case play(LegID, Sound, token: UInt64)
  /// Play nothing.
  case silence(LegID)
  /// Listen for key presses as tones in the audio, or no longer.
  case detectTones(LegID, Bool)
  /// Send this key press to the leg: as telephone-event where that was agreed on, else as tones.
  case sendDigit(LegID, Character, milliseconds: Int)
  /// Each leg hears the other; telephone-events of one go to the other where both have them.
  case bridge(LegID, LegID)
  /// Give the leg's ports back.
  case closeMedia(LegID)

  /// Create the recording and write these messages first; it has no ticket number yet.
  case startRecording(CallID, caller: CallerName, [SIPFrame])
  /// The first ticket's number is known: it belongs into the recording's name.
  case nameRecording(CallID, TicketNumber)
  /// Write this message.
  case recordSIP(CallID, SIPFrame)
  /// Write the leg's RTP and RTCP of both directions from now on.
  case tap(CallID, LegID)
  /// Write the leg's RTP no longer.
  case untap(LegID)
  /// Close the recording.
  case stopRecording(CallID)

  /// Draw a ticket number and make the hop's record durable, together with the end of the hop before.
  case openTicket(CallID, TicketOpening)
  /// The disk is slow: `ticketNumbered` must follow at once.
  case numberTicket(CallID, HopID)
  /// The call is over: its last ticket, its messages and its CDR line.
  case endCall(CallID, CallEnding)

  /// A spooled instant message has been answered with this SIP status.
  case messageDone(String, status: Int)
  /// The user's phones are no longer what they were: a waiting message may be tried.
  case registrationsChanged(user: String)

  /// For the log, the console, the narration.
  case event(CallEvent)
}

/// A hop that begins, and the one that ends in the same step.
package struct TicketOpening: Hashable, Sendable {
  package var hop: HopID
  package var user: String
  /// As `Caller_` shows it.
  package var caller: CallerName
  package var start: WallTime
  package var closing: ClosedTicket?
  /// The call as its CDR line will tell it, should the daemon end before the call does: trunk's name or `internal`,
  /// what the caller dialled, when the INVITE came.
  package var origin: String
  package var dialled: String
  package var ring: WallTime
}

/// Everything that is written when a call ends.
package struct CallEnding: Hashable, Sendable {
  /// As `Caller_` shows it.
  package var caller: CallerName
  /// The last hop's ticket; nil for a call that was never confirmed.
  package var closing: ClosedTicket?
  /// The ticket whose user gets the messages; nil if nobody does.
  package var dispatch: ClosedTicket?
  package var detail: CallDetail
}

/// The call as the CDR tells it.
package struct CallDetail: Hashable, Sendable {
  /// The trunk's name, or `internal`.
  package var origin: String
  /// When the INVITE came.
  package var ring: WallTime
  /// When a technician answered; nil if none did.
  package var answer: WallTime? = nil
  package var hangUp: WallTime
  /// The internal number that answered; empty if nobody did.
  package var answeredExtension: String
  /// What the caller dialled.
  package var dialled: String
  package var caller: CallerName
  package var cause: Cause
  package var ticket: TicketNumber? = nil
}
