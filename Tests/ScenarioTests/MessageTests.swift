import Demo
import Disk
import Telephony
import Testing

extension ScenarioTests {
  /// The SMS goes through a real Kannel, to the letter; a wrong password first, which its owner corrects.
  @Test func throughKannel() async throws {
    try await Scene.play("kannel") { scene in
      let kannel = try await Kannel.start(scene)
      var site = TestSite(scene.path("site"))
      site.files["SMSProvider.txt"] = "kannel"
      site.files["sms/gateway/URL.txt"] = nil
      // The template's own URL: only the port is this run's.
      let template = try RealFilesystem().read(joined(Surroundings.data, "sms/kannel/URL.txt"), limit: 10_000)
      let url = String(String(decoding: template, as: UTF8.self).prefix { $0 != "\n" })
      site.files["sms/kannel/URL.txt"] = url.replacing("localhost:13013", with: "127.0.0.1:\(kannel.port)")
      site.files["732/SMSUser.txt"] = Kannel.user
      site.files["732/SMSPassword.txt"] = "wrong"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let line = try await EmergencyLine.connect(scene, daemon)

      let first = try await line.call(1234, from: "0471000001")
      try await daemon.says("failed for good: kannel answered 403", "Authorization failed for sendsms")
      try site.write("732/SMSPassword.txt", Array((Kannel.password + "\n").utf8))
      let second = try await line.call(1235, from: "0471000002")
      try await daemon.says("SMS for user 732 taken by kannel")
      let message = try await kannel.message(1)
      try demand(message == "\(Kannel.sender) 393470000732 text \(second)", message)
      try await site.ask("retry", "1234-sms", scene)
      let again = try await kannel.message(2)
      try demand(again == "\(Kannel.sender) 393470000732 text \(first)", again)
      try await daemon.stop()
    }
  }

  /// The first provider is down, and is given up after a day, most of which the daemon was not running; the second one
  /// takes the message. Then both are out of order: the message waits with its next time, until a command asks.
  @Test func secondProvider() async throws {
    try await Scene.play("second-provider") { scene in
      let gateway = try await WebGateway.start(scene)
      var site = TestSite(scene.path("site"))
      site.files["SMSProvider.txt"] = "first, second"
      let nobody = Ports.take()
      site.files["sms/first/URL.txt"] = "http://127.0.0.1:\(nobody)/send?to={number}&text={text}"
      site.files["sms/second/URL.txt"] = "http://127.0.0.1:\(gateway.port)/ok?to={number}&text={text}"
      try site.write()
      var daemon = try await Daemon.start(scene, site)
      var line = try await EmergencyLine.connect(scene, daemon)
      let text = try await line.call(1234, from: "0471000001")
      try await daemon.says("1234-sms: not sent: first: Couldn't connect to server", "tried again in 10 s")
      try await line.close()
      try await daemon.stop()

      // A day passes.
      let file = "spool/sms/waiting/1234-sms.txt"
      let before = try site.fields(file)
      let due = try #require(before["due"].flatMap { Int64($0) })
      let since = try #require(before["since"].flatMap { Int64($0) })
      try demand(due - since >= 10_000_000 && before["provider"] == "first" && before["attempts"] == "1", "\(before)")
      try site.edit(file, ["since": "\(since - 86_400_000_000)", "due": "\(since)"])
      daemon = try await Daemon.start(scene, site, name: "daemon-2")
      try await daemon.says("1234-sms: not sent: first: Couldn't connect to server; tried again in 0 s")
      try await daemon.says("1234-sms: SMS for user 732 taken by second")
      let request = try await gateway.request("/ok")
      try demand(request == "GET /ok?to=393470000732&text=\(text)", request)
      let sent = try site.names(in: "spool/sms/sent")
      try demand(sent == ["1234-sms.txt"], "\(sent)")

      // The first is in trouble, which may pass: it is asked again, and the second is left alone.
      try site.write(
        "sms/first/URL.txt", Array("http://127.0.0.1:\(gateway.port)/error?to={number}&text={text}\n".utf8))
      try site.write("sms/second/URL.txt", Array("http://127.0.0.1:\(nobody)/\n".utf8))
      line = try await EmergencyLine.connect(scene, daemon)
      let other = try await line.call(1235, from: "0471000002")
      try await daemon.says("1235-sms: not sent: first answered 500 “database down”", "tried again in 10 s")
      _ = try await gateway.request("/error")
      let waiting = try site.fields("spool/sms/waiting/1235-sms.txt")
      try demand(waiting["provider"] == "first" && waiting["attempts"] == "1", "\(waiting)")
      try demand(waiting["reason"] == "first answered 500 “database down”; expected 2xx", "\(waiting)")
      // By itself it would come in ten seconds.
      try site.write("sms/first/URL.txt", Array("http://127.0.0.1:\(gateway.port)/ok?text={text}\n".utf8))
      let list = try scene.product("pikett", ["messages", "--site", site.directory], name: "messages")
      try await list.line("1235-sms", "first answered 500")
      try await site.ask("retry", "1235-sms", scene)
      try await daemon.says("1235-sms: SMS for user 732 taken by first")
      let last = try await gateway.request("/ok?text=")
      try demand(last == "GET /ok?text=\(other)", last)
      let left = try site.names(in: "spool/sms").filter { $0.contains("-") }
      try demand(left.isEmpty, "\(left)")
      try await daemon.stop()
    }
  }
}

/// Calls that end with an SMS to 732.
private struct EmergencyLine {
  let daemon: Daemon
  let rack: PhoneRack
  let technician: Phone

  static func connect(_ scene: Scene, _ daemon: Daemon) async throws -> EmergencyLine {
    let rack = try PhoneRack(scene)
    return EmergencyLine(daemon: daemon, rack: rack, technician: try await rack.technician("732", daemon))
  }

  /// One call, answered by 732 and hung up by him.
  /// - Parameters:
  ///   - ticket: the number that it will draw.
  ///   - number: another one for each call.
  /// - Returns: the text of its message, from the name of its ticket file.
  func call(_ ticket: Int, from number: String) async throws -> String {
    let caller = try await rack.caller(daemon, number: number)
    let leg = try await caller.talks(to: "799732")
    let answered = try await technician.rings(from: number)
    try await technician.answer(answered)
    try await daemon.says("connected", "ticket=\(ticket)")
    await technician.hangUp(answered)
    try await caller.isReleased(leg)
    try await daemon.says("recording closed", "_Caller_\(number)")
    let names = try daemon.site.tickets().filter { $0.contains("_Ticket_\(ticket)_Caller_\(number)_Called_732_END") }
    guard names.count == 1, let name = names.first else { throw Child.Failure("tickets: \(try daemon.site.tickets())") }
    return name.replacing("_END_1.txt", with: "")
  }

  /// The technician's phone is gone.
  func close() async throws {
    await technician.register(expires: 0)
    try await daemon.says("phone unregistered", "user=732")
    await technician.close()
  }
}

/// The small HTTP gateway of the delivery's own tests, as a program of the scene.
private struct WebGateway {
  let process: Child
  let port: Int

  static func start(_ scene: Scene) async throws -> WebGateway {
    let process = try scene.start(
      "gateway", ["python3", joined(Surroundings.data, "fixtures/delivery/gateway.py"), "--stay"])
    let line = try await process.line("")
    guard let port = Int(line) else { throw Child.Failure("gateway: \(line)") }
    return WebGateway(process: process, port: port)
  }

  /// Waits for a request whose path holds a text: `GET /path`.
  func request(_ text: String) async throws -> String {
    let line = try await process.line("\"path\": ", text)
    let word = { (name: String) in
      line.firstRange(of: "\"\(name)\": \"").map { line[$0.upperBound...].prefix { $0 != "\"" } } ?? ""
    }
    return "\(word("method")) \(word("path"))"
  }
}

extension TestSite {
  /// Asks by the command: `retry` or `drop`.
  fileprivate func ask(_ what: String, _ id: String, _ scene: Scene) async throws {
    let command = try scene.product("pikett", ["messages", "--site", directory, what, id], name: "messages-\(what)")
    let code = try await command.exit()
    let output = await command.output
    try demand(code == 0, output)
  }

  /// The `key: value` lines of a spooled message.
  fileprivate func fields(_ path: String) throws -> [String: String] {
    let text = String(decoding: try RealFilesystem().read(joined(directory, path), limit: 1 << 16), as: UTF8.self)
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { $0.trimmed }
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    return fields
  }

  fileprivate func edit(_ path: String, _ changes: [String: String]) throws {
    let text = String(decoding: try RealFilesystem().read(joined(directory, path), limit: 1 << 16), as: UTF8.self)
    let lines = text.split(separator: "\n").map { line -> String in
      let key = String(line.prefix { $0 != ":" })
      return changes[key].map { "\(key): \($0)" } ?? String(line)
    }
    try write(path, Array((lines.joined(separator: "\n") + "\n").utf8))
  }
}
