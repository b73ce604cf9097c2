import Demo
import Disk
import Glibc
import Testing

extension ScenarioTests {
  /// Every race of data/fixtures/scenario/races, all at once with one daemon: two sipps each, a caller and a phone, who
  /// both must have seen what their sides of the file say.
  @Test func races() async throws {
    try await Scene.play("races") { scene in
      var site = TestSite(scene.path("site"))
      let rtp = Ports.take(300)
      let races = try RaceScript.all().enumerated().map { Race($0.element, 741 + $0.offset) }
      site.files["RTPPorts.txt"] = "\(rtp)-\(rtp + 299)"
      site.files["Answer.txt"] = "user"
      site.files["trunks/GW14/Qualify.txt"] = "none"
      for race in races { site.files.merge(race.files) { $1 } }
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let wire = try await Wire.listen("udp port \(site.port)", scene)
      let sockets = try daemon.sockets()
      var programs: [(Race, Child)] = []
      for race in races { programs.append((race, try race.startPhone(scene))) }
      for race in races { programs.append((race, try race.startCaller(scene, daemon))) }
      var faults: [String] = []
      for (race, program) in programs {
        if try await program.exit(within: .seconds(50)) != 0 { faults.append("\(race.script.name): \(program.name)") }
      }
      try #require(faults == [], "\(faults)")
      for race in races { try await daemon.says("call ended", daemon.mark(of: race.number)) }
      let left = try daemon.sockets()
      try #require(left == sockets, "\(left) sockets, \(sockets) before the calls")
      var end = timespec()
      clock_gettime(CLOCK_REALTIME, &end)
      let moment = "\(end.tv_sec).\(String(end.tv_nsec + 1_000_000_000).dropFirst())"
      try await daemon.stop()
      try await wire.stop()
      // Nothing was left that would have had to be ended. (A question to a peer who is gone may still be repeated.)
      let sent = try await Wire.fields(
        ["frame.number"], of: wire.path,
        where:
          "(sip.Method == BYE || sip.Method == CANCEL) && udp.srcport == \(site.port) && frame.time_epoch > \(moment)",
        scene)
      try #require(sent.isEmpty, "\(sent.count) requests as the daemon ends")
      try await checkPapers(races, site, wire, scene)
    }
  }

  private func bytes(of site: TestSite, _ path: String) throws -> [UInt8] {
    try RealFilesystem().read(joined(site.directory, path), limit: 1 << 20)
  }

  /// Each call has one ticket, closed once, and one CDR line with the right cause.
  private func checkPapers(_ races: [Race], _ site: TestSite, _ wire: Wire, _ scene: Scene) async throws {
    let tickets = try site.tickets()
    try #require(tickets.count == races.count, "\(tickets)")
    let lines = try site.names(in: "cdr").flatMap { name in
      String(decoding: try bytes(of: site, "cdr/" + name), as: UTF8.self).split(separator: "\n")
    }.map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
    try #require(lines.count == races.count)
    let acknowledged = try await Wire.fields(
      ["sip.r-uri.user", "udp.dstport"], of: wire.path, where: "sip.Method == ACK && udp.srcport == \(site.port)", scene
    )
    for race in races {
      let own = tickets.filter { $0.contains("_Caller_\(race.number)_Called_\(race.user)_END_1.txt") }
      #expect(own.count == 1, "\(race.script.name): \(own)")
      let line = lines.first { $0[8] == race.number } ?? []
      #expect(line.count > 11 && line[11] == race.script.cause, "\(race.script.name): \(line)")
      #expect((line.count > 6 && line[6] == race.user) == race.script.isAnswered, "\(race.script.name): \(line)")
      guard let count = race.script.acknowledgements else { continue }
      let got = acknowledged.count { $0[1] == "\(race.port)" }
      #expect(got == count, "\(race.script.name): \(got) ACKs")
    }
  }
}

/// A race with its caller's number, and its phone's.
private struct Race: Sendable {
  let script: RaceScript
  let user: String
  let number: String
  let port = Ports.take()
  private let address = "127.0.0.5"

  init(_ script: RaceScript, _ user: Int) {
    self.script = script
    self.user = "\(user)"
    number = "0471000\(user)"
  }

  /// The technician in the site.
  var files: [String: String] {
    [
      "\(user)/Contact.txt": "sip:\(user)@\(address):\(port)", "\(user)/CFNR.txt": "none",
      "\(user)/CFNRTimeout.txt": "\(script.timeout)", "\(user)/IM.txt": "no",
    ]
  }

  func startPhone(_ scene: Scene) throws -> Child {
    try start("phone", script.phoneScenario(), at: (address, port), [], scene)
  }

  func startCaller(_ scene: Scene, _ daemon: Daemon) throws -> Child {
    let words = ["-s", "799\(user)", "-key", "caller", number, "127.0.0.1:\(daemon.site.port)"]
    return try start("caller", script.callerScenario(), at: (TestSite.gateway, Ports.take()), words, scene)
  }

  private func start(
    _ side: String, _ scenario: String, at place: (String, UInt16), _ words: [String], _ scene: Scene
  ) throws -> Child {
    let name = "\(script.name)-\(side)"
    let file = scene.path(name + ".xml")
    try RealFilesystem().replace(file, Array(scenario.utf8), sync: false)
    let log = ["-trace_err", "-error_file", scene.path(name + "-errors.log")]
    let messages = ["-trace_msg", "-message_file", scene.path(name + "-messages.log")]
    return try scene.start(
      name,
      [
        "sipp", "-sf", file, "-i", place.0, "-mi", place.0, "-p", "\(place.1)", "-mp", "\(Ports.take(8))", "-m", "1",
        "-nostdin", "-nd", "-timeout", "50s", "-timeout_error",
      ] + log + messages + words)
  }
}
