import Hunting
import Telephony

/// One step of the journal, as a value: what happened, so that everything else can be written from it again.
enum JournalRecord: Hashable, Sendable {
  /// A hop was opened; the hop before it ended in the same step.
  case opened(OpenedHop)
  /// A call ended, with its last hop if it had one.
  case ended(EndedCall)
  /// All that follows from the records up to `upTo` is durable; `counter` stands durably in TickeNR.TXT.
  case settled(upTo: UInt64, counter: TicketNumber?)
  /// The daemon began, after making good what was open, with this next number (durable in TickeNR.TXT).
  case began(next: TicketNumber)
  /// The daemon ended cleanly: what stands in TickeNR.TXT now and differs is the owner's will.
  case stopped(next: TicketNumber)
}

/// A hop that was opened.
struct OpenedHop: Hashable, Sendable {
  var call: String
  var hop: HopID
  var ticket: TicketNumber
  /// What belongs into TickeNR.TXT after this draw.
  var next: TicketNumber
  /// What the owner had written into TickeNR.TXT, if this draw followed it.
  var ownersNumber: TicketNumber?
  var user: String
  var caller: CallerName
  var start: WallTime
  /// The end of the hop before.
  var closing: ClosedHop?
  /// For the CDR line, should the call end with the daemon: where it came from, what was dialled, since when.
  var origin: String
  var dialled: String
  var ring: WallTime
}

/// The end of a hop.
struct ClosedHop: Hashable, Sendable {
  var hop: HopID
  var end: WallTime
  /// The name of its file in `ticket/`, with its serial: decided before it is created, so that it can be created
  /// again without ever being there twice.
  var file: String
}

/// The end of a call.
struct EndedCall: Hashable, Sendable {
  var call: String
  var closing: ClosedHop?
  var messages: [MessageOrder]
  /// The CDR line and the name of its file.
  var cdr: String
  var cdrFile: String
}

/// A record with its place in the journal.
struct JournalEntry: Hashable, Sendable {
  /// Counts up by one a record.
  var sequence: UInt64
  /// When it was written.
  var time: WallTime
  var record: JournalRecord
}
