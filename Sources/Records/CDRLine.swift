package import Hunting
package import Telephony

/// One call in the CDR file: the 14 fields of `pim_cdr_YYYYMM.log` (seed 001, "CDR").
package struct CDRLine: Hashable, Sendable {
  /// PBX_ID: the trunk's name, or `internal`.
  package var origin: String
  /// Uniqueid.
  package var call: String
  /// UnixTimeRing and CallStartTime: when the call came.
  package var ring: WallTime
  /// UnixTimeAnswer: when a technician answered; nil if none did.
  package var answer: WallTime?
  /// UnixTimeHangUp.
  package var hangUp: WallTime
  /// AnsweredExtension: the internal number that answered; empty if nobody did.
  package var answeredExtension: String
  /// Exten: what the caller dialled.
  package var dialled: String
  /// CID.
  package var caller: String
  /// Cause (Q.931).
  package var cause: Cause
  /// CustomerUserLogin.
  package var customer: String
  /// TicketNumber: the last hop's; nil if the call was never confirmed.
  package var ticket: TicketNumber?

  package init(
    origin: String, call: String, ring: WallTime, answer: WallTime?, hangUp: WallTime, answeredExtension: String,
    dialled: String, caller: String, cause: Cause, customer: String = "", ticket: TicketNumber?
  ) {
    self.origin = origin
    self.call = call
    self.ring = ring
    self.answer = answer
    self.hangUp = hangUp
    self.answeredExtension = answeredExtension
    self.dialled = dialled
    self.caller = caller
    self.cause = cause
    self.customer = customer
    self.ticket = ticket
  }

  /// The line without its line end. RingTime is the time until the answer (or the end), CallDuration the time from the
  /// answer, both in seconds; a `|`, a line break or another control character within a field becomes a blank.
  package func text(_ calendar: LocalCalendar) -> String {
    let talk = answer.map { max(0, hangUp.unixSeconds &- $0.unixSeconds) } ?? 0
    let wait = max(0, (answer ?? hangUp).unixSeconds &- ring.unixSeconds)
    let fields = [
      origin, call, String(ring.unixSeconds), answer.map { String($0.unixSeconds) } ?? "",
      String(hangUp.unixSeconds), calendar.local(ring).stamp, answeredExtension, dialled, caller, String(wait),
      String(talk), String(cause.rawValue), customer, ticket?.description ?? "",
    ]
    return fields.map(sanitized).joined(separator: "|")
  }

  /// The name of the file the line belongs into: the month in which the call ended, in local time.
  package func fileName(_ calendar: LocalCalendar) -> String {
    let end = calendar.local(hangUp)
    return "pim_cdr_\(padded(end.year, 4))\(padded(end.month, 2)).log"
  }

  private func sanitized(_ field: String) -> String {
    let scalars = field.unicodeScalars.prefix(128).map { scalar -> Character in
      scalar.value < 0x20 || scalar.value == 0x7F || scalar == "|" ? " " : Character(scalar)
    }
    return String(scalars)
  }
}
