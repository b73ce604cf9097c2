import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

@Suite struct NonInviteServerTransactionTests {
  static let states = ["Trying", "Proceeding", "Completed", "Terminated"]
  static let inputs = ["100", "200", "404", "again", "ACK", "J", "timer-unanswered", "G", "transportError"]
  static let path: [String: [String]] = [
    "Trying": [], "Proceeding": ["100"], "Completed": ["403"], "Terminated": ["403", "J"],
  ]

  static func name(_ machine: NonInviteServerTransaction) -> String {
    switch machine.state {
    case .trying: "Trying"
    case .proceeding: "Proceeding"
    case .completed: "Completed"
    case .terminated: "Terminated"
    }
  }

  static func react(isReliable: Bool, _ state: String, _ word: String) -> Reaction? {
    let now = Sample.moment(3)
    var (machine, _) = NonInviteServerTransaction.start(
      Sample.incoming(.options), isReliable: isReliable, timers: Sample.timers, at: now)
    guard let steps = path[state], let input = serverInput(word) else { return nil }
    for step in steps.compactMap({ serverInput($0) }) { _ = machine.handle(step, at: now) }
    guard name(machine) == state else { return nil }
    let actions = machine.handle(input, at: now)
    return Reaction(state: name(machine), actions: actions.map { brief($0, at: now) })
  }

  @Test func everyStateMeetsEveryInputOverUDP() {
    check(
      """
      Trying     | 100              | Proceeding | send 100
      Trying     | 200              | Completed  | stop unanswered, send 200, set J 32
      Trying     | 404              | Completed  | stop unanswered, send 404, set J 32
      Trying     | timer-unanswered | Terminated | terminated
      Trying     | again ACK J G transportError | Trying | -
      Proceeding | 100              | Proceeding | send 100
      Proceeding | 200              | Completed  | stop unanswered, send 200, set J 32
      Proceeding | 404              | Completed  | stop unanswered, send 404, set J 32
      Proceeding | again            | Proceeding | send 100
      Proceeding | timer-unanswered | Terminated | terminated
      Proceeding | transportError   | Terminated | transportError, terminated
      Proceeding | ACK J G          | Proceeding | -
      Completed  | again            | Completed  | send 403
      Completed  | J                | Terminated | terminated
      Completed  | transportError   | Terminated | transportError, terminated
      Completed  | 100 200 404 ACK timer-unanswered G | Completed | -
      Terminated | 100 200 404 again ACK J timer-unanswered G transportError | Terminated | -
      """, states: Self.states, inputs: Self.inputs
    ) { Self.react(isReliable: false, $0, $1) }
  }

  @Test func overTCPTheFinalResponseEndsIt() {
    check(
      """
      Trying     | 200 | Terminated | stop unanswered, send 200, terminated
      Proceeding | 404 | Terminated | stop unanswered, send 404, terminated
      """, states: [], inputs: []
    ) { Self.react(isReliable: true, $0, $1) }
  }
}
