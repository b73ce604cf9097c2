import Telephony

/// The Date header's value (RFC 3261 §20.17): "the time zone in SIP-date [is] restricted to GMT".
///
///     Sat, 13 Nov 2010 23:29:00 GMT
func dateHeader(_ wall: WallTime) -> String {
  let time = LocalCalendar.utc.local(wall)
  let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  // 1 January 1970 was a Thursday.
  let sinceThursday = wall.unixSeconds % 604_800
  let day = days[Int((sinceThursday + 604_800) % 604_800) / 86_400]
  let clock = [time.hour, time.minute, time.second].map { padded($0, 2) }.joined(separator: ":")
  return "\(day), \(padded(time.day, 2)) \(months[time.month - 1]) \(padded(time.year, 4)) \(clock) GMT"
}
