import Synchronization

/// A place for an owner who is made after those who must reach him; it does not keep him alive.
final class LateBound<Owner: AnyObject & Sendable>: Sendable {
  private struct Held: Sendable {
    weak var owner: Owner?
  }

  private let held = Mutex(Held())

  var value: Owner? {
    get { held.withLock { $0.owner } }
    set { held.withLock { $0.owner = newValue } }
  }
}
