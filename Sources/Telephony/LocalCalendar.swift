/// A date and time of day as the clock on the site's wall shows it.
package struct LocalTime: Hashable, Sendable {
  /// The calendar year, such as 2012.
  package var year: Int
  /// 1 to 12.
  package var month: Int
  /// 1 to 31.
  package var day: Int
  /// 0 to 23.
  package var hour: Int
  /// 0 to 59.
  package var minute: Int
  /// 0 to 60 (a leap second).
  package var second: Int

  package init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// `12.10.2012`, as in the message and in the names of the ticket files.
  package var dottedDate: String { "\(padded(day, 2)).\(padded(month, 2)).\(padded(year, 4))" }

  /// `14.05`, as in the message and in the names of the ticket files.
  package var dottedTime: String { "\(padded(hour, 2)).\(padded(minute, 2))" }

  /// `2012-10-12 14:05:09`, as in the CDR.
  package var stamp: String {
    "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2)) \(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
  }
}

/// The site's local time, as a value the shell makes (from glibc's zone files), so that the core knows no zones.
package struct LocalCalendar: Sendable {
  private let convert: @Sendable (WallTime) -> LocalTime

  /// - Parameter convert: local time of a wall time; must not fail for any input.
  package init(_ convert: @escaping @Sendable (WallTime) -> LocalTime) { self.convert = convert }

  /// The local time of `wall`.
  package func local(_ wall: WallTime) -> LocalTime { convert(wall) }

  /// Coordinated Universal Time, by the proleptic Gregorian calendar (for tests and as the last resort).
  package static let utc = LocalCalendar { wall in
    let seconds = wall.unixSeconds
    let days = floorDivide(seconds, 86_400)
    let rest = Int(seconds - days * 86_400)
    // Days to civil date, counted in eras of 400 years that begin on 1 March.
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = Int(shifted - era * 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return LocalTime(
      year: yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0), month: month,
      day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1,
      hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60)
  }
}

private func floorDivide(_ a: Int64, _ b: Int64) -> Int64 {
  let quotient = a / b
  return a % b < 0 ? quotient - 1 : quotient
}
