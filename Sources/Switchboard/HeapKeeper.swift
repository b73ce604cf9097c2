import CLinux

/// Gives back to the system what the start, or a rush of calls, has needed: by itself glibc keeps all that lies beneath anything in use.
struct HeapKeeper {
  /// Less is not worth the time it takes.
  private static let worthwhile: UInt64 = 2 << 20

  /// The most that was in use since memory was last given back; before the first time, more than there can be.
  private var highest = UInt64.max
  private var last: UInt64 = 0

  /// To be called at the start's end and then every few seconds: acts once the rush is over.
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
