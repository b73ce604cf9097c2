import CLinux
import Glibc
import Synchronization
import Telephony

/// The machine's own files, by plain system calls.
package struct RealFilesystem: Filesystem {
  /// True for a command that root may give on a site of somebody else's: whoever owns the site must not write with root's
  /// hands elsewhere, because root puts a technician on duty.
  private let isWary: Bool

  package init(isWary: Bool = false) { self.isWary = isWary }

  package func read(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
    let bytes = try readPrefix(path, limit: limit < .max ? limit + 1 : limit)
    if bytes.count > limit { throw DiskError(path, .read, EFBIG) }
    return bytes
  }

  package func readPrefix(_ path: String, limit: Int) throws(DiskError) -> [UInt8] {
    // O_NONBLOCK: opening a named pipe that lies about must not wait for a writer.
    let file = try OpenFile(path, O_RDONLY | O_NONBLOCK)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: min(max(limit, 1), 1 << 16))
    while bytes.count < limit {
      let wanted = min(chunk.count, limit - bytes.count)
      let count = chunk.withUnsafeMutableBytes { Glibc.read(file.descriptor, $0.baseAddress, wanted) }
      if count < 0 {
        if linux_errno() == EINTR { continue }
        throw .last(path, .read)
      }
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return bytes
  }

  package func list(_ directory: String) throws(DiskError) -> [String] {
    var names: [String] = []
    try eachName(in: directory) { names.append(String(decoding: $0, as: UTF8.self)) }
    return names.sorted()
  }

  package func eachName(in directory: String, _ body: (UnsafeRawBufferPointer) -> Void) throws(DiskError) {
    guard let stream = opendir(directory) else { throw .last(directory, .list) }
    defer { closedir(stream) }
    while true {
      linux_set_errno(0)
      guard let entry = readdir(stream) else { break }
      withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
          if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return }
          body(UnsafeRawBufferPointer(start: name, count: strlen(name)))
        }
      }
    }
    if linux_errno() != 0 { throw .last(directory, .list) }
  }

  package func status(_ path: String) throws(DiskError) -> FileStatus? {
    var info = stat()
    guard stat(path, &info) == 0 else {
      if linux_errno() == ENOENT || linux_errno() == ENOTDIR { return nil }
      throw .last(path, .read)
    }
    let (seconds, nanoseconds) = (Int64(info.st_mtim.tv_sec), Int64(info.st_mtim.tv_nsec))
    return FileStatus(
      isRegular: info.st_mode & S_IFMT == S_IFREG, isDirectory: info.st_mode & S_IFMT == S_IFDIR,
      size: Int(info.st_size), modified: WallTime(microseconds: seconds &* 1_000_000 &+ nanoseconds / 1000),
      mode: info.st_mode & 0o7777)
  }

  package func makeDirectory(_ path: String, isPrivate: Bool) throws(DiskError) {
    let mode: mode_t = isPrivate ? 0o700 : 0o750
    if mkdir(path, mode) == 0 { return adoptDirectory(path) }
    let code = linux_errno()
    if code == EEXIST { return }
    guard code == ENOENT, Disk.directory(of: path) != path, Disk.directory(of: path) != "." else {
      throw DiskError(path, .create, code)
    }
    try makeDirectory(Disk.directory(of: path), isPrivate: isPrivate)
    if mkdir(path, mode) == 0 { return adoptDirectory(path) }
    if linux_errno() != EEXIST { throw .last(path, .create) }
  }

  package func create(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError) {
    try beWary(path, .create)
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL, failing: .create)
    try file.write(bytes)
    if sync { try file.sync() }
  }

  package func replace(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DiskError) {
    try beWary(path, .write)
    let path = resolved(path)
    let temporary = joined(Disk.directory(of: path), ".\(fileName(of: path)).new")
    var old = stat()
    let isReplacing = stat(path, &old) == 0
    do throws(DiskError) {
      // Left by a crash; or a link that somebody has laid there.
      unlink(temporary)
      let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL, failing: .create)
      if isReplacing {
        // Only root may give a file away; whoever may not keeps it as his own.
        _ = fchown(file.descriptor, old.st_uid, old.st_gid)
        _ = fchmod(file.descriptor, old.st_mode & 0o7777)
      }
      try file.write(bytes)
      if sync { try file.sync() }
    } catch {
      unlink(temporary)
      throw error
    }
    if rename(temporary, path) != 0 {
      let error = DiskError.last(path, .rename)
      unlink(temporary)
      throw error
    }
    if sync { try syncDirectory(Disk.directory(of: path)) }
  }

  package func move(_ path: String, to newPath: String) throws(DiskError) {
    if rename(path, newPath) != 0 { throw .last(path, .rename) }
  }

  package func remove(_ path: String) throws(DiskError) {
    if unlink(path) != 0, linux_errno() != ENOENT { throw .last(path, .remove) }
  }

  package func sync(_ path: String) throws(DiskError) { try OpenFile(path, O_RDONLY).sync() }

  package func syncDirectory(_ path: String) throws(DiskError) {
    let file = try OpenFile(path, O_RDONLY | O_DIRECTORY)
    if fsync(file.descriptor) != 0 { throw .last(path, .sync) }
  }

  package func openForAppend(_ path: String) throws(DiskError) -> any AppendFile {
    try beWary(path, .open)
    return try OpenFile(path, O_RDWR | O_CREAT | O_APPEND)
  }

  package func lock(_ path: String) throws(DiskError) -> any FileLock {
    try beWary(path, .lock)
    let file = try OpenFile(path, O_RDWR | O_CREAT)
    while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
      if linux_errno() != EINTR { throw .last(path, .lock) }
    }
    return HeldLock(file)
  }

  /// Follows no link that somebody has laid to what is not his. As the kernel has it for `/tmp` (protected_symlinks).
  private func beWary(_ path: String, _ operation: DiskError.Operation) throws(DiskError) {
    guard isWary, geteuid() == 0 else { return }
    let bytes = Array(path.utf8)
    for end in bytes.indices.filter({ $0 > 0 && bytes[$0] == UInt8(ascii: "/") }) + [bytes.count] {
      let place = String(decoding: bytes[..<end], as: UTF8.self)
      var (link, target) = (stat(), stat())
      guard lstat(place, &link) == 0, link.st_mode & S_IFMT == S_IFLNK, link.st_uid != 0 else { continue }
      guard stat(place, &target) == 0, target.st_uid == link.st_uid else { throw DiskError(place, operation, EPERM) }
    }
  }

  /// A symbolic link's end, so that a rename replaces the file and not the link.
  private func resolved(_ path: String) -> String {
    guard let real = realpath(path, nil) else { return path }
    defer { free(real) }
    return String(cString: real)
  }
}

/// What root makes belongs to whom the directory belongs to: a command given as root must not leave a lock or a value
/// that the controller, which runs as somebody else, could not open.
private func adopt(_ descriptor: Int32, into directory: String) {
  var place = stat()
  if stat(directory, &place) == 0, place.st_uid != 0 { _ = fchown(descriptor, place.st_uid, place.st_gid) }
}

private func adoptDirectory(_ path: String) {
  guard geteuid() == 0 else { return }
  let descriptor = linux_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
  if descriptor < 0 { return }
  adopt(descriptor, into: Disk.directory(of: path))
  close(descriptor)
}

/// An open descriptor, closed with its object. Written at its end only, by one thread.
private final class OpenFile: AppendFile {
  let path: String
  let descriptor: Int32

  init(_ path: String, _ flags: Int32, failing operation: DiskError.Operation = .open) throws(DiskError) {
    self.path = path
    if flags & O_CREAT != 0, geteuid() == 0 {
      let created = linux_open(path, flags | O_EXCL, 0o600)
      if created >= 0 {
        adopt(created, into: Disk.directory(of: path))
        descriptor = created
      } else if linux_errno() == EEXIST, flags & O_EXCL == 0 {
        descriptor = linux_open(path, flags, 0o600)
      } else {
        descriptor = -1
      }
    } else {
      descriptor = linux_open(path, flags, 0o600)
    }
    if descriptor < 0 { throw .last(path, operation) }
  }

  deinit { close(descriptor) }

  func append(_ bytes: [UInt8]) throws(DiskError) { try write(bytes) }

  func write(_ bytes: [UInt8]) throws(DiskError) {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if linux_errno() == EINTR { continue }
        throw .last(path, .write)
      }
      written += count
    }
  }

  func sync() throws(DiskError) {
    if fdatasync(descriptor) != 0 { throw .last(path, .sync) }
  }

  func truncate(to size: Int) throws(DiskError) {
    if ftruncate(descriptor, off_t(size)) != 0 { throw .last(path, .write) }
  }
}

private final class HeldLock: FileLock {
  private let file: Mutex<OpenFile?>

  init(_ file: OpenFile) { self.file = Mutex(file) }

  func release() {
    // Closing the descriptor gives the lock back.
    file.withLock { $0 = nil }
  }
}
