import Commands
import Disk
import PikettTesting
import Site
import Spool
import Telephony
import Testing

@Suite("pikett messages")
struct MessageReportTests {
  /// 2012-10-12 14:05:00 UTC.
  private let now = WallTime(microseconds: 1_350_050_700_000_000)
  private let disk = MemoryFilesystem()
  private let sms: MessageSpool
  private let im: MessageSpool

  init() throws {
    sms = MessageSpool(directory: "site/spool/sms", channel: "sms", disk: disk)
    im = MessageSpool(directory: "site/spool/im", channel: "im", disk: disk)
  }

  private func message(_ ticket: String, _ user: String, minutesAgo: Int) -> SpooledMessage {
    SpooledMessage(
      ticket: ticket, origin: "\(ticket)/1", user: user, caller: "03472619287", text: "text of \(ticket)",
      created: now + .seconds(-60 * minutesAgo))
  }

  private func report() throws -> String {
    try MessageReport([sms, im], site: try fixtureReading("article").snapshot, calendar: .utc, now: now).text
  }

  /// Puts one of each kind into the spools.
  private func fill() throws {
    for spool in [sms, im] { try spool.prepare() }
    for (ticket, user) in [("1234", "732"), ("1235", "731"), ("1236", "733"), ("1237", "799")] {
      try sms.put(message(ticket, user, minutesAgo: 5))
    }
    try im.put(message("1234", "732", minutesAgo: 5))
    for var message in try sms.messages(.waiting) {
      switch message.ticket {
      case "1234": try sms.finish(message, as: .sent)
      case "1235":
        for _ in 0..<3 {
          _ = message.retry.failed(.passing("HTTP 500\u{1B}[2J"), with: "CODEMA", of: ["CODEMA"], at: now)
        }
        try sms.postpone(message)
      case "1236":
        _ = message.retry.failed(.refused("no credit"), with: "CODEMA", of: ["CODEMA"], at: now)
        try sms.finish(message, as: .failed)
      default: break
      }
    }
    for var message in try im.messages(.waiting) {
      for _ in 0..<9 { _ = message.retry.failed(.passing("SIP status 408"), with: "phone", of: ["phone"], at: now) }
      try im.postpone(message)
    }
  }

  @Test("What is printed of the spools")
  func golden() throws {
    let empty = try report()
    try fill()
    let mismatch = goldenMismatch(empty + "\n---\n\n" + (try report()), name: "messages", folder: "commands")
    #expect(mismatch == nil, "\(mismatch ?? "")")
  }

  @Test("A message is asked for again, or dropped, by a request to its owner")
  func requests() throws {
    try fill()
    let spools = [sms, im]
    #expect(try ask(.retry, for: "1236-sms", in: spools) == .asked)
    #expect(try ask(.drop, for: "1235-sms", in: spools) == .asked)
    #expect(try ask(.retry, for: "1234-im", in: spools) == .asked)
    #expect(try report().contains("to be dropped"))
    #expect(try sms.requests() == ["1236-sms": .retry, "1235-sms": .drop])
    // What its owner does then.
    try sms.takeRequests(at: now)
    try im.takeRequests(at: now)
    #expect(try sms.messages(.waiting).map(\.id) == ["1236-sms", "1237-sms"])
    #expect(try sms.messages(.failed).map(\.retry.reason) == ["dropped by command"])
    #expect(try im.due(at: now).map(\.id) == ["1234-im"])
    #expect(try sms.requests().isEmpty && im.requests().isEmpty)
  }

  @Test("What is over, or unknown, is told; an id is no path")
  func refused() throws {
    try fill()
    let spools = [sms, im]
    #expect(try ask(.retry, for: "1234-sms", in: spools) == .over(.sent))
    #expect(try ask(.drop, for: "1236-sms", in: spools) == .over(.failed))
    #expect(try ask(.retry, for: "1234", in: spools) == .unknown(similar: ["1234-sms", "1234-im"]))
    let paths = disk.paths
    for id in ["4711-sms", "", "../sent/1234-sms", "..", "1234-sms.txt"] {
      #expect(try ask(.retry, for: id, in: spools) == .unknown(similar: []), "\(id)")
    }
    #expect(disk.paths == paths)
  }
}
