import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// What goes into a call's recording, and the Session-ID that ties its legs together.
@Suite struct RecordingTests {
  @Test func `the recording holds the SIP of all legs since the INVITE, each message once`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(2))
    try scene.run(until: .seconds(20))
    let recording = try #require(scene.shell.recordings.values.first)
    #expect(recording.caller.text == "03472619287")
    #expect(recording.ticket?.rawValue == 1234)
    #expect(recording.taps.count == 1)
    #expect(!recording.isOpen)
    let sent = scene.network.ladder.lines.filter { !$0.contains("--") }.map { $0.split(separator: "  ")[2] }
    #expect(recording.frames.map { "\(Ladder.summary($0.message))" } == sent.map { "\($0)" })
    let times = recording.frames.map(\.at)
    #expect(times == times.sorted())
    try scene.expectClean()
  }

  @Test func `a call that was never confirmed is not recorded`() throws {
    let scene = try Scene()
    scene.callerDials("720")
    scene.at(.seconds(3)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.recordings.isEmpty)
    try scene.expectClean()
  }

  @Test func `secrets are not recorded`() throws {
    let scene = try Scene()
    scene.at(.zero) { $0[731].call("799733", from: "731", password: "secret731") }
    scene.at(.seconds(3)) { $0[731].hangUp() }
    try scene.run(until: .seconds(20))
    let recording = try #require(scene.shell.recordings.values.first)
    let secrets = recording.frames.flatMap { $0.message.headers.lines("Authorization") }
    #expect(!secrets.isEmpty)
    #expect(secrets.allSatisfy { !$0.contains("response=") && !$0.contains("nonce=\"") })
    try scene.expectClean()
  }

  @Test func `all legs carry the caller's Session-ID`() throws {
    let scene = try Scene(["732/Fork.txt": "3482619288"])
    let uuid = "ab30317f1a784dc48ff824d0d3715d86"
    scene.mobile.plan = { _ in .answers(after: .seconds(2), keys: [(.seconds(1), "1")], hangsUpAfter: .seconds(5)) }
    scene.at(.zero) {
      $0.caller.call("799*731", headers: [("Session-ID", "\(uuid);remote=00000000000000000000000000000000")])
    }
    try scene.run(until: .seconds(20))
    let sent = scene.shell.steps.flatMap(\.commands).compactMap { command -> (Endpoint, String)? in
      guard case .transmit(let message, let flow) = command, message.headers.callID != nil else { return nil }
      if case .request(let request) = message, request.method == .register { return nil }
      if case .response(let response) = message, (try? response.headers.cseq())?.method == .register { return nil }
      return (flow.remote, message.headers["Session-ID"] ?? "none")
    }
    let toCaller = Set(sent.filter { $0.0 == Places.caller }.map(\.1))
    let toBranches = Set(sent.filter { $0.0 != Places.caller }.map(\.1))
    #expect(toCaller.count == 1)
    #expect(toCaller.first?.hasSuffix(";remote=\(uuid)") == true)
    #expect(toBranches == ["\(uuid);remote=00000000000000000000000000000000"])
    try scene.expectClean()
  }

  @Test func `a caller who talks without end before his key fills no memory`() throws {
    let scene = try Scene(["queues/TED_WQ10/Timeout.txt": "300"])
    scene.callerDials("720")
    for number in 0..<300 { scene.at(.milliseconds(1000 + number * 20)) { $0.caller.press("D") } }
    scene.callerPresses("1", at: .seconds(20))
    scene.at(.seconds(21)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    let recording = try #require(scene.shell.recordings.values.first)
    #expect((200...210).contains(recording.frames.count))
    try scene.expectClean()
  }

  @Test func `a chain that goes round for ever fills no memory`() throws {
    let scene = try Scene([
      "MaxDuration.txt": "none", "731/CFNRTimeout.txt": "1", "732/CFNRTimeout.txt": "1", "733/CFNRTimeout.txt": "1",
    ])
    scene.callerDials("799*731")
    scene.at(.seconds(900)) { scene in
      #expect(scene.shell.tickets.count > 400)
      #expect(scene.shell.control.dialogs.count <= CallController.rememberedDialogs)
      #expect(scene.shell.control.legCount == 2)
      scene.caller.hangUp()
    }
    try scene.run(until: .seconds(910))
    try scene.expectClean()
  }
}
