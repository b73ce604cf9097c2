import Glibc

/// A capture that can be read several times: a file, or the bytes of a pipe or of a file in gzip, kept in a nameless
/// temporary file.
package struct CaptureFile: ~Copyable {
  /// The file as it was named; `-` is standard input.
  package let path: String
  private let descriptor: Int32
  /// The file's permissions; those of a new file if it was a pipe.
  package let mode: UInt32
  /// Why what was compressed is not whole, if it is not.
  private let damage: String?
  /// What the file is known by, for `isSame`: the named one, not the temporary one.
  private let device: UInt64
  /// Told now and then, while the file is read, what part of it has been read: 0 to 1. Set before the reading.
  package var onProgress: ((Double) -> Void)?
  private let inode: UInt64

  /// Opens `path`, or standard input for `-`. What is not a regular file, or is compressed with gzip, is read to its end
  /// first, into `$TMPDIR` (else `/tmp`).
  package init(path: String) throws(CaptureError) {
    self.path = path
    let opened = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
    var kept: KeptFile?
    var status = stat()
    do throws(CaptureError) {
      guard fstat(opened, &status) == 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: throw CaptureError(path: path, kind: .unreadable(reason(EISDIR)))
      case S_IFREG: if try isPacked(opened, path) { kept = try KeptFile(of: opened, path: path) }
      default: kept = try KeptFile(of: opened, path: path)
      }
    } catch {
      close(opened)
      throw error
    }
    if kept != nil { close(opened) }
    descriptor = kept?.descriptor ?? opened
    damage = kept?.damage
    mode = status.st_mode & S_IFMT == S_IFREG ? status.st_mode & 0o777 : 0o666
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }

  deinit { close(descriptor) }

  /// True if `path` names this very file.
  package func isSame(as path: String) -> Bool {
    var other = stat()
    return stat(path, &other) == 0 && UInt64(other.st_dev) == device && UInt64(other.st_ino) == inode
  }

  /// A reader at the file's beginning, independent of all others.
  ///
  /// - Parameter withSegments: true if the TCP segments are wanted too.
  package func reader(withSegments: Bool = false) throws(CaptureError) -> CaptureReader {
    // A new description, not a dup: readers must not share one place in the file.
    let fresh = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
    guard fresh >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
    posix_fadvise(fresh, 0, 0, POSIX_FADV_SEQUENTIAL)
    return try CaptureReader(
      path: path, descriptor: fresh, damage: damage, withSegments: withSegments,
      progress: onProgress.map { ReadingProgress(descriptor: fresh, report: $0) })
  }
}

/// True if the file must be unpacked before it is read. Its place stays at the beginning.
private func isPacked(_ descriptor: Int32, _ path: String) throws(CaptureError) -> Bool {
  // Standard input may have been read in part by whoever started us; what is left of it is not what is meant.
  lseek(descriptor, 0, SEEK_SET)
  let start = try firstBytes(descriptor, path)
  if start.isEmpty { throw CaptureError(path: path, kind: .noCapture("the file is empty")) }
  return start.withUnsafeBytes { Packing($0) } != nil
}

/// Up to 16 bytes from the file's beginning.
func firstBytes(_ descriptor: Int32, _ path: String) throws(CaptureError) -> [UInt8] {
  var start = [UInt8](repeating: 0, count: 16)
  let count = pread(descriptor, &start, start.count, 0)
  guard count >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
  return Array(start[..<count])
}
