package import Telephony

/// A minute as the clock on the site's wall shows it: as exact as the ticket log is. It knows no time zone.
package struct LocalMinute: Hashable, Comparable, Sendable {
  /// Minutes since 1970-01-01 00:00 by that clock.
  package let value: Int64

  /// - Returns: nil if there is no such day or minute, or the year is beyond 9999.
  package init?(year: Int, month: Int, day: Int, hour: Int, minute: Int) {
    guard (0...9999).contains(year), (1...12).contains(month),
      (1...LocalMinute.days(in: month, of: year)).contains(day),
      (0...23).contains(hour), (0...59).contains(minute)
    else { return nil }
    // Days since the epoch, counted in eras of 400 years that begin on 1 March.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    value = Int64((days * 24 + hour) * 60 + minute)
  }

  /// The minute that `time` lies in; nil beyond the year 9999.
  package init?(_ time: LocalTime) {
    self.init(year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute)
  }

  private init(value: Int64) { self.value = value }

  /// The date and time; the second is 0.
  package var time: LocalTime { LocalCalendar.utc.local(WallTime(microseconds: value * 60_000_000)) }

  /// Midnight `days` days earlier, but not before the year 0.
  package func midnight(daysBefore days: Int) -> LocalMinute {
    let day = value / 1440 - (value % 1440 < 0 ? 1 : 0)
    let earlier = (day - Int64(min(max(days, 0), 10_000_000))) * 1440
    return LocalMinute(value: max(earlier, LocalMinute.yearZero))
  }

  /// The minutes from `other` to `self` by that clock: an hour more or less where summer time begins or ends between
  /// them, for which the log has no word.
  package func minutes(since other: LocalMinute) -> Int { Int(value - other.value) }

  package static func < (a: LocalMinute, b: LocalMinute) -> Bool { a.value < b.value }

  /// 0000-01-01.
  private static let yearZero: Int64 = -719_528 * 1440

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 4, 6, 9, 11: 30
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    default: 31
    }
  }
}
