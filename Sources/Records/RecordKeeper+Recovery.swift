import Disk
import Hunting
import Telephony

extension RecordKeeper {
  /// Takes the lock, reads the journal, closes what is open, does what was not done.
  mutating func start() throws(DiskError) {
    try takeLock()
    makeDirectories()

    let reading = readJournal()
    for entry in reading.entries { ledger.apply(entry) }
    let undone = reading.entries.filter { $0.sequence > ledger.settled }.flatMap { $0.record.duties }
    for case .ticketFile(let name) in undone { promisedFiles.insert(name) }

    let content = readCounter()
    numbers.reset(to: ledger.counter.next(after: content))
    if !ledger.counter.isCleanStop, !reading.entries.isEmpty { findLostTickets() }
    closeOpenCalls()
    commit()

    // Duties of records that are already in the journal do not wait for those of the new ones.
    duties = undone.filter { if case .counter = $0 { false } else { true } } + duties
    isUnsettled = !duties.isEmpty
    follow()
    restoreCounter(content)
    // All known CDR files are in order now, or their duty is still there.
    suspectCDRFiles = Set(duties.compactMap { if case .cdr(let file, _, _) = $0 { file } else { nil } })
    settleStart()
  }

  private mutating func takeLock() throws(DiskError) {
    do throws(DiskError) { try lockState() } catch {
      if error.isLocked { throw error }
      // Without a lock, but with calls: an emergency line starts on a read-only disk too.
      report(error)
    }
  }

  /// The disk did not let the lock be taken at the start.
  mutating func retryLock() { do throws(DiskError) { try lockState() } catch { report(error) } }

  private mutating func lockState() throws(DiskError) {
    try disk.makeDirectory(settings.state, isPrivate: true)
    lock = try disk.lock(joined(settings.state, "lock"))
  }

  private mutating func readJournal() -> JournalReading {
    var bytes: [UInt8] = []
    do throws(DiskError) {
      if try disk.status(journal.path) != nil { bytes = try disk.read(journal.path, limit: 1 << 30) }
    } catch {
      report(error)
    }
    let reading = JournalReading(bytes)
    if reading.damagedLines > 0 { note(.journalDamaged(path: journal.path, lines: reading.damagedLines)) }
    return reading
  }

  private mutating func readCounter() -> CounterContent {
    do throws(DiskError) {
      let content = try counter.read()
      if case .notUnderstood(let text) = content { note(.counterNotUnderstood(path: counter.path, text: text)) }
      counter.follow(content)
      return content
    } catch {
      report(error)
      return .notUnderstood("")
    }
  }

  /// Ends every call that the daemon left open: with the last time known, its last hop marked END, its message sent.
  private mutating func closeOpenCalls() {
    let lastTime = ledger.lastTime
    for call in ledger.openCalls {
      guard let hop = call.openHop, let first = call.hops.first else { continue }
      let recording = recordingsCut(of: first)
      let end = max(hop.start, lastTime, recording ?? hop.start)
      let ticket = ClosedTicket(
        hop: hop.hop, ticket: hop.ticket, user: hop.user, start: hop.start, end: end, isLast: true)
      note(.hopClosed(hop.ticket, call: hop.call))
      endCall(
        CallEnd(
          call: hop.call, caller: hop.caller, closing: ticket, dispatch: ticket, channels: settings.channels(hop.user),
          cdr: CDRLine(
            origin: first.origin, call: hop.call, ring: first.ring, answer: nil, hangUp: end,
            answeredExtension: "", dialled: first.dialled, caller: hop.caller.text, cause: .temporaryFailure,
            ticket: hop.ticket),
          flaw: recording.map { _ in .incomplete }))
    }
  }

  /// The recording of a call that was cut off: it gets its name, if it had none yet, and its mark.
  /// - Returns: when it was written last; nil if there is none.
  private func recordingsCut(of first: OpenedHop) -> WallTime? {
    let folder = settings.recording
    let (named, unnamed) = ("_Ticket_\(first.ticket)_Caller_", "_Call_\(first.call)_Caller_")
    var latest: WallTime?
    for name in (try? disk.list(folder)) ?? [] where name.contains(named) || name.contains(unnamed) {
      // A call's name is its own; a ticket's number may have come before. The last write may be a moment older than the
      // hop's record.
      guard name.hasSuffix(".pcap"), let status = try? disk.status(joined(folder, name)),
        name.contains(unnamed) || first.start - status.modified <= .seconds(2)
      else { continue }
      latest = max(latest ?? status.modified, status.modified)
      let wanted = name.replacing(unnamed, with: named)
      var final = name
      if wanted != name, (try? disk.status(joined(folder, wanted))) == .some(nil),
        (try? disk.move(joined(folder, name), to: joined(folder, wanted))) != nil
      {
        final = wanted
      }
      try? disk.create(joined(folder, RecordingMark.cut.name(of: final)), [], sync: false)
      try? disk.syncDirectory(folder)
    }
    return latest.map { min($0, settings.clock()) }
  }

  /// Only a crash during a disk fault can lose a number: it is looked for and told.
  private mutating func findLostTickets() {
    if isFaultMarked {
      note(.ticketsMayBeMissing)
      hasFaultMark = true
    }
    for name in (try? disk.list(settings.recording)) ?? [] {
      guard let number = ticket(inRecording: name), !ledger.counter.drawn.contains(number),
        let next = ledger.counter.next, number >= next, number.rawValue - next.rawValue < 1000,
        let status = try? disk.status(joined(settings.recording, name)), status.modified >= ledger.lastTime
      else { continue }
      note(.ticketMissing(number, recording: name))
      if number >= numbers.next { numbers.reset(to: number.following) }
    }
  }

  /// `…_Ticket_1234_Caller_….pcap`
  private func ticket(inRecording name: String) -> TicketNumber? {
    let parts = name.split(separator: "_")
    guard let index = parts.firstIndex(of: "Ticket"), index + 1 < parts.count else { return nil }
    return TicketNumber(parts[index + 1])
  }

  /// Brings TickeNR.TXT in line with what the journal knows.
  private mutating func restoreCounter(_ content: CounterContent) {
    let standing = content == .blank ? TicketNumber(rawValue: 1) : content.number
    guard ledger.counter.next != nil, standing != numbers.next else { return }
    do throws(DiskError) {
      try counter.write(numbers.next, sync: true, at: settings.clock())
      isUnsettled = true
    } catch {
      report(error)
      duties.append(.counter(numbers.next))
    }
  }

  private mutating func settleStart() {
    guard isIdle else {
      // What could not be written is tried again; the counter's new beginning is known to the journal only then.
      return
    }
    if isUnsettled { settle() }
    add(.began(next: numbers.next))
    commit()
    guard isIdle, let status = try? disk.status(journal.path), status.size > settings.journalLimit else { return }
    let entry = JournalEntry(
      sequence: ledger.lastSequence + 1, time: settings.clock(), record: .began(next: numbers.next))
    do throws(DiskError) {
      try journal.restart(with: entry)
      ledger.apply(entry)
    } catch {
      report(error)
    }
  }

  private mutating func makeDirectories() {
    do throws(DiskError) {
      try disk.makeDirectory(ticketDirectory, isPrivate: true)
      try disk.makeDirectory(cdrDirectory)
    } catch {
      report(error)
    }
  }
}
