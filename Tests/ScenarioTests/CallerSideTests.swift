import Audio
import Demo
import Disk
import Testing

extension ScenarioTests {
  /// `Answer.txt user`: a PBX that dials 799*731 hears the ringing in early media and gets its 200 from the technician.
  @Test func answeredByTheUser() async throws {
    try await Scene.play("answer-user") { scene in
      var site = TestSite(scene.path("site"))
      site.files["Answer.txt"] = "user"
      site.files["732/CFNRTimeout.txt"] = "8"
      site.files["732/CFNR.txt"] = "none"
      try site.write()
      let voice = try Surroundings.voice("demo-caller")
      let daemon = try await Daemon.start(scene, site)
      let technician = try await Baresip.register("732", saying: voice, scene, daemon)
      let wire = try await Wire.listen(daemon.site.traffic, scene)

      let caller = try SIPp.call("799*731", "caller-early", saying: voice, scene, daemon)
      try await technician.rings(from: TestSite.caller)
      // Two seconds of ringing: heard before anybody has answered.
      let early = try await Wire.counting(
        100, "udp dst port \(caller.mediaPort) and udp src portrange \(site.rtp)-\(site.rtp + 99)", scene)
      _ = try await early.exit(within: .seconds(20))
      try await technician.answer()
      try await daemon.says("connected", "user=732")
      let talk = try await Wire.counting(100, "udp src port \(caller.mediaPort)", scene)
      _ = try await talk.exit(within: .seconds(20))
      technician.hangUp()
      try await caller.ends()
      try await daemon.says("recording closed")

      let second = try SIPp.call("799*731", "caller-cancels", saying: voice, scene, daemon)
      try await daemon.says("ringing", "ticket=\(TestSite.firstTicket + 1)")
      second.goOn()
      try await second.ends()

      let third = try SIPp.call("799*731", "caller-refused", saying: voice, scene, daemon)
      try await third.ends(within: .seconds(40))
      try await daemon.says("recording closed", "_Ticket_\(TestSite.firstTicket + 2)_")
      try await wire.stop()
      try await daemon.stop()

      let toCaller = "sip && ip.dst == \(TestSite.gateway)"
      let fields = ["sip.Status-Code", "sip.CSeq.method", "sip.Reason", "sip.msg_body"]
      let rows = try await Wire.fields(
        fields, of: wire.path, where: "\(toCaller) && udp.dstport == \(caller.port)", scene)
      try #require(rows.map { $0[0] } == ["183", "200", ""], "\(rows)")
      try #require(!rows[0][3].isEmpty && rows[0][3] == rows[1][3], "the same answer in both: \(rows)")
      let last = try await Wire.fields(
        fields, of: wire.path, where: "\(toCaller) && udp.dstport == \(third.port)", scene)
      try #require(last.map { $0[0] } == ["183", "480"] && last[1][2].hasPrefix("Q.850;cause=19"), "\(last)")
      let ringing = try await wire.sound(sentTo: TestSite.gateway, caller.mediaPort)
      let length = try #require(bursts(ringing).first)
      try #require((900...1100).contains(length), "Italy rings for a second: \(length)")

      // All three are recorded from their entry, the ringing too; each has its ticket and its line.
      let recordings = try site.recordings()
      try #require(recordings.count == 3, "\(recordings)")
      let tickets = try site.tickets()
      try #require(tickets.count == 3 && tickets.allSatisfy { $0.hasSuffix("_END_1.txt") }, "\(tickets)")
      let lines = try cdr(site)
      try #require(lines.map { $0[11] } == ["16", "16", "19"], "\(lines)")
      try #require(lines.map { $0[3].isEmpty } == [false, true, true], "\(lines)")
    }
  }

  /// `AutomaticHangup.txt no`: when the technician hangs up everything is settled, and the caller hears the busy tone of
  /// the country until he hangs up himself.
  @Test func busyToneForTheCaller() async throws {
    try await Scene.play("busy-tone") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["trunks/GW14/AutomaticHangup.txt"] = "no"
      site.files["Ringback.txt"] = "de"
      try site.write()
      let voice = try Surroundings.voice("demo-caller")
      let daemon = try await Daemon.start(scene, site)
      let technician = try await Baresip.register("732", saying: voice, scene, daemon)
      let wire = try await Wire.listen(daemon.site.traffic, scene)

      let caller = try SIPp.call("720", "caller-gives-up", saying: voice, scene, daemon)
      try await technician.rings(from: TestSite.caller)
      try await technician.answer()
      try await daemon.says("connected", "user=732")
      technician.hangUp()
      // Nothing of this waits for the caller.
      _ = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
      try await daemon.says("the caller hears the busy tone")
      try await daemon.says("recording closed")
      let tickets = try site.tickets()
      try #require(tickets.count == 1 && tickets[0].hasSuffix("_END_1.txt"), "\(tickets)")
      let tone = try await Wire.counting(
        150, "udp dst port \(caller.mediaPort) and udp src portrange \(site.rtp)-\(site.rtp + 99)", scene)
      _ = try await tone.exit(within: .seconds(20))
      caller.goOn()
      try await caller.ends()
      try await wire.stop()
      try await daemon.stop()

      // sipp's own BYE was answered; Pikett has said none.
      let byes = try await Wire.fields(
        ["udp.srcport"], of: wire.path, where: "sip.Method == BYE && udp.srcport == \(site.port)", scene)
      try #require(byes.isEmpty, "\(byes)")
      let heard = try await wire.sound(sentTo: TestSite.gateway, caller.mediaPort)
      let last = bursts(Array(heard.suffix(2 * 8000))).dropFirst().dropLast()
      try #require(last.count >= 1 && last.allSatisfy { (440...520).contains($0) }, "480 ms in Germany: \(last)")
    }
  }

  /// A technician lifts the receiver: the caller of a ticket of yesterday is called back, and nobody else outside.
  @Test func callingBack() async throws {
    try await Scene.play("callback") { scene in
      var site = TestSite(scene.path("site"))
      let outside = Ports.take()
      let address = "127.0.0.4"
      site.files["InternalTrunk.txt"] = "GW14"
      site.files["ExternalTrunk.txt"] = "OUT"
      site.files["trunks/OUT/Host.txt"] = "\(address):\(outside)"
      site.files["trunks/OUT/Prefix.txt"] = "0"
      // sipp takes whatever comes first for its call.
      site.files["trunks/OUT/Qualify.txt"] = "none"
      let ticket = "_Ticket_1233_Caller_\(TestSite.caller)_Called_732_END_1.txt"
      let words = ["env", "TZ=Europe/Rome", "date", "-d", "yesterday", "+%d.%m.%Y_%H.%M"]
      let minute = try #require(await scene.run(words, name: "date").lines.first)
      site.files["ticket/\(minute)_\(minute)\(ticket)"] = ""
      try site.write()
      let technicianVoice = try Surroundings.voice("demo-technician")
      let callerVoice = try Surroundings.voice("demo-caller")
      var sound = SoundCapture()
      sound.speech(Array(repeatElement(callerVoice, count: 2).joined()))
      try RealFilesystem().replace(scene.path("speech.pcap"), sound.take(), sync: false)
      let daemon = try await Daemon.start(scene, site)
      let technician = try await Baresip.register("732", saying: technicianVoice, scene, daemon)
      let wire = try await Wire.listen(daemon.site.traffic + " or udp port \(outside)", scene)

      let called = try SIPp.isCalled("called", at: address, port: outside, scene)
      try await technician.talks(to: TestSite.caller)
      let fiveSeconds = try await Wire.counting(250, "udp src port \(called.mediaPort)", scene)
      _ = try await fiveSeconds.exit(within: .seconds(20))
      technician.hangUp()
      try await called.ends()
      try await technician.isFree(of: TestSite.caller)
      technician.control.send("dial", "0900123456")
      try await daemon.says("call refused", "dialled=0900123456", "status=404")
      try await wire.stop()
      try await daemon.stop()

      let invites = try await Wire.fields(
        ["sip.r-uri.user", "sip.from.user"], of: wire.path, where: "sip.Method == INVITE && ip.dst == \(address)", scene
      )
      // Repeated, if sipp was not there yet.
      try #require(Set(invites) == [[TestSite.caller, "732"]], "\(invites)")
      try requireHeard(callerVoice, notJust: technicianVoice, in: technician.heard(), "what the technician heard")
      let toCaller = try await wire.sound(sentTo: address, called.mediaPort)
      try requireHeard(technicianVoice, notJust: callerVoice, in: toCaller, "what the caller heard")
      // A plain call: no ticket, no recording, but its line.
      let tickets = try site.tickets()
      try #require(tickets.count == 1, "\(tickets)")
      try #require(try site.recordings().isEmpty)
      let lines = try cdr(site)
      try #require(lines.count == 2, "\(lines)")
      try #require(lines[0][0] == "internal" && lines[0][6] == TestSite.caller && lines[0][7] == TestSite.caller)
      try #require(lines[0][8] == "732" && lines[0][11] == "16" && lines[0][13].isEmpty, "\(lines)")
      try #require(lines[1][7] == "0900123456" && lines[1][11] == "1" && lines[1][3].isEmpty, "\(lines)")
    }
  }
}

/// The lines of the CDR, as fields.
private func cdr(_ site: TestSite) throws -> [[String]] {
  try site.names(in: "cdr").sorted().flatMap { name in
    let bytes = try RealFilesystem().read(joined(site.directory, "cdr/" + name), limit: 1 << 20)
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    }
  }
}

/// How long each sound between two silences lasts, in milliseconds.
private func bursts(_ samples: [Int16]) -> [Int] {
  var lengths: [Int] = []
  var length = 0
  for start in stride(from: 0, to: samples.count - 80, by: 80) {
    if samples[start..<start + 80].contains(where: { abs(Int($0)) > 1000 }) {
      length += 10
    } else if length > 0 {
      lengths.append(length)
      length = 0
    }
  }
  return length > 0 ? lengths + [length] : lengths
}
