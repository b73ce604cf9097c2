import Hunting
import Telephony
import Testing

@Suite("Ticket messages")
struct TicketMessageTests {
  private func message(caller: String = "03472619287") -> TicketMessage {
    let start = WallTime(microseconds: 1_350_050_400_000_000)
    let ticket = ClosedTicket(
      hop: .first, ticket: TicketNumber(rawValue: 1234), user: "732", start: start, end: start + .seconds(359),
      isLast: true)
    return TicketMessage(ticket, caller: CallerName(caller), calendar: .utc)
  }

  @Test("The seed's example, to the letter")
  func seed() {
    #expect(
      message().text == "12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732")
  }

  @Test("The names of its files")
  func files() {
    #expect(message().logFileName(isLast: false, serial: 1) == message().text + "_1.txt")
    #expect(message().logFileName(isLast: true, serial: 12) == message().text + "_END_12.txt")
    let name = TicketMessage.recordingName(
      start: message().start, ticket: TicketNumber(rawValue: 1234), caller: CallerName("03472619287"))
    #expect(name == "12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap")
  }

  @Test("The times are the site's")
  func localTime() {
    let summer = LocalCalendar { LocalCalendar.utc.local($0 + .seconds(7200)) }
    let ticket = ClosedTicket(
      hop: .first, ticket: TicketNumber(rawValue: 1), user: "731", start: WallTime(microseconds: 1_350_079_199_000_000),
      end: WallTime(microseconds: 1_350_079_200_000_000), isLast: true)
    let message = TicketMessage(ticket, caller: CallerName("1"), calendar: summer)
    #expect(message.text == "12.10.2012_23.59_13.10.2012_00.00_Ticket_1_Caller_1_Called_731")
  }

  @Test(
    "The caller's number is made safe",
    arguments: [
      ("03472619287", "03472619287"), ("+39 347", "+39-347"), ("../../etc/passwd", "..-..-etc-passwd"),
      ("a\r\nb", "a--b"), ("a\u{0}b", "a-b"), ("Müller", "M-ller"), ("e\u{301}", "e-"), ("#1*", "#1-"),
      ("", "anonymous"),
      ("Anonymous", "anonymous"), ("unknown", "anonymous"), ("Unavailable", "anonymous"),
      ("0123456789012345678901234567890123456789", "01234567890123456789012345678901"), ("_END", "-END"), (" ", "-"),
    ])
  func callers(delivered: String, expected: String) {
    #expect(CallerName(delivered).text == expected)
    #expect(message(caller: delivered).text.hasSuffix("_Caller_\(expected)_Called_732"))
  }

  @Test("Ticket numbers", arguments: [("1", 1), ("100", 100), ("007", 7), ("999999999999999", 999_999_999_999_999)])
  func numbers(text: String, expected: UInt64) { #expect(TicketNumber(text)?.rawValue == expected) }

  @Test(
    "What is no ticket number",
    arguments: [
      "", "0", "-1", "+1", "1.0", "x", "1 2", "1000000000000000", "18446744073709551615", "99999999999999999999", "１",
    ])
  func noNumbers(text: String) { #expect(TicketNumber(text) == nil) }
}
