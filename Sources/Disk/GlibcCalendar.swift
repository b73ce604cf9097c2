import CLinux
import Glibc
package import Telephony

/// The zone files' directory on Debian and every other glibc system.
private let zoneDirectory = "/usr/share/zoneinfo"

/// True if glibc knows the IANA zone `name` (`Europe/Zurich`). An unknown one would silently become UTC.
package func isKnownTimeZone(_ name: String, on disk: some Filesystem = RealFilesystem()) -> Bool {
  let parts = name.split(separator: "/", omittingEmptySubsequences: false)
  let isPlain = parts.allSatisfy { part in
    !part.isEmpty && part != "." && part != ".."
      && part.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || [0x2B, 0x2D, 0x5F].contains($0) }
  }
  guard isPlain, let head = try? disk.readPrefix(joined(zoneDirectory, name), limit: 4) else { return false }
  return head == Array("TZif".utf8)
}

/// The local time of the site, by glibc. Call it once, at the start of the process and before its threads: the zone
/// is a property of the whole process.
/// - Parameter zone: an IANA name that `isKnownTimeZone` accepts; nil: the system's zone.
package func glibcCalendar(zone: String?) -> LocalCalendar {
  if let zone { setenv("TZ", ":" + zone, 1) }
  tzset()
  return LocalCalendar { wall in
    var seconds = time_t(wall.unixSeconds)
    var fields = tm()
    // Fails only for years beyond Int32; the calendar without zones knows those.
    guard localtime_r(&seconds, &fields) != nil else { return LocalCalendar.utc.local(wall) }
    return LocalTime(
      year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
      hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
  }
}

/// Both clocks of the machine, read now.
package func currentMoment() -> Moment {
  Moment(instant: Instant(nanoseconds: clock(CLOCK_MONOTONIC)), wall: currentWallTime())
}

/// The calendar clock of the machine, read now.
package func currentWallTime() -> WallTime { WallTime(microseconds: clock(CLOCK_REALTIME) / 1000) }

private func clock(_ id: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(id, &time)
  return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}
