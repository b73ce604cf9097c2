import CLinux
package import Disk
import Glibc
package import Telephony

/// What the archive of the recordings has to tell the log.
package enum ArchiveNote: Hashable, Sendable {
  /// A recording's line stands in `SHA256SUMS`.
  case sealed(path: String, sha256: String)
  /// The mark that tells what is missing in a recording lies beside it.
  case marked(path: String)
  /// A record that was written in part only, by a crash, has been cut off.
  case tornRecordCut(path: String, bytes: Int64)
  /// Deleted, being older than `Retention.txt` says.
  case deleted(path: String, bytes: Int64)
  case fault(DiskError)
}

/// Finished recordings: their checksums, their marks, and how long they are kept. Blocks; used by one thread at a time,
/// never by the event loop's, the media's or the journal's.
package struct RecordingArchive: Sendable {
  let disk: any Filesystem = RealFilesystem()
  let note: @Sendable (ArchiveNote) -> Void
  /// Directories whose list of checksums is known to end with a whole line.
  private var mended: Set<String> = []
  /// Marks that the disk has not taken yet: path of the mark, by the path of the recording.
  private var waitingMarks: [String: String] = [:]
  /// Recordings that upkeep met before they were told as closed.
  private var sealedEarly: Set<String> = []
  /// What the disk has refused, and has not been seen to take since.
  private var faults: Set<DiskError> = []
  private var markFaults: Set<DiskError> = []
  /// How many times running `keepUp` has met a fault.
  private var failures = 0
  /// When the next of the recordings that were too young is old enough, counted from the last `keepUp`.
  private var untilOld: Duration?
  /// When this process closed which recordings, by their names' hashes, in seconds of `uptime`.
  var ownCloses: [Int: Int64] = [:]
  private let began: WallTime
  let uptime: @Sendable () -> Int64

  /// - Parameters:
  ///   - began: when this process started; nobody who wrote before it is still at it.
  ///   - uptime: seconds of a clock that nobody sets.
  package init(
    began: WallTime = currentWallTime(),
    uptime: @escaping @Sendable () -> Int64 = { linux_clock(CLOCK_MONOTONIC) / 1_000_000_000 },
    note: @escaping @Sendable (ArchiveNote) -> Void
  ) {
    self.began = began
    self.uptime = uptime
    self.note = note
  }

  /// A recording has been closed: its checksum is written. One that upkeep has met already is left alone.
  /// - Parameter isRemembered: its age counts by a clock that nobody sets, for as long as this process lives.
  package mutating func seal(_ path: String, isRemembered: Bool = false) {
    if isRemembered { ownCloses[fileName(of: path).hashValue] = uptime() }
    if sealedEarly.remove(path) != nil { return }
    do throws(DiskError) {
      let folder = directory(of: path)
      guard let line = try line(of: fileName(of: path), in: folder) else {
        // Somebody else has it just now: a program that is being started, or one that copies it.
        untilOld = min(untilOld ?? .seconds(60), .seconds(60))
        return
      }
      try write(line, in: folder)
    } catch {
      tell(error)
    }
  }

  /// Notes beside a recording what is missing in it; a disk that refuses is tried again by `retryMarks`.
  package mutating func mark(_ path: String, _ mark: RecordingMark) {
    waitingMarks[path] = mark.name(of: path)
    retryMarks()
  }

  /// True while the disk has not taken every mark.
  package var hasWaitingMarks: Bool { !waitingMarks.isEmpty }
  /// After how long `keepUp` should come again, before its hour; nil: nothing is left to be done.
  ///
  /// A fault that does not go away is met more and more rarely.
  package var comesAgain: Duration? {
    let afterFault = Duration.seconds(min(3600, 60 << min(failures, 6)))
    return if let untilOld { faults.isEmpty ? untilOld : min(untilOld, afterFault) } else {
      faults.isEmpty ? nil : afterFault
    }
  }

  package mutating func retryMarks() {
    for (path, mark) in waitingMarks.sorted(by: { $0.key < $1.key }) {
      do throws(DiskError) {
        do throws(DiskError) {
          try disk.makeDirectory(directory(of: mark), isPrivate: true)
          try disk.create(mark, [], sync: false)
        } catch {
          if !error.isExisting { throw error }
        }
        try disk.syncDirectory(directory(of: mark))
        waitingMarks[path] = nil
        note(.marked(path: mark))
      } catch {
        if markFaults.insert(error).inserted { note(.fault(error)) }
      }
    }
    if waitingMarks.isEmpty { markFaults = [] }
  }

  /// What is done at the start and from time to time: checksums that a crash or a full disk has cost are made good, and
  /// what is too old is deleted.
  /// - Parameters:
  ///   - days: how long recordings are kept; 0: for ever.
  ///   - calendar: the site's, for the times in the names.
  /// - Returns: the recordings whose checksum was made good.
  package mutating func keepUp(
    _ folder: String, days: Int, now: WallTime, calendar: LocalCalendar
  ) -> [String] {
    let before = faults
    faults = []
    untilOld = nil
    var sealed: [String] = []
    do throws(DiskError) {
      guard try disk.status(folder) != nil else {
        failures = 0
        return []
      }
      sealed = try sealMissing(in: folder, now: now, unlessTold: before)
    } catch {
      tell(error, unlessIn: before)
    }
    // Also where the disk is full, and takes no line: this makes room.
    if days > 0 {
      do throws(DiskError) {
        let failed = try retire(in: folder, days: days, now: now, calendar: calendar)
        for fault in failed { tell(fault, unlessIn: before) }
      } catch {
        tell(error, unlessIn: before)
      }
    } else {
      ownCloses = [:]
    }
    failures = faults.isEmpty ? 0 : failures + 1
    return sealed
  }

  /// One file's fault hinders no other's line; only the list itself can.
  private mutating func sealMissing(
    in folder: String, now: WallTime, unlessTold before: Set<DiskError>
  ) throws(DiskError) -> [String] {
    var sealed: [String] = []
    let known = Set(try ChecksumList(directory: folder).lines().map(\.name))
    for name in try disk.list(folder) where RecordingNameLayout(name) != nil && !known.contains(name) {
      var modified = now
      var found: ChecksumList.Line?
      do throws(DiskError) {
        found = try line(of: name, in: folder) { time in
          modified = time
          return isQuiet(since: time, now)
        }
      } catch {
        tell(error, unlessIn: before)
      }
      guard let found else { continue }
      try write(found, in: folder)
      sealed.append(joined(folder, name))
      // Closed this moment, as it seems.
      if now - modified < .seconds(600) { sealedEarly.insert(joined(folder, name)) }
    }
    return sealed
  }

  /// Nobody writes this file any more, as far as its time tells; one of which that cannot be said yet brings `keepUp` again.
  ///
  /// Recordings that are being copied here have no lock. Those of a former run are whole, or as they will stay.
  private mutating func isQuiet(since modified: WallTime, _ now: WallTime) -> Bool {
    let quiet = Duration.seconds(modified < began ? 2 : 60)
    let age = now - modified
    // A time in the future was set: who writes leaves the present one.
    guard age > .seconds(-60), age < quiet else { return true }
    untilOld = min(untilOld ?? quiet, max(.seconds(1), quiet - age))
    return false
  }

  /// Gives a recording that could not be renamed while it was written the name it was to have.
  /// - Returns: the path that it bears now.
  package func rename(_ path: String, to wanted: String) -> String {
    guard path != wanted, (try? disk.status(wanted)) == .some(nil), (try? disk.move(path, to: wanted)) != nil else {
      return path
    }
    return wanted
  }

  /// The recordings of the last day that have no WAV beside them.
  package mutating func withoutWave(_ folder: String, now: WallTime) -> [String] {
    guard let names = try? disk.list(folder) else { return [] }
    let all = Set(names)
    return names.filter { name in
      guard RecordingNameLayout(name) != nil, !all.contains(name.dropLast(5) + ".wav"),
        !all.contains(name.dropLast(5) + "-1.wav"),
        let status = try? disk.status(joined(folder, name)), now - status.modified < .seconds(86_400)
      else { return false }
      // It is nobody's who writes it.
      guard let recording = try? ClosedRecording.open(joined(folder, name)) else { return false }
      return recording.size > 0 && isQuiet(since: recording.modified, now)
    }.map { joined(folder, $0) }
  }

  /// A finished recording's line; what a crash has torn is cut off before.
  /// - Parameter isReady: whether the file is to be sealed, by the time it was written last.
  /// - Returns: nil if it is in progress, not ready, or no file.
  private func line(
    of name: String, in folder: String, if isReady: (WallTime) -> Bool = { _ in true }
  ) throws(DiskError) -> ChecksumList.Line? {
    let path = joined(folder, name)
    guard let recording = try ClosedRecording.open(path), isReady(recording.modified) else { return nil }
    var content = try recording.content()
    if content.wholeSize < content.size {
      try recording.cut(to: content.wholeSize)
      note(.tornRecordCut(path: path, bytes: content.size - content.wholeSize))
      content = try recording.content()
    }
    try recording.sync()
    return ChecksumList.Line(sha256: content.sha256, name: name)
  }

  private mutating func write(_ line: ChecksumList.Line, in folder: String) throws(DiskError) {
    let sums = ChecksumList(directory: folder)
    if !mended.contains(folder) { try sums.mend() }
    mended.remove(folder)
    try sums.append(line)
    mended.insert(folder)
    note(.sealed(path: joined(folder, line.name), sha256: line.sha256))
  }

  /// A fault is told once, until it is gone.
  private mutating func tell(_ error: DiskError, unlessIn before: Set<DiskError> = []) {
    if faults.insert(error).inserted, !before.contains(error) { note(.fault(error)) }
  }
}
