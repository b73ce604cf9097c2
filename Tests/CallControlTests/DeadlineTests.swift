import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// What must be done in the very step in which its cause is handled.
@Suite struct DeadlineTests {
  @Test func `the technician's BYE releases the caller in the same step, with cause 16`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0[732].hangUp(cause: Cause(rawValue: 31)) }
    try scene.run(until: .seconds(20))
    let step = try #require(scene.steps("732: BYE").first)
    #expect(step.commands.sent(scene.shell.names) == ["200 732", "BYE Caller"])
    let bye = try #require(step.commands.requests(.bye).first)
    #expect(bye.headers["Reason"]?.hasPrefix("Q.850;cause=16") == true)
    #expect(step.commands.contains { if case .endCall = $0 { true } else { false } })
    let closed = step.commands.count { if case .closeMedia = $0 { true } else { false } }
    #expect(closed == 2)
    try scene.expectClean()
  }

  @Test func `the caller's BYE releases the technician in the same step, with cause 16`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0.caller.hangUp(cause: Cause(rawValue: 102)) }
    try scene.run(until: .seconds(20))
    let step = try #require(scene.steps("Caller: BYE").first)
    #expect(step.commands.sent(scene.shell.names) == ["200 Caller", "BYE 732"])
    #expect(step.commands.requests(.bye).first?.headers["Reason"]?.hasPrefix("Q.850;cause=16") == true)
    try scene.expectClean()
  }

  @Test func `the winner's answer cancels all others in the same step, as answered elsewhere`() throws {
    let scene = try Scene(["732/Fork.txt": "3482619288,3482619289"])
    scene.second.register("732", password: "secret732")
    scene[732].plan = { _ in .answers(after: .seconds(3)) }
    scene.at(.seconds(1)) { $0.caller.call("799*731") }
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    let step = try #require(scene.steps("732: 200 OK (INVITE)").first)
    #expect(step.commands.sent(scene.shell.names) == ["ACK 732", "CANCEL 732b", "CANCEL Mobile", "CANCEL Mobile"])
    // RFC 3326 §2: so that the phones do not show a missed call.
    #expect(step.commands.requests(.cancel).allSatisfy { $0.headers["Reason"]?.hasPrefix("SIP;cause=200") == true })
    #expect(step.commands.contains { if case .bridge = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test func `the confirming key connects and cancels in the same step`() throws {
    let scene = try Scene(["732/Fork.txt": "3482619288"])
    scene.mobile.plan = { _ in .answers(after: .seconds(3), keys: [(.seconds(2), "1")]) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    let step = try #require(scene.steps("Mobile: INFO").first)
    #expect(step.commands.sent(scene.shell.names) == ["200 Mobile", "CANCEL 732"])
    #expect(step.commands.contains { if case .bridge = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test func `the old hop closes in the step in which the next opens`() throws {
    let scene = try Scene()
    scene.callerDials("799*731")
    scene.at(.seconds(25)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(40))
    let openings = scene.shell.steps.flatMap { step in
      step.commands.compactMap { if case .openTicket(_, let opening) = $0 { opening } else { nil } }
    }
    #expect(openings.map(\.user) == ["732", "733"])
    #expect(openings.map { $0.closing?.user } == [nil, "732"])
    #expect(openings.map { $0.closing?.isLast } == [nil, false])
    let step = try #require(scene.shell.steps.first { $0.commands.contains { $0.opens(.first.next) } })
    #expect(step.commands.sent(scene.shell.names) == ["CANCEL 732"])
    try scene.expectClean()
  }

  @Test func `the caller's BYE in the hunt cancels every phone in the same step`() throws {
    let scene = try Scene(["732/Fork.txt": "3482619288"])
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    let step = try #require(scene.steps("Caller: BYE").first)
    #expect(step.commands.sent(scene.shell.names) == ["200 Caller", "CANCEL 732", "CANCEL Mobile"])
    try scene.expectClean()
  }
}

extension CallCommand {
  fileprivate func opens(_ hop: HopID) -> Bool {
    if case .openTicket(_, let opening) = self { opening.hop == hop } else { false }
  }
}
