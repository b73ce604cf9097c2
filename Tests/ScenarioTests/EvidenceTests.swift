import Audio
import Demo
import Disk
import Glibc
import RTPEngine
import Telephony
import Testing

extension ScenarioTests {
  /// The daemon is killed in the middle of a call. All that had gone over the wire until a second before stands in the
  /// recording, which every tool reads; the next start says in message and list that the recording was cut off, seals it,
  /// and makes its WAV. Then the site's owner has old recordings deleted.
  @Test func killedInMidCall() async throws {
    try await Scene.play("killed-in-call") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["AutoWave.txt"] = "yes"
      try site.write()
      let wire = try await Wire.listen(site.traffic, scene)
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let technician = try await rack.technician("732", daemon)
      let caller = try await rack.caller(daemon)
      let leg = try await caller.talks(to: "799732")
      let answered = try await technician.rings()
      try await technician.answer(answered)
      try await daemon.says("connected", "user=732")
      _ = await caller.say(Sound(try Surroundings.voice("demo-caller")), on: leg)
      _ = await technician.say(Sound(try Surroundings.voice("demo-technician")), on: answered)
      let talk = try await Wire.counting(150, "udp and src host \(TestSite.gateway) and not port \(site.port)", scene)
      _ = try await talk.exit(within: .seconds(20))
      let killed = currentWallTime()
      daemon.process.send(SIGKILL)
      _ = try await daemon.process.exit()
      try await wire.stop()
      let recording = try site.recording()
      try await requireComplete(recording, wire, until: Double(killed.microseconds) / 1e6 - 1, scene)

      let old = ["a", "b"].map { "12.10.2012_14.00_Ticket_7_Caller_\($0).pcap" }
      for name in old { try site.age(recording, as: name) }
      try site.write("recording/hold/" + old[1].uppercased().replacing(".PCAP", with: ""), [])
      let before = try RealFilesystem().read(recording, limit: 1 << 28)
      let again = try await Daemon.start(scene, site, name: "daemon-again")
      try await again.says("WAV made", fileName(of: recording).replacing(".pcap", with: ".wav"))
      let sms = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
      try demand(sms.parameter("text")?.hasSuffix("_Called_732_Recording_incomplete") == true, "\(sms)")
      try demand(try RealFilesystem().read(recording, limit: 1 << 28) == before, "the recording has changed")
      let wave = recording.replacing(".pcap", with: ".wav")
      try demand(try RealFilesystem().status(wave)?.mode == 0o600, wave)
      let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
      try requireHeard(
        Array(try Surroundings.voice("demo-caller").prefix(20_000)),
        notJust: Surroundings.voice("demo-technician"), in: sides.channel(0), "the WAV")
      try await requireSums([fileName(of: recording)] + old, site, scene)
      let program = try scene.product("pikett", ["tickets", "--site", site.directory, "list"])
      _ = try await program.exit()
      let line = await program.lines.first { $0.contains(TestSite.caller) } ?? ""
      try demand(line.hasSuffix("\(recording) (cut off)"), line)

      try site.write("Retention.txt", Array("30\n".utf8))
      try await again.says("recording deleted by Retention.txt", old[0])
      try await again.says("site read")
      try await again.stop()
      let log = try site.value("recording/deleted.log")
      try demand(log.contains("\t\(old[0])\t\(before.count)\t"), log)
      let left = try site.recordings()
      try demand(left == [old[1], fileName(of: recording)].sorted(), "\(left)")
      try await requireSums([fileName(of: recording), old[1]], site, scene)
    }
  }

  /// What went over the caller's leg, as others have seen it, is in the recording, with its times; tshark has nothing to
  /// say against the file.
  private func requireComplete(_ recording: String, _ wire: Wire, until end: Double, _ scene: Scene) async throws {
    let (code, lines) = try await scene.run(["tshark", "-n", "-q", "-r", recording, "-z", "rtp,streams"])
    try demand(code == 0 && !lines.contains { $0.contains("cut short") }, "\(lines)")
    let columns = ["frame.time_epoch", "ip.src", "udp.srcport", "udp.dstport", "udp.payload"]
    let filter = "udp && ip.addr == \(TestSite.gateway) && !sip"
    let seen = try await Wire.fields(columns, of: wire.path, where: filter, scene)
    let kept = try await Wire.fields(columns, of: recording, where: filter, scene)
    let times = Dictionary(
      kept.map { ($0[1...].joined(separator: " "), Double($0[0]) ?? 0) }, uniquingKeysWith: { first, _ in first })
    // The recording begins with the hunt, which is a moment after the answer.
    let begin = (kept.compactMap { Double($0[0]) }.min() ?? 0) + 0.1
    var delays: [Double] = []
    var ways: [String: Int] = [:]
    for packet in seen {
      guard let time = Double(packet[0]), time >= begin, time <= end else { continue }
      let found = times[packet[1...].joined(separator: " ")]
      try demand(found != nil, "\(packet.dropLast()) is missing; the kill came at \(end + 1)")
      ways[packet[1], default: 0] += 1
      delays.append(abs((found ?? 0) - time))
    }
    try demand(ways.count == 2 && ways.values.allSatisfy { $0 > 60 }, "\(ways)")
    let median = delays.sorted()[delays.count / 2]
    try demand(median < 0.02, "the recording's times are \(median) s from the wire's")
  }

  /// `sha256sum -c` finds these recordings as they were.
  private func requireSums(_ names: [String], _ site: TestSite, _ scene: Scene) async throws {
    let folder = joined(site.directory, "recording")
    let (code, lines) = try await scene.run(["env", "-C", folder, "sha256sum", "--strict", "-c", "SHA256SUMS"])
    try demand(code == 0 && lines.sorted() == names.map { $0 + ": OK" }.sorted(), "\(lines)")
  }
}

extension TestSite {
  /// A recording of long ago, with the content of this one.
  fileprivate func age(_ recording: String, as name: String) throws {
    try write("recording/" + name, RealFilesystem().read(recording, limit: 1 << 28))
    let long = timeval(tv_sec: 1_350_050_400, tv_usec: 0)
    try demand(utimes(joined(directory, "recording/" + name), [long, long]) == 0, name)
  }
}
