import Demo
import Disk
import Glibc
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// Every sync fails: calls go on, and the tickets follow when the disk is well again.
  @Test func syncsFail() async throws {
    try await Scene.play("syncs-fail") { scene in
      // Nobody knows what the disk has, though nothing was refused.
      try await callDespite(scene, "No space left on device", flaws: ("_Recording_incomplete", "_Recording_incomplete"))
      {
        daemon in
        try await Strace.attach(to: daemon, "inject=fdatasync,fsync:error=ENOSPC", scene)
      } heal: { _ in
        try await Strace.detach(scene)
      }
    }
  }

  /// The site's disk is full.
  @Test func fullDisk() async throws {
    try await Scene.play("full-disk") { scene in
      let site = scene.path("site")
      try RealFilesystem().makeDirectory(site)
      let (code, lines) = try await scene.run(["mount", "-t", "tmpfs", "-o", "size=1m", "pikett-test", site])
      try demand(code == 0, "a small disk cannot be mounted: \(lines)")
      scene.atEnd { _ = try? await scene.run(["umount", "-l", site]) }
      try await callDespite(
        scene, "No space left on device", flaws: ("_Recording_incomplete", "_Recording_incomplete"),
        closesOneBefore: true
      ) { _ in
        // Whole pages first, then the rest of the last one.
        _ = try await scene.run(["sh", "-c", "cat /dev/zero >\(site)/filler; echo full"])
      } heal: { _ in
        unlink(joined(site, "filler"))
      }
    }
  }

  /// The daemon may write neither tickets nor recordings.
  @Test func missingRights() async throws {
    try await Scene.play("missing-rights") { scene in
      // Rights mean nothing to root, unless he is without the capability to pass over them.
      let wrapper = geteuid() == 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []
      let places = ["ticket", "recording", "cdr"].map { joined(scene.path("site"), $0) }
      // Into a file that is open it may still write.
      try await callDespite(scene, "Permission denied", flaws: ("", "_Recording_missing"), through: wrapper) { _ in
        for place in places { chmod(place, 0o500) }
      } heal: { _ in
        for place in places { chmod(place, 0o700) }
      }
    }
  }

  /// From the start the daemon may only read its site, and one file of it not even that.
  @Test func readOnlySite() async throws {
    try await Scene.play("read-only") { scene in
      let wrapper = geteuid() == 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []
      let site = scene.path("site")
      let secret = joined(site, "731/Password.txt")
      try await callDespite(
        scene, "Permission denied", flaws: ("_Recording_missing", "_Recording_missing"), through: wrapper
      ) {
        chmod(secret, 0)
        chmod(site, 0o500)
      } begin: { daemon in
        let line = try await daemon.says("file=731/Password.txt")
        try demand(line.contains("Permission denied"), line)
      } heal: { _ in
        chmod(site, 0o700)
      }
    }
  }

  /// What cannot be recorded as sent is not sent, or it would be sent again and again; later it goes out once.
  @Test func unwritableSpool() async throws {
    try await Scene.play("unwritable-spool") { scene in
      let wrapper = geteuid() == 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let boxes = ["sms", "im"].map { joined(site.directory, "spool/\($0)/sent") }
      for box in boxes { try RealFilesystem().makeDirectory(box) }
      let daemon = try await Daemon.start(scene, site, through: wrapper)
      let rack = try PhoneRack(scene)
      let bystander = try await Bystander.connect(rack, daemon)
      let technician = try await rack.technician("732", daemon)
      let caller = try await rack.caller(daemon)

      for box in boxes { chmod(box, 0o500) }
      try await bystander.isUndisturbed(scene, isRecorded: false)
      try await daemon.says("pikett-delivery: \(site.directory)/spool/sms/sent", "Permission denied")
      try await daemon.says("the spool cannot be written", "\(site.directory)/spool/im/sent")
      let early = await gateway.seen.all
      try demand(early.isEmpty, "\(early)")

      for box in boxes { chmod(box, 0o700) }
      let leg = try await caller.talks(to: "799732")
      let answered = try await technician.rings()
      try await technician.answer(answered)
      try await daemon.says("connected", "user=732")
      await technician.hangUp(answered)
      try await caller.isReleased(leg)
      for user in ["732", "733"] {
        try await daemon.says("SMS for user \(user) taken")
        try await daemon.says("instant message delivered", "user=\(user)")
      }
      try await daemon.stop()
      let sent = await gateway.seen.all.compactMap { $0.parameter("text") }.sorted()
      let tickets = try site.tickets().map { $0.replacing("_END_1.txt", with: "") }.sorted()
      try demand(sent == tickets && tickets.count == 2, "\(sent), \(tickets)")
      var told: [String] = []
      for phone in rack.all { told += await phone.messages }
      try demand(told.sorted() == tickets, "\(told), \(tickets)")
    }
  }

  /// A call comes and is answered while the disk is in a bad way and another call is up; both leave what they must as
  /// soon as the disk is well again.
  /// - Parameters:
  ///   - problem: what the log must say of it.
  ///   - flaws: what the messages say of the recordings of the call that was up and of the one that comes.
  ///   - closesOneBefore: a call has ended before all that; nothing happens to its recording.
  private func callDespite(
    _ scene: Scene, _ problem: String, flaws: (up: String, new: String), through wrapper: [String] = [],
    closesOneBefore: Bool = false, prepare: () -> Void = {},
    begin: (Daemon) async throws -> Void, heal: (Daemon) async throws -> Void
  ) async throws {
    let gateway = try await scene.smsGateway()
    var site = TestSite(scene.path("site"), smsPort: gateway.port)
    site.files["732/CFNRTimeout.txt"] = "20"
    try site.write()
    prepare()
    let daemon = try await Daemon.start(scene, site, through: wrapper)
    let rack = try PhoneRack(scene)
    let bystander = try await Bystander.connect(rack, daemon)
    let technician = try await rack.technician("732", daemon)
    let caller = try await rack.caller(daemon)
    if closesOneBefore { try await self.closeOne(rack, daemon) }

    try await begin(daemon)
    let leg = try await caller.talks(to: "799732")
    // Half a second is what the hunt waits for the disk at most.
    let answered = try await technician.rings(within: .seconds(3))
    try await technician.answer(answered)
    try await daemon.says("connected", "user=732")
    await technician.hangUp(answered)
    try await caller.isReleased(leg)
    // One clear line: which file, what is wrong.
    let line = try await daemon.says(" ERROR ", problem)
    try demand(line.contains(site.directory), line)
    try await bystander.isUndisturbed(scene, isRecorded: false)

    try await heal(daemon)
    try await daemon.says("everything that waited for the disk has been written", within: .seconds(15))
    for (number, user, flaw) in [(Bystander.number, "733", flaws.up), (TestSite.caller, "732", flaws.new)] {
      let sms = try await gateway.seen.first("the SMS for \(user)", within: .seconds(15)) {
        $0.parameter("text")?.hasSuffix("_Caller_\(number)_Called_\(user)\(flaw)") == true
      }
      let text = (sms.parameter("text") ?? "").replacing(flaw, with: "")
      let tickets = try site.tickets()
      try demand(tickets.contains(text + "_END_1.txt"), "\(text) in \(tickets)")
    }
    for (number, flaw) in [(Bystander.number, flaws.up), (TestSite.caller, flaws.new)] where !flaw.isEmpty {
      try await daemon.says("what a recording lacks is noted beside it", "_Caller_\(number)", within: .seconds(15))
    }
    try await daemon.stop()
    let all = closesOneBefore ? 3 : 2
    let sent = await gateway.seen.all
    try demand(sent.count == all, "\(sent)")
    let tickets = try site.tickets()
    try demand(tickets.count == all, "\(tickets)")
    let next = try site.value("TickeNR.TXT")
    try demand(next == "\(TestSite.firstTicket + all)", "TickeNR.TXT: \(next)")
    try await requireTold(flaws, site, scene)
  }

  /// A call that ends at once, and whose recording is closed.
  private func closeOne(_ rack: PhoneRack, _ daemon: Daemon) async throws {
    let number = "0471000222"
    let caller = try await rack.caller(daemon, number: number)
    let leg = try await caller.talks(to: "799732")
    try await daemon.says("ticket opened", "user=732")
    await caller.hangUp(leg)
    try await daemon.says("recording's checksum written", "_Caller_\(number)")
  }

  /// `pikett tickets list` names what is missing; the closed recordings are what they were, and tshark reads them all.
  private func requireTold(_ flaws: (up: String, new: String), _ site: TestSite, _ scene: Scene) async throws {
    let program = try scene.product("pikett", ["tickets", "--site", site.directory, "list", "--json"])
    let code = try await program.exit()
    let lines = await program.lines.filter { $0.hasPrefix("{") }
    try demand(code == 0, "\(lines)")
    for (number, flaw) in [(Bystander.number, flaws.up), (TestSite.caller, flaws.new)] {
      let line = lines.first { $0.contains("\"caller\":\"\(number)\"") } ?? ""
      try demand(line.contains("\"lost\":null") == flaw.isEmpty, line)
      try demand(line.contains("\"recording\":null") == (flaw == "_Recording_missing"), line)
    }
    let folder = joined(site.directory, "recording")
    let names = try site.names(in: "recording")
    for name in names where name.hasSuffix(".pcap") {
      let methods = try await Wire.fields(["sip.Method"], of: joined(folder, name), where: "sip", scene)
      // Of one that met the full disk at its beginning, what came afterwards is there.
      let isWhole = !names.contains { $0.hasPrefix(name + ".lost-") }
      try demand(!isWhole || methods.first == ["INVITE"], "\(name): \(methods)")
    }
    guard try RealFilesystem().status(joined(folder, "SHA256SUMS")) != nil else { return }
    let (sums, told) = try await scene.run(["env", "-C", folder, "sha256sum", "--strict", "-c", "SHA256SUMS"])
    try demand(sums == 0, "\(told)")
  }
}
