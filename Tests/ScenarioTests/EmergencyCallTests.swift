import Audio
import Demo
import Disk
import Telephony
import Testing

extension ScenarioTests {
  /// The first emergency call: a gateway calls, Tech2 does not answer, Tech3 does and hangs up.
  @Test func emergencyCall() async throws {
    try await Scene.play("emergency-call") { scene in
      let gateway = try await scene.smsGateway()
      let site = TestSite(scene.path("site"), smsPort: gateway.port)
      try site.write()
      let callerVoice = try Surroundings.voice("demo-caller")
      let technicianVoice = try Surroundings.voice("demo-technician")
      let daemon = try await Daemon.start(scene, site)
      let second = try await Baresip.register("732", saying: callerVoice, scene, daemon)
      let third = try await Baresip.register("733", saying: technicianVoice, scene, daemon)
      let wire = try await Wire.listen(daemon.site.traffic, scene)

      let minutes = Minutes()
      let caller = try SIPp.call("720", "caller-released", saying: callerVoice, scene, daemon)
      try await daemon.says("destination chosen", "key=1")
      try await second.rings(from: TestSite.caller)
      try await third.rings(from: TestSite.caller)
      // A CANCEL ends the ringing at the first before the second is rung.
      try await second.control.event("CALL_CLOSED")
      try await third.answer()
      try await daemon.says("connected", "user=733")
      let fiveSeconds = try await Wire.counting(250, "udp src port \(caller.mediaPort)", scene)
      caller.goOn()
      _ = try await fiveSeconds.exit(within: .seconds(20))
      third.hangUp()
      try await caller.ends()

      // The messages.
      let sms = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
      let text = try #require(sms.parameter("text"))
      try #require(sms.parameter("to") == "393470000733")
      let (from, message) = try await third.message()
      try #require(from == TestSite.caller)
      try #require(message == text)
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()
      let shortMessages = await gateway.seen.all
      try #require(shortMessages.count == 1)
      let hasSecondMessage = await second.gotMessage
      try #require(!hasSecondMessage)

      // The tickets.
      let spans = try await minutes.spans(scene)
      let number = TestSite.firstTicket
      let tickets = try site.tickets()
      let last = "_Ticket_\(number + 1)_Caller_\(TestSite.caller)_Called_733"
      let first = "_Ticket_\(number)_Caller_\(TestSite.caller)_Called_732"
      try #require(tickets.count == 2, "\(tickets)")
      try #require(spans.contains { tickets.contains($0 + first + "_1.txt") }, "\(tickets)")
      try #require(spans.contains { tickets.contains($0 + last + "_END_1.txt") }, "\(tickets)")
      try #require(spans.contains { text == $0 + last }, "\(text)")
      try #require(tickets.contains(text + "_END_1.txt"))
      try #require(try site.value("TickeNR.TXT") == "\(number + 2)")

      // What each heard.
      try requireHeard(callerVoice, notJust: technicianVoice, in: third.heard(), "what Tech3's phone kept")
      let toCaller = try await wire.sound(sentTo: TestSite.gateway, caller.mediaPort)
      try requireHeard(technicianVoice, notJust: callerVoice, in: toCaller, "what came to the gateway")
      try await checkRecording(site, callerVoice, technicianVoice, scene)
    }
  }

  /// The recording is a playable call for tshark, and pcap2wave makes a WAV of it with each voice on its channel.
  private func checkRecording(
    _ site: TestSite, _ callerVoice: [Int16], _ technicianVoice: [Int16], _ scene: Scene
  ) async throws {
    let recording = try site.recording()
    try #require(fileName(of: recording).hasSuffix("_Ticket_\(TestSite.firstTicket)_Caller_\(TestSite.caller).pcap"))
    let (code, streams) = try await scene.run(["tshark", "-n", "-q", "-r", recording, "-z", "rtp,streams"])
    try #require(code == 0)
    let lines = streams.filter { $0.contains("g711A") }
    try #require(lines.count == 2 && lines.allSatisfy { $0.contains(" 0 (0.0%)") }, "\(streams)")
    // Both ways between the caller and us, and nobody else.
    let ways = lines.map { $0.split(separator: " ") }.map { "\($0[2]) \($0[4])" }.sorted()
    try #require(ways == ["127.0.0.1 \(TestSite.gateway)", "\(TestSite.gateway) 127.0.0.1"], "\(streams)")
    try await checkBinding(recording, scene)

    let fields = ["sip.Method", "sip.Status-Code", "sip.CSeq.method", "ip.src", "ip.dst", "sip.Session-ID"]
    let rows = try await Wire.fields(fields, of: recording, where: "sip", scene)
    try #require(rows.allSatisfy { $0.count == fields.count })
    let ladder = rows.filter { $0[3] == TestSite.gateway || $0[4] == TestSite.gateway }
      .map { ($0[3] == TestSite.gateway ? "→ " : "← ") + ($0[0].isEmpty ? "\($0[1]) \($0[2])" : $0[0]) }
    try #require(ladder == ["→ INVITE", "← 200 INVITE", "→ ACK", "← BYE", "→ 200 BYE"], "\(ladder)")
    // One call for who reads it later: the same UUID stands in all that Pikett says on any leg (RFC 7989).
    let sessions = rows.map { $0[5] }.filter { !$0.isEmpty }.map {
      Set($0.replacing("remote=", with: "").split(separator: ";"))
    }
    let common = sessions.reduce(sessions.first ?? []) { $0.intersection($1) }
    try #require(sessions.count >= 8 && common.count == 1, "\(sessions)")
    let branches = rows.filter { $0[3] != TestSite.gateway && $0[4] != TestSite.gateway }.map { $0[0] }
    try #require(branches.filter { $0 == "INVITE" }.count == 2 && branches.contains("CANCEL"))

    let (_, statistics) = try await scene.run(["tshark", "-n", "-q", "-r", recording, "-z", "sip,stat"])
    for row in ["Number of resent SIP messages: 0", "INVITE : 3 Packets", "CANCEL : 1 Packets", "BYE : 2 Packets"] {
      try #require(
        statistics.contains { $0.split(separator: " ").joined(separator: " ").hasPrefix(row) }, "\(statistics)")
    }

    let wave = scene.path("call.wav")
    let program = try scene.product("pcap2wave", [recording, "-o", wave])
    let outcome = try await program.exit(within: .seconds(30))
    let output = await program.output
    try #require(outcome == 0, "\(output)")
    let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
    try #require(sides.channels == 2)
    try requireHeard(callerVoice, notJust: technicianVoice, in: sides.channel(0), "the WAV's left channel")
    try requireHeard(technicianVoice, notJust: callerVoice, in: sides.channel(1), "the WAV's right channel")
  }

  /// Wireshark binds sound to a call by the addresses in its SDP, and so do its player and its ladder: every packet of
  /// RTP and RTCP has been set up by the caller's INVITE. What went last over the leg is there, to the BYE of its RTCP and
  /// the answer to the BYE of its SIP; and time never goes back.
  private func checkBinding(_ recording: String, _ scene: Scene) async throws {
    let columns = [
      "frame.number", "rtp.setup-frame", "rtcp.setup-frame", "rtcp.pt", "sip.Status-Code", "frame.time_epoch",
    ]
    let rows = try await Wire.fields(
      columns, of: recording, where: "frame", options: ["-o", "rtp.heuristic_rtp:FALSE"], scene)
    let media = rows.filter { $0[4].isEmpty && (!$0[1].isEmpty || !$0[2].isEmpty) }
    try #require(media.count > 100 && media.allSatisfy { $0[1] == "1" || $0[2].hasPrefix("1") }, "\(media.suffix(3))")
    try #require(rows.count { $0[1].isEmpty && $0[2].isEmpty } < 40, "packets that belong to no call")
    try #require(media.last?[3].split(separator: ",").last == "203", "\(media.suffix(3))")
    try #require(rows.last?[4] == "200", "\(rows.suffix(3))")
    let times = rows.map { Double($0[5]) ?? 0 }
    try #require(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
  }
}
