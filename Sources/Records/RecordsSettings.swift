package import Telephony

/// Where the records of a site lie, and what their maker has to know.
package struct RecordsSettings: Sendable {
  /// The site's directory, with TickeNR.TXT, `ticket/` and `cdr/`.
  package var site: String
  /// The directory of journal and lock (State.txt).
  package var state: String
  /// The directory of the recordings (Recording.txt): how long a call went on that a crash cut off.
  package var recording: String
  /// The site's local time.
  package var calendar: LocalCalendar
  /// Asked on the disk thread.
  package var clock: @Sendable () -> WallTime
  /// By which channels a user gets the message of a call that a crash cut off.
  package var channels: @Sendable (_ user: String) -> [MessageChannel]
  /// A journal of more bytes than this is begun anew at the start.
  package var journalLimit: Int

  /// - Parameters:
  ///   - site: the site's directory.
  ///   - state: nil: `state` in the site.
  ///   - recording: nil: `recording` in the site.
  package init(
    site: String, state: String? = nil, recording: String? = nil, calendar: LocalCalendar,
    clock: @escaping @Sendable () -> WallTime, channels: @escaping @Sendable (_ user: String) -> [MessageChannel],
    journalLimit: Int = 1 << 20
  ) {
    self.site = site
    self.state = state ?? site + "/state"
    self.recording = recording ?? site + "/recording"
    self.calendar = calendar
    self.clock = clock
    self.channels = channels
    self.journalLimit = journalLimit
  }
}
