package import Telephony

/// The text that names a ticket: in the SMS, in the IM, and as the name of the file in the ticket log.
///
/// `12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732`: start, end, ticket, caller with the
/// prefix of the trunk line as it was delivered, and the internal number that was called (seed, "Usage").
package struct TicketMessage: Hashable, Sendable {
  /// When the hop was opened, and when it was over, by the clock on the site's wall.
  package var start: LocalTime
  package var end: LocalTime
  package var ticket: TicketNumber
  package var caller: CallerName
  /// The internal number, even if a fork answered.
  package var called: String

  package init(start: LocalTime, end: LocalTime, ticket: TicketNumber, caller: CallerName, called: String) {
    self.start = start
    self.end = end
    self.ticket = ticket
    self.caller = caller
    self.called = called
  }

  /// The message of a ticket that is over, in the site's local time.
  package init(_ ticket: ClosedTicket, caller: CallerName, calendar: LocalCalendar) {
    self.init(
      start: calendar.local(ticket.start), end: calendar.local(ticket.end), ticket: ticket.ticket, caller: caller,
      called: ticket.user)
  }

  /// The text of the SMS and of the IM.
  package var text: String {
    "\(start.dottedDate)_\(start.dottedTime)_\(end.dottedDate)_\(end.dottedTime)"
      + "_Ticket_\(ticket)_Caller_\(caller.text)_Called_\(called)"
  }

  /// The name of the zero-length file in `ticket/`, for the serial `serial` (1, 2, …: two equal calls in one minute).
  package func logFileName(isLast: Bool, serial: Int) -> String { logFileStem(isLast: isLast) + "_\(serial).txt" }

  /// The name without its serial: what two equal tickets have in common.
  package func logFileStem(isLast: Bool) -> String { isLast ? text + "_END" : text }

  /// The name of a call's recording: `12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap`.
  ///
  /// - Parameters:
  ///   - start: when the recording began.
  ///   - ticket: the first ticket of the call.
  package static func recordingName(start: LocalTime, ticket: TicketNumber, caller: CallerName) -> String {
    "\(start.dottedDate)_\(start.dottedTime)_Ticket_\(ticket)_Caller_\(caller.text).pcap"
  }
}

/// The caller as messages and file names show him: `0-9A-Za-z+#.-`, 1 to 32 characters.
package struct CallerName: Hashable, Sendable, CustomStringConvertible {
  /// The safe text.
  package let text: String

  /// The name of a caller who withholds his number.
  package static let anonymous = CallerName("")

  /// What a trunk delivered as the caller's number, made safe: any other character becomes `-`; nothing at all, or one of
  /// the usual words for a number that is withheld, is `anonymous`.
  package init(_ delivered: some StringProtocol) {
    let safe = delivered.unicodeScalars.prefix(32).map { scalar in
      scalar.isASCII && CallerName.allowed.contains(UInt8(truncatingIfNeeded: scalar.value))
        ? Character(scalar) : Character("-")
    }
    let isWithheld = delivered.isEmpty || CallerName.withheld.contains(delivered.asciiLowercased)
    text = isWithheld ? "anonymous" : String(safe)
  }

  package var description: String { text }

  private static let allowed = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+#.-".utf8)
  private static let withheld = [
    "anonymous", "unknown", "unavailable", "private", "restricted", "withheld", "clir", "not-available",
  ]
}
