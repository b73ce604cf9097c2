import Disk
import Glibc
import Telephony

/// `Retention.txt`: what is old is deleted, and `deleted.log` says what it was.
extension RecordingArchive {
  /// A file that is to be deleted.
  private struct Victim {
    var name: String
    var size: Int64
    var sha256: String

    /// Time, name, size, SHA-256 and reason, separated by tabs.
    func line(at time: String, days: Int) -> String {
      "\(time)\t\(name)\t\(size)\t\(sha256)\tolder than \(days) days (Retention.txt)\n"
    }
  }

  /// Deletes the recordings in this directory that are older than so many days, with the WAV files and marks beside them.
  ///
  /// The age counts from the later of the name's time and the file's: a file copied back from a backup is young again,
  /// which errs on the safe side. One that is in progress, or named in `hold/`, is not touched, nor is anything else that
  /// does not bear a recording's name. What is deleted stands in `deleted.log` before it goes.
  func retire(in folder: String, days: Int, now: WallTime, calendar: LocalCalendar) throws(DiskError) {
    let limit = Duration.seconds(days * 86_400)
    guard let today = LocalMinute(calendar.local(now)) else { return }
    let names = try disk.list(folder)
    let held = try heldNames(folder, names)
    let checksums = Dictionary(
      try ChecksumList(directory: folder).lines().map { ($0.name, $0.sha256) }, uniquingKeysWith: { _, last in last })
    let time = LocalCalendar.utc.local(now).stamp.replacing(" ", with: "T") + "Z"
    var derived: [String: [String]]?
    for name in names {
      guard let layout = RecordingNameLayout(name), !held.contains(stem(of: name).asciiLowercased),
        today.minutes(since: layout.start) > days * 1440
      else { continue }
      var victims: [Victim] = []
      guard let recording = try ClosedRecording.open(joined(folder, name)), now - recording.modified > limit else {
        continue
      }
      let sha256 = if let known = checksums[name] { known } else { try recording.content().sha256 }
      victims.append(Victim(name: name, size: recording.size, sha256: sha256))
      if derived == nil { derived = derivedNames(names) }
      for other in derived?[name] ?? [] where other.hasSuffix(".wav") {
        guard let file = try ClosedRecording.open(joined(folder, other)) else { continue }
        victims.append(Victim(name: other, size: file.size, sha256: try file.content().sha256))
      }
      try delete(victims, in: folder, at: time, days: days)
      for other in derived?[name] ?? [] where !other.hasSuffix(".wav") { try disk.remove(joined(folder, other)) }
    }
    try forgetDeleted(in: folder)
  }

  private func delete(_ victims: [Victim], in folder: String, at time: String, days: Int) throws(DiskError) {
    let log = joined(folder, Self.logName)
    let isNew = try disk.status(log) == nil
    let told = isNew ? "" : String(decoding: try disk.read(log, limit: 1 << 28), as: UTF8.self)
    // Told already, if a crash came between the line and the deed.
    let text = victims.filter { !told.contains("\t\($0.name)\t\($0.size)\t\($0.sha256)\t") }
      .map { $0.line(at: time, days: days) }.joined()
    let write = { () throws(DiskError) in
      let file = try self.disk.openForAppend(log)
      if !told.isEmpty, !told.hasSuffix("\n") { try file.append([0x0A]) }
      try file.append(Array(text.utf8))
      try file.sync()
      if isNew { try self.disk.syncDirectory(folder) }
    }
    var isWritten = text.isEmpty
    do throws(DiskError) {
      if !isWritten { try write() }
      isWritten = true
    } catch {
      // Where there is no room even for a line, the file makes it; the daemon's own log has the line as well.
      if error.code != ENOSPC, error.code != EDQUOT { throw error }
    }
    for victim in victims {
      try disk.remove(joined(folder, victim.name))
      note(.deleted(path: joined(folder, victim.name), bytes: victim.size))
    }
    if !isWritten { try write() }
    try disk.syncDirectory(folder)
  }

  /// The list of checksums forgets what `deleted.log` tells, so that `sha256sum -c` says only what is wrong.
  private func forgetDeleted(in folder: String) throws(DiskError) {
    let log = joined(folder, Self.logName)
    guard try disk.status(log) != nil else { return }
    var deleted: Set<String> = []
    for line in String(decoding: try disk.read(log, limit: 1 << 28), as: UTF8.self).split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      if fields.count >= 4 { deleted.insert("\(fields[3]) \(fields[1])") }
    }
    var there: Set<String> = []
    for name in try disk.list(folder) { there.insert(name) }
    try ChecksumList(directory: folder).remove {
      deleted.contains("\($0.sha256) \($0.name)") && !there.contains($0.name)
    }
  }

  /// What stands in `hold/`, without `.pcap`, in small letters. Files and links count alike: only their names matter.
  private func heldNames(_ folder: String, _ names: [String]) throws(DiskError) -> Set<String> {
    var held: Set<String> = []
    for directory in names where directory.equalsIgnoringCase("hold") {
      for name in try disk.list(joined(folder, directory)) { held.insert(stem(of: name).asciiLowercased) }
    }
    return held
  }

  /// The WAV files and marks of each recording: those of `x.pcap` are `x.wav`, `x-1.wav`, `x-left.wav`, `x.pcap.cut`, ….
  private func derivedNames(_ names: [String]) -> [String: [String]] {
    let recordings = Set(names.filter { RecordingNameLayout($0) != nil })
    var derived: [String: [String]] = [:]
    for name in names {
      let origin = RecordingMark.read(name)?.recording ?? waveOrigin(name, among: recordings)
      if let origin, recordings.contains(origin) { derived[origin, default: []].append(name) }
    }
    return derived
  }

  private func waveOrigin(_ name: String, among recordings: Set<String>) -> String? {
    guard name.hasSuffix(".wav") else { return nil }
    var stem = String(name.dropLast(4))
    if recordings.contains(stem + ".pcap") { return stem + ".pcap" }
    for side in ["-left", "-right"] where stem.hasSuffix(side) { stem = String(stem.dropLast(side.utf8.count)) }
    if recordings.contains(stem + ".pcap") { return stem + ".pcap" }
    guard let dash = stem.lastIndex(of: "-"), stem[stem.index(after: dash)...].isDigits else { return nil }
    return stem[..<dash] + ".pcap"
  }

  private func stem(of name: String) -> String {
    name.asciiLowercased.hasSuffix(".pcap") ? String(name.dropLast(5)) : name
  }

  private static var logName: String { "deleted.log" }
}
