import Disk
import Glibc
import Hunting
import PikettTesting
import Records
import Spool
import Synchronization
import Telephony
import Testing

@Suite("records on real files, with the disk thread")
struct RealDiskTests {
  let folder = TemporaryDirectory()
  let disk = RealFilesystem()

  private func keeper() throws -> RecordKeeper {
    try RecordKeeper(
      settings: RecordsSettings(
        site: folder.path, calendar: .utc, clock: { Scene.at(600) }, channels: { _ in [.sms] }),
      disk: disk, sink: SpoolSink(site: folder.path, disk: disk)
    ) { _ in }
  }

  private func opening(_ call: Int) -> HopOpening {
    HopOpening(
      call: "1350050400.\(call)", hop: .first, user: "732", caller: CallerName("0347\(call)"), start: Scene.at(call))
  }

  @Test("twenty calls at once: numbers, files, modes; a second daemon is refused; the next start goes on")
  func calls() throws {
    try disk.create(joined(folder.path, "TickeNR.TXT"), Array("1234\nremark\n".utf8), sync: false)
    chmod(joined(folder.path, "TickeNR.TXT"), 0o664)
    let worker = try DiskWorker()
    let records = Records(try keeper(), queue: worker) { $0() }
    #expect(throws: DiskError.self) { try keeper() }
    let results = Log<HopResult>()
    for call in 1...20 { records.openHop(opening(call)) { results.add($0) } }
    for call in 1...20 {
      let ticket = ClosedTicket(
        hop: .first, ticket: TicketNumber(rawValue: 1), user: "732", start: Scene.start, end: Scene.at(90),
        isLast: true)
      records.endCall(
        CallEnd(
          call: "1350050400.\(call)", caller: CallerName("0347\(call)"), closing: ticket, dispatch: ticket,
          channels: [.sms],
          cdr: CDRLine(
            origin: "internal", call: "1350050400.\(call)", ring: Scene.start, answer: nil, hangUp: Scene.at(90),
            answeredExtension: "732", dialled: "799", caller: "0347\(call)", cause: .noAnswer, ticket: nil)))
    }
    records.tick()
    let isStopped = Mutex(false)
    records.stop { isStopped.withLock { $0 = true } }
    #expect(worker.stop(patience: .seconds(20)))
    #expect(isStopped.withLock { $0 })
    #expect(results.all == (1234...1253).map { .durable(TicketNumber(rawValue: $0)) })
    let files = try disk.list(joined(folder.path, "ticket"))
    #expect(files.compactMap(Scene.number).sorted() == Array(1234...1253))
    #expect(files.contains("12.10.2012_14.00_12.10.2012_14.01_Ticket_1234_Caller_03471_Called_732_END_1.txt"))
    #expect(try disk.read(joined(folder.path, "TickeNR.TXT"), limit: 100) == Array("1254\nremark\n".utf8))
    #expect(try disk.list(joined(folder.path, "spool/sms/waiting")).count == 20)
    let modes: [(String, UInt32)] = [
      ("TickeNR.TXT", 0o664), ("ticket", 0o700), ("ticket/" + (files.first ?? ""), 0o600), ("state", 0o700),
      ("state/journal", 0o600), ("state/lock", 0o600), ("cdr", 0o750), ("spool", 0o700), ("spool/sms/waiting", 0o700),
      ("spool/sms/waiting/1234-sms.txt", 0o600),
    ]
    for (path, mode) in modes {
      #expect(try disk.status(joined(folder.path, path))?.mode == mode, "\(path)")
    }
    for file in files { #expect(try disk.status(joined(folder.path, "ticket/" + file))?.size == 0) }
    #expect(try keeper().nextNumber.rawValue == 1254)
  }

  @Test("a process that vanished in mid-call: the next start closes the hop")
  func vanished() throws {
    do {
      var first = try keeper()
      first.openHop(opening(1), draw: TicketDraw()) { _ in }
      first.commit()
      // Neither followed nor stopped: the kernel gives the lock back with the descriptor.
    }
    let second = try keeper()
    #expect(second.nextNumber.rawValue == 2)
    #expect(
      try disk.list(joined(folder.path, "ticket")) == [
        "12.10.2012_14.00_12.10.2012_14.10_Ticket_1_Caller_03471_Called_732_END_1.txt"
      ])
    #expect(try disk.list(joined(folder.path, "spool/sms/waiting")) == ["1-sms.txt"])
  }

  @Test("a directory without the right to write: told with its path, and the hop has its number")
  func noRight() throws {
    // Root may write everywhere: a file in the way of the directory is refused to everybody.
    try disk.create(joined(folder.path, "state"), [], sync: false)
    let notes = Log<RecordsNote>()
    var keeper = try RecordKeeper(
      settings: RecordsSettings(site: folder.path, calendar: .utc, clock: { Scene.at(600) }, channels: { _ in [] }),
      disk: disk, sink: SpoolSink(site: folder.path, disk: disk)
    ) { notes.add($0) }
    let results = Log<HopResult>()
    keeper.openHop(opening(1), draw: TicketDraw()) { results.add($0) }
    keeper.commit()
    guard case .failed(let number, let error)? = results.all.first else {
      Issue.record("a record without a journal cannot be durable: \(results.all)")
      return
    }
    #expect(number.rawValue == 1)
    #expect(error.path.hasSuffix("/state/journal"))
    #expect(notes.all.contains { "\($0)".contains("/state") })
    // The owner clears the way; the record follows.
    try disk.remove(joined(folder.path, "state"))
    keeper.tick()
    #expect(notes.all.contains(.recordWrittenLate(TicketNumber(rawValue: 1))))
    #expect(try disk.status(joined(folder.path, "state/journal")) != nil)
  }
}
