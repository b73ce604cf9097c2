import PikettTesting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// What strangers can do to the line: nothing.
@Suite struct StrangerStories {
  private func stranger(_ scene: Scene) -> Phone {
    Phone("Stranger", at: Places.stranger, on: scene.network, seed: 66)
  }

  /// What has been sent to the stranger.
  private func told(_ scene: Scene) -> [Message] {
    scene.shell.steps.flatMap(\.commands).compactMap { command in
      guard case .transmit(let message, let flow) = command, flow.remote == Places.stranger else { return nil }
      return message
    }
  }

  /// A message that bears the Call-ID of somebody else's call, and whatever else can be guessed of it.
  private func request(_ method: Method, callID: String, tag: String?, index: Int) throws -> Message {
    var request = Request(method, try SIPURI("sip:720@192.0.2.1"))
    request.headers.add("Via", "SIP/2.0/UDP 203.0.113.66:5060;rport;branch=z9hG4bKs\(index)")
    request.headers.add("From", "<sip:03472619287@192.0.2.9>;tag=guess")
    request.headers.add("To", "<sip:720@192.0.2.1>" + (tag.map { ";tag=\($0)" } ?? ""))
    request.headers.add("Call-ID", callID)
    request.headers.add("CSeq", CSeq(UInt32(100 + index), method).description)
    request.headers.add("Contact", "<sip:evil@203.0.113.66>")
    return .request(request)
  }

  @Test func `who knows a call's Call-ID adds nothing to its recording, ends nothing, and learns nothing`() throws {
    let scene = try Scene()
    let stranger = stranger(scene)
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    let methods: [Method] = [.invite, .bye, .cancel, .info, .update, .options, .ack, .refer, .register, .notify]
    scene.at(.seconds(6)) { scene in
      guard let callID = scene.shell.recordings.values.first?.frames.first?.message.headers.callID else { return }
      for (index, method) in methods.enumerated() {
        for (step, tag) in [nil, "guess"].enumerated() {
          if let message = try? self.request(method, callID: callID, tag: tag, index: index * 2 + step) {
            stranger.send(message)
            if case .request(let request) = message { stranger.send(.response(request.response(200, toTag: "x"))) }
          }
        }
      }
    }
    try scene.run(until: .seconds(40))
    let recording = try #require(scene.shell.recordings.values.first)
    #expect(recording.frames.count > 10)
    for frame in recording.frames {
      #expect(frame.from != Places.stranger && frame.to != Places.stranger, "\(Ladder.summary(frame.message))")
    }
    // INVITE, REFER and REGISTER are asked for a password, with a To tag and without; OPTIONS gets its bare 200.
    let answers = told(scene)
    #expect(
      answers.compactMap { if case .response(let response) = $0 { response.status } else { nil } }.sorted()
        == Array(repeating: 200, count: 2) + Array(repeating: 401, count: 6))
    #expect(!answers.contains { $0.headers.has("Session-ID") })
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  /// We are no proxy: whatever a request wants to be sent on to, it is ours or nobody's.
  @Test(arguments: [
    "Route: <sip:203.0.113.66;lr>", "Route: <sip:192.0.2.1;lr>, <sip:0900123456@203.0.113.66;lr>",
    "Refer-To: <sip:0900123456@203.0.113.66>", "Diversion: <sip:0900123456@203.0.113.66>;reason=unconditional",
    "History-Info: <sip:0900123456@203.0.113.66>;index=1", "P-Called-Party-ID: <sip:0900123456@203.0.113.66>",
    "Call-Info: <http://203.0.113.66/x>;purpose=icon", "Alert-Info: <http://203.0.113.66/x>",
    "Reply-To: <sip:0900123456@203.0.113.66>",
  ])
  func `no header makes us call anybody else`(line: String) throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    let parts = line.split(separator: ":", maxSplits: 1).map { String($0).trimmed }
    scene.at(.zero) { $0.caller.call("799*731", headers: [(HeaderName(parts[0]), parts[1])]) }
    scene.at(.seconds(20)) { $0.caller.call("0900123456", headers: [(HeaderName(parts[0]), parts[1])]) }
    try scene.run(until: .seconds(40))
    #expect(told(scene).isEmpty)
    let called = Set(scene.shell.steps.flatMap(\.commands).requests(.invite).compactMap { $0.uri.user })
    #expect(called.allSatisfy { $0.contains("73") && !$0.contains("0900") }, "\(called)")
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  /// A Request-URI at another host means our own number, or none.
  @Test(arguments: [("sip:0900123456@203.0.113.66", 404), ("tel:+390900123456", 404), ("sip:203.0.113.66", 404)])
  func `a foreign Request-URI is not followed`(uri: String, status: Int) throws {
    let scene = try Scene()
    var statuses: [Int] = []
    scene.at(.zero) { scene in
      guard let uri = try? SIPURI(uri) else { return }
      var request = Request(.invite, uri)
      request.headers.add("Via", "SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bKforeign")
      request.headers.add("From", "<sip:0347@192.0.2.9>;tag=f")
      request.headers.add("To", "<\(uri)>")
      request.headers.add("Call-ID", "foreign")
      request.headers.add("CSeq", "1 INVITE")
      request.headers.add("Contact", "<sip:x@192.0.2.9>")
      request.headers.add("Content-Type", "application/sdp")
      request.body = sdp(Places.caller)
      scene.caller.send(.request(request))
    }
    try scene.run(until: .seconds(5))
    for case .transmit(.response(let response), _) in scene.shell.steps.flatMap(\.commands)
    where response.headers.callID == "foreign" {
      statuses.append(response.status)
    }
    #expect(statuses.last == status)
    #expect(told(scene).isEmpty)
    #expect(scene.shell.steps.flatMap(\.commands).requests(.invite).isEmpty)
  }
}
