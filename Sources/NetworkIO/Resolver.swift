import Glibc
import Synchronization
package import Telephony

/// Looks up host names on a thread of its own, so that a dead name server never holds up a call.
package final class Resolver: Sendable {
  private struct Question: Sendable {
    var question: NameQuestion
    var families: AddressFamilies
    var answer: @Sendable (NameAnswer) -> Void
  }

  private struct State: Sendable {
    var questions: [Question] = []
    var isRunning = false
  }

  private let state = Mutex(State())
  private let lookup: NameLookup
  private let random: RandomSource

  /// - Parameter random: for the choice among machines of one priority.
  package init(_ lookup: NameLookup = NameLookup(), random: RandomSource) {
    self.lookup = lookup
    self.random = random
  }

  /// How many questions may wait.
  package static let capacity = 256

  /// Asks the name service; `answer` is called once, on the resolver's thread.
  ///
  /// A name server that hangs must not let questions pile up: when too many wait, this one has failed, at once and on the
  /// caller's thread.
  package func resolve(
    _ question: NameQuestion, _ families: AddressFamilies = AddressFamilies(),
    answer: @escaping @Sendable (NameAnswer) -> Void
  ) {
    let (isTaken, mustStart) = state.withLock { state in
      guard state.questions.count < Self.capacity else { return (false, false) }
      state.questions.append(Question(question: question, families: families, answer: answer))
      defer { state.isRunning = true }
      return (true, !state.isRunning)
    }
    guard isTaken else { return answer(NameAnswer(.failed, life: NameLookup.lifeOfFailure)) }
    if mustStart { start() }
  }

  private func start() {
    var thread = pthread_t()
    // Its initialiser belongs to whichever module of C imports it first.
    let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
    defer { attributes.deallocate() }
    pthread_attr_init(attributes)
    pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(attributes, 256 * 1024)
    let context = Unmanaged.passRetained(self).toOpaque()
    if pthread_create(&thread, attributes, resolverThread, context) != 0 {
      Unmanaged<Resolver>.fromOpaque(context).release()
      let unanswered = state.withLock { state in
        defer { state = State() }
        return state.questions
      }
      for question in unanswered { question.answer(NameAnswer(.failed, life: NameLookup.lifeOfFailure)) }
    }
    pthread_attr_destroy(attributes)
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
      question.answer(lookup.answer(question.question, question.families, random: random))
    }
  }
}

/// A thread's entry must be a top-level function: a closure may be inferred to belong to the main actor.
private func resolverThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Resolver>.fromOpaque(context).takeRetainedValue().work()
  return nil
}
