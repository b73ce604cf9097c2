/// Everything that has been seen so far, and a way to wait until something has been seen.
package actor Observations<Event: Sendable> {
  /// What was waited for did not come.
  package struct Missing: Error, CustomStringConvertible {
    package let what: String
    package let waited: Duration
    package let seen: [String]
    package var description: String {
      "waited \(waited) for: \(what); seen:\n  " + seen.joined(separator: "\n  ")
    }
  }

  private struct Waiter {
    var id: Int
    var matches: @Sendable (Event) -> Bool
    var continuation: CheckedContinuation<Event?, Never>
  }

  package private(set) var all: [Event] = []
  private var waiters: [Waiter] = []
  private var nextWaiter = 0

  package init() {}

  /// Something has been seen.
  package func saw(_ event: Event) {
    all.append(event)
    let met = waiters.filter { $0.matches(event) }
    waiters.removeAll { waiter in met.contains { $0.id == waiter.id } }
    for waiter in met { waiter.continuation.resume(returning: event) }
  }

  /// The first event, past or future, that matches.
  /// - Parameter what: for the error, in words.
  package func first(
    _ what: String, within limit: Duration, where matches: @escaping @Sendable (Event) -> Bool
  ) async throws -> Event {
    if let event = all.first(where: matches) { return event }
    let id = nextWaiter
    nextWaiter += 1
    let timeout = Task {
      try? await Task.sleep(for: limit)
      self.giveUp(id)
    }
    defer { timeout.cancel() }
    let found = await withCheckedContinuation { continuation in
      waiters.append(Waiter(id: id, matches: matches, continuation: continuation))
    }
    guard let found else { throw Missing(what: what, waited: limit, seen: all.map { "\($0)" }) }
    return found
  }

  private func giveUp(_ id: Int) {
    guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
    waiters.remove(at: index).continuation.resume(returning: nil)
  }
}
