import Telephony
import Testing

@Suite struct LocalCalendarTests {
  /// Dates by `date -u -d @N`; those before 1582 are proleptic.
  private static let known: [(Int64, String)] = [
    (0, "1970-01-01 00:00:00"),
    (-1, "1969-12-31 23:59:59"),
    (951_782_400, "2000-02-29 00:00:00"),
    (951_868_800, "2000-03-01 00:00:00"),
    (1_350_043_200, "2012-10-12 12:00:00"),
    (1_709_164_800, "2024-02-29 00:00:00"),
    (1_735_689_599, "2024-12-31 23:59:59"),
    (2_147_483_648, "2038-01-19 03:14:08"),
    (4_107_542_399, "2100-02-28 23:59:59"),
    (4_107_542_400, "2100-03-01 00:00:00"),
    (-2_203_891_200, "1900-03-01 00:00:00"),
    (-2_203_891_201, "1900-02-28 23:59:59"),
    (-11_676_096_001, "1599-12-31 23:59:59"),
    (-62_135_596_800, "0001-01-01 00:00:00"),
    (253_402_300_799, "9999-12-31 23:59:59"),
  ]

  @Test(arguments: known) func knownDates(_ seconds: Int64, _ stamp: String) {
    #expect(LocalCalendar.utc.local(WallTime(microseconds: seconds * 1_000_000)).stamp == stamp)
    #expect(LocalCalendar.utc.local(WallTime(microseconds: seconds * 1_000_000 + 999_999)).stamp == stamp)
  }

  /// Each day of 800 years follows from the one before by the rules everybody knows.
  @Test func daysFollowOneAnother() {
    let first = LocalTime(year: 1569, month: 12, day: 31, hour: 0, minute: 0, second: 0)
    var (year, month, day) = (first.year, first.month, first.day)
    for index in 0..<292_194 {
      let lengths = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
      day += 1
      if day > lengths[month - 1] { (month, day) = (month + 1, 1) }
      if month > 12 { (year, month) = (year + 1, 1) }
      let noon = WallTime(microseconds: (Int64(index) - 146_097) * 86_400_000_000 + 43_200_000_000)
      let local = LocalCalendar.utc.local(noon)
      if local != LocalTime(year: year, month: month, day: day, hour: 12, minute: 0, second: 0) {
        Issue.record("\(local.stamp) stands for \(year)-\(month)-\(day)")
        return
      }
    }
    #expect(year == 2369)
  }

  private func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  @Test func noWallTimeTraps() {
    for edge in [Int64.min, .min + 1, .max - 1, .max] {
      let local = LocalCalendar.utc.local(WallTime(microseconds: edge))
      #expect((1...12).contains(local.month) && (1...31).contains(local.day))
      #expect((0...23).contains(local.hour) && (0...59).contains(local.minute) && (0...59).contains(local.second))
    }
  }

  @Test func itIsWrittenAsTheTicketsWriteIt() {
    let time = LocalTime(year: 2012, month: 10, day: 2, hour: 4, minute: 5, second: 9)
    #expect(time.dottedDate == "02.10.2012")
    #expect(time.dottedTime == "04.05")
    #expect(time.stamp == "2012-10-02 04:05:09")
  }

  @Test func aCalendarIsWhateverItIsMadeOf() {
    let late = LocalTime(year: 1, month: 2, day: 3, hour: 4, minute: 5, second: 60)
    #expect(LocalCalendar { _ in late }.local(WallTime(microseconds: 0)) == late)
  }
}
