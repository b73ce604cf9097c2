import Disk
import Hunting
import Records
import Spool
import Synchronization
import Telephony

/// The spools of a site as the records see them: what the switchboard builds, for tests.
struct SpoolSink: MessageSink {
  let sms: MessageSpool
  let im: MessageSpool

  init(site: String, disk: any Filesystem) {
    sms = MessageSpool(directory: site + "/spool/sms", channel: "sms", disk: disk)
    im = MessageSpool(directory: site + "/spool/im", channel: "im", disk: disk)
  }

  func spool(_ channel: MessageChannel) -> MessageSpool {
    switch channel {
    case .sms: sms
    case .im: im
    }
  }

  func put(_ order: MessageOrder) throws(DiskError) {
    try spool(order.channel).put(
      SpooledMessage(
        ticket: order.ticket.description, origin: "\(order.call)/\(order.hop.rawValue)", user: order.user,
        caller: order.caller.text, text: order.text, created: order.created))
  }

  func settle() throws(DiskError) {
    for spool in [sms, im] {
      try spool.prepare()
      try spool.settle()
    }
  }
}

/// A list that grows from any thread.
final class Log<Element: Sendable>: Sendable {
  private let list = Mutex<[Element]>([])
  var all: [Element] { list.withLock { $0 } }
  func add(_ element: Element) { list.withLock { $0.append(element) } }
}

/// A disk with a site, and the records at work on it.
struct Scene {
  static let site = "site"
  let disk: MemoryFilesystem
  var keeper: RecordKeeper
  let notes: Log<RecordsNote>
  /// The results the core was told.
  let results: Log<HopResult>

  static func emptyDisk() -> MemoryFilesystem {
    let disk = MemoryFilesystem()
    try? disk.makeDirectory(site)
    return disk
  }

  static func settings(channels: [MessageChannel] = [.sms, .im], journalLimit: Int = 1 << 20) -> RecordsSettings {
    RecordsSettings(
      site: site, calendar: .utc, clock: { start + .seconds(600) }, channels: { _ in channels },
      journalLimit: journalLimit)
  }

  /// 2012-10-12 14:00:00 UTC.
  static let start = WallTime(microseconds: 1_350_050_400_000_000)

  init(_ disk: MemoryFilesystem, results: Log<HopResult> = Log(), journalLimit: Int = 1 << 20) throws {
    self.disk = disk
    self.results = results
    disk.setTime(Scene.start)
    let notes = Log<RecordsNote>()
    self.notes = notes
    keeper = try RecordKeeper(
      settings: Scene.settings(journalLimit: journalLimit), disk: disk, sink: SpoolSink(site: Scene.site, disk: disk)
    ) { notes.add($0) }
  }

  // MARK: Calls

  static func at(_ seconds: Int) -> WallTime { start + .seconds(seconds) }

  /// Opens a hop; closes the one before if it is not the first.
  mutating func open(_ call: String, _ hop: Int, _ user: String, at second: Int, draw: TicketDraw = TicketDraw()) {
    let results = results
    let closing = hop == 1 ? nil : closed(call, hop - 1, user: "previous", at: second, isLast: false)
    keeper.openHop(
      HopOpening(
        call: call, hop: HopID(rawValue: hop), user: user, caller: Scene.caller(call), start: Scene.at(second),
        closing: closing, origin: "GW14", dialled: "720"), draw: draw
    ) { results.add($0) }
  }

  mutating func end(_ call: String, lastHop: Int?, _ user: String = "732", at second: Int) {
    let closing = lastHop.map { closed(call, $0, user: user, at: second, isLast: true) }
    keeper.endCall(
      CallEnd(
        call: call, caller: Scene.caller(call), closing: closing, dispatch: closing, channels: [.sms, .im],
        cdr: CDRLine(
          origin: "GW14", call: call, ring: Scene.start, answer: nil, hangUp: Scene.at(second),
          answeredExtension: user, dialled: "720", caller: Scene.caller(call).text, cause: .normalClearing,
          ticket: nil)))
  }

  /// The end of a batch, as the disk thread does it.
  mutating func work() {
    keeper.commit()
    keeper.follow()
  }

  private func closed(_ call: String, _ hop: Int, user: String, at second: Int, isLast: Bool) -> ClosedTicket {
    // Number and start are the record's; what the core knows of them is not needed.
    ClosedTicket(
      hop: HopID(rawValue: hop), ticket: TicketNumber(rawValue: 999_999), user: user, start: Scene.start,
      end: Scene.at(second), isLast: isLast)
  }

  static func caller(_ call: String) -> CallerName { CallerName("0347" + call.filter { $0.isNumber }) }

  /// Two calls with several hops each, interleaved, partly in one batch.
  mutating func playScript() {
    open("1350050400.000001", 1, "732", at: 0)
    work()
    open("1350050405.000002", 1, "732", at: 5)
    open("1350050400.000001", 2, "733", at: 20)
    work()
    keeper.tick()
    end("1350050400.000003", lastHop: nil, at: 22)
    open("1350050405.000002", 2, "731", at: 25)
    end("1350050400.000001", lastHop: 2, "733", at: 65)
    work()
    open("1350050405.000002", 3, "733", at: 70)
    work()
    keeper.tick()
    end("1350050405.000002", lastHop: 3, "733", at: 130)
    work()
    keeper.tick()
  }

  // MARK: What is there

  /// The names in `ticket/`.
  var ticketFiles: [String] { (try? disk.list("site/ticket")) ?? [] }

  /// The number in a ticket file's name.
  static func number(_ name: String) -> UInt64? {
    let parts = name.split(separator: "_")
    return parts.firstIndex(of: "Ticket").flatMap { UInt64(parts[$0 + 1]) }
  }

  var numbers: [UInt64] { ticketFiles.compactMap(Scene.number).sorted() }

  /// All messages of a channel, in whatever state.
  func messages(_ channel: MessageChannel) -> [SpooledMessage] {
    let spool = SpoolSink(site: Scene.site, disk: disk).spool(channel)
    return MessageSpool.Box.allCases.flatMap { (try? spool.messages($0)) ?? [] }
  }

  var cdrLines: [String] {
    let files = disk.paths.filter { $0.hasPrefix("site/cdr/") }
    return files.flatMap { path in
      String(decoding: (try? disk.read(path, limit: 1 << 20)) ?? [], as: UTF8.self).split(separator: "\n").map(
        String.init)
    }
  }

  var counterText: String? {
    (try? disk.read("site/TickeNR.TXT", limit: 1000)).map { String(decoding: $0, as: UTF8.self) }
  }
}
