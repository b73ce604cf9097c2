import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// What the CDR says of each kind of call: one line each.
@Suite struct CDRStories {
  /// One call, and its line.
  struct Kind: Sendable, CustomTestStringConvertible {
    var name: String
    var changes: [String: String?] = [:]
    var script: @Sendable (Scene) -> Void
    var origin = "GW14"
    var dialled = "720"
    var caller = "03472619287"
    var answered = ""
    var isAnswered = false
    var cause: UInt8
    var hasTicket = false
    var testDescription: String { name }
  }

  private static func dial(_ scene: Scene, _ number: String) { scene.at(.zero) { $0.caller.call(number) } }

  static let kinds: [Kind] = [
    Kind(
      name: "gives up in the queue",
      script: { scene in
        dial(scene, "720")
        scene.at(.seconds(2)) { $0.caller.hangUp() }
      }, cause: 16),
    Kind(name: "says nothing in the queue", script: { dial($0, "720") }, cause: 16),
    Kind(
      name: "a plain number that answers",
      script: { scene in
        scene.pbx.plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
        dial(scene, "720")
        scene.callerPresses("2", at: .seconds(1))
      }, answered: "700", isAnswered: true, cause: 16),
    Kind(
      name: "a plain number that is busy",
      script: { scene in
        scene.pbx.plan = { _ in .refuses(486) }
        dial(scene, "720")
        scene.callerPresses("2", at: .seconds(1))
      }, cause: 17),
    Kind(
      name: "a plain number that does not answer",
      script: { scene in
        dial(scene, "720")
        scene.callerPresses("2", at: .seconds(1))
      }, cause: 19),
    Kind(
      name: "a technician answers and hangs up",
      script: { scene in
        scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
        dial(scene, "799%2A731")
      }, dialled: "799*731", answered: "732", isAnswered: true, cause: 16, hasTicket: true),
    Kind(
      name: "a fork answers: the internal number stands there",
      changes: ["732/Fork.txt": "3482619288"],
      script: { scene in
        scene.mobile.plan = { _ in .answers(after: .seconds(1), keys: [(.seconds(2), "1")], hangsUpAfter: .seconds(9)) }
        dial(scene, "799*731")
      }, dialled: "799*731", answered: "732", isAnswered: true, cause: 16, hasTicket: true),
    Kind(
      name: "the caller hangs up after the answer",
      script: { scene in
        scene[732].plan = { _ in .answers(after: .seconds(1)) }
        dial(scene, "799*731")
        scene.at(.seconds(9)) { $0.caller.hangUp() }
      }, dialled: "799*731", answered: "732", isAnswered: true, cause: 16, hasTicket: true),
    Kind(
      name: "the caller gives up while it rings",
      script: { scene in
        dial(scene, "799*731")
        scene.at(.seconds(9)) { $0.caller.hangUp() }
      }, dialled: "799*731", cause: 16, hasTicket: true),
    Kind(
      name: "the chain ends", changes: ["732/CFNR.txt": nil], script: { dial($0, "799*731") }, dialled: "799*731",
      cause: 19, hasTicket: true),
    Kind(
      name: "busy at the end", changes: ["732/CFNR.txt": nil],
      script: { scene in
        scene[732].plan = { _ in .refuses(486) }
        dial(scene, "799*731")
      }, dialled: "799*731", cause: 17, hasTicket: true),
    Kind(
      name: "MaxDuration", changes: ["MaxDuration.txt": "60"], script: { dial($0, "799733") }, dialled: "799733",
      cause: 19, hasTicket: true),
    Kind(
      name: "a user calls for help",
      script: { scene in
        scene[733].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
        scene.at(.zero) { $0[731].call("799733", from: "731", password: "secret731") }
      }, origin: "internal", dialled: "799733", caller: "731", answered: "733", isAnswered: true, cause: 16,
      hasTicket: true),
    Kind(
      name: "a user calls a user",
      script: { scene in
        scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
        scene.at(.zero) { $0[731].call("732", from: "731", password: "secret731") }
      }, origin: "internal", dialled: "732", caller: "731", answered: "732", isAnswered: true, cause: 16),
    Kind(
      name: "a user calls a ticket's caller back",
      script: { scene in
        scene.shell.take(.recentCallers([RecentCaller(number: "0347", at: scene.network.now.wall)]))
        scene.mobile.plan = { _ in .answers(after: .seconds(1)) }
        scene.at(.zero) { $0[731].call("0347", from: "731", password: "secret731") }
        scene.at(.seconds(8)) { $0[731].hangUp() }
      }, origin: "internal", dialled: "0347", caller: "731", answered: "0347", isAnswered: true, cause: 16),
    Kind(
      name: "a caller who withholds his number",
      script: { scene in
        scene.at(.zero) { $0.caller.call("720", headers: [("Privacy", "id")]) }
        scene.at(.seconds(2)) { $0.caller.hangUp() }
      }, caller: "anonymous", cause: 16),
    Kind(
      name: "a peer that names its own cause",
      script: { scene in
        scene[732].plan = { _ in .answers(after: .seconds(1)) }
        dial(scene, "799*731")
        scene.at(.seconds(9)) { $0.caller.hangUp(cause: .normalUnspecified) }
      }, dialled: "799*731", answered: "732", isAnswered: true, cause: 31, hasTicket: true),
  ]

  @Test(arguments: kinds) func `its line`(kind: Kind) throws {
    let scene = try Scene(kind.changes)
    kind.script(scene)
    try scene.run(until: .seconds(250))
    let detail = try scene.ending().detail
    #expect(detail.origin == kind.origin)
    #expect(detail.dialled == kind.dialled)
    #expect(detail.caller.text == kind.caller)
    #expect(detail.answeredExtension == kind.answered)
    #expect((detail.answer != nil) == kind.isAnswered)
    #expect(detail.cause.rawValue == kind.cause)
    #expect((detail.ticket != nil) == kind.hasTicket)
    #expect(detail.ring <= detail.answer ?? detail.hangUp && detail.answer ?? detail.ring <= detail.hangUp)
    try scene.expectClean()
  }
}
