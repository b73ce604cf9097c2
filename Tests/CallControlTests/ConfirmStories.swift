import Hunting
import Media
import PikettTesting
import SDP
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Phones that must press a key before their answer counts.
@Suite struct ConfirmStories {
  private func scene(_ changes: [String: String?] = [:]) throws -> Scene {
    try Scene(["732/Fork.txt": "3482619288"].merging(changes) { $1 })
  }

  @Test func `a mobile confirms with its key, the desk phone stops ringing`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(6), keys: [(.seconds(5), "1")], hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    scene.expectLadder("fork-confirms")
    let ending = try scene.ending()
    #expect(ending.detail.answeredExtension == "732")
    #expect(ending.closing?.user == "732")
    try scene.expectClean()
  }

  @Test func `a wrong key repeats the prompt, the right one counts`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in
      .answers(after: .seconds(2), keys: [(.seconds(2), "5"), (.seconds(5), "1")], hangsUpAfter: .seconds(20))
    }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    scene.expectLadder("fork-wrong-key")
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `the key by tone or event counts as well`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(30)) }
    scene.callerDials("799*731")
    scene.at(.seconds(4)) { $0.shell.press("1", by: .tone, on: $0.mobile) }
    scene.at(.milliseconds(4100)) { $0.shell.press("1", by: .event, on: $0.mobile) }
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a voicemail never confirms: the hop is held for ten seconds behind the prompt, then it is left`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(15)) }
    scene[733].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(80))
    scene.expectLadder("voicemail")
    #expect(try scene.ending().detail.answeredExtension == "733")
    #expect(scene.mobile.openLines == 0)
    try scene.expectClean()
  }

  @Test func `the desk phone answers while the mobile is asked for its key`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(2), keys: [(.seconds(5), "1")]) }
    scene[732].plan = { _ in .answers(after: .seconds(4), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    scene.expectLadder("desk-beats-fork")
    #expect(scene.mobile.openLines == 0)
    try scene.expectClean()
  }

  @Test func `the caller gives up while a mobile is asked for its key`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    scene.expectLadder("gives-up-confirming")
    #expect(try scene.ending().dispatch?.user == "732")
    try scene.expectClean()
  }

  @Test func `a mobile that declines after its answer leaves the desk phone ringing`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(2)) }
    scene[732].plan = { _ in .answers(after: .seconds(10), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(scene.shell.tickets.count == 1)
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a desk phone may have to confirm`() throws {
    let scene = try scene(["732/Confirm.txt": "5", "732/Fork.txt": nil])
    scene[732].plan = { _ in
      .answers(after: .seconds(2), keys: [(.seconds(1), "1"), (.seconds(2), "5")], hangsUpAfter: .seconds(10))
    }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a gateway that answers the offer in its 183 only`() throws {
    let scene = try scene()
    scene.mobile.plan = { _ in
      var plan = Phone.Plan.answers(after: .seconds(2), keys: [(.seconds(2), "1")], hangsUpAfter: .seconds(10))
      plan.answersEarly = true
      return plan
    }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    scene.expectLadder("early-answer")
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `an answer without usable sound is a failed branch`() throws {
    let scene = try scene(["732/Fork.txt": nil])
    scene[732].plan = { _ in Phone.Plan(act: .answer(after: .seconds(2))) }
    scene[732].answers = { _ in sdp(endpoint("198.51.100.32:4000"), codecs: "18") }
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
    #expect(scene.shell.events.contains { if case .mediaFault(_, _, .noCommonCodec) = $0 { true } else { false } })
    #expect(scene[732].openLines == 0)
    try scene.expectClean()
  }
}
