/// Deadlines by key, soonest first: how the pure core keeps its timers and tells the shell when to wake it.
///
/// Setting a key again replaces its deadline. Equal deadlines come out in the order in which they were set.
///
/// Inlinable, so that the modules that keep timers specialise it for their keys.
package struct TimerQueue<Key: Hashable & Sendable>: Sendable {
  @usableFromInline struct Entry: Sendable {
    @usableFromInline var deadline: Instant
    @usableFromInline var order: UInt64
    @usableFromInline var key: Key

    @inlinable init(deadline: Instant, order: UInt64, key: Key) {
      self.deadline = deadline
      self.order = order
      self.key = key
    }

    @inlinable func isBefore(_ other: Entry) -> Bool {
      deadline == other.deadline ? order < other.order : deadline < other.deadline
    }
  }

  @usableFromInline var heap: [Entry] = []
  /// The order number of each living key's entry; entries of the heap that are not in here are cancelled.
  @usableFromInline var living: [Key: UInt64] = [:]
  @usableFromInline var nextOrder: UInt64 = 0

  @inlinable package init() {}

  /// How many timers are set.
  @inlinable package var count: Int { living.count }

  /// The soonest deadline, or nil if no timer is set.
  @inlinable package var nextDeadline: Instant? { heap.first?.deadline }

  /// True if `key` is set.
  @inlinable package func isSet(_ key: Key) -> Bool { living[key] != nil }

  /// Sets the timer `key` to fire at `deadline`, in place of an earlier deadline it may have.
  @inlinable package mutating func set(_ key: Key, at deadline: Instant) {
    nextOrder += 1
    living[key] = nextOrder
    heap.append(Entry(deadline: deadline, order: nextOrder, key: key))
    siftUp(heap.count - 1)
    // Cancelled entries lie in the heap until they come up; keep them from outgrowing the living ones.
    if heap.count > 64 && heap.count > 4 * living.count { rebuild() } else { dropCancelled() }
  }

  /// Takes back the timer `key`; nothing happens if it is not set.
  @inlinable package mutating func cancel(_ key: Key) {
    living[key] = nil
    dropCancelled()
  }

  /// The next key that is due at `now`, taken out of the queue; nil if none is.
  @inlinable package mutating func popDue(at now: Instant) -> Key? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    living[first.key] = nil
    dropCancelled()
    return first.key
  }

  @inlinable mutating func dropCancelled() {
    while let first = heap.first, living[first.key] != first.order { removeFirst() }
  }

  @inlinable mutating func rebuild() {
    let kept = heap.filter { living[$0.key] == $0.order }
    heap.removeAll(keepingCapacity: true)
    for entry in kept {
      heap.append(entry)
      siftUp(heap.count - 1)
    }
  }

  @inlinable mutating func removeFirst() {
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

  @inlinable mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }
}
