import Demo
import Disk
import Telephony
import Testing

extension ScenarioTests {
  /// Whatever comes over the wire ends in the right answer or in none, and costs no other call.
  @Test func badDatagrams() async throws {
    try await Scene.play("bad-wire") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["733/CFNRTimeout.txt"] = "60"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let bystander = try await Bystander.connect(rack, daemon)
      let trunk = WireEnd(try Datagrams(TestSite.gateway), daemon)
      let stranger = WireEnd(try Datagrams("127.0.0.3"), daemon)

      for end in [trunk, stranger] {
        for garbage in WireEnd.garbage { end.send(garbage) }
        try await end.isAnswered("after-garbage")
        let whole = Array(end.invite("799733", callID: "cut-\(end.socket.port)").utf8)
        // Not the whole head is there: nobody can be answered, or the answer is a refusal.
        for length in stride(from: 1, to: whole.count - 150, by: 41) { end.send(Array(whole.prefix(length))) }
        try await end.isAnswered("after-cut")
      }
      try await strangersGetNothing(stranger)

      try await trunk.invite("799733", callID: "lie-more", contentLength: 5000).isRefused(
        "SIP/2.0 400", by: trunk, "lie-more")
      try await trunk.invite("799733", callID: "lie-less", contentLength: 9).isRefused(
        "SIP/2.0 488", by: trunk, "lie-less")
      try await trunk.invite("799733", callID: "lie-minus", contentLength: -1)
        .isRefused("SIP/2.0 400", by: trunk, "lie-minus")
      let media = ["video": "m=video 4000 RTP/AVP 31", "codec": "m=audio 4000 RTP/AVP 18", "none": "a=nothing"]
      for (name, line) in media {
        try await trunk.invite("799733", callID: name, media: line).isRefused("SIP/2.0 488", by: trunk, name)
      }
      try await daemon.says("call refused", "status=488")
      try await trunk.isAnswered("after-all")

      // As long as a datagram can be: a call like any other.
      let long = ["X-Long: " + String(repeating: "x", count: 60_000)]
      let caller = "<sip:0475@\(TestSite.gateway)>"
      trunk.send(Array(trunk.invite("799733", callID: "long", from: caller, extra: long).utf8))
      try await hangUp(trunk, "long", from: caller)
      try await daemon.says("hunt over", "callerGaveUp")

      try await oddCallers(trunk, daemon, gateway)
      try await bystander.isUndisturbed(scene)
      try await daemon.stop()
    }
  }

  /// The same 401 for each, a bare 200 to OPTIONS, else nothing.
  private func strangersGetNothing(_ stranger: WireEnd) async throws {
    stranger.send(Array(stranger.invite("799733", callID: "stranger").utf8))
    let refusal = try await stranger.socket.answer("SIP/2.0 401", "Call-ID: stranger")
    try #require(!refusal.contains("Pikett"))
    stranger.send(Array(stranger.request("BYE", "733", callID: "stranger-bye").utf8))
    try await stranger.isAnswered("after-bye")
    let answers = await stranger.socket.seen.all
    try #require(!answers.contains { $0.contains("Call-ID: stranger-bye") }, "\(answers)")
    try #require(!answers.contains { $0.contains("Allow:") }, "\(answers)")
  }

  /// A call that was answered with 200: it is acknowledged and ended.
  private func hangUp(_ trunk: WireEnd, _ callID: String, from: String) async throws {
    let answer = try await trunk.socket.answer("SIP/2.0 200", "Call-ID: \(callID)")
    trunk.send(Array(trunk.inDialog("ACK", answer, from: from, callID: callID, number: 1).utf8))
    trunk.send(Array(trunk.inDialog("BYE", answer, from: from, callID: callID, number: 2).utf8))
  }

  /// Callers whose numbers are paths or break lines: their tickets bear harmless names.
  private func oddCallers(_ trunk: WireEnd, _ daemon: Daemon, _ gateway: HTTPSink) async throws {
    let odd = [
      ("../../../../etc/passwd", "..-..-..-..-etc-passwd"), ("%2e%2e%2f%2e%2e%2fx", "..-..-x"),
      ("047%0d%0aSubject%3a%20x", "047--Subject--x"), ("047%00%ff", "047--"),
    ]
    for (index, (user, name)) in odd.enumerated() {
      let callID = "odd-\(index)"
      let from = "<sip:\(user)@\(TestSite.gateway)>"
      trunk.send(Array(trunk.invite("799733", callID: callID, from: from).utf8))
      try await hangUp(trunk, callID, from: from)
      let sms = try await gateway.seen.first("the SMS for \(name)", within: .seconds(10)) {
        $0.parameter("text")?.contains("_Caller_\(name)_Called_733") == true
      }
      let text = try #require(sms.parameter("text"))
      try #require(text.allSatisfy { !$0.isNewline })
      let tickets = try daemon.site.tickets()
      try #require(tickets.contains(text + "_END_1.txt"), "\(tickets)")
    }
  }
}

/// A socket from which bad SIP comes.
struct WireEnd: Sendable {
  let socket: Datagrams
  private let daemon: Daemon

  init(_ socket: Datagrams, _ daemon: Daemon) {
    self.socket = socket
    self.daemon = daemon
  }

  /// What no SIP parser can like.
  static var garbage: [[UInt8]] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let noise = (0..<40).map { count in
      (0..<count * 30).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 40)
      }
    }
    return noise + [
      [], [0], [0x0D, 0x0A, 0x0D, 0x0A], Array(repeating: 0xFF, count: 65_000), Array(repeating: 0x41, count: 65_000),
      Array("INVITE".utf8), Array("INVITE sip:\r\n\r\n".utf8), Array("SIP/2.0 200 OK\r\n\r\n".utf8),
      Array("INVITE sip:x SIP/2.0\r\nVia: \r\nVia: ,,,\r\nCSeq: 99999999999999999999 INVITE\r\n\r\n".utf8),
      Array(("INVITE sip:x SIP/2.0\r\n" + String(repeating: "a: b\r\n", count: 9000) + "\r\n").utf8),
    ]
  }

  func send(_ bytes: [UInt8]) { socket.send(bytes, daemon.site.port) }

  func request(_ method: String, _ number: String, callID: String) -> String {
    socket.request(method, "sip:\(number)@127.0.0.1:\(daemon.site.port)", callID: callID)
  }

  func invite(
    _ number: String, callID: String, from: String = "<sip:0347@127.0.0.2>", extra: [String] = [],
    media: String = "m=audio 4000 RTP/AVP 8", contentLength: Int? = nil
  ) -> String {
    let body = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n\(media)\r\n"
    return socket.request(
      "INVITE", "sip:\(number)@127.0.0.1:\(daemon.site.port)", callID: callID, from: from,
      extra: extra + ["Content-Type: application/sdp"], body: body, contentLength: contentLength)
  }

  /// ACK or BYE of a call that was answered with 200.
  func inDialog(_ method: String, _ answer: String, from: String, callID: String, number: Int) -> String {
    let line = { (name: String) in answer.split(separator: "\r\n").first { $0.hasPrefix(name) }.map(String.init) ?? "" }
    let target = line("Contact:").split(separator: "<").last?.split(separator: ">").first.map(String.init) ?? ""
    return [
      "\(method) \(target) SIP/2.0",
      "Via: SIP/2.0/UDP \(TestSite.gateway):\(socket.port);branch=z9hG4bK\(callID)\(method)\(number)",
      "From: \(from);tag=\(callID)", line("To:"), "Call-ID: \(callID)",
      "CSeq: \(method == "ACK" ? 1 : number) \(method)", "Max-Forwards: 70", "Content-Length: 0", "", "",
    ].joined(separator: "\r\n")
  }

  /// Everything sent so far has been worked through, and the daemon lives.
  func isAnswered(_ callID: String) async throws {
    let callID = "\(callID)-\(socket.port)"
    send(Array(request("OPTIONS", "720", callID: callID).utf8))
    try await socket.answer("SIP/2.0 200", "Call-ID: \(callID)")
  }
}

extension String {
  /// Sends this request and waits for a refusal.
  fileprivate func isRefused(_ status: String, by end: WireEnd, _ callID: String) async throws {
    end.send(Array(utf8))
    try await end.socket.answer(status, "Call-ID: \(callID)")
  }
}
