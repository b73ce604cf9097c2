import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// What the original's description tells, as message ladders; those of one hop stand in `HuntStories`, the queue's in
/// `QueueStories`.
@Suite struct SeedStories {
  /// The users who were rung, hop by hop.
  private func hops(_ scene: Scene) -> [String] { scene.shell.tickets.map(\.opening.user) }

  /// The numbers of the tickets of which a message tells.
  private func messages(_ scene: Scene) -> [String] {
    scene.shell.endings.sorted { $0.key < $1.key }.compactMap { $0.value.dispatch }.map { "\($0.ticket) to \($0.user)" }
  }

  @Test func `Tech2 is in charge: then Tech3, Tech1, and again Tech2`() throws {
    let scene = try Scene(["732/Fork.txt": "3482619288"])
    scene[732].plan = { $0 == 0 ? .rings : .answers(after: .seconds(4), hangsUpAfter: .seconds(30)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(2))
    try scene.run(until: .seconds(120))
    scene.expectLadder("round-robin")
    #expect(hops(scene) == ["732", "733", "731", "732"])
    // Gaps in the numbers of the messages are calls that were not answered.
    #expect(messages(scene) == ["1237 to 732"])
    try scene.expectClean()
  }

  @Test func `it is possible not to jump back to the first`() throws {
    let scene = try Scene(["731/CFNR.txt": nil, "731/CFNRTimeout.txt": "12"])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(80))
    scene.expectLadder("not-jumping-back")
    #expect(hops(scene) == ["732", "733", "731"])
    #expect(messages(scene) == ["1236 to 731"])
    #expect(try scene.ending().detail.cause == .noAnswer)
    try scene.expectClean()
  }

  @Test func `the CFU is cleared while the first call runs: 731 rings first at the next`() throws {
    let scene = try Scene()
    scene.at(.zero) { $0.caller.call("720", from: "0471111") }
    scene.callerPresses("1", at: .seconds(1))
    scene.at(.seconds(2)) { $0.shell.take(.siteChanged(SceneSite.read(["forwards/TED_CFU/Target.txt": ""]))) }
    scene.at(.seconds(3)) { $0.caller.hangUp() }
    scene.at(.seconds(4)) { $0.caller.call("720", from: "0471222") }
    scene.callerPresses("1", at: .seconds(5))
    scene.at(.seconds(7)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    scene.expectLadder("cfu-cleared")
    #expect(hops(scene) == ["732", "731"])
    #expect(messages(scene) == ["1234 to 732", "1235 to 731"])
    try scene.expectClean()
  }

  @Test func `the caller gives up while 732 is rung: 732 gets the message, 731 none`() throws {
    let scene = try Scene(["731/Fork.txt": "3472619287", "732/Fork.txt": "3482619288"])
    scene.callerDials("799731")
    scene.at(.seconds(25)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(40))
    scene.expectLadder("gives-up-at-the-second")
    #expect(hops(scene) == ["731", "732"])
    #expect(messages(scene) == ["1235 to 732"])
    #expect(scene.shell.tickets.map { $0.closed.map(\.isLast) } == [[false], [true]])
    try scene.expectClean()
  }

  @Test func `a user who talks is rung as call waiting, and left after the same time`() throws {
    let scene = try Scene()
    // 732 takes the first call; his phone shows the second, but he does not change over.
    scene[732].plan = { $0 == 0 ? .answers(after: .seconds(2)) : .rings }
    scene[733].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(10)) }
    scene.at(.zero) { $0.caller.call("799*731", from: "0471111") }
    scene.at(.seconds(5)) { $0.caller.call("799*731", from: "0471222") }
    scene.at(.seconds(60)) { scene in
      #expect(scene[732].openLines == 1, "the first talk goes on")
      scene[732].order.first.map { scene[732].hangUp($0) }
    }
    try scene.run(until: .seconds(80))
    scene.expectLadder("call-waiting")
    #expect(hops(scene) == ["732", "732", "733"])
    #expect(messages(scene) == ["1234 to 732", "1236 to 733"])
    try scene.expectClean()
  }

  @Test func `the mobile phone takes the call: the ticket shows the internal number, and its hanging up ends all`()
    throws
  {
    let scene = try Scene(["732/Fork.txt": "3482619288", "732/ForkConfirm.txt": "none"])
    scene.mobile.plan = { _ in .answers(after: .seconds(6), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(40))
    scene.expectLadder("fork-answers")
    let ending = try scene.ending()
    #expect(ending.closing?.user == "732" && ending.detail.answeredExtension == "732")
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }
}
