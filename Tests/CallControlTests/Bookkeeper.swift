import Disk
import Hunting
import PikettTesting
import Records
import Spool
import Synchronization
import Telephony

@testable import CallControl

/// The records of a scene as the daemon keeps them, on a disk in memory: ticket files, messages, CDR.
final class Bookkeeper {
  private struct Key: Hashable {
    var call: CallID
    var hop: HopID
  }

  let disk = MemoryFilesystem()
  private var keeper: RecordKeeper
  private var draws: [Key: TicketDraw] = [:]
  private let spools: Spools
  private let clock = WallClock()

  /// - Parameter counter: what the owner has written into TickeNR.TXT; nil: the file is not there.
  init(counter: String?, calendar: LocalCalendar) throws {
    spools = Spools(disk: disk)
    try disk.makeDirectory("site", isPrivate: false)
    if let counter { try disk.create("site/TickeNR.TXT", Array(counter.utf8), sync: true) }
    let settings = RecordsSettings(
      site: "site", calendar: calendar, clock: { [clock] in clock.now }, channels: { _ in [.sms, .im] })
    keeper = try RecordKeeper(settings: settings, disk: disk, sink: spools) { _ in }
  }

  /// The owner writes another number.
  func setCounter(_ text: String, at now: WallTime) throws {
    tick(now)
    try disk.replace("site/TickeNR.TXT", Array(text.utf8), sync: true)
  }

  func open(_ call: CallID, _ opening: TicketOpening) {
    tick(opening.start)
    let draw = TicketDraw()
    draws[Key(call: call, hop: opening.hop)] = draw
    let hop = HopOpening(
      call: "\(call)", hop: opening.hop, user: opening.user, caller: opening.caller, start: opening.start,
      closing: opening.closing, origin: opening.origin, dialled: opening.dialled, ring: opening.ring)
    keeper.openHop(hop, draw: draw) { _ in }
    work()
  }

  func number(of call: CallID, _ hop: HopID) -> TicketNumber? { draws[Key(call: call, hop: hop)]?.number }

  func end(_ call: CallID, _ ending: CallEnding) {
    let detail = ending.detail
    tick(detail.hangUp)
    let cdr = CDRLine(
      origin: detail.origin, call: "\(call)", ring: detail.ring, answer: detail.answer, hangUp: detail.hangUp,
      answeredExtension: detail.answeredExtension, dialled: detail.dialled, caller: detail.caller.text,
      cause: detail.cause, ticket: detail.ticket)
    keeper.endCall(
      CallEnd(
        call: "\(call)", caller: ending.caller, closing: ending.closing, dispatch: ending.dispatch,
        channels: ending.dispatch == nil ? [] : [.sms, .im], cdr: cdr))
    work()
  }

  private func tick(_ now: WallTime) {
    clock.now = now
    disk.setTime(now)
  }

  private func work() {
    keeper.commit()
    keeper.follow()
  }

  // MARK: What is there

  /// The names in `ticket/`, in order.
  var ticketFiles: [String] { ((try? disk.list("site/ticket")) ?? []).sorted() }

  func messages(_ channel: MessageChannel) -> [SpooledMessage] {
    ((try? spools.spool(channel).messages(.waiting)) ?? []).sorted { $0.id < $1.id }
  }

  var cdrLines: [[String]] {
    disk.paths.filter { $0.hasPrefix("site/cdr/") }.flatMap { path in
      String(decoding: (try? disk.read(path, limit: 1 << 20)) ?? [], as: UTF8.self).split(separator: "\n")
    }.map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
  }

  var counter: String {
    String(decoding: (try? disk.read("site/TickeNR.TXT", limit: 100)) ?? [], as: UTF8.self).trimmed
  }
}

/// `spool/sms` and `spool/im`.
private struct Spools: MessageSink {
  let disk: MemoryFilesystem

  func spool(_ channel: MessageChannel) -> MessageSpool {
    MessageSpool(directory: "site/spool/\(channel.rawValue)", channel: channel.rawValue, disk: disk)
  }

  func put(_ order: MessageOrder) throws(DiskError) {
    try spool(order.channel).put(
      SpooledMessage(
        ticket: "\(order.ticket)", origin: "\(order.call) \(order.hop)", user: order.user, caller: order.caller.text,
        text: order.text, created: order.created))
  }

  func settle() throws(DiskError) {
    for channel in MessageChannel.allCases { try spool(channel).settle() }
  }
}

/// The wall clock of the scene, for the records' thread.
private final class WallClock: Sendable {
  private let time = Mutex(WallTime(microseconds: 0))
  var now: WallTime {
    get { time.withLock { $0 } }
    set { time.withLock { $0 = newValue } }
  }
}
