package import Telephony

/// What `Filesystem.status` tells of a file or directory.
package struct FileStatus: Hashable, Sendable {
  /// False for a directory, and for what is neither (a pipe, a device).
  package var isRegular: Bool
  package var isDirectory: Bool
  /// Bytes.
  package var size: Int
  /// The time of the last change of the content.
  package var modified: WallTime
  /// The permission bits, such as 0o600.
  package var mode: UInt32

  package init(isRegular: Bool, isDirectory: Bool, size: Int, modified: WallTime, mode: UInt32) {
    self.isRegular = isRegular
    self.isDirectory = isDirectory
    self.size = size
    self.modified = modified
    self.mode = mode
  }
}

/// The blocking calls on files that Pikett needs, as one protocol with two sides: `RealFilesystem`, and
/// `MemoryFilesystem`, which forgets what was not synced when the power is cut.
///
/// Every call may take as long as the disk likes: only the disk thread, the start and the helper programs use it.
/// Files are made 0600, directories 0750 or 0700. Nothing but what is said here is durable: content by `sync`, names by
/// `syncDirectory`.
package protocol Filesystem: Sendable {
  /// The whole file; more than `limit` bytes are refused (EFBIG).
  func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8]

  /// The first `limit` bytes of the file at most.
  func readPrefix(_ path: String, limit: Int) throws(DiskError) -> [UInt8]

  /// The names in a directory, sorted, without `.` and `..`.
  func list(_ directory: String) throws(DiskError) -> [String]

  /// The names in a directory as they come, unsorted and without `.` and `..`, one by one: for directories of many
  /// thousand files. `body` gets the bytes of each; they are valid only while it runs.
  func eachName(in directory: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(DiskError)

  /// What is known of `path` (symbolic links followed); nil if there is nothing.
  func status(_ path: String) throws(DiskError) -> FileStatus?

  /// Makes a directory and its missing parents; one that exists is left as it is.
  /// - Parameter isPrivate: nobody but the owner may look into it (0700, else 0750).
  func makeDirectory(_ path: String, isPrivate: Bool) throws(DiskError)

  /// Creates a file that must not exist yet (O_EXCL), with `bytes` as its content.
  /// - Parameter sync: bring the content (not the name) to the disk before returning.
  func create(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError)

  /// Puts `bytes` in place of the file by a rename: readers see the old or the new content, never a part.
  /// Owner and mode of a file that exists are kept; a new one is 0600.
  /// - Parameter sync: bring content and name to the disk before returning.
  func replace(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError)

  /// Renames a file on one disk; a file that bears the new name is replaced.
  func move(_ path: String, to newPath: String) throws(DiskError)

  /// Removes a file; one that does not exist is as good as removed.
  func remove(_ path: String) throws(DiskError)

  /// Brings a file's content to the disk.
  func sync(_ path: String) throws(DiskError)

  /// Brings the names in a directory to the disk.
  func syncDirectory(_ path: String) throws(DiskError)

  /// Opens a file to be written at its end; created (0600) if missing.
  func openForAppend(_ path: String) throws(DiskError) -> any AppendFile

  /// Takes the exclusive lock on a file (created if missing) without waiting; held until released.
  /// Fails with `isLocked` if another holder has it.
  func lock(_ path: String) throws(DiskError) -> any FileLock
}

extension Filesystem {
  /// Makes a directory (0750) and its missing parents; one that exists is left as it is.
  package func makeDirectory(_ path: String) throws(DiskError) { try makeDirectory(path, isPrivate: false) }

  /// By way of `list`; the real disk does it without a `String` a file.
  package func eachName(in directory: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(DiskError) {
    for name in try list(directory) { Array(name.utf8).withUnsafeBytes(body) }
  }
}

/// A file that only grows.
package protocol AppendFile: Sendable {
  /// Writes at the end. After an error a part may stand there.
  func append(_ bytes: [UInt8]) throws(DiskError)
  /// Brings all that was appended to the disk. After an error nothing is known of what was appended since the last
  /// success: the kernel may have dropped it, so it has to be appended again.
  func sync() throws(DiskError)
  /// Cuts the file to `size` bytes.
  func truncate(to size: Int) throws(DiskError)
}

/// A lock that is held as long as this object lives.
package protocol FileLock: AnyObject, Sendable {
  /// Gives the lock back; more than once is fine.
  func release()
}

/// `directory/name`, with one slash between them; an empty directory is the current one.
package func joined(_ directory: String, _ name: String) -> String {
  directory.isEmpty ? name : directory.hasSuffix("/") ? directory + name : directory + "/" + name
}

/// The directory a path lies in; `.` for a bare name.
package func directory(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The last part of a path.
package func fileName(of path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: 0x2F) else { return path }
  return String(path[path.utf8.index(after: slash)...])
}
