import Demo
import Disk
import Glibc
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// The daemon is killed at each sync of a call, one after the other, until the call comes to its end unharmed; each
  /// time the restart makes good what was left.
  ///
  /// strace counts the syncs of each thread for itself. Here all threads count, since the start of the program: this
  /// meets the start and the recorder, which syncs most often.
  @Test func killedAtEachSyncOfRecorder() async throws {
    var point = 1
    while try await killed(
      atSync: point, name: "killed-recording",
      { scene, site in
        let tracer = Strace.words(scene, "inject=fdatasync:signal=SIGKILL:when=\(point)")
        let process = try scene.product("pikett", ["run", "--site", site.directory], name: "daemon", through: tracer)
        return Daemon(process: process, site: site)
      })
    {
      point += 1
      try demand(point < 40, "the call never ends unharmed")
    }
    // The start, and one sync for each part of the call that was recorded.
    try #require(point > 4, "only \(point - 1) syncs")
  }

  /// Without a recording and from the moment at which the daemon is ready, the syncs are those of the records alone:
  /// the hops, the end of the call, the instant message sent, and what makes them durable.
  @Test(arguments: ["fdatasync", "fsync"]) func killedAtEachSyncOfRecords(_ call: String) async throws {
    var point = 1
    while try await killed(
      atSync: point, name: "killed-\(call)",
      { scene, site in
        try site.write("Recording.txt", Array("none".utf8))
        let daemon = try await Daemon.start(scene, site)
        try await Strace.attach(to: daemon, "inject=\(call):signal=SIGKILL:when=\(point)", scene)
        return daemon
      })
    {
      point += 1
      try demand(point < 40, "the call never ends unharmed")
    }
    try #require(point > (call == "fsync" ? 1 : 4), "only \(point - 1) syncs")
  }

  /// - Returns: false if the call came to its end before that sync.
  private func killed(
    atSync point: Int, name: String, _ start: (Scene, TestSite) async throws -> Daemon
  ) async throws -> Bool {
    var isKilled = false
    try await Scene.play("\(name)-\(point)") { scene in
      let gateway = try await scene.smsGateway()
      let site = TestSite(scene.path("site"), smsPort: gateway.port)
      try site.write()
      let rack = try PhoneRack(scene)
      let daemon = try await start(scene, site)
      let end = try await daemon.process.endOr {
        try await daemon.says("ready", within: .seconds(20))
        try await self.wholeCall(rack, daemon, gateway)
        try await daemon.stop()
      }
      isKilled = end != 0
      try demand(end == 0 || end == 128 + SIGKILL, "the daemon ended with \(end)")
      let opened = await daemon.process.lines.filter { $0.contains("ticket opened") }.compactMap { line in
        line.split(separator: " ").first { $0.hasPrefix("ticket=") }.flatMap { Int($0.dropFirst(7)) }
      }

      for recording in try site.recordings() {
        let path = joined(site.directory, "recording/" + recording)
        let methods = try await Wire.fields(["sip.Method"], of: path, where: "sip.Method", scene)
        try demand(methods.first == ["INVITE"], "\(recording) cannot be read: \(methods)")
      }
      let again = try await Daemon.start(scene, site, name: "daemon-again")
      try await requireMadeGood(site, opened: opened, gateway)
      // A phone registers again, and what still waits for its user goes out.
      let waiting = try site.names(in: "spool/im/waiting")
      for phone in rack.all where phone.number != TestSite.caller {
        await phone.register()
        try await again.says("phone registered", "user=\(phone.number)")
      }
      if !waiting.isEmpty { try await again.says("instant message delivered") }
      try await again.stop()
      var told: [String] = []
      for phone in rack.all { told += await phone.messages }
      let last = try site.tickets().filter { $0.contains("_END_") }
      try demand(
        told.map { Self.withoutFlaw($0) } == last.map { $0.replacing("_END_1.txt", with: "") },
        "instant messages: \(told), \(last)")
      // Whose recording was cut off, is told so.
      let cut = try site.names(in: "recording").filter { $0.hasSuffix(".cut") }
      let flawed = told.filter { $0 != Self.withoutFlaw($0) }
      try demand(cut.count == flawed.count, "\(cut), \(told)")
      // Whatever still waited would go out now, a second time.
      let delivery = try scene.product("pikett-delivery", ["--site", site.directory])
      let code = try await delivery.exit()
      try demand(code == 0, "pikett-delivery ended with \(code)")
      try await requireMadeGood(site, opened: opened, gateway)
      let unsent = try site.names(in: "spool/sms/waiting")
      try demand(unsent.isEmpty, "\(unsent)")
    }
    return isKilled
  }

  /// Tech2 does not answer, Tech3 does, talks a moment, and hangs up; his SMS goes out.
  private func wholeCall(_ rack: PhoneRack, _ daemon: Daemon, _ gateway: HTTPSink) async throws {
    let second = try await rack.technician("732", daemon)
    let third = try await rack.technician("733", daemon)
    let caller = try await rack.caller(daemon)
    let leg = try await caller.talks(to: "720")
    await caller.press("1", on: leg)
    _ = try await second.rings()
    let answered = try await third.rings()
    try await third.answer(answered)
    try await daemon.says("connected", "user=733")
    await third.hangUp(answered)
    try await caller.isReleased(leg)
    try await daemon.says("SMS for user 733 taken")
    try await daemon.says("instant message delivered")
    if try daemon.site.value("Recording.txt") != "none" { try await daemon.says("recording closed") }
  }

  /// Every number drawn has one file, the last has END, its message has been sent once, the counter is right.
  private func requireMadeGood(_ site: TestSite, opened: [Int], _ gateway: HTTPSink) async throws {
    let files = try site.tickets()
    let numbers = files.compactMap { Self.number($0) }.sorted()
    let next = Int(try site.value("TickeNR.TXT")) ?? 0
    try demand(numbers == Array(TestSite.firstTicket..<next), "\(files), next \(next)")
    try demand(Set(opened).isSubset(of: numbers), "\(files), opened \(opened)")
    let ends = files.filter { $0.contains("_END_") }
    try demand(ends.count == (files.isEmpty ? 0 : 1), "\(files)")
    guard let end = ends.first else {
      let sent = await gateway.seen.all
      try demand(sent.isEmpty, "\(sent)")
      return
    }
    try demand(Self.number(end) == numbers.last, "\(files)")
    let text = end.replacing("_END_1.txt", with: "")
    _ = try await gateway.seen.first("the SMS \(text)", within: .seconds(10)) {
      $0.parameter("text").map { Self.withoutFlaw($0) } == text
    }
    let sent = await gateway.seen.all
    try demand(sent.count == 1, "\(sent)")
  }

  /// The message of a call whose recording was cut off says so.
  private static func withoutFlaw(_ message: String) -> String { message.replacing("_Recording_incomplete", with: "") }

  private static func number(_ file: String) -> Int? {
    let parts = file.split(separator: "_")
    return parts.firstIndex(of: "Ticket").flatMap { $0 + 1 < parts.count ? Int(parts[$0 + 1]) : nil }
  }
}

enum Strace {
  /// The words before the daemon's own: strace as its grandchild, so that the daemon is the test's child.
  static func words(_ scene: Scene, _ injection: String) -> [String] {
    ["strace", "-D", "-f", "-qq", "-o", scene.path("strace.log"), "-e", "trace=fdatasync,fsync", "-e", injection]
  }

  /// Injects into a daemon that runs, and into what it starts.
  static func attach(to daemon: Daemon, _ injection: String, _ scene: Scene) async throws {
    let tracer = try scene.start(
      "strace",
      ["strace", "-f", "-o", scene.path("strace.log"), "-e", "trace=fdatasync,fsync", "-e", injection]
        + ["-p", "\(daemon.process.pid)"])
    try await tracer.line("attached")
  }

  /// Lets the daemon go on alone.
  static func detach(_ scene: Scene) async throws {
    let tracer = scene.child("strace")
    tracer?.send(SIGINT)
    _ = try await tracer?.exit()
  }
}

extension Child {
  /// Does this until it is done or the program ends.
  /// - Returns: the exit code; 0 if the work was done first.
  func endOr(_ work: @escaping @Sendable () async throws -> Void) async throws -> Int32 {
    enum Outcome: Sendable {
      case done
      case failed(any Error)
      case ended(Int32)
    }
    let outcomes = Observations<Outcome>()
    Task {
      do {
        try await work()
        await outcomes.saw(.done)
      } catch {
        await outcomes.saw(.failed(error))
      }
    }
    Task { [self] in
      if let code = try? await exit(within: .seconds(120)) { await outcomes.saw(.ended(code)) }
    }
    switch try await outcomes.first("\(name): its end", within: .seconds(60), where: { _ in true }) {
    case .done: return 0
    case .ended(let code): return code
    case .failed(let error):
      // A killed daemon may be missed by its callers before its end is known here.
      if let code = try? await exit(within: .seconds(1)) { return code }
      throw error
    }
  }
}
