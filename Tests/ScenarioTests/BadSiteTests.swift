import Demo
import Disk
import Glibc
import Telephony
import Testing

extension ScenarioTests {
  /// Files that cannot be understood: `check` tells each and says no, `run` tells each and works; what is edited wrongly
  /// while it runs costs no call.
  @Test func badFiles() async throws {
    try await Scene.play("bad-files") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let bystander = try await Bystander.connect(rack, daemon)
      let isWell = try scene.product("pikett", ["check", "--site", site.directory], name: "check-good")
      try #require(try await isWell.exit() == 0)

      let faults = ["queues/TED_WQ10/Announcement.wav": "no sound", "731/CFNR.txt": "799888", "732/CFNR.txt": "799732"]
      for (path, value) in faults { try site.write(path, Array((value + "\n").utf8)) }
      for path in faults.keys { try await daemon.says("file=\(path)", "expected=") }
      try await hearsAnnouncement(rack, daemon, scene)
      try await bystander.isUndisturbed(scene)
      try await daemon.stop()

      let check = try scene.product("pikett", ["check", "--site", site.directory])
      let code = try await check.exit()
      let report = await check.output
      try #require(code == 1, "\(report)")
      for path in faults.keys { try #require(report.contains(path), "\(path) in:\n\(report)") }

      // Not even a time zone that there is not keeps the line from working.
      try site.write("TimeZone.txt", Array("Europe/Atlantis\n".utf8))
      let again = try await Daemon.start(scene, site, name: "daemon-again")
      for path in ["TimeZone.txt"] + faults.keys.sorted() { try await again.says("file=\(path)", "expected=") }
      try await hearsAnnouncement(rack, again, scene)
      try await again.stop()
    }
  }

  /// Who dials the queue hears the built-in announcement.
  private func hearsAnnouncement(_ rack: PhoneRack, _ daemon: Daemon, _ scene: Scene) async throws {
    let wire = try await Wire.listen(daemon.site.traffic, scene)
    let threeSeconds = try await Wire.counting(
      150, "udp and dst host \(TestSite.gateway) and src portrange \(daemon.site.rtp)-\(daemon.site.rtp + 99)", scene)
    let caller = try await rack.caller(daemon)
    let leg = try await caller.talks(to: "720")
    _ = try await threeSeconds.exit(within: .seconds(20))
    await caller.hangUp(leg)
    try await daemon.says("call ended", "cause=\"16")
    try await wire.stop()
    let heard = try await wire.sound(sentTo: TestSite.gateway, nil)
    let announcement = try Surroundings.voice("announcement")
    // Only what has been played of it can be there.
    try requireHeard(
      Array(announcement.prefix(20_000)), notJust: Surroundings.voice("demo-technician"), in: heard, "the queue")
  }

  /// A site in which nobody can be rung refuses calls, and says why; one in which nothing stands still runs.
  @Test func emptySites() async throws {
    try await Scene.play("empty-site") { scene in
      var bare = TestSite(scene.path("bare"))
      bare.files = bare.files.filter { ["Listen.txt", "RTPPorts.txt", "trunks/GW14/Host.txt"].contains($0.key) }
      try bare.write()
      let daemon = try await Daemon.start(scene, bare)
      let trunk = WireEnd(try Datagrams(TestSite.gateway), daemon)
      for (number, status, reason) in [
        ("720", 404, "no such number"), ("799*731", 480, "the site has no users"),
        ("799", 480, "the site has no users"),
      ] {
        let callID = "empty-\(number)"
        trunk.send(Array(trunk.invite(number, callID: callID).utf8))
        try await trunk.socket.answer("SIP/2.0 \(status)", "Call-ID: \(callID)")
        let line = try await daemon.says("call refused", "dialled=\(number) ")
        try #require(line.contains("status=\(status)") && line.contains("reason=\"\(reason)\""), "\(line)")
      }
      try await daemon.stop()

      var empty = TestSite(scene.path("empty"))
      empty.files = [:]
      try empty.write()
      let check = try scene.product("pikett", ["check", "--site", empty.directory])
      let code = try await check.exit()
      let report = await check.output
      try #require(code == 1 && report.contains("there are no users"), "\(report)")
      // An empty directory listens where the default says; only that port is taken from it here.
      try empty.write("Listen.txt", Array("udp:127.0.0.1:\(empty.port)\n".utf8))
      let nobody = try await Daemon.start(scene, empty, name: "daemon-empty")
      let stranger = WireEnd(try Datagrams(TestSite.gateway), nobody)
      stranger.send(Array(stranger.invite("799731", callID: "nobody").utf8))
      try await stranger.socket.answer("SIP/2.0 401", "Call-ID: nobody")
      try await nobody.stop()
    }
  }

  /// A port that is taken, and a site that is taken: one line each, exit 69, and the call of the first goes on.
  @Test func occupied() async throws {
    try await Scene.play("occupied") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let bystander = try await Bystander.connect(rack, daemon)

      var other = TestSite(scene.path("other"))
      other.files["Listen.txt"] = site.files["Listen.txt"]
      try other.write()
      try await isRefused(other, ["Listen.txt", "127.0.0.1:\(site.port)"], scene, name: "second-on-port")
      var same = site
      same.files["Listen.txt"] = "udp:127.0.0.1:\(Ports.take())"
      try same.write()
      try await isRefused(same, [site.directory + "/state/lock"], scene, name: "second-on-site")

      try await bystander.isUndisturbed(scene)
      try await daemon.stop()
    }
  }

  /// `pikett run` ends with 69, and its only complaint is one line with these texts.
  private func isRefused(_ site: TestSite, _ texts: [String], _ scene: Scene, name: String) async throws {
    let process = try scene.product("pikett", ["run", "--site", site.directory], name: name)
    let code = try await process.exit()
    let lines = await process.lines
    try #require(code == 69, "\(lines)")
    let complaints = lines.filter { $0.hasPrefix("pikett: ") || $0.contains(" ERROR ") || $0.contains(" CRITICAL ") }
    try #require(complaints.count == 1, "\(lines)")
    try #require(texts.allSatisfy { complaints[0].contains($0) }, "\(complaints)")
  }
}
