import Hunting
import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// `AutomaticHangup.txt no`: the caller hears the busy tone for 30 s before his line is released.
@Suite struct BusyToneStories {
  private func scene(_ changes: [String: String?] = [:]) throws -> Scene {
    try Scene(["trunks/GW14/AutomaticHangup.txt": "no"].merging(changes) { $1 })
  }

  private func hearsBusyTone(_ scene: Scene) -> Bool { scene.shell.media.values.map(\.sound) == [.busyTone] }

  @Test func `the technician hangs up: everything is settled, the caller hears the tone for 30 s`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    scene.at(.milliseconds(12_500)) { scene in
      #expect(self.hearsBusyTone(scene))
      #expect(scene.shell.endings.count == 1)
      #expect(scene.shell.recordings.values.allSatisfy { $0.taps.isEmpty })
      #expect(scene.shell.control.callCount == 0)
      #expect(scene.caller.openLines == 1)
    }
    scene.at(.seconds(15)) { scene in
      // The recording is closed while the tone still sounds.
      #expect(!scene.shell.recordings.values.contains { $0.isOpen })
      #expect(self.hearsBusyTone(scene))
    }
    try scene.run(until: .seconds(60))
    scene.expectLadder("busy-tone")
    let bye = try #require(scene.steps("732: BYE").first)
    #expect(bye.commands.contains { if case .endCall = $0 { true } else { false } })
    let ending = try scene.ending()
    #expect(ending.dispatch?.user == "732")
    #expect(ending.detail.cause == .normalClearing)
    #expect(ending.detail.hangUp - ending.detail.ring < .seconds(13))
    let last = try #require(scene.shell.steps.flatMap(\.commands).requests(.bye).last)
    #expect(last.headers["Reason"]?.contains("cause=16") == true)
    #expect(last.headers["Session-ID"] != nil)
    try scene.expectClean()
  }

  @Test func `the caller hangs up within the 30 s`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    scene.at(.seconds(21)) { #expect($0.shell.media.isEmpty && $0.shell.control.nextDeadline != nil) }
    try scene.run(until: .seconds(60))
    #expect(scene.shell.endings.count == 1)
    // Nothing is left that would fire at the end of the 30 s.
    #expect(!scene.shell.steps.contains { $0.at > .seconds(43) && !$0.commands.isEmpty })
    try scene.expectClean()
  }

  @Test func `the chain ends`() throws {
    let scene = try scene(["732/CFNR.txt": nil])
    scene.callerDials("799*731")
    scene.at(.seconds(21)) { #expect(self.hearsBusyTone($0) && $0.shell.endings.count == 1) }
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.cause == .noAnswer)
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `a plain number hangs up, or is busy`() throws {
    let scene = try scene()
    scene.pbx.plan = { $0 == 0 ? .answers(after: .seconds(1), hangsUpAfter: .seconds(2)) : .refuses(486) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    scene.at(.seconds(5)) { #expect(self.hearsBusyTone($0)) }
    scene.at(.seconds(50)) { $0.caller.call("720") }
    scene.at(.seconds(51)) { $0.caller.press("2") }
    scene.at(.seconds(53)) { #expect(self.hearsBusyTone($0)) }
    try scene.run(until: .seconds(100))
    #expect(scene.shell.endings.count == 2)
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `the tone takes no place among MaxCalls, and no new call is hindered`() throws {
    let scene = try scene(["MaxCalls.txt": "1"])
    scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { scene in
      #expect(self.hearsBusyTone(scene))
      scene.caller.call("799*731")
    }
    try scene.run(until: .seconds(60))
    #expect(scene.shell.endings.count == 2)
    #expect(scene.shell.refused.isEmpty)
    try scene.expectClean()
  }

  @Test func `he holds his line while the tone sounds, and is answered`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    scene.at(.seconds(15)) { scene in
      if let leg = scene.caller.last { scene.caller.reoffer(leg, direction: .sendOnly) }
      scene.caller.press("1")
    }
    try scene.run(until: .seconds(60))
    let line = try #require(scene.caller.last.flatMap { scene.caller.lines[$0] })
    #expect(line.events.contains { if case .offerAnswered = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test func `shutdown does not wait for the tone, nor begins one`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0.caller.call("799733") }
    scene.at(.seconds(15)) { scene in
      scene.shell.take(.shutdown)
      #expect(scene.shell.media.isEmpty)
    }
    try scene.run(until: .seconds(20))
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `who was not answered gets his status at once`() throws {
    let scene = try scene(["Answer.txt": "user", "732/CFNR.txt": nil])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(25))
    #expect(scene.caller.last.flatMap { scene.caller.lines[$0]?.refusal } == 480)
    #expect(scene.shell.media.isEmpty)
    try scene.expectClean()
  }

  @Test func `a user of the site has no trunk, and is released at once`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.at(.zero) { $0[731].call("799732", from: "731", password: "secret731") }
    try scene.run(until: .seconds(9))
    #expect(scene[731].openLines == 0)
    try scene.expectClean()
  }
}
