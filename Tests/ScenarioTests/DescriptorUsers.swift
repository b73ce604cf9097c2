import Glibc
import Synchronization

/// Who uses a connection's descriptor, its owner and its reader: the last one closes it. Closed before, its number would
/// be another socket's the next moment.
final class DescriptorUsers: Sendable {
  private let count = Mutex(2)

  func leave(_ descriptor: Int32) {
    let left = count.withLock { count in
      count -= 1
      return count
    }
    if left == 0 { close(descriptor) }
  }
}
