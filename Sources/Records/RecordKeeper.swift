package import Disk
package import Hunting
import Telephony

/// The blocking side of the records, used by one thread at a time: draws numbers, writes the journal, and does what
/// follows from it.
///
/// The journal is the only thing that is synced during a call. What follows (ticket files, messages, CDR lines,
/// TickeNR.TXT) is done after a record is durable, never before, and is done again from the journal after a crash,
/// as far as it had not been made durable ("settled").
package struct RecordKeeper: Sendable {
  let settings: RecordsSettings
  let disk: any Filesystem
  let sink: any MessageSink
  let note: @Sendable (RecordsNote) -> Void
  let numbers: TicketNumbers

  var ledger = Ledger()
  var journal: JournalFile
  var counter: CounterFile
  var lock: (any FileLock)?
  /// Records of the batch at hand, not committed yet.
  var batch: [BatchEntry] = []
  /// What has to be done outside the journal, in order.
  var duties: [Duty] = []
  /// Names in `ticket/` that are promised to a hop but may not be there yet.
  var promisedFiles: Set<String> = []
  /// CDR files whose end has to be looked at before a line is added.
  var suspectCDRFiles: Set<String>?
  /// Something was done that a power cut could undo.
  var isUnsettled = false
  /// The fault that was told last.
  var fault: DiskError?
  var hasFaultMark = false

  /// A record that waits for the commit, and who waits for it.
  struct BatchEntry: Sendable {
    var entry: JournalEntry
    var ticket: TicketNumber?
    /// Called at the first commit, whatever becomes of it.
    var completion: (@Sendable (HopResult) -> Void)?
    var isLate = false
  }

  /// Opens the records of a site and makes good what a crash has left open. Blocks.
  ///
  /// A disk that can only be read, or is full, does not hinder the start: that is told, and tried again.
  /// - Throws: only `isLocked`: another daemon works on this site.
  package init(
    settings: RecordsSettings, disk: any Filesystem, sink: any MessageSink,
    note: @escaping @Sendable (RecordsNote) -> Void
  ) throws(DiskError) {
    self.settings = settings
    self.disk = disk
    self.sink = sink
    self.note = note
    numbers = TicketNumbers(next: TicketNumber(rawValue: 1))
    journal = JournalFile(path: joined(settings.state, "journal"), disk: disk)
    counter = CounterFile(site: settings.site, state: settings.state, disk: disk)
    try start()
  }

  /// The number the next ticket will get, if the owner does not write another one.
  package var nextNumber: TicketNumber { numbers.next }

  /// Everything given so far is written (though perhaps not settled).
  package var isIdle: Bool { batch.isEmpty && duties.isEmpty }

  /// A hop begins: draws its number and adds its record, and the end of the hop before, to the batch.
  package mutating func openHop(
    _ opening: HopOpening, draw: TicketDraw, completion: @escaping @Sendable (HopResult) -> Void
  ) {
    let owner = ownersNumber()
    let (number, next) = numbers.decide(draw, ownersNumber: owner)
    let record = OpenedHop(
      call: opening.call, hop: opening.hop, ticket: number, next: next, ownersNumber: owner, user: opening.user,
      caller: opening.caller, start: opening.start, closing: closed(opening.closing, of: opening.call, opening.caller),
      origin: opening.origin, dialled: opening.dialled, ring: opening.ring)
    add(.opened(record), ticket: number, completion: completion)
  }

  /// A call ends: its last hop, its messages and its CDR line.
  package mutating func endCall(_ end: CallEnd) {
    let closing = closed(end.closing, of: end.call, end.caller)
    var messages: [MessageOrder] = []
    if let dispatch = end.dispatch {
      let text = message(of: dispatch, call: end.call, end.caller)
      messages = end.channels.map { channel in
        MessageOrder(
          channel: channel, call: end.call, hop: dispatch.hop, ticket: text.ticket, user: dispatch.user,
          caller: text.caller, text: text.text + (end.flaw?.suffix ?? ""), created: dispatch.end)
      }
    }
    var cdr = end.cdr
    if let last = end.closing { cdr.ticket = message(of: last, call: end.call, end.caller).ticket }
    add(
      .ended(
        EndedCall(
          call: end.call, closing: closing, messages: messages, cdr: cdr.text(settings.calendar),
          cdrFile: cdr.fileName(settings.calendar))))
  }

  /// Writes the batch: one write, one sync. Also tries again what failed before.
  package mutating func commit() {
    guard !batch.isEmpty else { return }
    do throws(DiskError) {
      try journal.commit()
      let done = batch
      batch = []
      clearFaultMark()
      for item in done {
        duties += item.entry.record.duties
        if let ticket = item.ticket {
          if item.isLate { note(.recordWrittenLate(ticket)) }
          item.completion?(.durable(ticket))
        }
      }
    } catch {
      report(error)
      setFaultMark()
      for index in batch.indices {
        if let ticket = batch[index].ticket, let completion = batch[index].completion {
          completion(.failed(ticket, error))
          batch[index].completion = nil
          batch[index].isLate = true
        }
      }
    }
  }

  /// Does what follows from the durable records. What fails is kept for the next time.
  package mutating func follow() {
    guard !duties.isEmpty else {
      if batch.isEmpty { tellMended() }
      return
    }
    let todo = duties
    let lastCounter = todo.lastIndex { if case .counter = $0 { true } else { false } }
    duties = []
    for (index, duty) in todo.enumerated() {
      if case .counter = duty, index != lastCounter { continue }
      do throws(DiskError) {
        try perform(duty)
        isUnsettled = true
      } catch {
        // A command that writes TickeNR.TXT this moment is no fault.
        if !error.isLocked { report(error) }
        duties.append(duty)
      }
    }
    if batch.isEmpty && duties.isEmpty { tellMended() }
  }

  /// What is done from time to time: tries again what failed, then makes durable what follows from the journal.
  package mutating func tick() {
    if lock == nil { retryLock() }
    commit()
    follow()
    let isOnlyCounterLeft = duties.allSatisfy { if case .counter = $0 { true } else { false } }
    if isUnsettled && batch.isEmpty && isOnlyCounterLeft { settle() }
  }

  /// Ends cleanly; the keeper is not used after it.
  package mutating func stop() {
    tick()
    if isIdle, ledger.calls.isEmpty, (try? counter.read()) == counter.known {
      add(.stopped(next: numbers.next))
      commit()
    }
    lock?.release()
    lock = nil
  }

  // MARK: Inside

  mutating func add(
    _ record: JournalRecord, ticket: TicketNumber? = nil, completion: (@Sendable (HopResult) -> Void)? = nil
  ) {
    let entry = JournalEntry(sequence: ledger.lastSequence + 1, time: settings.clock(), record: record)
    ledger.apply(entry)
    journal.add(entry)
    batch.append(BatchEntry(entry: entry, ticket: ticket, completion: completion))
  }

  /// What the owner has written into TickeNR.TXT since the last draw; nil: nothing, or nothing that can be read.
  private mutating func ownersNumber() -> TicketNumber? {
    let content: CounterContent?
    do throws(DiskError) { content = try counter.ownersContent(at: settings.clock()) } catch {
      report(error)
      return nil
    }
    guard let content else { return nil }
    counter.follow(content)
    switch content {
    case .number(let number, _):
      note(.counterSet(number))
      return number
    case .blank:
      let first = TicketNumber(rawValue: 1)
      if numbers.next != first { note(.counterSet(first)) }
      return first
    case .notUnderstood(let text):
      note(.counterNotUnderstood(path: counter.path, text: text))
      return nil
    }
  }

  /// The end of a hop, with the name of its file chosen.
  private mutating func closed(_ ticket: ClosedTicket?, of call: String, _ caller: CallerName) -> ClosedHop? {
    guard let ticket else { return nil }
    let message = message(of: ticket, call: call, caller)
    let file = freeFile(message, isLast: ticket.isLast)
    promisedFiles.insert(file)
    return ClosedHop(hop: ticket.hop, end: ticket.end, file: file)
  }

  /// The message text of a hop, with what its record says.
  private func message(of ticket: ClosedTicket, call: String, _ caller: CallerName) -> TicketMessage {
    let opened = ledger.hop(ticket.hop, of: call)
    var ticket = ticket
    if let opened {
      ticket.ticket = opened.ticket
      ticket.start = opened.start
      ticket.user = opened.user
    }
    return TicketMessage(ticket, caller: opened?.caller ?? caller, calendar: settings.calendar)
  }

  /// The first free name, by its serial.
  private func freeFile(_ message: TicketMessage, isLast: Bool) -> String {
    var serial = 1
    while serial < 100_000 {
      let name = message.logFileName(isLast: isLast, serial: serial)
      let isThere = (try? disk.status(joined(ticketDirectory, name))) != nil
      if !isThere && !promisedFiles.contains(name) { return name }
      serial += 1
    }
    return message.logFileName(isLast: isLast, serial: serial)
  }

  /// Tells a fault when it begins or changes, not each time it is met.
  mutating func report(_ error: DiskError) {
    if fault?.code == error.code, fault?.operation == error.operation { return }
    fault = error
    note(.fault(error))
  }

  private mutating func tellMended() {
    if fault == nil { return }
    fault = nil
    note(.mended)
  }
}
