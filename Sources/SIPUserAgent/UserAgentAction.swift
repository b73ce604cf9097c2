package import SIPMessage

/// What the user agent wants done.
package enum UserAgentAction: Hashable, Sendable {
  case transmit(Message, Flow)
  case leg(LegID, LegEvent)
  /// The MESSAGE's final status; 408 for silence, 503 for a broken transport.
  case messageDone(RequestID, status: Int)
  case registrationDone(RequestID, RegistrationOutcome)
  /// The OPTIONS' final status, whatever it is a sign of life; nil: no answer, or a broken transport.
  case probeDone(RequestID, status: Int?)
  /// The user's contacts are no longer what they were: to be stored, and a waiting message may be tried.
  case registrationsChanged(user: String)
  case log(UserAgentNote)
}
