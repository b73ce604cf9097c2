import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// A PBX that still has the original's CFNR sends our own branch back as a new call.
@Suite struct LoopStories {
  /// 732 is rung through the PBX, which after four seconds dials something on his behalf.
  private func scene(
    from caller: String = "03472619287", callerSays: String = "03472619287", dials: String = "799733",
    headers: [(HeaderName, String)] = [], session: Bool = false
  ) throws -> Scene {
    let scene = try Scene(["732/Password.txt": nil])
    scene.at(.zero) { $0.caller.call("799*731", from: callerSays) }
    scene.at(.seconds(4)) { scene in
      let ours = scene.shell.steps.flatMap(\.commands).requests(.invite).first?.headers["Session-ID"]
      let name: HeaderName = "Session-ID"
      let sessions = session ? ours.map { [(name, $0)] } ?? [] : []
      scene.pbx.call(dials, from: caller, headers: headers + sessions)
    }
    scene.at(.seconds(6)) { scene in
      scene.pbx.last.map { if scene.pbx.lines[$0]?.isOver == false { scene.pbx.hangUp($0) } }
    }
    scene.at(.seconds(8)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    return scene
  }

  private func refusals(_ scene: Scene) -> [String] {
    scene.shell.events.compactMap { event in
      guard case .refused(_, _, _, let status, let reason) = event else { return nil }
      return "\(status) \(reason)"
    }
  }

  private static let refusal = "482 our own call comes back: clear CFNR of 732 in the PBX"

  @Test func `the same caller dials the next hop from the PBX that is rung`() throws {
    let scene = try scene()
    scene.expectLadder("sent-back")
    #expect(refusals(scene) == [Self.refusal])
    #expect(scene.shell.endings.count == 1)
    try scene.expectClean()
  }

  @Test(arguments: ["003472619287", "03472619287"]) func `with the PBX's prefix or without`(caller: String) throws {
    let scene = try scene(from: caller)
    #expect(refusals(scene) == [Self.refusal])
    try scene.expectClean()
  }

  @Test(arguments: [
    ("Diversion", "<tel:732>;reason=no-answer;counter=1;privacy=off"),
    ("Diversion", "\"Tech, 2\" <sip:732;npi=1@192.0.2.5>;reason=\"no-answer\", <sip:799@x>;reason=unconditional"),
    ("History-Info", "<sip:732@192.0.2.5?Reason=SIP%3Bcause%3D408&Privacy=history>;index=1, <sip:799*731@x>;index=1.1"),
    ("History-Info", "garbage, <sip:%37%33%32@192.0.2.5?Reason=%>;index=1.1"),
  ]) func `whatever else stands in the header`(header: (String, String)) throws {
    let scene = try scene(dials: "799*731", headers: [(HeaderName(header.0), header.1)])
    #expect(refusals(scene) == [Self.refusal])
    try scene.expectClean()
  }

  @Test(arguments: ["Diversion", "History-Info"]) func `the user who is rung has passed it on`(header: String) throws {
    let scene = try scene(
      dials: "799*731", headers: [(HeaderName(header), "<sip:799*731@x>;index=1, <sip:732@192.0.2.5>;index=1.1")])
    #expect(refusals(scene) == [Self.refusal])
    try scene.expectClean()
  }

  @Test func `it bears our Session-ID`() throws {
    let scene = try scene(from: "999", dials: "720", session: true)
    #expect(refusals(scene) == [Self.refusal])
    try scene.expectClean()
  }

  // MARK: What is no loop

  @Test func `another caller dials the next hop`() throws {
    let scene = try scene(from: "0471999888")
    #expect(refusals(scene) == [])
    #expect(scene.shell.endings.count == 2)
    try scene.expectClean()
  }

  @Test func `the same caller dials another hop`() throws {
    let scene = try scene(dials: "799731")
    #expect(refusals(scene) == [])
    try scene.expectClean()
  }

  @Test func `two callers who withhold their numbers are two`() throws {
    let scene = try scene(from: "anonymous", callerSays: "anonymous")
    #expect(refusals(scene) == [])
    #expect(scene.shell.endings.count == 2)
    try scene.expectClean()
  }

  @Test func `somebody else who was passed on by the user who is rung`() throws {
    let scene = try scene(from: "0471999888", headers: [("Diversion", "<sip:732@192.0.2.5>;reason=no-answer")])
    #expect(refusals(scene) == [])
    try scene.expectClean()
  }

  @Test func `the same caller after his first call is over`() throws {
    let scene = try Scene(["732/Password.txt": nil])
    scene.at(.zero) { $0.caller.call("799*731") }
    scene.at(.seconds(4)) { $0.caller.hangUp() }
    scene.at(.milliseconds(4500)) { $0.pbx.call("799733", from: "03472619287") }
    scene.at(.seconds(6)) { $0.pbx.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.endings.count == 2)
    try scene.expectClean()
  }

  @Test func `a second INVITE with a Call-ID in use does not take the first call's messages away`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.at(.zero) { $0.caller.call("799*731") }
    scene.at(.seconds(3)) { scene in
      guard let callID = scene.shell.control.calls.values.first?.callerCallID else { return }
      var invite = Request(.invite, SIPURI(user: "720", host: "192.0.2.1"))
      invite.headers.add("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKother")
      invite.headers.add("From", "<sip:1@192.0.2.9>;tag=other")
      invite.headers.add("To", "<sip:720@192.0.2.1>")
      invite.headers.add("Call-ID", callID)
      invite.headers.add("CSeq", "1 INVITE")
      invite.headers.add("Max-Forwards", "70")
      invite.headers.add("Contact", "<sip:1@192.0.2.9>")
      invite.headers.add("Content-Type", "application/sdp")
      invite.body = sdp(endpoint("192.0.2.9:4900"))
      scene.caller.send(.request(invite))
    }
    scene.at(.seconds(5)) { scene in scene.caller.order.first.map { scene.caller.hangUp($0) } }
    try scene.run(until: .seconds(90))
    let recording = try #require(scene.shell.recordings.values.first)
    let byes = recording.frames.count {
      if case .request(let request) = $0.message { request.method == .bye } else { false }
    }
    #expect(byes == 2)
    #expect(scene.shell.endings.count == 2)
    try scene.expectClean()
  }
}
