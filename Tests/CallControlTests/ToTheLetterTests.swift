import Hunting
import PikettTesting
import Records
import Spool
import Telephony
import Testing

@testable import CallControl

/// From the caller's INVITE to the names in `ticket/`, with the clock set to the article's own minute: 12 October 2012,
/// 14:00 in Rome.
@Suite struct ToTheLetterTests {
  /// Central European Summer Time.
  static let rome = LocalCalendar { LocalCalendar.utc.local($0 + .seconds(7200)) }
  /// Two seconds after the minute has begun: the first is for the phones to register.
  static let two = Moment(
    instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_043_200_000_000) + .seconds(1))

  /// The article's two technicians: 731 → 732 → 731.
  private func scene(counter: String? = "1234", _ changes: [String: String?] = [:]) throws -> (Scene, Bookkeeper) {
    let article: [String: String?] = [
      "732/CFNR.txt": "799731", "731/CFNR.txt": "799732", "733/Contact.txt": nil, "733/CFNR.txt": nil,
    ]
    let scene = try Scene(article.merging(changes) { $1 }, start: Self.two)
    let books = try Bookkeeper(counter: counter, calendar: Self.rome)
    scene.shell.bookkeeper = books
    return (scene, books)
  }

  @Test func `the message of a call of five minutes that 732 takes`() throws {
    let (scene, books) = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(8), hangsUpAfter: .seconds(300)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(4))
    try scene.run(until: .seconds(330))
    let text = "12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732"
    #expect(books.ticketFiles == [text + "_END_1.txt"])
    for channel in MessageChannel.allCases {
      let message = try #require(books.messages(channel).first)
      #expect(books.messages(channel).count == 1)
      #expect(message.text == text && message.user == "732" && message.caller == "03472619287")
    }
    #expect(books.counter == "1235")
    try scene.expectClean()
  }

  @Test func `the ticket log of a call that 731 answers after 732 has not`() throws {
    let (scene, books) = try scene()
    scene[731].plan = { _ in .answers(after: .seconds(8), hangsUpAfter: .seconds(100)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(4))
    try scene.run(until: .seconds(150))
    #expect(
      books.ticketFiles == [
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732_1.txt",
        "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt",
      ])
    #expect(
      books.messages(.sms).map { "\($0.user): \($0.text)" } == [
        "731: 12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731"
      ])
    #expect(books.counter == "1236")
    try scene.expectClean()
  }

  @Test func `the same call twice in a minute, by a counter that is set back: the serial tells them apart`() throws {
    let (scene, books) = try scene()
    scene.callerDials("799732")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    scene.at(.seconds(8)) { scene in
      #expect(throws: Never.self) { try books.setCounter("1234", at: scene.network.now.wall) }
    }
    scene.at(.seconds(10)) { $0.caller.call("799732") }
    scene.at(.seconds(15)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    let text = "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732"
    #expect(books.ticketFiles == [text + "_END_1.txt", text + "_END_2.txt"])
    #expect(books.messages(.sms).map(\.text) == [text, text])
    try scene.network.runUntilQuiet(within: .seconds(10_000))
    #expect(scene.leftovers() == ["a number was drawn twice"])
  }

  @Test(arguments: [(nil, "1"), ("", "1"), ("100", "100"), (" 007\r\nremarks", "7")])
  func `the start ticket number is settable`(counter: String?, first: String) throws {
    let (scene, books) = try scene(counter: counter)
    scene.callerDials("799732")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    let name = "12.10.2012_14.00_12.10.2012_14.00_Ticket_\(first)_Caller_03472619287_Called_732_END_1.txt"
    #expect(books.ticketFiles == [name])
    try scene.expectClean()
  }

  // MARK: Twenty calls at once

  @Test(arguments: Seeds.run(1...6)) func `twenty calls at once through two queues, and none is mixed up`(seed: UInt64)
    throws
  {
    let (scene, books) = try scene(
      counter: "1234",
      [
        "queues/TED_WQ11/Number.txt": "721", "queues/TED_WQ11/Map1.txt": "799731", "732/Fork.txt": "3482619288",
      ])
    var dice = SeededGenerator(seed: seed)
    // Every technician takes some calls, leaves others, and talks for his time with each.
    for phone in [scene[731], scene[732], scene.mobile] {
      phone.plan = { _ in
        Int.random(in: 0...2, using: &dice) == 0
          ? .rings
          : .answers(
            after: .seconds(Int.random(in: 1...25, using: &dice)), keys: [(.seconds(5), "1")],
            hangsUpAfter: .seconds(Int.random(in: 10...200, using: &dice)))
      }
    }
    let callers = (1...20).map { "0471000\($0 + 100)" }
    for (index, number) in callers.enumerated() {
      scene.at(.milliseconds(7 * index)) { scene in
        let leg = scene.caller.call(index.isMultiple(of: 2) ? "720" : "721", from: number)
        scene.network.at(scene.network.elapsed + .seconds(2)) { scene.caller.press("1", leg) }
        // Nobody waits for ever.
        scene.network.at(scene.network.elapsed + .seconds(60 + 10 * index)) { scene.caller.hangUp(leg) }
      }
    }
    try scene.run(until: .seconds(400))
    try scene.expectClean()
    try expectInOrder(scene, books, callers)
  }

  /// Every caller has his own tickets, one of them the last; message, CDR line and recording are of that very call, and
  /// he has talked with those who were called for him.
  private func expectInOrder(_ scene: Scene, _ books: Bookkeeper, _ callers: [String]) throws {
    let files = books.ticketFiles.map(TicketFile.init)
    #expect(files.map(\.ticket).sorted() == Array(1234..<1234 + files.count), "each number once, none left out")
    #expect(books.counter == "\(1234 + files.count)")
    #expect(books.cdrLines.count == callers.count && scene.shell.endings.count == callers.count)
    let byCaller = Dictionary(grouping: files, by: \.caller)
    #expect(byCaller.keys.sorted() == callers)
    for (index, caller) in callers.enumerated() {
      let own = (byCaller[caller] ?? []).sorted { $0.ticket < $1.ticket }
      #expect(own.filter(\.isLast).map(\.ticket) == own.suffix(1).map(\.ticket))
      // 720 begins with who is on duty, 721 with 731; then they take turns.
      let chain = index.isMultiple(of: 2) ? ["732", "731"] : ["731", "732"]
      #expect(own.map(\.user) == own.indices.map { chain[$0 % 2] })
      let last = try #require(own.last)
      for channel in MessageChannel.allCases {
        let texts = books.messages(channel).filter { $0.caller == caller }.map { "\($0.user): \($0.text)" }
        #expect(texts == ["\(last.user): \(last.text)"])
      }
      let line = try #require(books.cdrLines.first { $0[8] == caller })
      #expect(line[6] == last.user && line[13] == "\(last.ticket)")
      #expect(line[7] == (index.isMultiple(of: 2) ? "720" : "721"))
      let recordings = scene.shell.recordings.values.filter { $0.caller.text == caller }
      #expect(recordings.map { $0.ticket.map { Int($0.rawValue) } } == [own.first?.ticket])
    }
  }
}

/// What a name in `ticket/` says.
struct TicketFile {
  let text: String
  let ticket: Int
  let caller: String
  let user: String
  let isLast: Bool

  init(_ name: String) {
    let parts = name.split(separator: "_").map(String.init)
    ticket = Int(parts[5]) ?? 0
    caller = parts[7]
    user = parts[9]
    isLast = parts.contains("END")
    text = parts.prefix(10).joined(separator: "_")
  }
}
