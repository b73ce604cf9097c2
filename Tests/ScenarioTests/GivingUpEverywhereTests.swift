import Demo
import Disk
import SIPUserAgent
import Testing

extension ScenarioTests {
  /// Calls that end in each place a call can stand, one after the other with the same daemon; a sipp is the caller. When
  /// all is over, every INVITE has come to its end on the wire.
  @Test func givingUpEverywhere() async throws {
    try await Scene.play("giving-up") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      let rack = try PhoneRack(scene)
      let (mobile, host) = try await rack.open(
        "mobile", password: nil, at: "127.0.0.4", of: ("127.0.0.1", site.port))
      site.files["Answer.txt"] = "user"
      site.files["ExternalTrunk.txt"] = "MOBILE"
      site.files["trunks/MOBILE/Host.txt"] = "\(host)"
      site.files["trunks/MOBILE/Qualify.txt"] = "none"
      site.files["732/Fork.txt"] = TestSite.mobile
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["queues/Deaf/Number.txt"] = "721"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let desk = try await rack.technician("732", daemon)
      let wire = try await Wire.listen("udp port \(site.port)", scene)
      let stage = GivingUpStage(scene: scene, daemon: daemon, desk: desk, mobile: mobile)

      // In the queue, by BYE: no ticket, no message.
      try await stage.call("721", "caller-gives-up") { mark, caller in
        try await daemon.says("wrong key", mark)
        caller.goOn()
      }
      // While it rings, by BYE, then by CANCEL, as he has not been answered: the desk phone and the mobile are cancelled.
      for (number, scenario) in [("720", "caller-gives-up"), ("799732", "caller-cancels")] {
        try await stage.call(number, scenario) { _, caller in
          for phone in [desk, mobile] { try await stage.rings(phone) }
          caller.goOn()
        }
      }
      // While the mobile is asked for its key: it is hung up, the desk phone cancelled.
      try await stage.call("720", "caller-gives-up") { mark, caller in
        try await mobile.answer(try await stage.rings(mobile))
        try await daemon.says("must confirm", mark)
        caller.goOn()
      }
      // In the talk, by the caller, by the technician, and by the daemon's end.
      try await stage.call("720", "caller-gives-up") { mark, caller in
        try await stage.talks(mark)
        caller.goOn()
      }
      try await stage.call("720", "caller-released") { mark, caller in
        let leg = try await stage.talks(mark)
        caller.goOn()
        await desk.hangUp(leg)
      }
      try await stage.call("720", "caller-released") { mark, caller in
        try await stage.talks(mark)
        caller.goOn()
        try await daemon.stop()
      }
      try await wire.stop()
      let tickets = try site.tickets()
      try #require(tickets.count == 6 && tickets.allSatisfy { $0.hasSuffix("_Called_732_END_1.txt") }, "\(tickets)")
      let waiting = try site.names(in: "spool/sms/waiting") + site.names(in: "spool/sms/sent")
      try #require(waiting.count { $0.hasSuffix(".txt") } == 6, "\(waiting)")
      let open = try await Self.openInvitations(wire, scene)
      try #require(open.invitations == 19 && open.left == [], "\(open)")
    }
  }

  /// The INVITEs on the wire that were neither refused nor ended by a BYE.
  private static func openInvitations(_ wire: Wire, _ scene: Scene) async throws -> (invitations: Int, left: [String]) {
    let names = ["sip.Call-ID", "sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.r-uri.user"]
    var uris: [String: String] = [:]
    var ended: Set<String> = []
    for row in try await Wire.fields(names, of: wire.path, where: "sip", scene) {
      let (call, status) = (row[0], Int(row[2]) ?? 0)
      if row[1] == "INVITE" { uris[call] = row[4] }
      if row[1] == "BYE" || (row[3] == "INVITE" && status >= 300) { ended.insert(call) }
    }
    return (uris.count, uris.filter { !ended.contains($0.key) }.map { "\($0.value) \($0.key)" }.sorted())
  }
}

/// Calls one after the other.
private struct GivingUpStage {
  let scene: Scene
  let daemon: Daemon
  let desk: Phone
  let mobile: Phone
  private let past = Past()

  init(scene: Scene, daemon: Daemon, desk: Phone, mobile: Phone) {
    self.scene = scene
    self.daemon = daemon
    self.desk = desk
    self.mobile = mobile
  }

  /// What belongs to earlier calls.
  private final actor Past {
    private(set) var marks: Set<String> = []
    private(set) var legs: [String: Set<LegID>] = [:]

    func began(_ mark: String) { marks.insert(mark) }

    func isOver(_ leg: LegID, of phone: String) { legs[phone, default: []].insert(leg) }
  }

  /// A call from its beginning until all its legs are over.
  /// - Parameter plays: what happens; gets `call=…`, which stands in each line of the log, and the caller.
  func call(_ number: String, _ scenario: String, _ plays: (String, SIPp) async throws -> Void) async throws {
    let caller = try SIPp.call(number, scenario, saying: try Surroundings.voice("demo-caller"), scene, daemon)
    let mark = try await newMark()
    try await plays(mark, caller)
    try await caller.ends()
    try await daemon.says("call ended", mark)
    for phone in [desk, mobile] {
      // Who rings on or believes himself in a call is not released within 5 s.
      while let leg = await phone.currentCall { try await phone.isReleased(leg) }
      for case .ringing(let leg, _) in await phone.seen.all { await past.isOver(leg, of: phone.number) }
    }
  }

  /// The desk phone answers.
  @discardableResult func talks(_ mark: String) async throws -> LegID {
    let leg = try await rings(desk)
    try await desk.answer(leg)
    try await daemon.says("connected", mark)
    return leg
  }

  /// This call's leg, once the phone rings.
  @discardableResult func rings(_ phone: Phone) async throws -> LegID {
    let past = await past.legs[phone.number] ?? []
    let event = try await phone.seen.first("\(phone.number) rings", within: .seconds(10)) {
      if case .ringing(let leg, _) = $0 { !past.contains(leg) } else { false }
    }
    guard case .ringing(let leg, _) = event else { throw Child.Failure("\(event)") }
    return leg
  }

  /// `call=…` of the call that begins.
  private func newMark() async throws -> String {
    let known = await past.marks
    let event = try await daemon.process.seen.first("a call arrives", within: .seconds(10)) { event in
      guard case .line(let line) = event, line.contains("call arrived") else { return false }
      return !known.contains(Self.mark(line))
    }
    let mark = Self.mark(event.description)
    await past.began(mark)
    return mark
  }

  private static func mark(_ line: String) -> String {
    line.split(separator: " ").first { $0.hasPrefix("call=") }.map(String.init) ?? ""
  }
}
