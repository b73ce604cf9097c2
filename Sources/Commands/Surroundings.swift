package import Disk
import Glibc
import Hunting
import Records
package import Site
import Telephony

/// The time zone, where this machine does not know it.
package func timeZoneFaults(
  _ site: SiteSnapshot, on disk: some Filesystem = RealFilesystem()
) -> [SiteFault] {
  guard let zone = site.timeZone, !isKnownTimeZone(zone, on: disk) else { return [] }
  return [
    SiteFault(
      "TimeZone.txt", "“\(zone)” is no time zone that this machine knows",
      expected: "an IANA name such as Europe/Rome (and the package tzdata)")
  ]
}

/// A next ticket number that has been drawn before: the owner's will counts, but he may not know.
///
/// - Parameter directory: the site's.
package func ticketFaults(
  _ site: SiteSnapshot, at directory: String, on disk: some Filesystem = RealFilesystem()
) -> [SiteFault] {
  // A log that cannot be listed is told by `directoryFaults`; one that is not there yet holds no number.
  guard let highest = (try? highestTicket(site: directory, on: disk)) ?? nil, site.nextTicket <= highest else {
    return []
  }
  return [
    SiteFault(
      "TickeNR.TXT", "the next ticket is \(site.nextTicket), but there are tickets up to \(highest) already",
      expected: "a higher number, unless numbers shall be used again", .warning)
  ]
}

/// The directories that Pikett writes to, where it could not, or soon cannot, by the rights of who asks.
///
/// Nothing is written to find out. A directory that is missing is made at the start, so the one above it counts.
/// - Parameter directory: the site's.
package func directoryFaults(_ site: SiteSnapshot, at directory: String) -> [SiteFault] {
  var names = ["ticket", "cdr", "spool", site.stateDirectory]
  if let recordings = site.recordingDirectory { names.append(recordings) }
  // The ticket counter is rewritten in the site itself.
  var faults = writingFaults(".", directory)
  for name in names {
    let path = name.hasPrefix("/") ? name : joined(directory, name)
    faults += writingFaults(name, path).filter { fault in
      // One full disk is one fault.
      !faults.contains { $0.problem == fault.problem }
    }
  }
  return faults
}

private func writingFaults(_ name: String, _ path: String) -> [SiteFault] {
  var place = path
  while access(place, F_OK) != 0, errno == ENOENT || errno == ENOTDIR, Disk.directory(of: place) != place {
    place = Disk.directory(of: place)
  }
  var status = stat()
  if stat(place, &status) == 0, status.st_mode & S_IFMT != S_IFDIR {
    return [SiteFault(name, "\(place == path ? "" : place + " ")is no directory", expected: "a directory")]
  }
  guard access(place, W_OK | X_OK) == 0 else {
    let reason = String(cString: strerror(errno))
    let problem = place == path ? "cannot be written to: \(reason)" : "cannot be made in \(place): \(reason)"
    return [SiteFault(name, problem, expected: "the right to write there for the user who runs Pikett")]
  }
  return roomFaults(name, place)
}

/// An hour of recording is some 80 MB.
private let neededMegabytes: UInt64 = 100

private func roomFaults(_ name: String, _ place: String) -> [SiteFault] {
  var disk = statvfs()
  guard statvfs(place, &disk) == 0, disk.f_blocks > 0 else { return [] }
  let (bytes, isHuge) = UInt64(disk.f_bavail).multipliedReportingOverflow(by: UInt64(disk.f_frsize))
  let megabytes = isHuge ? .max : bytes / 1_000_000
  if bytes == 0, !isHuge { return [SiteFault(name, "the disk is full", expected: "room for tickets and recordings")] }
  if disk.f_files > 0, disk.f_favail == 0 {
    return [SiteFault(name, "the disk has no room for another file", expected: "a free inode for each ticket")]
  }
  guard megabytes < neededMegabytes else { return [] }
  return [
    SiteFault(
      name, "the disk has only \(megabytes) MB left", expected: "\(neededMegabytes) MB, an hour of recording", .warning)
  ]
}

extension Installation {
  /// No program that sends the SMS, although somebody is to get them.
  package func deliveryFaults(_ site: SiteSnapshot) -> [SiteFault] {
    guard helper("pikett-delivery") == nil, site.users.contains(where: { !$0.smsRoutes.isEmpty }) else { return [] }
    return [
      SiteFault(
        "pikett-delivery", "the program that sends the SMS is missing",
        expected: "it beside \(executable), or in ../libexec/pikett")
    ]
  }
}
