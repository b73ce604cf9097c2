import CLinux
import Frames
import Glibc

/// One capture file of the recorder: gathers the records of a drain and writes them with one system call.
struct RecordingFile {
  /// As many pieces as pwritev(2) takes (IOV_MAX is 1024) are more than 500 ms of one call bring.
  private static let maximumPieces = 256

  let recording: RecordingID
  private(set) var path: String
  /// -1: could not be created, or closed.
  private(set) var descriptor: Int32 = -1
  /// True if bytes were written that are not yet known to be on disk.
  private(set) var isDirty = false
  /// Bytes lost since they were told last.
  var dropped = 0
  /// What was written last was refused, in part at least.
  private(set) var isRefused = false
  /// The fault that was told; 0: none at present.
  var toldError: Int32 = 0

  // Gathered by pointer like the records.
  private let header: UnsafeMutableRawBufferPointer
  private let pieces = UnsafeMutablePointer<iovec>.allocate(capacity: maximumPieces)
  private var count = 0
  private var size: off_t = 0
  private var isNew = true

  /// Creates the file; it must not exist.
  /// - Returns: the file and 0, or the errno of the refusal; a refused file takes records and drops them.
  static func create(_ recording: RecordingID, path: String) -> (RecordingFile, errno: Int32) {
    var file = RecordingFile(recording: recording, path: path)
    var fd: Int32
    var isFolderMade = false
    repeat {
      fd = linux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
      // The owner has cleared the directory away.
      if fd < 0, linux_errno() == ENOENT, !isFolderMade {
        isFolderMade = true
        if mkdir(folder(of: path), 0o700) == 0 { linux_set_errno(EINTR) } else { linux_set_errno(ENOENT) }
      }
    } while fd < 0 && linux_errno() == EINTR
    let code = fd < 0 ? linux_errno() : 0
    // Tells everybody, as long as this process lives, that the recording is in progress.
    if fd >= 0 { _ = flock(fd, LOCK_EX | LOCK_NB) }
    file.descriptor = fd
    if fd >= 0 { file.addHeader() }
    return (file, code)
  }

  private init(recording: RecordingID, path: String) {
    self.recording = recording
    self.path = path
    header = .allocate(byteCount: PcapFormat.fileHeader.count, alignment: 8)
    header.copyBytes(from: PcapFormat.fileHeader)
  }

  var isOpen: Bool { descriptor >= 0 }
  var hasPending: Bool { count > 0 }

  /// Gives the file another name in the same file system; `name_2.pcap` and so on where one is taken.
  /// - Returns: 0 or the errno; the file keeps its name then.
  mutating func rename(to wanted: String) -> Int32 {
    guard isOpen else { return 0 }
    let stem = wanted.hasSuffix(".pcap") ? String(wanted.dropLast(5)) : wanted
    for count in 1..<1000 {
      let name = count == 1 ? wanted : "\(stem)_\(count).pcap"
      // A link is refused where the name is taken; a rename would replace what stands there.
      if link(path, name) == 0 {
        unlink(path)
        path = name
        isNew = true
        isDirty = true
        return 0
      }
      let code = linux_errno()
      // Some file systems know no second name; there, the name is looked at first.
      if code == EPERM || code == EOPNOTSUPP || code == ENOSYS, access(name, F_OK) != 0, Glibc.rename(path, name) == 0 {
        path = name
        isNew = true
        isDirty = true
        return 0
      }
      if code != EEXIST { return code }
    }
    return EEXIST
  }

  /// Takes a record that stays where it is until `flush`.
  /// - Returns: 0, or the errno of a flush that had to be made.
  mutating func append(_ record: UnsafeMutableRawPointer, _ length: Int) -> Int32 {
    guard isOpen else {
      dropped += length
      return 0
    }
    let code = count == Self.maximumPieces ? flush() : 0
    pieces[count] = iovec(iov_base: record, iov_len: length)
    count += 1
    return code
  }

  /// Writes out what was gathered. What cannot be written whole is cut off at a record's end, so that the file stays
  /// readable, and counted as dropped.
  /// - Returns: 0 or the errno.
  mutating func flush() -> Int32 {
    guard count > 0 else { return 0 }
    var first = 0
    var code: Int32 = 0
    var stalls = 0
    while first < count, code == 0 {
      let written = pwritev(descriptor, pieces + first, Int32(truncatingIfNeeded: count - first), size)
      if written < 0 {
        if linux_errno() != EINTR { code = linux_errno() }
        continue
      }
      isDirty = isDirty || written > 0
      // `size` counts whole records: one written in part is written anew.
      if takePieces(written, from: &first) == 0 { stalls += 1 }
      // A disk that is full to within a record takes a part of it again and again.
      if stalls > 2 { code = ENOSPC }
    }
    isRefused = code != 0
    if code != 0 { cutOff(from: first) }
    count = 0
    if size == 0 { addHeader() }
    return code
  }

  /// Puts what was written on disk; with the first time, the file's name too.
  mutating func sync() -> Int32 {
    guard isOpen, isDirty else { return 0 }
    isDirty = false
    var code = fdatasync(descriptor) == 0 ? 0 : linux_errno()
    if isNew {
      isNew = false
      let named = syncDirectory()
      if code == 0 { code = named }
    }
    return code
  }

  /// For a sync of the whole file system that another file's descriptor has brought.
  mutating func wasSynced() {
    isDirty = false
    isNew = false
  }

  /// Closes the file and gives up what it held; nothing else may be called then.
  mutating func end() {
    if isOpen { close(descriptor) }
    descriptor = -1
    pieces.deallocate()
    header.deallocate()
  }

  private mutating func addHeader() {
    pieces[0] = iovec(iov_base: header.baseAddress, iov_len: header.count)
    count = 1
  }

  /// Advances `first` past the pieces that `written` bytes complete; returns how many they are.
  private mutating func takePieces(_ written: Int, from first: inout Int) -> Int {
    let before = first
    var left = written
    while first < count, left >= pieces[first].iov_len {
      left -= pieces[first].iov_len
      size += off_t(pieces[first].iov_len)
      first += 1
    }
    return first - before
  }

  private mutating func cutOff(from first: Int) {
    for index in first..<count { dropped += pieces[index].iov_len }
    // Should this fail too, a torn record stands at the end: readers stop there.
    _ = ftruncate(descriptor, size)
  }

  private func syncDirectory() -> Int32 {
    let fd = linux_open(RecordingFile.folder(of: path), O_RDONLY | O_DIRECTORY, 0)
    guard fd >= 0 else { return linux_errno() }
    defer { close(fd) }
    return fsync(fd) == 0 ? 0 : linux_errno()
  }

  private static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  }
}
