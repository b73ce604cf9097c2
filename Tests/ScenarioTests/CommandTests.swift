import Demo
import Disk
import Glibc
import Synchronization
import Telephony
import Testing

extension ScenarioTests {
  /// What is set by commands while the controller runs counts for the next call: who is on duty, and the ticket's number.
  /// What the call left is then shown.
  @Test func commandsOnARunningSite() async throws {
    try await Scene.play("commands") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      var phones: [String: Phone] = [:]
      for number in ["731", "732", "733"] { phones[number] = try await rack.technician(number, daemon) }

      var ticket = TestSite.firstTicket
      for (turn, number) in ["733", "731", "732"].enumerated() {
        let shown = try await pikett(["duty", "set", number], site, scene)
        try #require(shown.first == "\(number) is on duty, says forwards/TED_CFU/Target.txt", "\(shown)")
        try await daemon.process.line("site read", count: turn + 1)
        ticket += 1000
        try #require(try await pikett(["tickets", "next", "\(ticket)"], site, scene) == ["\(ticket)"])

        let caller = try await rack.caller(daemon, number: "0471\(number)")
        let leg = try await caller.talks(to: "799*731")
        let phone = try #require(phones[number])
        let ringing = try await phone.rings(from: "0471\(number)")
        try await phone.answer(ringing)
        try await daemon.says("connected", "user=\(number)")
        await phone.hangUp(ringing)
        try await caller.isReleased(leg)
        try await daemon.says("call ended", "ticket=\(ticket) ")
        try #require(try await pikett(["tickets", "next"], site, scene) == ["\(ticket + 1)"])
      }
      try await daemon.stop()

      let list = try await pikett(["tickets", "list"], site, scene)
      try #require(list.count == 4, "\(list)")
      for (line, number) in zip(list.dropFirst(), ["733", "731", "732"]) {
        try #require(line.contains("  0471\(number)  \(number)     END  \(site.directory)/recording/"), "\(line)")
      }
      let messages = try await pikett(["messages"], site, scene)
      try #require(messages.contains { $0.contains("\(ticket)-im") }, "\(messages)")
      try #require(!list.joined().contains("secret") && !messages.joined().contains("secret"))
    }
  }

  /// What `pikett init` writes is a line that works: phones register with the passwords it made up, and whoever calls the
  /// queue and presses 1 reaches who is on duty. Filled in are only the trunk's host and, here, the ports of this run.
  @Test func aNewSite() async throws {
    try await Scene.play("new-site") { scene in
      let site = TestSite(scene.path("site"))
      try #require(try await pikett(["init", site.directory], nil, scene).first?.hasSuffix(" files written") == true)
      for (path, value) in site.files where ["Listen.txt", "RTPPorts.txt", "trunks/GW14/Host.txt"].contains(path) {
        try site.write(path, Array((value + "\n").utf8))
      }
      let report = try await pikett(["check"], site, scene)
      try #require(report.last?.hasPrefix("check: 0 errors") == true, "\(report)")

      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let phone = try await rack.phone(
        "732", password: try site.value("732/Password.txt"), at: "127.0.0.1", of: ("127.0.0.1", site.port))
      try await phone.isRegistered()
      let caller = try await rack.caller(daemon)
      let leg = try await caller.talks(to: "720")
      await caller.press("1", on: leg)
      let ringing = try await phone.rings()
      try await phone.answer(ringing)
      try await daemon.says("connected", "user=732")
      await phone.hangUp(ringing)
      try await caller.isReleased(leg)
      try await daemon.stop()
      let tickets = try site.tickets()
      try #require(tickets.count == 1 && tickets[0].contains("_Ticket_1_Caller_\(TestSite.caller)_Called_732_END_1"))
    }
  }

  /// A controller that is killed is there again, and answers; told to end, both end.
  @Test func supervised() async throws {
    try await Scene.play("supervised") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let supervisor = try scene.product("pikett", ["run", "--supervise", "--site", site.directory], name: "daemon")
      try await supervisor.line("ready", within: .seconds(20))
      let prober = try Datagrams(TestSite.gateway)
      for turn in 1...3 {
        let child = try #require(await pid(of: supervisor, turn))
        let clock = ContinuousClock()
        let start = clock.now
        kill(child, SIGKILL)
        try await supervisor.line("ready", count: turn + 1)
        prober.send(prober.request("OPTIONS", "sip:127.0.0.1", callID: "alive-\(turn)"), site.port)
        try await prober.answer("SIP/2.0 200", "Call-ID: alive-\(turn)")
        // The first starts are immediate; the third, after two crashes in a row, waits a little.
        let time = clock.now - start
        try demand(time < .seconds(5), "it took \(time) until the killed controller answered")
        try await supervisor.line("the controller crashed", count: turn)
      }
      let last = try #require(await pid(of: supervisor, 4))
      supervisor.send(SIGHUP)
      try await supervisor.line("site read")
      supervisor.send(SIGTERM)
      try #require(try await supervisor.exit(within: .seconds(10)) == 0)
      try #require(kill(last, 0) != 0 && errno == ESRCH, "the controller outlived its supervisor")
    }
  }

  /// The pid of the n-th controller that was started.
  private func pid(of supervisor: Child, _ count: Int) async throws -> pid_t? {
    let line = try await supervisor.line("controller started", count: count)
    return line.split(separator: "=").last.flatMap { pid_t($0) }
  }

  /// Runs a command on the site to its end; it must succeed.
  private func pikett(_ words: [String], _ site: TestSite?, _ scene: Scene) async throws -> [String] {
    let place = site.map { ["--site", $0.directory] } ?? []
    let process = try scene.product("pikett", words + place, name: "command")
    let code = try await process.exit(within: .seconds(20))
    let lines = await process.lines
    try demand(code == 0, "pikett \(words.joined(separator: " ")) ended with \(code): \(lines)")
    return lines
  }
}

extension Child {
  /// Waits for the n-th line that holds this text.
  @discardableResult fileprivate func line(_ text: String, count: Int) async throws -> String {
    let left = Mutex(count)
    let event = try await seen.first("\(name): \(text), \(count) times", within: .seconds(20)) { event in
      switch event {
      case .line(let line):
        return line.contains(text)
          && left.withLock { left in
            left -= 1
            return left == 0
          }
      case .exited: return true
      }
    }
    guard case .line(let line) = event else { throw Failure("\(name) ended before it said “\(text)” \(count) times") }
    return line
  }
}
