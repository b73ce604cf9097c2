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

  /// `deleted.log`, as it stood at the beginning, and what has been added.
  private struct DeletionLog {
    let path: String
    var isNew = true
    var endsWithLine = true
    /// Name, size and SHA-256.
    var told: Set<String> = []
    /// SHA-256 and name.
    var deleted: Set<String> = []

    init(in folder: String, on disk: any Filesystem) throws(DiskError) {
      path = joined(folder, "deleted.log")
      guard try disk.status(path) != nil else { return }
      isNew = false
      let bytes = try disk.read(path, limit: 1 << 28)
      endsWithLine = bytes.last.map { $0 == 0x0A } ?? true
      for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        // A line that a crash has torn tells nothing.
        guard fields.count >= 5 else { continue }
        add(Victim(name: String(fields[1]), size: Int64(fields[2]) ?? -1, sha256: String(fields[3])))
      }
    }

    mutating func add(_ victim: Victim) {
      told.insert(Self.key(victim))
      deleted.insert("\(victim.sha256) \(victim.name)")
    }

    func tells(_ victim: Victim) -> Bool { told.contains(Self.key(victim)) }

    private static func key(_ victim: Victim) -> String { "\(victim.name)\t\(victim.size)\t\(victim.sha256)" }
  }

  /// Deletes the recordings in this directory that are older than so many days, with the WAV files and marks beside them.
  ///
  /// The age counts from the later of the name's time and the file's: a file that was copied back is young again, which
  /// errs on the safe side, but for one that kept its time (cp -p, rsync -a, most backups): `hold/` is for those. One that
  /// this process has closed is as old as that, whatever the clock says. One that is in progress, or named in `hold/`, is
  /// not touched, nor is anything else that does not bear a recording's name. What is deleted stands in `deleted.log` before
  /// it goes.
  /// - Returns: what hindered the deletion of single recordings.
  mutating func retire(
    in folder: String, days: Int, now: WallTime, calendar: LocalCalendar
  ) throws(DiskError) -> [DiskError] {
    let limit = Duration.seconds(days * 86_400)
    ownCloses = ownCloses.filter { [uptime] in uptime() - $0.value <= days * 86_400 }
    guard let today = LocalMinute(calendar.local(now)) else { return [] }
    let names = try disk.list(folder)
    let old = names.filter { name in
      guard let layout = RecordingNameLayout(name), ownCloses[name.hashValue] == nil else { return false }
      return today.minutes(since: layout.start) > days * 1440
    }
    var log = try DeletionLog(in: folder, on: disk)
    guard !old.isEmpty || !log.deleted.isEmpty else { return [] }
    let checksums = Dictionary(
      try ChecksumList(directory: folder).lines().map { ($0.name, $0.sha256) }, uniquingKeysWith: { _, last in last })
    let time = LocalCalendar.utc.local(now).stamp.replacing(" ", with: "T") + "Z"
    let derived = old.isEmpty ? [:] : derivedNames(names)
    let holds = Set(names.filter { $0.utf8.count == 4 && $0.equalsIgnoringCase("hold") } + ["hold"])
      .map { joined(folder, $0) }
    let held = old.isEmpty ? [] : try heldNames(holds)
    var failed: [DiskError] = []
    for name in old where !isHeld(name, held) {
      var victims: [Victim] = []
      var marks: [String] = []
      do throws(DiskError) {
        guard let recording = try ClosedRecording.open(joined(folder, name)), now - recording.modified > limit else {
          continue
        }
        let sha256 = if let known = checksums[name] { known } else { try recording.content().sha256 }
        victims.append(Victim(name: name, size: recording.size, sha256: sha256))
        for other in derived[name] ?? [] {
          guard other.hasSuffix(".wav") else {
            marks.append(other)
            continue
          }
          guard let file = try ClosedRecording.open(joined(folder, other)) else { continue }
          victims.append(Victim(name: other, size: file.size, sha256: try file.content().sha256))
        }
      } catch {
        failed.append(error)
        continue
      }
      // Reading has taken its time.
      if isHeld(name, try heldNames(holds)) { continue }
      if let fault = try delete(victims, marks, in: folder, &log, at: time, days: days) { failed.append(fault) }
    }
    try forgetDeleted(log, in: folder)
    return failed
  }

  /// - Returns: what hindered the deed; what hinders the log is thrown.
  private func delete(
    _ victims: [Victim], _ marks: [String], in folder: String, _ log: inout DeletionLog, at time: String, days: Int
  ) throws(DiskError) -> DiskError? {
    // Told already, if a crash came between the line and the deed.
    let untold = victims.filter { !log.tells($0) }
    var isWritten = untold.isEmpty
    do throws(DiskError) {
      if !isWritten { try write(untold, &log, at: time, days: days) }
      isWritten = true
    } catch {
      // Where there is no room even for a line, the file makes it; the daemon's own log has the line as well.
      if error.code != ENOSPC, error.code != EDQUOT { throw error }
    }
    var gone: [Victim] = []
    var fault: DiskError?
    do throws(DiskError) {
      for mark in marks { try disk.remove(joined(folder, mark)) }
      // The recording last: what could not go is found again by its name.
      for victim in victims.reversed() {
        try disk.remove(joined(folder, victim.name))
        gone.append(victim)
        note(.deleted(path: joined(folder, victim.name), bytes: victim.size))
      }
    } catch {
      fault = error
    }
    if !isWritten { try write(gone.reversed().filter { !log.tells($0) }, &log, at: time, days: days) }
    do throws(DiskError) { try disk.syncDirectory(folder) } catch { fault = fault ?? error }
    return fault
  }

  private func write(
    _ victims: [Victim], _ log: inout DeletionLog, at time: String, days: Int
  ) throws(DiskError) {
    guard !victims.isEmpty else { return }
    let file = try disk.openForAppend(log.path)
    // Whatever fails now may have left a part.
    let isMended = log.endsWithLine
    log.endsWithLine = false
    if !isMended { try file.append([0x0A]) }
    try file.append(Array(victims.map { $0.line(at: time, days: days) }.joined().utf8))
    log.endsWithLine = true
    try file.sync()
    if log.isNew { try disk.syncDirectory(directory(of: log.path)) }
    log.isNew = false
    for victim in victims { log.add(victim) }
  }

  /// The list of checksums forgets what `deleted.log` tells, so that `sha256sum -c` says only what is wrong.
  private func forgetDeleted(_ log: DeletionLog, in folder: String) throws(DiskError) {
    guard !log.deleted.isEmpty else { return }
    let there = Set(try disk.list(folder))
    try ChecksumList(directory: folder).remove {
      log.deleted.contains("\($0.sha256) \($0.name)") && !there.contains($0.name)
    }
  }

  /// What stands in `hold/` now, in small letters, sorted. Files and links count alike: only their names matter.
  private func heldNames(_ directories: [String]) throws(DiskError) -> [[UInt8]] {
    var held: [[UInt8]] = []
    for directory in directories {
      do throws(DiskError) {
        try disk.eachName(in: directory) {
          held.append(Array(String(decoding: $0, as: UTF8.self).asciiLowercased.utf8))
        }
      } catch {
        if !error.isNotFound { throw error }
      }
    }
    return held.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Whether a held name begins with the recording's without `.pcap`: a WAV of it or a note on it holds it too.
  private func isHeld(_ name: String, _ held: [[UInt8]]) -> Bool {
    let stem = Array(String(name.dropLast(5)).asciiLowercased.utf8)
    var low = 0
    var high = held.count
    while low < high {
      let middle = (low + high) / 2
      if held[middle].lexicographicallyPrecedes(stem) { low = middle + 1 } else { high = middle }
    }
    return low < held.count && held[low].starts(with: stem)
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
}
