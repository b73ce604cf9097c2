import Hunting
import Telephony

/// What the journal's records add up to. The running daemon and the recovery apply the same records in the same way.
struct Ledger: Sendable {
  /// The calls that are not over, by Uniqueid.
  private(set) var calls: [String: CallInLedger] = [:]
  /// The last record's number.
  private(set) var lastSequence: UInt64 = 0
  /// When the last record was written: until then the daemon was certainly alive.
  private(set) var lastTime = WallTime(microseconds: 0)
  /// All that follows from the records up to this one is durable.
  private(set) var settled: UInt64 = 0
  /// What is known of TickeNR.TXT.
  private(set) var counter = CounterInLedger()

  mutating func apply(_ entry: JournalEntry) {
    lastSequence = max(lastSequence, entry.sequence)
    lastTime = max(lastTime, entry.time)
    switch entry.record {
    case .opened(let hop):
      calls[hop.call, default: CallInLedger(firstSequence: entry.sequence)].hops.append(hop)
      if let closing = hop.closing { calls[hop.call]?.closed.insert(closing.hop) }
      counter.drew(hop)
    case .ended(let call): calls[call.call] = nil
    case .settled(let upTo, let next):
      settled = max(settled, upTo)
      if let next { counter = CounterInLedger(durable: next, drawn: counter.drawn) }
    case .began(let next): counter = CounterInLedger(durable: next)
    case .stopped(let next):
      counter = CounterInLedger(durable: next)
      counter.isCleanStop = true
    }
  }

  /// The calls that are not over, in the order in which they began.
  var openCalls: [CallInLedger] { calls.values.sorted { $0.firstSequence < $1.firstSequence } }

  /// The hop, if its call is not over.
  func hop(_ hop: HopID, of call: String) -> OpenedHop? { calls[call]?.hops.last { $0.hop == hop } }
}

/// A call that is not over.
struct CallInLedger: Sendable {
  let firstSequence: UInt64
  /// In the order in which they were opened.
  var hops: [OpenedHop] = []
  var closed: Set<HopID> = []

  init(firstSequence: UInt64) { self.firstSequence = firstSequence }

  /// The hop that has not been closed: the last one.
  var openHop: OpenedHop? { hops.last { !closed.contains($0.hop) } }
}

/// What the journal knows of the ticket counter.
struct CounterInLedger: Sendable {
  /// The next number, as far as the journal knows; nil: nothing is known.
  private(set) var next: TicketNumber?
  /// What may stand in TickeNR.TXT without being the owner's will: the durable value, and each value that Pikett wrote
  /// (or replaced) since and that a power cut may have brought back.
  private(set) var ownValues: Set<TicketNumber> = []
  /// The numbers drawn since the daemon began.
  private(set) var drawn: Set<TicketNumber> = []
  /// A number was drawn since TickeNR.TXT was last made durable.
  private(set) var isUnsettled = false
  /// The daemon has stopped cleanly and has not begun again.
  var isCleanStop = false

  init() {}

  init(durable next: TicketNumber, drawn: Set<TicketNumber> = []) {
    self.next = next
    self.drawn = drawn
    ownValues = [next]
  }

  mutating func drew(_ hop: OpenedHop) {
    next = hop.next
    isUnsettled = true
    isCleanStop = false
    drawn.insert(hop.ticket)
    ownValues.insert(hop.next)
    if let owner = hop.ownersNumber { ownValues.insert(owner) }
  }

  /// The next number after a start, from what stands in TickeNR.TXT.
  ///
  /// A value that Pikett itself wrote before a crash is a lost write; so is a blank or torn one, if numbers were drawn
  /// since the file was last durable. Any other value is the owner's will.
  func next(after content: CounterContent) -> TicketNumber {
    let first = TicketNumber(rawValue: 1)
    guard let next else { return content.number ?? first }
    switch content {
    case .number(let number, let isWhole):
      if isCleanStop { return number }
      if ownValues.contains(number) { return next }
      // Written only in part when the power went.
      let isTorn = !isWhole && ownValues.contains { $0.description.hasPrefix(number.description) }
      return isTorn ? next : number
    case .blank: return isUnsettled ? next : first
    case .notUnderstood: return next
    }
  }
}
