import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

@Suite struct InviteServerTransactionTests {
  static let states = ["Proceeding", "Answering", "Completed", "Confirmed", "Accepted", "Terminated"]
  static let inputs = ["180", "200", "486", "again", "ACK", "timer-100", "G", "H", "I", "L", "J", "transportError"]
  /// `Answering` is Proceeding with a provisional response sent.
  static let path: [String: [String]] = [
    "Proceeding": [], "Answering": ["183"], "Completed": ["404"], "Confirmed": ["404", "ACK"], "Accepted": ["200"],
    "Terminated": ["404", "H"],
  ]

  static func name(_ machine: InviteServerTransaction) -> String {
    switch machine.state {
    case .proceeding(let last): last == nil ? "Proceeding" : "Answering"
    case .completed: "Completed"
    case .confirmed: "Confirmed"
    case .accepted: "Accepted"
    case .terminated: "Terminated"
    }
  }

  static func react(isReliable: Bool, _ state: String, _ word: String) -> Reaction? {
    let now = Sample.moment(3)
    var (machine, _) = InviteServerTransaction.start(
      Sample.incoming(), isReliable: isReliable, timers: Sample.timers, at: now)
    guard let steps = path[state], let input = serverInput(word) else { return nil }
    for step in steps.compactMap({ serverInput($0) }) { _ = machine.handle(step, at: now) }
    guard name(machine) == state else { return nil }
    let actions = machine.handle(input, at: now)
    return Reaction(state: name(machine), actions: actions.map { brief($0, at: now) })
  }

  @Test func everyStateMeetsEveryInputOverUDP() {
    check(
      """
      Proceeding | 180            | Answering  | stop 100, send 180
      Proceeding | 200            | Accepted   | stop 100, send 200, set L 32
      Proceeding | 486            | Completed  | stop 100, send 486, set G 0.5, set H 32
      Proceeding | timer-100      | Answering  | send 100
      Proceeding | transportError | Proceeding | transportError
      Proceeding | again ACK G H I L J | Proceeding | -
      Answering  | 180            | Answering  | stop 100, send 180
      Answering  | 200            | Accepted   | stop 100, send 200, set L 32
      Answering  | 486            | Completed  | stop 100, send 486, set G 0.5, set H 32
      Answering  | again          | Answering  | send 183
      Answering  | timer-100      | Answering  | -
      Answering  | transportError | Answering  | transportError
      Answering  | ACK G H I L J  | Answering  | -
      Completed  | again          | Completed  | send 404
      Completed  | ACK            | Confirmed  | stop G, stop H, set I 5
      Completed  | G              | Completed  | send 404, set G 1
      Completed  | H              | Terminated | ackMissing, terminated
      Completed  | transportError | Completed  | transportError
      Completed  | 180 200 486 timer-100 I L J | Completed | -
      Confirmed  | I              | Terminated | terminated
      Confirmed  | 180 200 486 again ACK timer-100 G H L J transportError | Confirmed | -
      Accepted   | 200            | Accepted   | send 200
      Accepted   | ACK            | Accepted   | passACK
      Accepted   | L              | Terminated | terminated
      Accepted   | transportError | Accepted   | transportError
      Accepted   | 180 486 again timer-100 G H I J | Accepted | -
      Terminated | 180 200 486 again ACK timer-100 G H I L J transportError | Terminated | -
      """, states: Self.states, inputs: Self.inputs
    ) { Self.react(isReliable: false, $0, $1) }
  }

  @Test func overTCPNothingIsRepeatedAndTheAckEndsIt() {
    check(
      """
      Proceeding | 486 | Completed  | stop 100, send 486, set H 32
      Proceeding | 200 | Accepted   | stop 100, send 200, set L 32
      Completed  | ACK | Terminated | stop H, terminated
      """, states: [], inputs: []
    ) { Self.react(isReliable: true, $0, $1) }
  }

  @Test func beginsWithTheTimerOf100() {
    let now = Sample.moment(0)
    let (machine, actions) = InviteServerTransaction.start(
      Sample.incoming(), isReliable: false, timers: Sample.timers, at: now)
    #expect(machine.state == .proceeding(last: nil))
    #expect(actions.map { brief($0, at: now) } == ["set 100 0.2"])
  }

  @Test func theAutomatic100HasNoToTag() throws {
    var invite = Sample.incoming()
    invite.headers.add("Timestamp", "54")
    var (machine, _) = InviteServerTransaction.start(
      invite, isReliable: false, timers: Sample.timers, at: Sample.moment(0))
    guard case .send(let response) = try #require(machine.handle(.timer(.trying), at: Sample.moment(0.2)).first) else {
      Issue.record("nothing sent")
      return
    }
    #expect(response.status == 100)
    #expect(try response.headers.to().tag == nil)
    #expect(response.headers["Timestamp"] == "54")
    #expect(machine.state == .proceeding(last: response))
  }
}
