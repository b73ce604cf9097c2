import CLinux
import Glibc

/// What a disk refused, told so that a person can mend it: the file, the problem, what to do.
package struct DiskError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was being done.
  package enum Operation: String, Hashable, Sendable {
    case open = "cannot be opened"
    case read = "cannot be read"
    case list = "cannot be listed"
    case create = "cannot be created"
    case write = "cannot be written"
    case sync = "cannot be brought safely to the disk"
    case rename = "cannot be renamed"
    case remove = "cannot be removed"
    case lock = "cannot be locked"
    case watch = "cannot be watched for changes"
  }

  /// The file or directory.
  package let path: String
  /// What was being done with it.
  package let operation: Operation
  /// The system's errno.
  package let code: Int32

  package init(_ path: String, _ operation: Operation, _ code: Int32) {
    self.path = path
    self.operation = operation
    self.code = code
  }

  /// The errno left by the call that has just failed.
  static func last(_ path: String, _ operation: Operation) -> DiskError { DiskError(path, operation, linux_errno()) }

  /// There is no such file or directory.
  package var isNotFound: Bool { code == ENOENT }
  /// Exclusive creation met an existing file.
  package var isExisting: Bool { code == EEXIST }
  /// Somebody else holds the lock.
  package var isLocked: Bool { code == EWOULDBLOCK }
  /// The file holds more bytes than the reader wants to take.
  package var isTooLarge: Bool { code == EFBIG }

  /// `state/journal: cannot be written: No space left on device (free some space on this disk)`.
  package var description: String { "\(path): \(problem)" }

  /// The same without the path: `cannot be written: No space left on device (free some space on this disk)`.
  package var problem: String {
    let reason = isLocked ? "in use by another process" : String(cString: strerror(code))
    return "\(operation.rawValue): \(reason)" + (hint.map { " (\($0))" } ?? "")
  }

  private var hint: String? {
    switch code {
    case ENOSPC, EDQUOT: "free some space on this disk"
    case EROFS: "the disk is mounted read-only, often after a fault of the disk; see dmesg"
    case EACCES, EPERM: "give the user that runs Pikett the right to it"
    case ENOENT: operation == .create ? "its directory is missing" : nil
    case EIO: "the disk is faulty; see dmesg"
    case EMFILE, ENFILE: "too many files are open"
    case EFBIG where operation == .read: "it is larger than such a file can be"
    case EWOULDBLOCK: "is Pikett running twice on this site?"
    default: nil
    }
  }
}
