import Disk
import Telephony
import Testing

@Suite("local time by glibc")
struct GlibcCalendarTests {
  @Test("Zurich in summer and winter")
  func zurich() async {
    // The zone is a property of the whole process, so this one has a process of its own.
    await #expect(processExitsWith: .success) {
      let calendar = glibcCalendar(zone: "Europe/Zurich")
      let summer = WallTime(microseconds: 1_350_050_400_000_000)
      #expect(calendar.local(summer).stamp == "2012-10-12 16:00:00")
      let winter = WallTime(microseconds: 1_355_320_800_000_000)
      #expect(calendar.local(winter).stamp == "2012-12-12 15:00:00")
      #expect(calendar.local(WallTime(microseconds: -1)).stamp == "1970-01-01 00:59:59")
      for edge in [Int64.min, .max] { #expect(calendar.local(WallTime(microseconds: edge)).month >= 1) }
    }
  }

  @Test("only zones that glibc has")
  func zones() {
    #expect(isKnownTimeZone("Europe/Zurich"))
    #expect(isKnownTimeZone("UTC"))
    for name in [
      "Europe/Zürich", "Mars/Base", "", "Europe", "../../../etc/passwd", "/etc/localtime", "zone.tab", "Europe/",
    ] {
      #expect(!isKnownTimeZone(name), "\(name)")
    }
  }

  @Test("the clocks run")
  func clocks() {
    let first = currentMoment()
    let second = currentMoment()
    #expect(first.instant <= second.instant)
    #expect(second.wall.unixSeconds > 1_700_000_000)
  }
}
