import Glibc
import Synchronization
package import Telephony

/// Looks up host names on a thread of its own, so that a dead name server never holds up a call.
package final class Resolver: Sendable {
  private struct Question: Sendable {
    var name: String
    var answer: @Sendable ([IPAddress]) -> Void
  }

  private struct State: Sendable {
    var questions: [Question] = []
    var isRunning = false
  }

  private let state = Mutex(State())

  package init() {}

  /// How many questions may wait.
  package static let capacity = 256

  /// Asks for the addresses of `name`; `answer` is called once, on the resolver's thread, with none if the name is
  /// unknown.
  ///
  /// A name server that hangs must not let questions pile up: when too many wait, the answer is none, at once and on the
  /// caller's thread.
  package func resolve(_ name: String, answer: @escaping @Sendable ([IPAddress]) -> Void) {
    let (isTaken, mustStart) = state.withLock { state in
      guard state.questions.count < Self.capacity else { return (false, false) }
      state.questions.append(Question(name: name, answer: answer))
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard isTaken else { return answer([]) }
    if mustStart { start() }
  }

  private func start() {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 256 * 1024)
    let context = Unmanaged.passRetained(self).toOpaque()
    if pthread_create(&thread, &attributes, resolverThread, context) != 0 {
      Unmanaged<Resolver>.fromOpaque(context).release()
      let unanswered = state.withLock { state in
        defer { state = State() }
        return state.questions
      }
      for question in unanswered { question.answer([]) }
    }
    pthread_attr_destroy(&attributes)
  }

  /// Answers what has been asked and ends when nothing is left.
  fileprivate func work() {
    while true {
      let question = state.withLock { state -> Question? in
        guard !state.questions.isEmpty else {
          state.isRunning = false
          return nil
        }
        return state.questions.removeFirst()
      }
      guard let question else { return }
      question.answer(addresses(of: question.name))
    }
  }
}

/// A thread's entry must be a top-level function: a closure may be inferred to belong to the main actor.
private func resolverThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Resolver>.fromOpaque(context).takeRetainedValue().work()
  return nil
}

private func addresses(of name: String) -> [IPAddress] {
  var hints = addrinfo()
  hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
  var list: UnsafeMutablePointer<addrinfo>?
  guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
  defer { freeaddrinfo(list) }
  var found: [IPAddress] = []
  var entry = list
  while let current = entry?.pointee {
    if let address = current.ai_addr {
      let storage = sockaddr_storage(address, length: Int(current.ai_addrlen))
      if let ip = IPAddress(storage), !found.contains(ip) { found.append(ip) }
    }
    entry = current.ai_next
  }
  return found
}
