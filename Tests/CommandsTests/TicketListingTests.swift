import Commands
import Disk
import Hunting
import PikettTesting
import Records
import Telephony
import Testing

@Suite("pikett tickets")
struct TicketListingTests {
  static let names = [
    "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732_1.txt",
    "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt",
    "12.10.2012_14.01_12.10.2012_14.01_Ticket_1236_Caller_anonymous_Called_732_END_1.txt",
    "13.10.2012_23.58_14.10.2012_00.03_Ticket_1237_Caller_0471999720_Called_732_END.txt",
    "28.10.2012_02.59_28.10.2012_02.01_Ticket_9_Caller_+41791234567_Called_731_END_1.txt",
    "21.11.2012_08.00_21.11.2012_08.01_Ticket_1238_Caller_0471999720_Called_732_1.txt",
    "20.11.2012_08.00_20.11.2012_08.01_Ticket_100000_Caller_03472619287_Called_732_END_2.txt", "README.txt",
  ]

  /// The names as a site's log, with a recording of the article's call.
  private func listing(_ filter: TicketFilter = TicketFilter(), extra: [String] = []) throws -> TicketListing {
    let disk = MemoryFilesystem()
    try disk.makeDirectory("site/ticket")
    try disk.makeDirectory("site/recording")
    for name in Self.names + extra { try disk.create("site/ticket/" + name, [], sync: false) }
    for name in [
      "12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap", "13.10.2012_23.57_Ticket_1237_Caller_0471999720_2.pcap",
      "20.11.2012_07.00_Ticket_100000_Caller_03472619287.pcap", "12.10.2012_14.01_Call_x_Caller_anonymous.pcap",
      // What is missing: bytes, nobody knows what, the whole recording, the end.
      "12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap.lost-51200",
      "12.10.2012_14.01_Ticket_1236_Caller_anonymous.pcap", "12.10.2012_14.01_Ticket_1236_Caller_anonymous.pcap.lost-0",
      "28.10.2012_02.59_Ticket_9_Caller_+41791234567.pcap.lost-70000",
      "13.10.2012_23.57_Ticket_1237_Caller_0471999720_2.pcap.cut",
    ] { try disk.create("site/recording/" + name, [], sync: false) }
    return TicketListing(
      try TicketLog(site: "site", on: disk), filter,
      recordings: try RecordingList(directory: "site/recording", on: disk), folder: "recording/")
  }

  private func table(_ listing: TicketListing) -> String {
    var bytes: [UInt8] = []
    listing.writeTable { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func json(_ listing: TicketListing) -> String {
    var bytes: [UInt8] = []
    listing.writeJSON { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The numbers of the tickets that are listed.
  private func tickets(_ filter: TicketFilter) throws -> [String] {
    json(try listing(filter)).split(separator: "\n").compactMap { line in
      line.hasPrefix("{\"ticket\":") ? String(line.dropFirst(10).prefix { $0 != "," }) : nil
    }
  }

  @Test("What is printed of a log")
  func golden() throws {
    let listing = try listing()
    let text = table(listing) + "\n" + json(listing)
    let mismatch = goldenMismatch(text, name: "tickets", folder: "commands")
    #expect(mismatch == nil, "\(mismatch ?? "")")
  }

  @Test("An empty log")
  func empty() throws {
    let listing = try listing(TicketFilter(ticket: TicketNumber(rawValue: 4711)))
    #expect(table(listing) == "no tickets\n")
    #expect(json(listing) == "[\n]\n")
  }

  @Test("Calls are chosen whole: by day, caller, ticket")
  func filters() throws {
    let since = try #require(day("28.10.2012", today: try minute(2012, 11, 21, 12, 0)))
    #expect(try tickets(TicketFilter(since: since)) == ["9", "100000", "1238"])
    #expect(try tickets(TicketFilter(ticket: TicketNumber(rawValue: 1235))) == ["1234", "1235"])
    for (caller, wanted) in [
      ("03472619287", ["1234", "1235", "100000"]), ("3472619287", ["1234", "1235", "100000"]),
      ("347 261 9287", ["1234", "1235", "100000"]), ("9287", ["1234", "1235", "100000"]), ("87", []),
      ("anonymous", ["1236"]), ("Anonymous", ["1236"]), ("+41 79 123 45 67", ["9"]), ("0041791234567", ["9"]),
      ("03472619288", []),
    ] {
      let chosen: WantedCaller = try #require(WantedCaller(caller))
      #expect(try tickets(TicketFilter(caller: chosen)) == wanted, "\(caller)")
    }
    #expect(WantedCaller("") == nil && WantedCaller("a\u{1B}") == nil)
  }

  @Test("Days as people write them")
  func days() throws {
    let today = try minute(2026, 3, 1, 17, 45)
    for (text, year, month, number) in [
      ("2026-11-21", 2026, 11, 21), ("21.11.2026", 2026, 11, 21), ("1.3.2026", 2026, 3, 1), ("2026-3-1", 2026, 3, 1),
      ("today", 2026, 3, 1), ("0d", 2026, 3, 1), ("Yesterday", 2026, 2, 28), ("7d", 2026, 2, 22), ("365D", 2025, 3, 1),
    ] {
      #expect(day(text, today: today) == (try minute(year, month, number, 0, 0)), "\(text)")
    }
    for text in [
      "", "d", "-7d", "7", "21.11.26", "26-11-21", "2026-02-30", "31.4.2026", "2026-11", "2026-11-21-1", "11/21/2026",
      "tomorrow", "2026.11.21", "99999-01-01", "٣d", "1e3d",
    ] {
      #expect(day(text, today: today) == nil, "\(text)")
    }
  }

  @Test("A foreign name in the log steers no terminal, and JSON stays JSON")
  func steering() throws {
    let listing = try listing(
      extra: ["12.10.2013_14.00_12.10.2013_14.00_Ticket_2_Caller_\u{1B}[2J\"\\é\u{202E}😀_Called_7\u{7}_END_1.txt"])
    let table = table(listing)
    #expect(table.contains("  ?[2J\"\\é?😀  ") && table.contains("  7?      END"))
    #expect(json(listing).contains(#""caller":"\u001b[2J\"\\é\u202e😀","called":"7\u0007","#))
    #expect(!table.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
  }

  private func minute(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int) throws -> LocalMinute {
    try #require(LocalMinute(year: year, month: month, day: day, hour: hour, minute: minute))
  }
}
