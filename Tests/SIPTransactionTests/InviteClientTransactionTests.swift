import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

@Suite struct InviteClientTransactionTests {
  static let states = [
    "Calling", "Cancelling", "Proceeding", "Cancelled", "Completed", "Accepted", "Forsaken", "Terminated",
  ]
  static let inputs = [
    "100", "180", "200", "302", "486", "A", "B", "D", "M", "timer-CANCEL", "timer-forsaken", "K", "transportError",
    "cancel",
  ]

  /// `Cancelling` is Calling with a CANCEL that waits; `Cancelled` is Proceeding with its CANCEL sent.
  static let path: [String: [String]] = [
    "Calling": [], "Cancelling": ["cancel"], "Proceeding": ["180"], "Cancelled": ["180", "cancel"],
    "Completed": ["486"], "Accepted": ["200"], "Forsaken": ["B"], "Terminated": ["B", "timer-forsaken"],
  ]

  static func name(_ machine: InviteClientTransaction) -> String {
    switch machine.state {
    case .calling: machine.cancellation == .none ? "Calling" : "Cancelling"
    case .proceeding: machine.cancellation == .none ? "Proceeding" : "Cancelled"
    case .completed: "Completed"
    case .accepted: "Accepted"
    case .forsaken: "Forsaken"
    case .terminated: "Terminated"
    }
  }

  static func react(isReliable: Bool, _ state: String, _ word: String) -> Reaction? {
    let now = Sample.moment(3)
    var (machine, _) = InviteClientTransaction.start(
      Sample.incoming(), isReliable: isReliable, timers: Sample.timers, at: now)
    guard let steps = path[state], let input = clientInput(word) else { return nil }
    for step in steps.compactMap({ clientInput($0) }) { _ = machine.handle(step, at: now) }
    guard name(machine) == state else { return nil }
    let actions = machine.handle(input, at: now)
    return Reaction(state: name(machine), actions: actions.map { brief($0, at: now) })
  }

  @Test func everyStateMeetsEveryInputOverUDP() {
    check(
      """
      Calling    | 100            | Proceeding | stop A, stop B, pass 100
      Calling    | 180            | Proceeding | stop A, stop B, pass 180
      Calling    | 200            | Accepted   | stop A, stop B, set M 32, pass 200
      Calling    | 302            | Completed  | stop A, stop B, send ACK, set D 32, pass 302
      Calling    | 486            | Completed  | stop A, stop B, send ACK, set D 32, pass 486
      Calling    | A              | Calling    | send INVITE, set A 1
      Calling    | B              | Forsaken   | stop A, timedOut, set forsaken 32
      Calling    | transportError | Terminated | transportError, terminated
      Calling    | cancel         | Cancelling | -
      Calling    | D M timer-CANCEL timer-forsaken K | Calling | -
      Cancelling | 100            | Cancelled  | stop A, stop B, pass 100, sendCancel, set CANCEL 32
      Cancelling | 180            | Cancelled  | stop A, stop B, pass 180, sendCancel, set CANCEL 32
      Cancelling | 200            | Accepted   | stop A, stop B, set M 32, pass 200
      Cancelling | 302            | Completed  | stop A, stop B, send ACK, set D 32, pass 302
      Cancelling | 486            | Completed  | stop A, stop B, send ACK, set D 32, pass 486
      Cancelling | A              | Cancelling | send INVITE, set A 1
      Cancelling | B              | Forsaken   | stop A, timedOut, set forsaken 32
      Cancelling | transportError | Terminated | transportError, terminated
      Cancelling | D M timer-CANCEL timer-forsaken K cancel | Cancelling | -
      Proceeding | 100            | Proceeding | pass 100
      Proceeding | 180            | Proceeding | pass 180
      Proceeding | 200            | Accepted   | set M 32, pass 200
      Proceeding | 302            | Completed  | send ACK, set D 32, pass 302
      Proceeding | 486            | Completed  | send ACK, set D 32, pass 486
      Proceeding | cancel         | Cancelled  | sendCancel, set CANCEL 32
      Proceeding | timer-CANCEL   | Terminated | timedOut, terminated
      Proceeding | A B D M timer-forsaken K transportError | Proceeding | -
      Cancelled  | 100            | Cancelled  | pass 100
      Cancelled  | 180            | Cancelled  | pass 180
      Cancelled  | 200            | Accepted   | stop CANCEL, set M 32, pass 200
      Cancelled  | 302            | Completed  | stop CANCEL, send ACK, set D 32, pass 302
      Cancelled  | 486            | Completed  | stop CANCEL, send ACK, set D 32, pass 486
      Cancelled  | timer-CANCEL   | Terminated | timedOut, terminated
      Cancelled  | A B D M timer-forsaken K transportError cancel | Cancelled | -
      Completed  | 200            | Completed  | passStray 200
      Completed  | 302 486        | Completed  | send ACK
      Completed  | D              | Terminated | terminated
      Completed  | transportError | Terminated | transportError, terminated
      Completed  | 100 180 A B M timer-CANCEL timer-forsaken K cancel | Completed | -
      Accepted   | 200            | Accepted   | pass 200
      Accepted   | M              | Terminated | terminated
      Accepted   | 100 180 302 486 A B D timer-CANCEL timer-forsaken K transportError cancel | Accepted | -
      Forsaken   | 100 180        | Cancelled  | stop forsaken, sendCancel, set CANCEL 32
      Forsaken   | 200            | Accepted   | stop forsaken, set M 32, pass 200
      Forsaken   | 302 486        | Completed  | stop forsaken, send ACK, set D 32
      Forsaken   | timer-forsaken transportError | Terminated | terminated
      Forsaken   | A B D M timer-CANCEL K cancel | Forsaken | -
      Terminated | 100 180 200 302 486 A B D M timer-CANCEL timer-forsaken K transportError cancel | Terminated | -
      """, states: Self.states, inputs: Self.inputs
    ) { Self.react(isReliable: false, $0, $1) }
  }

  @Test func overTCPTheFinalResponseEndsIt() {
    check(
      """
      Calling    | 200 | Accepted   | stop A, stop B, set M 32, pass 200
      Calling    | 486 | Terminated | stop A, stop B, send ACK, pass 486, terminated
      Proceeding | 200 | Accepted   | set M 32, pass 200
      Proceeding | 486 | Terminated | send ACK, pass 486, terminated
      Cancelled  | 486 | Terminated | stop CANCEL, send ACK, pass 486, terminated
      """, states: ["Calling", "Proceeding"], inputs: ["200", "486"]
    ) { Self.react(isReliable: true, $0, $1) }
  }

  @Test(arguments: [false, true]) func beginsBySendingTheInvite(isReliable: Bool) {
    let now = Sample.moment(0)
    let (machine, actions) = InviteClientTransaction.start(
      Sample.incoming(), isReliable: isReliable, timers: Sample.timers, at: now)
    #expect(machine.state == .calling(interval: .milliseconds(500)))
    #expect(
      actions.map { brief($0, at: now) }
        == (isReliable ? ["send INVITE", "set B 32"] : ["send INVITE", "set A 0.5", "set B 32"]))
  }

  @Test func theAckIsBuiltOfInviteAndResponse() throws {
    var invite = Sample.incoming(parameters: "")
    invite.headers.add("Route", "<sip:proxy.example.com;lr>")
    invite.headers.add("Route", "<sip:second.example.com;lr>")
    invite.headers.add("Contact", "<sip:799@192.0.2.1>")
    invite.headers.add("Content-Type", "application/sdp")
    invite.body = Array("v=0\r\n".utf8)
    var (machine, _) = InviteClientTransaction.start(
      invite, isReliable: false, timers: Sample.timers, at: Sample.moment(0))
    let actions = machine.handle(.response(invite.response(486, toTag: "busy")), at: Sample.moment(1))
    guard case .completed(let ack) = machine.state else {
      Issue.record("not completed")
      return
    }
    #expect(actions.contains(.send(ack)))
    #expect(ack.method == .ack)
    #expect(ack.uri == invite.uri)
    #expect(ack.body.isEmpty)
    #expect(
      ack.headers.fields.map { "\($0.name): \($0.value)" } == [
        "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8", "Max-Forwards: 70",
        "Route: <sip:proxy.example.com;lr>", "Route: <sip:second.example.com;lr>",
        "From: <sip:799@192.0.2.1>;tag=1928301774", "To: <sip:731@198.51.100.7>;tag=busy", "Call-ID: a84b4c76e66710",
        "CSeq: 1 ACK",
      ])
  }

  @Test func theCancelIsBuiltOfTheInvite() throws {
    var invite = Sample.incoming(parameters: "", number: 4711, toTag: "dialog")
    invite.headers.add("Via", "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKbelow")
    invite.headers.add("Route", "<sip:proxy.example.com;lr>")
    invite.headers.add("Require", "timer")
    var (machine, _) = InviteClientTransaction.start(
      invite, isReliable: false, timers: Sample.timers, at: Sample.moment(0))
    _ = machine.handle(.response(invite.response(180, toTag: nil)), at: Sample.moment(1))
    let actions = machine.handle(.cancel(reason: "SIP;cause=200"), at: Sample.moment(2))
    guard case .sendCancel(let cancel) = try #require(actions.first) else {
      Issue.record("no CANCEL")
      return
    }
    #expect(cancel.method == .cancel)
    #expect(cancel.uri == invite.uri)
    #expect(
      cancel.headers.fields.map { "\($0.name): \($0.value)" } == [
        "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8", "Max-Forwards: 70",
        "Route: <sip:proxy.example.com;lr>", "From: <sip:799@192.0.2.1>;tag=1928301774",
        "To: <sip:731@198.51.100.7>;tag=dialog", "Call-ID: a84b4c76e66710", "CSeq: 4711 CANCEL",
        "Reason: SIP;cause=200",
      ])
  }
}
