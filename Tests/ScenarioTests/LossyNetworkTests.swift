import Audio
import Demo
import Disk
import Glibc
import Testing

extension ScenarioTests {
  /// A call in which each word of both sides comes over a network that loses 5 % and delays by up to 60 ms, as a list says:
  /// the recording's WAV holds what was said, where it was said. With these seeds both first packets are slow ones.
  @Test func lossyNetwork() async throws {
    try await Scene.play("lossy-network") { scene in
      var caller = try ListedVoice(Surroundings.voice("demo-caller"), seed: 203, at: TestSite.gateway)
      var technician = try ListedVoice(Surroundings.voice("demo-technician"), seed: 253, at: "127.0.0.3")
      let phone = try Datagrams("127.0.0.3")
      var site = TestSite(scene.path("site"))
      site.files["732/Contact.txt"] = "sip:732@127.0.0.3:\(phone.port)"
      site.files["732/Password.txt"] = nil
      site.files["732/IM.txt"] = "no"
      site.files["732/SMSNumber.txt"] = nil
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let trunk = WireEnd(try Datagrams(TestSite.gateway), daemon)

      let from = "<sip:\(TestSite.caller)@\(TestSite.gateway)>"
      let media = "m=audio \(caller.socket.port) RTP/AVP 8"
      trunk.send(Array(trunk.invite("799*731", callID: "lossy", from: from, media: media).utf8))
      let welcome = try await trunk.socket.answer("SIP/2.0 200", "Call-ID: lossy")
      caller.target = try mediaPort(welcome)
      trunk.send(Array(trunk.inDialog("ACK", welcome, from: from, callID: "lossy", number: 1).utf8))
      let invite = try await phone.answer("INVITE ", "m=audio")
      technician.target = try mediaPort(invite)
      phone.send(response(to: invite, at: phone.port, media: technician.socket.port), site.port)
      try await phone.answer("ACK ")
      try await daemon.says("connected", "user=732")
      let begin = await ListedVoice.speak([caller, technician])
      trunk.send(Array(trunk.inDialog("BYE", welcome, from: from, callID: "lossy", number: 2).utf8))
      let bye = try await phone.answer("BYE ")
      phone.send(response(to: bye, at: phone.port), site.port)
      try await daemon.says("recording closed")
      try await daemon.stop()

      let wave = scene.path("call.wav")
      let recording = try site.recording()
      let (code, lines) = try await scene.run(
        [joined(Surroundings.programs, "pcap2wave"), "--list", "--json", recording], name: "list")
      try #require(code == 0, "\(lines)")
      let start = try wallTime(lines.joined())
      let outcome = try await scene.product("pcap2wave", [recording, "-o", wave]).exit(within: .seconds(30))
      try #require(outcome == 0)
      let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
      try caller.isHeard(in: sides.channel(0), from: begin, start: start, "what the caller said")
      try technician.isHeard(in: sides.channel(1), from: begin, start: start, "what the caller heard")
    }
  }

  private func mediaPort(_ message: String) throws -> UInt16 {
    let line = message.split(separator: "\r\n").first { $0.hasPrefix("m=audio ") }
    return try #require(line.flatMap { UInt16($0.split(separator: " ")[1]) }, "\(message)")
  }

  /// A 200, with an SDP if there is a port for it.
  private func response(to request: String, at port: UInt16, media: UInt16? = nil) -> String {
    let copied = request.split(separator: "\r\n").filter { line in
      ["Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"].contains { line.hasPrefix($0) }
    }.map(String.init)
    let to = request.split(separator: "\r\n").first { $0.hasPrefix("To:") }.map(String.init) ?? ""
    let body =
      media.map {
        "v=0\r\no=- 1 1 IN IP4 127.0.0.3\r\ns=-\r\nc=IN IP4 127.0.0.3\r\nt=0 0\r\nm=audio \($0) RTP/AVP 8\r\n"
      } ?? ""
    return
      (["SIP/2.0 200 OK"] + copied + [
        to.contains("tag=") ? to : to + ";tag=phone", "Contact: <sip:732@127.0.0.3:\(port)>",
      ] + (body.isEmpty ? [] : ["Content-Type: application/sdp"]) + ["Content-Length: \(body.utf8.count)", "", body])
      .joined(separator: "\r\n")
  }

  /// `"start": "2026-11-21T12:34:56.123456Z"` in microseconds since 1970.
  private func wallTime(_ json: String) throws -> Int64 {
    let text = try #require(json.split(separator: "\"start\": \"").dropFirst().first?.prefix(27), "\(json)")
    let digits = text.split { !$0.isNumber }.compactMap { Int32($0) }
    try #require(digits.count == 7, "\(text)")
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (digits[0] - 1900, digits[1] - 1, digits[2])
    (time.tm_hour, time.tm_min, time.tm_sec) = (digits[3], digits[4], digits[5])
    return Int64(timegm(&time)) * 1_000_000 + Int64(digits[6])
  }
}
