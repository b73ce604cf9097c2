package import Hunting
package import Records
import Telephony

/// Which calls of the ticket log are wanted. A call is shown whole or not at all.
package struct TicketFilter: Sendable {
  /// Calls that began at this minute or later.
  package var since: LocalMinute?
  /// Calls of this caller.
  package var caller: WantedCaller?
  /// The call to which this ticket belongs.
  package var ticket: TicketNumber?

  package init(since: LocalMinute? = nil, caller: WantedCaller? = nil, ticket: TicketNumber? = nil) {
    self.since = since
    self.caller = caller
    self.ticket = ticket
  }

  /// - Parameter call: its hops, of `log`.
  func wants(_ call: ArraySlice<TicketLog.Hop>, in log: TicketLog) -> Bool {
    guard let first = call.first else { return false }
    if let since, first.start < since { return false }
    if let ticket, !call.contains(where: { $0.ticket == ticket }) { return false }
    if let caller, !caller.matches(log.text(first.caller)) { return false }
    return true
  }
}

/// A caller as a person names him: his number, or its end, or the word that stands for a number that is withheld.
package struct WantedCaller: Sendable {
  private let name: CallerName
  /// The digits without `+`, `00` or any 0 before them: what stays the same however a line delivers the number.
  private let core: String?

  /// - Returns: nil if `text` can be no caller.
  package init?(_ text: String) {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) || $0 == 0x20 }) else { return nil }
    let number = PhoneNumber(text)
    name = CallerName(number?.digits ?? text)
    core = number.map { WantedCaller.core($0.digits) }
  }

  /// True if `caller`, as the log has him, is the one: the very text, or a number that ends with his digits, three of
  /// them at least.
  func matches(_ caller: String) -> Bool {
    if caller.equalsIgnoringCase(name.text) { return true }
    guard let core, core.utf8.count >= 3 else { return false }
    return caller.utf8.count > core.utf8.count && caller.hasSuffix(core)
  }

  private static func core(_ digits: String) -> String {
    String(digits.drop { $0 == "+" || $0 == "0" })
  }
}

/// Reads a day as people write it: `2026-11-21`, `21.11.2026`, `7d` (seven days back), `today`, `yesterday`.
///
/// - Returns: its first minute; nil if it is none of these, or there is no such day.
package func day(_ text: String, today: LocalMinute) -> LocalMinute? {
  switch text.asciiLowercased {
  case "today": return today.midnight(daysBefore: 0)
  case "yesterday": return today.midnight(daysBefore: 1)
  case let word where word.hasSuffix("d"):
    let number = word.dropLast()
    guard number.isDigits, let days = Int(number) else { return nil }
    return today.midnight(daysBefore: days)
  default:
    let isDotted = text.contains(".")
    let parts = text.split(separator: isDotted ? "." : "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.isDigits && $0.utf8.count <= 4 }) else { return nil }
    let numbers = (isDotted ? parts.reversed() : parts).compactMap { Int($0) }
    // A year of two digits could be a day.
    guard numbers.count == 3, parts[isDotted ? 2 : 0].utf8.count == 4 else { return nil }
    return LocalMinute(year: numbers[0], month: numbers[1], day: numbers[2], hour: 0, minute: 0)
  }
}
