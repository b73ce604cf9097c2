import CLinux
import Disk
import Glibc
import Telephony

/// A file of the recordings' directory, open and kept from everybody else: no link, a regular file, and nobody writes it.
///
/// Whoever writes a recording holds its lock (flock(2)), which ends with the process however that ends.
struct ClosedRecording: ~Copyable {
  let path: String
  let descriptor: Int32
  let size: Int64
  /// When it was written last.
  let modified: WallTime

  /// - Returns: nil if there is no such file, or it is in progress.
  static func open(_ path: String) throws(DiskError) -> ClosedRecording? {
    // A named pipe that lies there must not wait for a writer.
    let flags = O_NOFOLLOW | O_NONBLOCK
    var descriptor = linux_open(path, O_RDWR | flags, 0)
    if descriptor < 0, [EACCES, EROFS, EPERM].contains(linux_errno()) {
      descriptor = linux_open(path, O_RDONLY | flags, 0)
    }
    if descriptor < 0 {
      // ELOOP: a link.
      if [ENOENT, ELOOP, EISDIR, ENXIO].contains(linux_errno()) { return nil }
      throw DiskError(path, .open, linux_errno())
    }
    do throws(DiskError) {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw DiskError(path, .read, linux_errno()) }
      var isOurs = status.st_mode & S_IFMT == S_IFREG
      if isOurs, flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
        // A disk that knows no locks must not make every recording look as if it were in progress.
        guard linux_errno() == EWOULDBLOCK else { throw DiskError(path, .lock, linux_errno()) }
        isOurs = false
      }
      guard isOurs else {
        close(descriptor)
        return nil
      }
      return ClosedRecording(path: path, descriptor: descriptor, status)
    } catch {
      close(descriptor)
      throw error
    }
  }

  private init(path: String, descriptor: Int32, _ status: stat) {
    self.path = path
    self.descriptor = descriptor
    size = Int64(status.st_size)
    let (seconds, nanoseconds) = (Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec))
    modified = WallTime(microseconds: seconds &* 1_000_000 &+ nanoseconds / 1000)
  }

  deinit { close(descriptor) }

  func content() throws(DiskError) -> RecordingContent {
    guard let content = RecordingContent(descriptor: descriptor) else { throw DiskError(path, .read, linux_errno()) }
    return content
  }

  /// Cuts off what stands behind the last whole record.
  func cut(to size: Int64) throws(DiskError) {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw DiskError(path, .write, linux_errno()) }
  }

  func sync() throws(DiskError) {
    guard fdatasync(descriptor) == 0 else { throw DiskError(path, .sync, linux_errno()) }
  }
}
