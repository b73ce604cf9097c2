package import Disk
package import Telephony

/// What the archive of the recordings has to tell the log.
package enum ArchiveNote: Hashable, Sendable {
  /// A recording's line stands in `SHA256SUMS`.
  case sealed(path: String, sha256: String)
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
  private var fault: DiskError?

  package init(note: @escaping @Sendable (ArchiveNote) -> Void) { self.note = note }

  /// A recording has been closed: its checksum is written. One that upkeep has met already is left alone.
  package mutating func seal(_ path: String) {
    if sealedEarly.remove(path) != nil { return }
    do throws(DiskError) {
      try seal(fileName(of: path), in: directory(of: path))
      fault = nil
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
  /// The disk has refused something, and has not been found well since.
  package var isFaulty: Bool { fault != nil }

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
      } catch {
        tell(error)
      }
    }
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
    var sealed: [String] = []
    do throws(DiskError) {
      guard try disk.status(folder) != nil else { return [] }
      let known = Set(try ChecksumList(directory: folder).lines().map(\.name))
      for name in try disk.list(folder) where RecordingNameLayout(name) != nil && !known.contains(name) {
        // One that was created this moment, and is empty, may not have its lock yet.
        guard let status = try disk.status(joined(folder, name)),
          status.size > 0 || now - status.modified > .seconds(2)
        else { continue }
        guard try seal(name, in: folder) else { continue }
        sealed.append(joined(folder, name))
        // Closed this moment, as it seems.
        if now - status.modified < .seconds(600) { sealedEarly.insert(joined(folder, name)) }
      }
      if days > 0 { try retire(in: folder, days: days, now: now, calendar: calendar) }
      fault = nil
    } catch {
      tell(error)
    }
    return sealed
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
  package func withoutWave(_ folder: String, now: WallTime) -> [String] {
    guard let names = try? disk.list(folder) else { return [] }
    let all = Set(names)
    return names.filter { name in
      guard RecordingNameLayout(name) != nil, !all.contains(name.dropLast(5) + ".wav"),
        !all.contains(name.dropLast(5) + "-1.wav"),
        let status = try? disk.status(joined(folder, name)), now - status.modified < .seconds(86_400)
      else { return false }
      // It is nobody's who writes it.
      return (try? ClosedRecording.open(joined(folder, name)) != nil) ?? false
    }.map { joined(folder, $0) }
  }

  /// - Returns: false if it is in progress, or no file.
  @discardableResult private mutating func seal(_ name: String, in folder: String) throws(DiskError) -> Bool {
    let path = joined(folder, name)
    guard let recording = try ClosedRecording.open(path) else { return false }
    var content = try recording.content()
    if content.wholeSize < content.size {
      try recording.cut(to: content.wholeSize)
      note(.tornRecordCut(path: path, bytes: content.size - content.wholeSize))
      content = try recording.content()
    }
    try recording.sync()
    let sums = ChecksumList(directory: folder)
    if !mended.contains(folder) { try sums.mend() }
    mended.remove(folder)
    try sums.append(ChecksumList.Line(sha256: content.sha256, name: name))
    mended.insert(folder)
    note(.sealed(path: path, sha256: content.sha256))
    return true
  }

  /// A fault is told when it begins or becomes another.
  private mutating func tell(_ error: DiskError) {
    if fault?.code == error.code, fault?.operation == error.operation { return }
    fault = error
    note(.fault(error))
  }
}
