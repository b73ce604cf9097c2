import Demo
import Disk
import Glibc
import SIPUserAgent
import Synchronization
import Telephony
import Testing

extension ScenarioTests {
  /// The owner edits value files while the daemon runs, each time in another way, and each next call follows them.
  @Test func editedWhileRunning() async throws {
    try await Scene.play("edits") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      var line = EditedLine(scene: scene, daemon: daemon, rack: rack)
      for user in ["731", "732", "733"] { line.phones[user] = try await rack.technician(user, daemon) }
      let map = "queues/TED_WQ10/Map1.txt"

      // Who is on duty, by a new file in the old one's place.
      try await line.reaches("732", by: "799*731")
      try await line.edited { try site.write("forwards/TED_CFU/Target.txt", Array("799733\n".utf8)) }
      try await line.reaches("733", by: "799*731")
      // Where a key leads: written in place, by a shell, by an editor that keeps a backup.
      try await line.edited { try site.overwrite(map, "799732") }
      try await line.reaches("732", by: "720", pressing: "1")
      try await line.edited { _ = try await scene.run(["sh", "-c", "echo 799731 > \(joined(site.directory, map))"]) }
      try await line.reaches("731", by: "720", pressing: "1")
      try await line.edited { try site.editLikeVim(map, "799733\r\nnight shift\r\n") }
      try await line.reaches("733", by: "720", pressing: "1")
      // What cannot be understood is told, and what was good stays; so twice.
      for text in ["Tech2", "\u{1}"] {
        try await line.edited { try site.overwrite(map, text) }
        try await line.reaches("733", by: "720", pressing: "1")
      }
      try await daemon.says("ERROR site", "problem=\"“Tech2” is not understood\"")
      let fault = try await daemon.says("ERROR site", "is no text in UTF-8 or Windows-1252")
      try demand(
        fault.contains("file=\(map)") && fault.contains("expected=\"a dialable number such as 799*731, or none\""),
        fault)
      // The file is gone, so the key leads nowhere; another is there.
      try await line.edited {
        unlink(joined(site.directory, map))
        try site.write("queues/TED_WQ10/Map5.txt", Array("799732".utf8))
      }
      try await line.reaches("732", by: "720", pressing: "15")
      try await daemon.says("wrong key", "key=1")

      // The ticket number needs no reading of the site: it is read at each draw.
      let next = try #require(Int(try site.value("TickeNR.TXT")))
      try site.overwrite("TickeNR.TXT", "5000")
      try await line.reaches("731", by: "799731")
      try site.write("TickeNR.TXT", Array("17\nlowered\n".utf8))
      try await line.reaches("731", by: "799731")
      try await line.reaches("731", by: "799731")
      try await daemon.says("ticket closed", "ticket=18")
      try await daemon.says("instant message delivered", "message=18-im")
      let numbers = try site.tickets().compactMap {
        $0.split(separator: "_Ticket_").last?.split(separator: "_").first.flatMap { Int($0) }
      }
      try demand(Set(numbers) == Set([5000, 17, 18] + (TestSite.firstTicket..<next)), "\(numbers.sorted())")
      let counter = try String(decoding: site.bytes("TickeNR.TXT"), as: UTF8.self)
      try demand(counter == "19\nlowered\n", counter)

      let otherPorts = Ports.take(10)
      // One call at once: who is in the line holds it.
      try await line.edited { try site.overwrite("MaxCalls.txt", "1") }
      let first = try await rack.caller(daemon, number: "0471999001")
      let leg = try await first.talks(to: "799731")
      let second = try await rack.caller(daemon, number: "0471999002")
      try await second.call("799731")
      _ = try await second.seen.first("486", within: .seconds(5)) {
        if case .refused(_, status: 486) = $0 { true } else { false }
      }
      // Numbers that count for new calls only leave the one in progress alone.
      try await line.edited {
        try site.overwrite("MaxCalls.txt", "50")
        try site.overwrite("RTPPorts.txt", "\(otherPorts)-\(otherPorts + 9)")
      }
      let third = try await rack.caller(daemon, number: "0471999003")
      let other = try await third.talks(to: "799731")
      try demand(try boundPorts().contains { (otherPorts...otherPorts + 9).contains($0) }, "no port of the new range")
      await first.hangUp(leg)
      await third.hangUp(other)
      try await daemon.says("call ended", "cause=")

      // Recordings go elsewhere from now on, and what is written there is no edit.
      try await line.edited { try site.overwrite("Recording.txt", "calls") }
      try await line.reaches("731", by: "799731")
      try await daemon.says("recording closed", "\(site.directory)/calls/")

      // What counts after a restart only is said, once, and the daemon goes on as it is.
      try await line.edited {
        try site.overwrite("Listen.txt", "udp:127.0.0.1:9")
        try site.overwrite("TimeZone.txt", "Europe/London")
        try site.overwrite("State.txt", "elsewhere")
      }
      for (file, value, now) in [
        ("Listen.txt", "udp:127.0.0.1:9", "udp:127.0.0.1:\(site.port)"),
        ("TimeZone.txt", "Europe/London", "Europe/Rome"),
        ("State.txt", "elsewhere", "state"),
      ] {
        let told = try await daemon.says("takes effect after a restart", "file=\(file)")
        try demand(told.contains("value=\(value)") && told.contains("now=\(now)"), told)
      }
      try await line.reaches("732", by: "799732")
      try await line.edited { try site.overwrite("Name.txt", "nothing") }
      let told = await daemon.process.lines.filter { $0.contains("takes effect after a restart") }
      try demand(told.count == 3, "\(told)")
      try demand(try site.names(in: "elsewhere").isEmpty, "the state has moved")

      try await daemon.stop()
      let readings = await daemon.process.lines.filter { $0.contains(" INFO site read") }
      try demand(readings.count == line.readings, "read \(readings.count) times for \(line.readings) edits")
      try site.requireRights()
    }
  }

  /// Secrets, users and trunks come and go while the daemon runs.
  @Test func objectsComeAndGo() async throws {
    try await Scene.play("come-and-go") { scene in
      let gateway = try await scene.smsGateway()
      let site = TestSite(scene.path("site"), smsPort: gateway.port)
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      var line = EditedLine(scene: scene, daemon: daemon, rack: rack)
      let server = ("127.0.0.1", site.port)

      // A new password: the old one is refused from now on.
      let old = try await rack.technician("731", daemon)
      try await line.edited { try site.overwrite("731/Password.txt", "another secret") }
      await old.register(expires: 200)
      _ = try await old.seen.first("the old password is refused", within: .seconds(5)) {
        $0 == .registered(status: 401)
      }
      let renewed = try await rack.phone("731", password: "another secret", at: "127.0.0.1", of: server)
      try await renewed.isRegistered()

      // A new technician is rung; when he is gone, nobody is.
      let number = "799734"
      let early = try await rack.phone("734", password: "secret734", at: "127.0.0.1", of: server)
      await early.register()
      _ = try await early.seen.first("unknown yet", within: .seconds(5)) { $0 == .registered(status: 401) }
      try await line.edited {
        try site.write("734/Password.txt", Array("secret734\n".utf8))
        try site.write("734/Name.txt", Array("Tech4\n".utf8))
      }
      line.phones["734"] = try await rack.technician("734", daemon)
      try await line.reaches("734", by: number)
      try await line.edited { removeTree(joined(site.directory, "734")) }
      await line.phones["734"]?.register(expires: 200)
      _ = try await line.phones["734"]?.seen.first("gone", within: .seconds(5)) { $0 == .registered(status: 401) }
      let caller = try await rack.caller(daemon, number: "0471999009")
      try await caller.call(number)
      _ = try await caller.seen.first("no such number", within: .seconds(5)) {
        if case .refused = $0 { true } else { false }
      }

      // A new trunk may call; before, it is a stranger like any other.
      let address = "127.0.0.9"
      let stranger = try await rack.phone("0471888001", at: address, of: server)
      try await stranger.call("799732")
      _ = try await stranger.seen.first("a stranger", within: .seconds(5)) {
        if case .refused(_, status: 401) = $0 { true } else { false }
      }
      line.phones["732"] = try await rack.technician("732", daemon)
      try await line.edited { try site.write("trunks/SECOND/Host.txt", Array("\(address)\n".utf8)) }
      try await daemon.says("ERROR site", "there are several trunks (GW14, SECOND)")
      let friend = try await rack.phone("0471888002", at: address, of: server)
      let leg = try await friend.talks(to: "799732")
      let phone = try #require(line.phones["732"])
      let answered = try await phone.rings(from: "0471888002")
      try await phone.answer(answered)
      try await daemon.says("connected", "user=732")
      await phone.hangUp(answered)
      try await friend.isReleased(leg)
      try await daemon.stop()
    }
  }

  /// The announcement is replaced, then broken, then taken away while another language is chosen.
  @Test func soundsChange() async throws {
    try await Scene.play("sounds-change") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      var line = EditedLine(scene: scene, daemon: daemon, rack: rack)
      let path = "queues/TED_WQ10/Announcement.wav"
      let wave = joined(Surroundings.data, "prompts/en/demo-technician.wav")
      try await line.edited { try site.write(path, try RealFilesystem().read(wave, limit: 1 << 24)) }
      try await line.edited { try site.overwrite(path, "no sound") }
      try await daemon.says("ERROR site", "file=\(path)")
      let words = { (sound: [Int16]) in Array(sound.prefix(20_000)) }
      let english = words(try Surroundings.voice("announcement"))
      try requireHeard(
        words(Surroundings.voice("demo-technician")), notJust: english, in: try await line.announcement("0471000101"),
        "the new announcement")

      try await line.edited {
        unlink(joined(site.directory, path))
        try site.write("Language.txt", Array("de\n".utf8))
      }
      try requireHeard(
        words(Surroundings.voice("announcement", in: "de")), notJust: english,
        in: try await line.announcement("0471000102"),
        "the German announcement")
      try await daemon.stop()
    }
  }
}

/// A line whose owner edits its site.
private struct EditedLine {
  let scene: Scene
  let daemon: Daemon
  let rack: PhoneRack
  var phones: [String: Phone] = [:]
  private var calls = 0
  private(set) var readings = 0

  init(scene: Scene, daemon: Daemon, rack: PhoneRack) {
    self.scene = scene
    self.daemon = daemon
    self.rack = rack
  }

  /// Edits, and waits until the daemon has read the site anew.
  mutating func edited(_ edit: () async throws -> Void) async throws {
    try await edit()
    readings += 1
    let wanted = readings
    let count = Mutex(0)
    _ = try await daemon.process.seen.first("reading \(wanted) of the site", within: .seconds(10)) { event in
      guard case .line(let line) = event, line.contains(" INFO site read") else { return false }
      return count.withLock {
        $0 += 1
        return $0 == wanted
      }
    }
  }

  /// A call to `number` rings this user; he answers and hangs up.
  mutating func reaches(_ user: String, by number: String, pressing keys: String = "") async throws {
    calls += 1
    let name = "04710000\(calls + 10)"
    let caller = try await rack.caller(daemon, number: name)
    let leg = try await caller.talks(to: number)
    for key in keys {
      await caller.press(key, on: leg)
      if key != keys.last { try await daemon.says("wrong key", "key=\(key)") }
    }
    let phone = try #require(phones[user])
    let answered = try await phone.rings(from: name)
    try await phone.answer(answered)
    _ = try await phone.seen.first("\(user) talks", within: .seconds(5)) { $0 == .talking(answered) }
    await phone.hangUp(answered)
    try await caller.isReleased(leg)
  }

  /// What a caller hears who does not press anything: 3 s of the announcement.
  func announcement(_ name: String) async throws -> [Int16] {
    let site = daemon.site
    let wire = try await Wire.listen(site.traffic, scene)
    let counter = try await Wire.counting(
      150, "udp src portrange \(site.rtp)-\(site.rtp + 99) and dst host \(TestSite.gateway)", scene)
    let caller = try await rack.caller(daemon, number: name)
    let leg = try await caller.talks(to: "720")
    _ = try await counter.exit(within: .seconds(20))
    await caller.hangUp(leg)
    try await wire.stop()
    return try await wire.sound(sentTo: TestSite.gateway, nil)
  }
}

extension TestSite {
  fileprivate func bytes(_ path: String) throws -> [UInt8] {
    try RealFilesystem().read(joined(directory, path), limit: 1 << 24)
  }

  /// As a simple editor does: the file is made empty, then written.
  fileprivate func overwrite(_ path: String, _ text: String) throws {
    let file = open(joined(directory, path), O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    defer { close(file) }
    let bytes = Array(text.utf8)
    try demand(file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count, path)
  }

  /// As vim does: the old file becomes the backup, a new one is written, the backup goes.
  fileprivate func editLikeVim(_ path: String, _ text: String) throws {
    let whole = joined(directory, path)
    let probe = joined(Disk.directory(of: whole), "4913")
    close(open(probe, O_WRONLY | O_CREAT, 0o644))
    unlink(probe)
    try demand(rename(whole, whole + "~") == 0, path)
    try overwrite(path, text)
    unlink(whole + "~")
  }

  /// What Pikett has written belongs to its user alone, or at most may be read by his group.
  fileprivate func requireRights() throws {
    let disk = RealFilesystem()
    func check(_ folder: String, _ allowed: Set<Int>) throws {
      for name in [""] + (try disk.list(joined(directory, folder))) {
        let path = joined(directory, folder) + (name.isEmpty ? "" : "/" + name)
        guard let status = try disk.status(path) else { continue }
        if status.isDirectory, !name.isEmpty { try check(joined(folder, name), allowed) }
        let mode = Int(status.mode)
        try demand(
          status.isDirectory ? allowed.contains(mode) : mode == 0o600, "\(path): \(String(mode, radix: 8))")
      }
    }
    for folder in ["ticket", "recording", "calls", "spool", "state"] { try check(folder, [0o700]) }
    try check("cdr", [0o700, 0o750])
  }
}

/// The UDP ports that somebody on this machine has bound.
private func boundPorts() throws -> [UInt16] {
  let table = try RealFilesystem().readPrefix("/proc/net/udp", limit: 1 << 20)
  return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
    let local = line.split(separator: " ").dropFirst().first
    return local.flatMap { UInt16($0.suffix(4), radix: 16) }
  }
}
