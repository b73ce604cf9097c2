import CLinux
import Glibc
import Synchronization

/// The way from the event loop to the RTP thread, and the table of free leg slots, which both use.
final class CommandExchange: Sendable {
  enum Order: Sendable {
    case open(Leg, MediaSockets)
    case perform(EngineCommand)
    case end
  }

  private struct State {
    var orders: [Order] = []
    var isRunning = false
    var freeSlots: [UInt32]
    var generation: UInt32 = 0
  }

  /// An eventfd that is readable while orders wait.
  let wakeDescriptor: Int32
  private let state: Mutex<State>

  init?(maxLegs: Int) {
    wakeDescriptor = eventfd(0, linux_eventfd_flags)
    guard wakeDescriptor >= 0 else { return nil }
    state = Mutex(State(freeSlots: (0..<UInt32(maxLegs)).reversed()))
  }

  deinit { close(wakeDescriptor) }

  func begin() { state.withLock { $0.isRunning = true } }

  /// Reserves a slot and orders the leg to be opened.
  func open(_ sockets: MediaSockets) throws(MediaEngine.Refusal) -> Leg {
    let result: Result<(Leg, wakes: Bool), MediaEngine.Refusal> = state.withLock { state in
      guard state.isRunning else { return .failure(.notRunning) }
      guard let slot = state.freeSlots.popLast() else { return .failure(.tooManyLegs) }
      state.generation = state.generation == .max ? 1 : state.generation + 1
      let leg = Leg(slot: slot, generation: state.generation)
      state.orders.append(.open(leg, sockets))
      return .success((leg, state.orders.count == 1))
    }
    let (leg, wakes) = try result.get()
    if wakes { linux_wake(wakeDescriptor) }
    return leg
  }

  /// Orders `command`; after the end it is forgotten.
  func send(_ order: Order) {
    let wakes = state.withLock { state in
      guard state.isRunning else { return false }
      if case .end = order { state.isRunning = false }
      state.orders.append(order)
      return state.orders.count == 1
    }
    if wakes { linux_wake(wakeDescriptor) }
  }

  /// All orders that wait, in their order.
  func take() -> [Order] {
    state.withLock { state in
      var orders: [Order] = []
      swap(&orders, &state.orders)
      return orders
    }
  }

  /// The leg's state is gone.
  func slotIsFree(_ leg: Leg) { state.withLock { $0.freeSlots.append(leg.slot) } }
}
