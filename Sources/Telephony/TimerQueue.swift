/// Deadlines by key, soonest first: how the pure core keeps its timers and tells the shell when to wake it.
///
/// Setting a key again replaces its deadline. Equal deadlines come out in the order in which they were set.
package struct TimerQueue<Key: Hashable & Sendable>: Sendable {
  private var heap = DeadlineHeap()
  private var slots: [Key: Int] = [:]
  /// The key of each slot; nil where the slot is free.
  private var keys: [Key?] = []
  private var freeSlots: [Int] = []

  package init() {}

  /// How many timers are set.
  package var count: Int { slots.count }

  /// The soonest deadline, or nil if no timer is set.
  package var nextDeadline: Instant? { heap.nextDeadline }

  /// True if `key` is set.
  package func isSet(_ key: Key) -> Bool { slots[key] != nil }

  /// Sets the timer `key` to fire at `deadline`, in place of an earlier deadline it may have.
  package mutating func set(_ key: Key, at deadline: Instant) {
    heap.set(slots[key] ?? newSlot(key), at: deadline)
  }

  /// Takes back the timer `key`; nothing happens if it is not set.
  package mutating func cancel(_ key: Key) {
    guard let slot = slots.removeValue(forKey: key) else { return }
    heap.cancel(slot)
    free(slot)
  }

  /// The next key that is due at `now`, taken out of the queue; nil if none is.
  package mutating func popDue(at now: Instant) -> Key? {
    guard let slot = heap.popDue(at: now), let key = keys[slot] else { return nil }
    slots[key] = nil
    free(slot)
    return key
  }

  private mutating func newSlot(_ key: Key) -> Int {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      keys[slot] = key
    } else {
      slot = keys.count
      keys.append(key)
    }
    slots[key] = slot
    return slot
  }

  private mutating func free(_ slot: Int) {
    keys[slot] = nil
    freeSlots.append(slot)
    if keys.count > Self.worthShrinking, slots.count < keys.count / 16 { shrink() }
  }

  /// Fewer slots than this are not given back.
  private static var worthShrinking: Int { 512 }

  /// Gives back what a rush has needed.
  private mutating func shrink() {
    var small = TimerQueue()
    for (slot, deadline) in heap.inOrder {
      if let key = keys[slot] { small.set(key, at: deadline) }
    }
    self = small
  }
}

/// The deadlines of a ``TimerQueue`` by slot. It knows no keys, since generic code is not specialised across modules with
/// `package` access, and this is the part that works.
private struct DeadlineHeap: Sendable {
  private struct Entry: Sendable {
    var deadline: Instant
    var order: UInt64
    var slot: Int
    func isBefore(_ other: Entry) -> Bool {
      deadline == other.deadline ? order < other.order : deadline < other.deadline
    }
  }

  private var entries: [Entry] = []
  /// The order number of each slot's living entry, 0 if it has none; an entry with another number is cancelled.
  private var living: [UInt64] = []
  private var livingCount = 0
  private var lastOrder: UInt64 = 0

  var nextDeadline: Instant? { entries.first?.deadline }

  /// What is set, in the order in which it was.
  var inOrder: [(slot: Int, deadline: Instant)] {
    entries.filter { living[$0.slot] == $0.order }.sorted { $0.order < $1.order }.map { ($0.slot, $0.deadline) }
  }

  mutating func set(_ slot: Int, at deadline: Instant) {
    while living.count <= slot { living.append(0) }
    if living[slot] == 0 { livingCount += 1 }
    lastOrder += 1
    living[slot] = lastOrder
    entries.append(Entry(deadline: deadline, order: lastOrder, slot: slot))
    siftUp(entries.count - 1)
    // Cancelled entries lie in the heap until they come up; keep them from outgrowing the living ones.
    if entries.count > 64 && entries.count > 4 * livingCount { rebuild() } else { dropCancelled() }
  }

  mutating func cancel(_ slot: Int) {
    living[slot] = 0
    livingCount -= 1
    dropCancelled()
  }

  mutating func popDue(at now: Instant) -> Int? {
    guard let first = entries.first, first.deadline <= now else { return nil }
    cancel(first.slot)
    return first.slot
  }

  private mutating func dropCancelled() {
    while let first = entries.first, living[first.slot] != first.order { removeFirst() }
  }

  private mutating func rebuild() {
    let kept = entries.filter { living[$0.slot] == $0.order }
    entries.removeAll(keepingCapacity: true)
    for entry in kept {
      entries.append(entry)
      siftUp(entries.count - 1)
    }
  }

  private mutating func removeFirst() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    var parent = 0
    while true {
      var smallest = parent
      let children = 2 * parent + 1..<max(min(2 * parent + 3, entries.count), 2 * parent + 1)
      for child in children where entries[child].isBefore(entries[smallest]) { smallest = child }
      if smallest == parent { return }
      entries.swapAt(parent, smallest)
      parent = smallest
    }
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0, entries[child].isBefore(entries[(child - 1) / 2]) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }
}
