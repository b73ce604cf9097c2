import Hunting
import Media
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Direct entry from a PBX with `Answer.txt user`: the caller is answered when a technician answers.
@Suite struct AnswerStories {
  private func scene(_ changes: [String: String?] = [:]) throws -> Scene {
    try Scene(["Answer.txt": "user"].merging(changes) { $1 })
  }

  private func caller(_ scene: Scene) throws -> Phone.Line {
    try #require(scene.caller.last.flatMap { scene.caller.lines[$0] })
  }

  /// The bodies of our answers to the caller of this status.
  private func bodies(_ scene: Scene, _ status: Int) -> [[UInt8]] {
    scene.shell.steps.flatMap(\.commands).responses
      .filter { $0.status == status && (try? $0.headers.cseq())?.method == .invite }.map(\.body)
  }

  @Test func `183 with SDP, repeated every minute, and 200 when a user answers`() throws {
    let scene = try scene(["732/CFNRTimeout.txt": "150"])
    scene[732].plan = { _ in .answers(after: .seconds(130), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    scene.at(.seconds(129)) { scene in
      #expect((try? self.caller(scene).isAnswered) == false)
      // What he hears, and what is recorded from the beginning.
      #expect(scene.shell.media.values.contains { $0.sound == .waiting(queue: nil) && $0.negotiated != nil })
      #expect(scene.shell.recordings.values.allSatisfy { $0.taps.count == 1 })
    }
    try scene.run(until: .seconds(150))
    scene.expectLadder("answer-user")
    let early = bodies(scene, 183)
    #expect(early.count == 3)
    // RFC 3261 §13.2.1: the same answer in the 2xx.
    #expect(Set(early + bodies(scene, 200)).count == 1)
    let ending = try scene.ending()
    #expect(ending.detail.answer != nil)
    #expect(ending.detail.cause == .normalClearing)
    #expect(scene.shell.recordings.count == 1)
    try scene.expectClean()
  }

  @Test func `799731 too, and a fork that must confirm is no answer before it has`() throws {
    let scene = try scene(["731/Fork.txt": "3482619288", "731/Password.txt": nil])
    scene.mobile.plan = { _ in .answers(after: .seconds(3), keys: [(.seconds(6), "1")], hangsUpAfter: .seconds(20)) }
    scene.callerDials("799731")
    scene.at(.seconds(8)) { #expect((try? self.caller($0).isAnswered) == false) }
    scene.at(.seconds(10)) { #expect((try? self.caller($0).isAnswered) == true) }
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().dispatch?.user == "731")
    try scene.expectClean()
  }

  @Test func `the caller gives up by CANCEL`() throws {
    let scene = try scene()
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    scene.expectLadder("answer-user-cancel")
    let step = try #require(scene.steps("Caller: CANCEL").first)
    // In the step of his CANCEL the phone stops ringing.
    #expect(step.commands.sent(scene.shell.names).contains("CANCEL 732"))
    let ending = try scene.ending()
    #expect(ending.closing?.isLast == true)
    #expect(ending.dispatch?.user == "732")
    #expect(ending.detail.answer == nil)
    #expect(ending.detail.cause == .normalClearing)
    try scene.expectClean()
  }

  /// Which state the caller gives up in, and after how long.
  @Test(arguments: [
    ("opening", Duration.milliseconds(100)), ("ringing", .seconds(2)), ("confirming", .seconds(7)),
    ("pausing", .seconds(16)),
  ])
  func `giving up by CANCEL leaves nothing behind in any state`(state: String, time: Duration) throws {
    let scene = try scene([
      "732/Fork.txt": "3482619288", "731/Contact.txt": "sip:731@198.51.100.99", "732/CFNR.txt": "732",
      "732/CFNRTimeout.txt": "30",
    ])
    switch state {
    case "opening": scene.shell.disk = .hangs
    case "confirming": scene.mobile.plan = { _ in .answers(after: .seconds(5)) }
    case "pausing":
      scene[732].plan = { _ in .refuses(480) }
      scene.mobile.plan = { _ in .refuses(480) }
    default: break
    }
    scene.callerDials("799*731")
    scene.at(time) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    #expect(try caller(scene).isAnswered == false)
    #expect(try scene.ending().closing?.isLast == true)
    #expect(try scene.ending().dispatch != nil)
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    try scene.expectClean()
  }

  @Test(
    arguments: [(486, 486, 17), (603, 480, 21), (404, 480, 1), (503, 480, 41), (0, 480, 19)] as [(Int, Int, UInt8)])
  func `who is never answered is refused with a status and a cause, not answered and released`(
    phone: Int, status: Int, cause: UInt8
  ) throws {
    let scene = try scene(["732/CFNR.txt": nil])
    if phone != 0 { scene[732].plan = { _ in .refuses(phone) } }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(40))
    if phone == 486 { scene.expectLadder("answer-user-busy") }
    #expect(try caller(scene).refusal == status)
    #expect(bodies(scene, 200).isEmpty)
    let refusal = try #require(scene.shell.steps.flatMap(\.commands).responses.last { $0.status == status })
    #expect(refusal.headers["Reason"]?.contains("cause=\(cause)") == true)
    let ending = try scene.ending()
    #expect(ending.detail.cause.rawValue == cause)
    #expect(ending.detail.answer == nil)
    #expect(ending.closing?.isLast == true)
    try scene.expectClean()
  }

  @Test func `shutdown while he hears the early ringing: 503`() throws {
    let scene = try scene()
    scene.callerDials("799*731")
    scene.at(.seconds(3)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(10))
    #expect(try caller(scene).refusal == 503)
    try scene.expectClean()
  }

  @Test func `hunting beyond MaxDuration: 480`() throws {
    let scene = try scene(["MaxDuration.txt": "60", "731/CFNR.txt": "799732"])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(70))
    #expect(try caller(scene).refusal == 480)
    #expect(try scene.ending().detail.hangUp == scene.ending().detail.ring + .milliseconds(60_000))
    try scene.expectClean()
  }

  @Test func `a queue always answers`() throws {
    let scene = try scene()
    scene.callerDials("720")
    scene.at(.seconds(1)) { #expect((try? self.caller($0).isAnswered) == true) }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(bodies(scene, 183).isEmpty)
    try scene.expectClean()
  }

  @Test func `without an offer he is answered at once, as a 183 cannot carry ours`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(5), hangsUpAfter: .seconds(5)) }
    scene.caller.ackBody = sdp(endpoint("192.0.2.9:4000"))
    scene.at(.zero) { $0.caller.call("799*731", offer: []) }
    scene.at(.seconds(1)) { #expect((try? self.caller($0).isAnswered) == true) }
    try scene.run(until: .seconds(20))
    #expect(bodies(scene, 183).isEmpty)
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `the CANCEL that crosses the 200 ends the call as a BYE does`() throws {
    let scene = try scene()
    scene[732].plan = { _ in .answers(after: .seconds(5)) }
    scene.callerDials("799*731")
    // The 200 is on its way when he gives up.
    scene.at(.milliseconds(5125)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    #expect(try scene.ending().dispatch?.user == "732")
    try scene.expectClean()
  }
}
