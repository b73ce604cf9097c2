import Disk
import Spool
import Telephony
import Testing

@Suite("the spool on the disk")
struct MessageSpoolTests {
  let disk = MemoryFilesystem()
  let spool: MessageSpool
  static let now = WallTime(microseconds: 1_350_050_400_000_000)

  init() throws {
    spool = MessageSpool(directory: "spool/sms", channel: "sms", disk: disk)
    try spool.prepare()
  }

  private func message(_ ticket: String = "1234", origin: String = "a/1") -> SpooledMessage {
    SpooledMessage(
      ticket: ticket, origin: origin, user: "732", caller: "03472619287", text: "12.10.2012_14.00_…_Called_732",
      created: MessageSpoolTests.now)
  }

  @Test("a message is one flat file, named by ticket and channel")
  func file() throws {
    try spool.put(message())
    #expect(disk.paths == ["spool/sms/waiting/1234-sms.txt"])
    let text = String(decoding: try disk.read("spool/sms/waiting/1234-sms.txt", limit: 1000), as: UTF8.self)
    #expect(
      text == """
        ticket: 1234
        origin: a/1
        user: 732
        caller: 03472619287
        text: 12.10.2012_14.00_…_Called_732
        created: 1350050400000000
        attempts: 0
        provider:\u{20}
        since: 1350050400000000
        due: 1350050400000000
        reason:\u{20}
        end: of message

        """)
    var expected = message()
    let read = try #require(try spool.messages(.waiting).first)
    #expect(read.id == "1234-sms")
    expected.retry = read.retry
    #expect(read.text == expected.text && read.origin == expected.origin && read.created == expected.created)
  }

  @Test("a message is put in once, whatever has become of it", arguments: MessageSpool.Box.allCases)
  func idempotent(box: MessageSpool.Box) throws {
    #expect(try spool.put(message()))
    if box != .waiting { try spool.finish(try #require(try spool.messages(.waiting).first), as: box) }
    #expect(try !spool.put(message()))
    #expect(try spool.messages(box).count == 1)
    #expect(disk.paths.count == 1)
    #expect(try spool.put(message(origin: "b/1")), "the same number of another call is another message")
    #expect(try spool.messages(.waiting).contains { $0.id == "1234-sms-2" })
  }

  @Test("a change of state survives a power cut at every step: never twice, never lost")
  func powerCut() throws {
    for seed in 0..<20 as Range<UInt64> {
      for step in 1...12 {
        let disk = MemoryFilesystem()
        let spool = MessageSpool(directory: "spool/sms", channel: "sms", disk: disk)
        try spool.prepare()
        try spool.put(message())
        try spool.settle()
        let first = disk.steps
        disk.plan { $0.number == first + step ? .dead : .done }
        let waiting = try spool.messages(.waiting)
        try? spool.finish(waiting[0], as: .sent)
        let rest = disk.afterPowerCut(seed: seed * 100 + UInt64(step))
        let after = MessageSpool(directory: "spool/sms", channel: "sms", disk: rest)
        try after.put(message())
        let found = try MessageSpool.Box.allCases.flatMap { try after.messages($0) }
        #expect(found.count == 1, "step \(step), seed \(seed): \(rest.paths)")
        if !disk.isDead { #expect(try after.messages(.sent).count == 1) }
      }
    }
  }

  @Test("what a power cut has torn in waiting is written again")
  func torn() throws {
    try disk.create("spool/sms/waiting/1234-sms.txt", Array("ticket: 1234\norigin: a/1\nuse".utf8), sync: true)
    #expect(try spool.messages(.waiting).isEmpty)
    #expect(try spool.put(message()))
    #expect(try spool.messages(.waiting).map(\.text) == [message().text])
  }

  @Test("due messages, and the next due time")
  func due() throws {
    let now = MessageSpoolTests.now
    #expect(try spool.nextDue() == nil)
    for (index, ticket) in ["1", "2", "3"].enumerated() {
      try spool.put(message(ticket, origin: "\(ticket)/1"))
      var waiting = try #require(try spool.messages(.waiting).first { $0.ticket == ticket })
      waiting.retry.due = now + .seconds([20, 0, 10][index])
      try spool.postpone(waiting)
    }
    #expect(try spool.nextDue() == now)
    #expect(try spool.due(at: now).map(\.ticket) == ["2"])
    #expect(try spool.due(at: now + .seconds(20)).map(\.ticket) == ["2", "3", "1"])
  }

  @Test("retry and drop are asked for by files, and done by whoever sends")
  func requests() throws {
    let now = MessageSpoolTests.now
    for ticket in ["1", "2", "3"] { try spool.put(message(ticket, origin: "\(ticket)/1")) }
    for ticket in ["1", "2"] {
      var message = try #require(try spool.messages(.waiting).first { $0.ticket == ticket })
      message.retry.reason = "no money"
      message.retry.attempts = 7
      message.retry.due = now + .seconds(900)
      if ticket == "1" { try spool.finish(message, as: .failed) } else { try spool.postpone(message) }
    }
    #expect(try !spool.hasRequests())
    #expect(try spool.request(.retry, for: "1-sms"))
    #expect(try spool.hasRequests())
    #expect(try spool.request(.retry, for: "2-sms"))
    #expect(try spool.request(.drop, for: "3-sms"))
    #expect(try !spool.request(.drop, for: "4-sms"))
    #expect(try !spool.request(.retry, for: "../../x"))
    #expect(try spool.takeRequests(at: now + .seconds(60)) == ["1-sms", "2-sms"])
    let waiting = try spool.messages(.waiting)
    #expect(waiting.map(\.id) == ["1-sms", "2-sms"])
    #expect(waiting.allSatisfy { $0.retry.due == now + .seconds(60) && $0.retry.attempts == 0 })
    #expect(try spool.messages(.failed).map(\.retry.reason) == ["dropped by command"])
    #expect(try disk.list("spool/sms") == ["failed", "sent", "waiting"])
    #expect(try spool.takeRequests(at: now).isEmpty)
  }

  @Test("old messages go when there are many, young ones stay")
  func prune() throws {
    let now = MessageSpoolTests.now
    for day in 0..<30 {
      disk.setTime(now + .seconds(day * 86_400))
      try spool.put(message("\(day)", origin: "\(day)/1"))
      try spool.finish(try #require(try spool.messages(.waiting).first), as: .sent)
    }
    try spool.prune(limit: 20, at: now + .seconds(29 * 86_400))
    #expect(try spool.messages(.sent).map { Int($0.ticket) ?? -1 }.sorted() == Array(20..<30))
    try spool.prune(limit: 2, at: now + .seconds(29 * 86_400))
    #expect(try spool.messages(.sent).map { Int($0.ticket) ?? -1 }.sorted() == [27, 28, 29])
  }

  @Test("one sender at a time")
  func lock() throws {
    let held = try spool.lock()
    #expect {
      try spool.lock()
    } throws: {
      ($0 as? DiskError)?.isLocked == true
    }
    held.release()
    _ = try spool.lock()
  }

  @Test("line breaks in a text cannot forge a line")
  func forgery() throws {
    var forged = message()
    forged.text = "x\nuser: 999\r\nend: of message"
    try spool.put(forged)
    let read = try #require(try spool.messages(.waiting).first)
    #expect(read.user == "732")
    #expect(read.text == "x user: 999  end: of message")
  }
}
