package import SIPMessage
package import Telephony

/// What the user agent is told.
package enum UserAgentInput: Sendable {
  case received(Message, Flow)
  /// A connection broke or a send failed for good (ICMP unreachable is not one).
  case transportFailed(Flow)
  /// `nextDeadline` has passed.
  case timersDue
  /// Calls. The leg's number is from `newLegID()`.
  case invite(LegID, OutgoingCall)
  /// The Session-ID (RFC 7989) that all further messages of the leg bear; of an outgoing call it stands in its headers.
  case identify(LegID, sessionID: String)
  /// 101 to 199 to the peer's INVITE; repeated every 60 s by the user agent while unanswered (RFC 3261 §13.3.1.1).
  case progress(LegID, status: Int, body: [UInt8]?)
  /// 200 to the peer's INVITE, repeated until its ACK comes.
  case answer(LegID, sdp: [UInt8])
  /// Ends the leg from any state: refusal (`status`, else the cause's), CANCEL, or BYE, each with Reason (RFC 3326).
  /// `ended` follows: at once, or when the INVITE's own final response or our 2xx's ACK has come. On a leg that is over:
  /// nothing.
  case release(LegID, Cause, status: Int? = nil)
  /// Our re-INVITE. It waits for a running one and for RFC 3261 §14.1's pause after 491.
  case offer(LegID, sdp: [UInt8])
  /// The answer to the peer's offer, or our offer to his empty re-INVITE.
  case answerOffer(LegID, sdp: [UInt8])
  case refuseOffer(LegID, status: Int)
  case sendMessage(RequestID, OutgoingMessage)
  /// REGISTER to a provider; `registrationDone` follows.
  case register(RequestID, OutgoingRegistration)
  /// OPTIONS outside of a dialog, to see whether a trunk lives; `probeDone` follows.
  case probe(RequestID, Target, from: NameAddress)
  /// A key press by INFO, after those before it; `digitRefused` follows if the peer does not take it.
  case press(LegID, InfoDigit)
  /// OPTIONS within the dialog, to see whether the leg lives: `alive` or `ended` follows.
  case ask(LegID)
}
