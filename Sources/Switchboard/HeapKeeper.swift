import CLinux

/// Gives back to the system what a rush of calls has needed: by itself glibc keeps all that lies beneath anything in use.
struct HeapKeeper {
  /// Less is not worth the time it takes.
  private static let worthwhile: UInt64 = 2 << 20

  /// The most that was in use since memory was last given back.
  private var highest: UInt64 = 0
  private var last: UInt64 = 0

  /// To be called every few seconds: acts once the rush is over.
  mutating func giveBack() {
    let used = linux_heap_in_use()
    let isFalling = used + (used >> 6) < last
    last = used
    highest = max(highest, used)
    guard !isFalling, highest - used >= Self.worthwhile else { return }
    linux_trim_heap()
    highest = used
  }
}
