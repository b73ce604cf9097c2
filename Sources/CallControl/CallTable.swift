import Telephony

/// The calls, and when each has something to do by itself: with hundreds of them, nobody may look at all for each message.
struct CallTable: Sendable, Sequence {
  private var all: [CallID: Call] = [:]
  /// Those that may have changed since `settle`.
  private var touched: Set<CallID> = []
  private var deadlines = TimerQueue<CallID>()

  subscript(id: CallID) -> Call? {
    get { all[id] }
    _modify {
      touched.insert(id)
      yield &all[id]
    }
  }

  @discardableResult mutating func removeValue(forKey id: CallID) -> Call? {
    touched.insert(id)
    return all.removeValue(forKey: id)
  }

  var keys: Dictionary<CallID, Call>.Keys { all.keys }
  var values: Dictionary<CallID, Call>.Values { all.values }
  func makeIterator() -> Dictionary<CallID, Call>.Iterator { all.makeIterator() }
  var isEmpty: Bool { all.isEmpty }
  var count: Int { all.count }

  /// The soonest deadline of a call, as `settle` found it.
  var nextDeadline: Instant? { deadlines.nextDeadline }

  /// The calls whose deadline has come, oldest first; what is still due afterwards comes again.
  mutating func due(at now: Instant) -> [CallID] {
    var ids: [CallID] = []
    while let id = deadlines.popDue(at: now) { ids.append(id) }
    touched.formUnion(ids)
    return ids.sorted()
  }

  /// Takes over the deadlines of the calls that have changed: at the end of each step.
  mutating func settle() {
    // In order, so that what falls due at once does so in the same order each time.
    for id in touched.sorted() {
      if let deadline = all[id]?.nextDeadline { deadlines.set(id, at: deadline) } else { deadlines.cancel(id) }
    }
    touched.removeAll(keepingCapacity: true)
    // Tables do not shrink by themselves: after a rush, the empty ones give back their memory.
    if all.isEmpty, all.capacity > 64 { (all, touched) = ([:], []) }
  }
}
