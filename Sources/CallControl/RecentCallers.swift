package import Site
package import Telephony

/// A caller of a ticket: whom a user may call back.
package struct RecentCaller: Hashable, Sendable {
  /// As `Caller_` shows him.
  package var number: String
  /// When his ticket was written, or opened.
  package var at: WallTime

  package init(number: String, at: WallTime) {
    self.number = number
    self.at = at
  }
}

/// The callers of the tickets of the last 30 days: besides the site's own numbers, all that a user may dial.
///
/// A number counts digit by digit, `+` and `00` being equal; the only tolerance is the trunk's prefix, which some trunks
/// deliver with the caller's number and some phones put before what they dial.
package struct RecentCallers: Sendable {
  /// How long a caller may be called back.
  package static let memory = Duration.seconds(30 * 86_400)
  /// More numbers than this are not kept; the oldest go first.
  package static let limit = 5000

  /// By the number as it is compared.
  private var callers: [String: (number: PhoneNumber, at: WallTime)] = [:]

  package init() {}

  /// How many numbers are kept.
  package var count: Int { callers.count }

  /// Somebody has a ticket. One who withheld his number, or whose name is none, cannot be called; nor can `#` be, which
  /// no caller's number has: whoever calls may say that he is `##002#`, and that does something in a network.
  package mutating func add(_ caller: RecentCaller) {
    guard let number = PhoneNumber(caller.number), number.digits.utf8.allSatisfy({ $0.isASCIIDigit || $0 == 0x2B })
    else { return }
    let key = number.canonical
    let newest = max(callers[key]?.at ?? caller.at, caller.at)
    if callers[key] == nil, callers.count >= Self.limit { makeRoom() }
    callers[key] = (number, newest)
  }

  /// The ticket's caller whom `dialled` means, as he stands in the ticket; nil if there is none.
  ///
  /// - Parameter prefix: of the trunk by which he would be called; it may stand before one of both, and be missing
  ///   before the other.
  package func caller(dialled: PhoneNumber, prefix: String, at now: WallTime) -> PhoneNumber? {
    var forms = [dialled.digits]
    if !prefix.isEmpty {
      forms.append(prefix + dialled.digits)
      if dialled.digits.hasPrefix(prefix) { forms.append(String(dialled.digits.dropFirst(prefix.count))) }
    }
    for form in forms {
      guard let key = PhoneNumber(form)?.canonical, let found = callers[key] else { continue }
      if now - found.at <= Self.memory { return found.number }
    }
    return nil
  }

  private mutating func makeRoom() {
    // Of those of the same time the lowest goes, so that the same calls always leave the same numbers.
    let oldest = callers.min { ($0.value.at, $0.key) < ($1.value.at, $1.key) }
    if let oldest { callers[oldest.key] = nil }
  }
}

extension Trunk {
  /// The number to dial for the caller of a ticket: his number as a trunk delivered it, local prefix included, so that
  /// one which begins with this trunk's prefix already is dialled as it stands.
  package func dialledBack(_ caller: PhoneNumber) -> String {
    !prefix.isEmpty && caller.digits.hasPrefix(prefix) ? caller.digits : dialled(caller)
  }
}
