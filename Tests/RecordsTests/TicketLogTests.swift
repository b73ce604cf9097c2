import Disk
import Hunting
import Records
import Telephony
import Testing

@Suite("names in the ticket log")
struct TicketFileNameTests {
  private func minute(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int) throws -> LocalMinute {
    try #require(LocalMinute(year: year, month: month, day: day, hour: hour, minute: minute))
  }

  @Test("the article's own examples, with and without what the original leaves away")
  func examples() throws {
    let stem = "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731"
    for (ending, isLast, serial) in [
      ("_END_1.txt", true, 1), ("_1.txt", false, 1), ("_END_12.txt", true, 12), ("_END.txt", true, nil),
      (".txt", false, nil), (".TXT", false, nil),
    ] as [(String, Bool, Int?)] {
      let name = try #require(TicketFileName(stem + ending))
      #expect(name.start == (try minute(2012, 10, 12, 14, 0)))
      #expect(name.end == (try minute(2012, 10, 12, 14, 2)))
      #expect(name.ticket == TicketNumber(rawValue: 1235))
      #expect(name.caller == "03472619287")
      #expect(name.called == "731")
      #expect(name.isLast == isLast)
      #expect(name.serial == serial)
    }
  }

  @Test("what is written is read back")
  func roundTrip() throws {
    for caller in ["03472619287", "anonymous", "+39.0471-999#", "a.b_c", ""] {
      for isLast in [true, false] {
        let start = LocalTime(year: 2026, month: 2, day: 28, hour: 23, minute: 59, second: 58)
        let end = LocalTime(year: 2026, month: 3, day: 1, hour: 0, minute: 3, second: 1)
        let number = TicketNumber(rawValue: TicketNumber.highest)
        let message = TicketMessage(start: start, end: end, ticket: number, caller: CallerName(caller), called: "732")
        let name = try #require(TicketFileName(message.logFileName(isLast: isLast, serial: 7)))
        #expect(name.start == LocalMinute(start))
        #expect(name.end == LocalMinute(end))
        #expect(name.end.minutes(since: name.start) == 4)
        #expect(name.ticket == number)
        #expect(name.caller == CallerName(caller).text)
        #expect((name.called, name.isLast, name.serial) == ("732", isLast, 7))
      }
    }
  }

  @Test(
    "foreign names are none",
    arguments: [
      "", ".", "README.txt", "12.10.2012", "12.10.2012_14.00_12.10.2012_14.02_Ticket_",
      "31.02.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731.txt",
      "12.13.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731.txt",
      "12.10.2012_24.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.60_Ticket_1_Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_0_Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket__Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1000000000000000_Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_99999999999999999999999_Caller_1_Called_731.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731_.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731_END_1.txt~",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731_END_9999999999.txt",
      "x12.10.2012_14.00_12.10.2012_14.02_Ticket_1_Caller_1_Called_731.txt",
    ])
  func foreign(name: String) {
    #expect(TicketFileName(name) == nil)
  }

  @Test("no beginning of a name, and no name with one byte changed, is a danger")
  func mutations() {
    let name = Array("12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt".utf8)
    for index in name.indices {
      #expect(TicketFileName(String(decoding: name[..<index], as: UTF8.self)) == nil)
      for byte in UInt8.min...UInt8.max {
        var changed = name
        changed[index] = byte
        _ = TicketFileName(String(decoding: changed, as: UTF8.self))
      }
    }
  }
}

@Suite("minutes on the wall")
struct LocalMinuteTests {
  @Test("there and back, against the calendar, for every day of four centuries")
  func roundTrip() throws {
    for day in stride(from: Int64(-146_097), to: 146_097, by: 1) {
      let time = LocalCalendar.utc.local(WallTime(microseconds: (day * 86_400 + 13 * 3600 + 47 * 60) * 1_000_000))
      let minute = try #require(LocalMinute(time))
      #expect(minute.value == day * 1440 + 13 * 60 + 47)
      #expect(minute.time == time)
    }
  }

  @Test("days that are none")
  func refused() {
    #expect(LocalMinute(year: 2023, month: 2, day: 29, hour: 0, minute: 0) == nil)
    #expect(LocalMinute(year: 1900, month: 2, day: 29, hour: 0, minute: 0) == nil)
    #expect(LocalMinute(year: 2000, month: 2, day: 29, hour: 0, minute: 0) != nil)
    #expect(LocalMinute(year: 10_000, month: 1, day: 1, hour: 0, minute: 0) == nil)
    #expect(LocalMinute(year: 2026, month: 4, day: 31, hour: 0, minute: 0) == nil)
  }

  @Test("midnights before")
  func midnights() throws {
    let noon = try #require(LocalMinute(year: 2026, month: 3, day: 1, hour: 12, minute: 0))
    #expect(noon.midnight(daysBefore: 0) == LocalMinute(year: 2026, month: 3, day: 1, hour: 0, minute: 0))
    #expect(noon.midnight(daysBefore: 30) == LocalMinute(year: 2026, month: 1, day: 30, hour: 0, minute: 0))
    #expect(noon.midnight(daysBefore: .max) == LocalMinute(year: 0, month: 1, day: 1, hour: 0, minute: 0))
    let old = try #require(LocalMinute(year: 1969, month: 12, day: 31, hour: 23, minute: 59))
    #expect(old.midnight(daysBefore: 1) == LocalMinute(year: 1969, month: 12, day: 30, hour: 0, minute: 0))
  }
}

@Suite("the ticket log")
struct TicketLogTests {
  private func disk(_ names: [String]) throws -> MemoryFilesystem {
    let disk = MemoryFilesystem()
    try disk.makeDirectory("site/ticket")
    for name in names { try disk.create("site/ticket/" + name, [], sync: false) }
    return disk
  }

  /// `1234 732, 1235 731 END` a call.
  private func calls(_ names: [String]) throws -> [String] {
    let log = try TicketLog(site: "site", on: disk(names))
    return log.calls.map { call in
      log.hops[call].map { "\($0.ticket) \(log.text($0.called))\($0.isLast ? " END" : "")" }.joined(separator: ", ")
    }
  }

  @Test("the article's call is one call of two hops; foreign files are left alone")
  func article() throws {
    #expect(
      try calls([
        "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt",
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732_1.txt",
        "README.txt",
      ]) == ["1234 732, 1235 731 END"])
  }

  @Test("calls at once are told apart by their callers")
  func interleaved() throws {
    #expect(
      try calls([
        "12.10.2012_14.00_12.10.2012_14.01_Ticket_1_Caller_0111_Called_731_1.txt",
        "12.10.2012_14.00_12.10.2012_14.01_Ticket_2_Caller_0222_Called_731_1.txt",
        "12.10.2012_14.01_12.10.2012_14.02_Ticket_3_Caller_0222_Called_732_1.txt",
        "12.10.2012_14.01_12.10.2012_14.02_Ticket_4_Caller_0111_Called_732_END_1.txt",
        "12.10.2012_14.02_12.10.2012_14.03_Ticket_5_Caller_0222_Called_733_END_1.txt",
      ]) == ["1 731, 4 732 END", "2 731, 3 732, 5 733 END"])
  }

  @Test("the same caller once more is another call; so is one after a gap")
  func again() throws {
    #expect(
      try calls([
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1_Caller_0111_Called_731_END_1.txt",
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_2_Caller_0111_Called_731_1.txt",
        "12.10.2012_14.00_12.10.2012_14.01_Ticket_3_Caller_0111_Called_732_END_1.txt",
        "12.10.2012_14.05_12.10.2012_14.06_Ticket_4_Caller_0111_Called_731_1.txt",
        "12.10.2012_14.07_12.10.2012_14.08_Ticket_5_Caller_0111_Called_732_END_1.txt",
      ]) == ["1 731 END", "2 731, 3 732 END", "4 731", "5 732 END"])
  }

  @Test("the original's log, copied from its card, is read as well")
  func original() throws {
    let disk = try disk(["12.10.2012_14.00_12.10.2012_14.01_Ticket_2_Caller_0111_Called_731_END_1.txt"])
    try disk.makeDirectory("site/Ticket")
    let old = "11.10.2012_14.00_11.10.2012_14.01_Ticket_1_Caller_0111_Called_731_END.txt"
    try disk.create("site/Ticket/" + old, [], sync: false)
    let log = try TicketLog(site: "site", on: disk)
    #expect(log.hops.map(\.ticket.rawValue) == [1, 2])
  }

  @Test("many hops of many calls in one minute without an end take their time, but not for ever")
  func crowd() throws {
    let names = (1...3000).map {
      "12.10.2012_14.00_12.10.2012_14.00_Ticket_\($0)_Caller_\(10_000 + $0)_Called_731_1.txt"
    }
    #expect(try calls(names).count == 3000)
  }

  @Test("a log that is not there is empty; used numbers and callers are found")
  func questions() throws {
    let empty = MemoryFilesystem()
    try empty.makeDirectory("site")
    #expect(try TicketLog(site: "site", on: empty).hops.isEmpty)
    #expect(try highestTicket(site: "site", on: empty) == nil)
    let disk = try disk([
      "10.10.2012_14.00_10.10.2012_14.02_Ticket_1200_Caller_03472619287_Called_731_END_1.txt",
      "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END_1.txt",
      "11.10.2012_14.00_11.10.2012_14.02_Ticket_1201_Caller_03472619287_Called_731_END_1.txt",
      "12.10.2012_14.10_12.10.2012_14.10_Ticket_99_Caller_anonymous_Called_731_END_1.txt",
      "11.09.2012_23.50_12.09.2012_00.01_Ticket_77_Caller_0222_Called_731_END_1.txt",
      "11.09.2012_23.50_11.09.2012_23.59_Ticket_76_Caller_0333_Called_731_END_1.txt",
      "12.10.2012_14.10_12.10.2012_14.10_Ticket_5_Caller__Called_731_END.txt", "README.txt",
    ])
    #expect(try highestTicket(site: "site", on: disk) == TicketNumber(rawValue: 1235))
    #expect(try isTicketUsed(TicketNumber(rawValue: 99), site: "site", on: disk))
    #expect(try !isTicketUsed(TicketNumber(rawValue: 100), site: "site", on: disk))
    let today = try #require(LocalMinute(year: 2012, month: 10, day: 12, hour: 16, minute: 0))
    let callers = try ticketCallers(site: "site", since: today.midnight(daysBefore: 30), on: disk)
    #expect(callers.keys.sorted() == ["0222", "03472619287"])
    // His newest ticket counts, whichever name comes first.
    #expect(callers["03472619287"] == LocalMinute(year: 2012, month: 10, day: 12, hour: 14, minute: 2))
    #expect(try TicketLog(site: "site", since: today.midnight(daysBefore: 30), on: disk).hops.count == 6)
  }

  @Test("the real disk tells every name once")
  func realDisk() throws {
    let names = Array("/usr/share/zoneinfo/Europe".utf8)
    var seen: [String] = []
    try RealFilesystem().eachName(in: String(decoding: names, as: UTF8.self)) {
      seen.append(String(decoding: $0, as: UTF8.self))
    }
    #expect(seen.sorted() == (try RealFilesystem().list("/usr/share/zoneinfo/Europe")))
    #expect(seen.contains("Rome"))
  }
}
