import Disk

/// `state/journal` as it is written: records are kept until they are on the disk for certain.
struct JournalFile: Sendable {
  let path: String
  private let disk: any Filesystem
  private var file: (any AppendFile)?
  /// Encoded records that are not on the disk for certain.
  private var waiting: [[UInt8]] = []
  /// The last write may have left half a line.
  private var mayBeTorn = true

  init(path: String, disk: any Filesystem) {
    self.path = path
    self.disk = disk
  }

  var isWritten: Bool { waiting.isEmpty }

  mutating func add(_ entry: JournalEntry) { waiting.append(entry.line) }

  /// Writes all that waits and brings it to the disk: one write, one sync.
  ///
  /// After an error everything still waits, for after a failed sync nobody knows what the disk has.
  mutating func commit() throws(DiskError) {
    if waiting.isEmpty { return }
    let file = try opened()
    // A line end before the next record parts it from a torn one; blank lines are passed over.
    let bytes = (mayBeTorn ? [0x0A] : []) + waiting.joined()
    mayBeTorn = true
    try file.append(bytes)
    try file.sync()
    mayBeTorn = false
    waiting.removeAll()
  }

  /// Begins the file anew with this record only. Nothing waits when it is called.
  mutating func restart(with entry: JournalEntry) throws(DiskError) {
    file = nil
    mayBeTorn = true
    try disk.replace(path, entry.line, sync: true)
  }

  private mutating func opened() throws(DiskError) -> any AppendFile {
    if let file { return file }
    let isNew = try disk.status(path) == nil
    if isNew { try disk.makeDirectory(directory(of: path), isPrivate: true) }
    let opened = try disk.openForAppend(path)
    // A new file is none while its name can be lost.
    if isNew { try disk.syncDirectory(directory(of: path)) }
    file = opened
    return opened
  }
}
