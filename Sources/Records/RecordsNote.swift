package import Disk
package import Hunting

/// What the records have to tell the log.
package enum RecordsNote: Hashable, Sendable, CustomStringConvertible {
  /// A disk fault has begun, or has become another one. Calls go on; what is to be written is kept and tried again.
  case fault(DiskError)
  /// Everything that was kept has been written.
  case mended
  /// The disk has taken the record of this hop after all.
  case recordWrittenLate(TicketNumber)
  /// At the start: this hop was open when the daemon ended unexpectedly, and has been closed.
  case hopClosed(TicketNumber, call: String)
  /// At the start: the daemon ended during a disk fault; the last tickets drawn then may be missing in the log.
  case ticketsMayBeMissing
  /// At the start: a recording shows that this ticket was drawn, but the journal does not know it.
  case ticketMissing(TicketNumber, recording: String)
  /// At the start: damaged lines of the journal were passed over.
  case journalDamaged(path: String, lines: Int)
  /// The owner has written another next number.
  case counterSet(TicketNumber)
  /// TickeNR.TXT holds no number; the count goes on.
  case counterNotUnderstood(path: String, text: String)
  /// A message has been put into the spool.
  case messageSpooled(MessageChannel)

  /// A fault of the disk or of a file, not an ordinary event.
  package var isFault: Bool {
    switch self {
    case .fault, .ticketsMayBeMissing, .ticketMissing, .journalDamaged, .counterNotUnderstood: true
    case .mended, .recordWrittenLate, .hopClosed, .counterSet, .messageSpooled: false
    }
  }

  package var description: String {
    switch self {
    case .fault(let error): "\(error); calls go on, it is tried again"
    case .mended: "everything that waited for the disk has been written"
    case .recordWrittenLate(let ticket): "ticket \(ticket): the disk has taken its record now"
    case .hopClosed(let ticket, let call):
      "ticket \(ticket) of call \(call) was open when Pikett ended; closed with the last time known"
    case .ticketsMayBeMissing:
      "Pikett ended during a disk fault: the tickets drawn then may be missing in the ticket log"
    case .ticketMissing(let ticket, let recording):
      "ticket \(ticket) is missing in the ticket log: its record was lost in a disk fault; its recording is \(recording)"
    case .journalDamaged(let path, let lines): "\(path): \(lines) damaged lines were passed over"
    case .counterSet(let number): "TickeNR.TXT: the owner's number counts, the next ticket is \(number)"
    case .counterNotUnderstood(let path, let text):
      "\(path): “\(text.prefix(40))” is not understood; expected the next ticket's number, such as 1234"
    case .messageSpooled(let channel): "a message waits to be sent (\(channel.rawValue))"
    }
  }
}
