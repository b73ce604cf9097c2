import Hunting

/// Something outside the journal that a record demands; doing it twice is as good as once.
enum Duty: Hashable, Sendable {
  /// TickeNR.TXT holds this number.
  case counter(TicketNumber)
  /// `ticket/` holds this file.
  case ticketFile(String)
  /// The spool has been given this message.
  case message(MessageOrder)
  /// This CDR file holds this line of this call.
  case cdr(file: String, line: String, call: String)
}

extension JournalRecord {
  /// What this record demands, in the order in which it is done.
  var duties: [Duty] {
    switch self {
    case .opened(let hop): (hop.closing.map { [.ticketFile($0.file)] } ?? []) + [.counter(hop.next)]
    case .ended(let call):
      (call.closing.map { [.ticketFile($0.file)] } ?? []) + call.messages.map { .message($0) }
        + [.cdr(file: call.cdrFile, line: call.cdr, call: call.call)]
    case .settled, .began, .stopped: []
    }
  }
}
