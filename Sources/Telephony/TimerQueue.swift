/// Deadlines by key, soonest first: how the pure core keeps its timers and tells the shell when to wake it.
///
/// Setting a key again replaces its deadline. Equal deadlines come out in the order in which they were set.
package struct TimerQueue<Key: Hashable & Sendable>: Sendable {
  private struct Entry: Sendable {
    var deadline: Instant
    var order: UInt64
    var key: Key
    func isBefore(_ other: Entry) -> Bool {
      deadline == other.deadline ? order < other.order : deadline < other.deadline
    }
  }

  private var heap: [Entry] = []
  /// The order number of each living key's entry; entries of the heap that are not in here are cancelled.
  private var living: [Key: UInt64] = [:]
  private var nextOrder: UInt64 = 0

  package init() {}

  /// How many timers are set.
  package var count: Int { living.count }

  /// The soonest deadline, or nil if no timer is set.
  package var nextDeadline: Instant? { heap.first?.deadline }

  /// True if `key` is set.
  package func isSet(_ key: Key) -> Bool { living[key] != nil }

  /// Sets the timer `key` to fire at `deadline`, in place of an earlier deadline it may have.
  package mutating func set(_ key: Key, at deadline: Instant) {
    nextOrder += 1
    living[key] = nextOrder
    heap.append(Entry(deadline: deadline, order: nextOrder, key: key))
    siftUp(heap.count - 1)
    // Cancelled entries lie in the heap until they come up; keep them from outgrowing the living ones.
    if heap.count > 64 && heap.count > 4 * living.count { rebuild() } else { dropCancelled() }
  }

  /// Takes back the timer `key`; nothing happens if it is not set.
  package mutating func cancel(_ key: Key) {
    living[key] = nil
    dropCancelled()
  }

  /// The next key that is due at `now`, taken out of the queue; nil if none is.
  package mutating func popDue(at now: Instant) -> Key? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    living[first.key] = nil
    dropCancelled()
    return first.key
  }

  private mutating func dropCancelled() {
    while let first = heap.first, living[first.key] != first.order { removeFirst() }
  }

  private mutating func rebuild() {
    let kept = heap.filter { living[$0.key] == $0.order }
    heap.removeAll(keepingCapacity: true)
    for entry in kept {
      heap.append(entry)
      siftUp(heap.count - 1)
    }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[smallest]) {
        smallest = child
      }
      if smallest == parent { return }
      heap.swapAt(parent, smallest)
      parent = smallest
    }
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }
}
