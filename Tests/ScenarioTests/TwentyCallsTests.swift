import Demo
import Disk
import Testing

extension ScenarioTests {
  /// Twenty sipps call at once through two queues, which lead to different users; two sipps are the technicians. Some
  /// callers go on to the second user, some give up. No ticket, message, CDR line or recording is mixed up.
  @Test func twentyCallsAtOnce() async throws {
    try await Scene.play("twenty-calls") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      let rtp = Ports.take(300)
      let crowd = Crowd()
      site.files["RTPPorts.txt"] = "\(rtp)-\(rtp + 299)"
      site.files["queues/TED_WQ10/Map1.txt"] = "799732"
      site.files["queues/Second/Number.txt"] = "721"
      site.files["queues/Second/Map1.txt"] = "799731"
      for file in ["732/Password.txt", "731/Password.txt", "733/Password.txt", "733/CFNR.txt", "733/SMSNumber.txt"] {
        site.files[file] = nil
      }
      site.files["732/CFNR.txt"] = "799731"
      site.files["731/SMSNumber.txt"] = "3470000731"
      for (index, user) in ["731", "732"].enumerated() {
        let phone = ("127.0.0.\(5 + index)", Ports.take())
        site.files["\(user)/Contact.txt"] = "sip:\(user)@\(phone.0):\(phone.1)"
        site.files["\(user)/IM.txt"] = "no"
        try SIPp.technician(user, letsRing: crowd.unanswered(by: user), at: phone, scene)
      }
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let minutes = Minutes()
      let staying = try SIPp.calls(crowd.staying, "callers-released", scene, daemon)
      let leaving = try SIPp.calls(crowd.leaving, "callers-give-up", scene, daemon)
      for caller in crowd.leaving {
        try await daemon.says("phone called", try await daemon.mark(of: caller.number), within: .seconds(20))
      }
      leaving.goOn()
      try await leaving.ends(within: .seconds(20))
      try await staying.ends(within: .seconds(30))
      for caller in crowd.all {
        try await daemon.says("recording closed", "_Caller_\(caller.number).pcap")
        _ = try await gateway.seen.first("the SMS of \(caller.number)", within: .seconds(15)) {
          $0.parameter("text")?.contains("_Caller_\(caller.number)_") == true
        }
      }
      try await daemon.stop()
      let messages = await gateway.seen.all.map {
        "\($0.parameter("to") ?? "") \($0.parameter("text") ?? "")"
      }
      try crowd.expectInOrder(site, messages, try await minutes.spans(scene))
    }
  }
}

/// The twenty callers, and what must be found of each.
private struct Crowd {
  struct Caller {
    var number: String
    var queue: String
    /// Who is rung for him, one after the other.
    var users: [String]
    var givesUp: Bool
  }

  let all: [Caller] = (1...20).map { index in
    let number = "0471000\(100 + index)"
    // 720 leads to 732, who lets those with a 5 at the end ring; 721 to 731, with whom those with a 0 lose patience.
    if index.isMultiple(of: 2) {
      return Caller(number: number, queue: "721", users: ["731"], givesUp: index.isMultiple(of: 10))
    }
    return Caller(number: number, queue: "720", users: index % 10 == 5 ? ["732", "731"] : ["732"], givesUp: false)
  }

  var staying: [Caller] { all.filter { !$0.givesUp } }
  var leaving: [Caller] { all.filter(\.givesUp) }

  /// The end of the numbers that this technician does not answer, as a regular expression.
  func unanswered(by user: String) -> String { user == "732" ? "5" : "0" }

  /// - Parameters:
  ///   - messages: `number text` of each SMS.
  ///   - spans: the minutes in which it may have been.
  func expectInOrder(_ site: TestSite, _ messages: [String], _ spans: [String]) throws {
    let tickets = try site.tickets()
    let hops = all.map(\.users.count).reduce(0, +)
    let drawn = tickets.compactMap { Int($0.split(separator: "_")[5]) }.sorted()
    try #require(drawn == Array(TestSite.firstTicket..<TestSite.firstTicket + hops), "\(drawn)")
    try #require(messages.count == all.count, "\(messages)")
    let lines = try site.names(in: "cdr").flatMap { name in
      String(decoding: try site.bytes("cdr/" + name), as: UTF8.self).split(separator: "\n")
    }.map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init) }
    try #require(lines.count == all.count)
    let recordings = try site.recordings()
    try #require(recordings.count == all.count)
    for caller in all {
      let own = tickets.filter { $0.contains("_Caller_\(caller.number)_") }
        .sorted { $0.split(separator: "_")[5] < $1.split(separator: "_")[5] }
      try #require(own.map { String($0.split(separator: "_")[9].prefix(3)) } == caller.users, "\(own)")
      try #require(own.map { $0.hasSuffix("_END_1.txt") } == caller.users.indices.map { $0 == own.count - 1 }, "\(own)")
      try #require(own.allSatisfy { name in spans.contains { name.hasPrefix($0 + "_Ticket_") } }, "\(own)")
      // The message is the name of the last ticket's file, and goes to its user alone.
      let last = String((own.last ?? "").dropLast("_END_1.txt".count))
      let user = caller.users.last ?? ""
      let told = messages.filter { $0.contains("_Caller_\(caller.number)_") }
      try #require(told == ["393470000\(user) \(last)"], "\(told)")

      let line = try #require(lines.first { $0[8] == caller.number })
      // AnsweredExtension names nobody where nobody answered.
      try #require(line[7] == caller.queue && line[6] == (caller.givesUp ? "" : user), "\(line)")
      try #require(line[13] == last.split(separator: "_")[5], "\(line)")
      try #require(line[4...].first?.isEmpty == false && line[3].isEmpty == caller.givesUp, "\(line)")

      // Its recording bears his first ticket, and nobody else's number stands in it.
      let recording = recordings.filter { $0.contains("_Caller_\(caller.number).pcap") }
      let first = own.first?.split(separator: "_")[5] ?? ""
      try #require(recording.count == 1 && recording.allSatisfy { $0.contains("_Ticket_\(first)_") }, "\(recording)")
      let bytes = try site.bytes("recording/" + (recording.first ?? ""))
      for other in all {
        let isIn = bytes.contains(Array("sip:\(other.number)@".utf8))
        try #require(isIn == (other.number == caller.number), "\(other.number) in the recording of \(caller.number)")
      }
    }
  }
}

extension SIPp {
  /// Many callers at once, each with the number and the queue of his own.
  fileprivate static func calls(
    _ callers: [Crowd.Caller], _ scenario: String, _ scene: Scene, _ daemon: Daemon
  ) throws -> Callers {
    var sound = SoundCapture()
    sound.silence(milliseconds: 100)
    sound.press(1)
    try RealFilesystem().replace(scene.path("digit.pcap"), sound.take(), sync: false)
    let list = scene.path("\(scenario).csv")
    let lines = ["SEQUENTIAL"] + callers.map { "\($0.number);\($0.queue)" }
    try RealFilesystem().replace(list, Array((lines.joined(separator: "\n") + "\n").utf8), sync: false)
    let port = Ports.take()
    // sipp takes four media ports a call, and some more.
    let mediaPort = Ports.take(UInt16(4 * callers.count + 8))
    let process = try scene.start(
      scenario,
      [
        "sipp", "-sf", joined(Surroundings.fixtures, scenario + ".xml"), "-inf", list, "-i", TestSite.gateway, "-mi",
        TestSite.gateway, "-p", "\(port)", "-mp", "\(mediaPort)", "-m", "\(callers.count)", "-l", "\(callers.count)",
        "-r", "\(callers.count)", "-rp", "100", "-cid_str", "\(scenario)-%u", "-nostdin", "-timeout", "60s",
        "-timeout_error", "-trace_err", "-error_file", scene.path("\(scenario)-errors.log"), "-trace_msg",
        "-message_file", scene.path("\(scenario)-messages.log"), "127.0.0.1:\(daemon.site.port)",
      ])
    return Callers(process: process, port: port, count: callers.count, scenario: scenario)
  }

  /// A technician's phone for many calls at once.
  /// - Parameter letsRing: the end of the callers' numbers whom it does not answer, as a regular expression.
  fileprivate static func technician(
    _ user: String, letsRing: String, at place: (String, UInt16), _ scene: Scene
  ) throws {
    let template = try RealFilesystem().read(joined(Surroundings.fixtures, "technician.xml"), limit: 1 << 16)
    let scenario = String(decoding: template, as: UTF8.self).replacing("UNANSWERED@", with: letsRing + "@")
    let path = scene.path("technician-\(user).xml")
    try RealFilesystem().replace(path, Array(scenario.utf8), sync: false)
    _ = try scene.start(
      "technician-\(user)",
      [
        "sipp", "-sf", path, "-i", place.0, "-mi", place.0, "-p", "\(place.1)", "-mp", "\(Ports.take(100))",
        "-nostdin", "-trace_err", "-error_file", scene.path("technician-\(user)-errors.log"), "-trace_msg",
        "-message_file", scene.path("technician-\(user)-messages.log"),
      ])
  }
}

/// A sipp with many callers.
private struct Callers {
  let process: Child
  let port: UInt16
  let count: Int
  let scenario: String

  /// Their scenario waits for this.
  func goOn() {
    guard let hand = try? Datagrams("127.0.0.1") else { return }
    for index in 1...count {
      let notify = hand.request("NOTIFY", "sip:caller@\(TestSite.gateway):\(port)", callID: "\(scenario)-\(index)")
      hand.send(notify, to: TestSite.gateway, port)
    }
  }

  func ends(within limit: Duration) async throws {
    let code = try await process.exit(within: limit)
    let output = await process.output
    try demand(code == 0, "sipp: \(output)")
  }
}

extension TestSite {
  fileprivate func bytes(_ path: String) throws -> [UInt8] {
    try RealFilesystem().read(joined(directory, path), limit: 1 << 24)
  }
}
