import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

@Suite struct NonInviteClientTransactionTests {
  static let states = ["Trying", "Proceeding", "Completed", "Terminated"]
  static let inputs = ["100", "200", "302", "481", "E", "F", "K", "A", "transportError", "cancel"]
  static let path: [String: [String]] = [
    "Trying": [], "Proceeding": ["100"], "Completed": ["200"], "Terminated": ["F"],
  ]

  static func name(_ machine: NonInviteClientTransaction) -> String {
    switch machine.state {
    case .trying: "Trying"
    case .proceeding: "Proceeding"
    case .completed: "Completed"
    case .terminated: "Terminated"
    }
  }

  static func react(isReliable: Bool, _ state: String, _ word: String) -> Reaction? {
    let now = Sample.moment(3)
    var (machine, _) = NonInviteClientTransaction.start(
      Sample.incoming(.bye), isReliable: isReliable, timers: Sample.timers, at: now)
    guard let steps = path[state], let input = clientInput(word) else { return nil }
    for step in steps.compactMap({ clientInput($0) }) { _ = machine.handle(step, at: now) }
    guard name(machine) == state else { return nil }
    let actions = machine.handle(input, at: now)
    return Reaction(state: name(machine), actions: actions.map { brief($0, at: now) })
  }

  @Test func everyStateMeetsEveryInputOverUDP() {
    check(
      """
      Trying     | 100            | Proceeding | pass 100
      Trying     | 200            | Completed  | stop E, stop F, pass 200, set K 5
      Trying     | 302            | Completed  | stop E, stop F, pass 302, set K 5
      Trying     | 481            | Completed  | stop E, stop F, pass 481, set K 5
      Trying     | E              | Trying     | send BYE, set E 1
      Trying     | F              | Terminated | timedOut, terminated
      Trying     | transportError | Terminated | transportError, terminated
      Trying     | K A cancel     | Trying     | -
      Proceeding | 100            | Proceeding | pass 100
      Proceeding | 200            | Completed  | stop E, stop F, pass 200, set K 5
      Proceeding | 302            | Completed  | stop E, stop F, pass 302, set K 5
      Proceeding | 481            | Completed  | stop E, stop F, pass 481, set K 5
      Proceeding | E              | Proceeding | send BYE, set E 4
      Proceeding | F              | Terminated | timedOut, terminated
      Proceeding | transportError | Terminated | transportError, terminated
      Proceeding | K A cancel     | Proceeding | -
      Completed  | K              | Terminated | terminated
      Completed  | 100 200 302 481 E F A transportError cancel | Completed | -
      Terminated | 100 200 302 481 E F K A transportError cancel | Terminated | -
      """, states: Self.states, inputs: Self.inputs
    ) { Self.react(isReliable: false, $0, $1) }
  }

  @Test func overTCPTheFinalResponseEndsIt() {
    check(
      """
      Trying     | 200 | Terminated | stop E, stop F, pass 200, terminated
      Trying     | 481 | Terminated | stop E, stop F, pass 481, terminated
      Proceeding | 200 | Terminated | stop E, stop F, pass 200, terminated
      Proceeding | 481 | Terminated | stop E, stop F, pass 481, terminated
      """, states: ["Trying", "Proceeding"], inputs: ["200", "481"]
    ) { Self.react(isReliable: true, $0, $1) }
  }

  @Test(arguments: [false, true]) func beginsBySendingTheRequest(isReliable: Bool) {
    let now = Sample.moment(0)
    let (machine, actions) = NonInviteClientTransaction.start(
      Sample.incoming(.bye), isReliable: isReliable, timers: Sample.timers, at: now)
    #expect(machine.state == .trying(interval: .milliseconds(500)))
    #expect(
      actions.map { brief($0, at: now) }
        == (isReliable ? ["send BYE", "set F 32"] : ["send BYE", "set E 0.5", "set F 32"]))
  }
}
