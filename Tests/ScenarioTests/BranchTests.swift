import Audio
import Demo
import Disk
import RTPEngine
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// What a PBX's or a mobile network's numbers can do to a branch, each in a call of its own. The chain is 732 (desk
  /// phone and mobile), 733, and none.
  @Test func branchesThatDoNotAnswer() async throws {
    try await Scene.play("branches") { scene in
      var site = TestSite(scene.path("site"))
      let rack = try PhoneRack(scene)
      let (pbx, host) = try await rack.pbx(at: "127.0.0.5", site)
      for name in ["trunks/GW14/Host.txt", "731/Password.txt", "732/Password.txt", "733/Password.txt"] {
        site.files[name] = nil
      }
      site.files["trunks/PBX/Host.txt"] = host
      site.files["trunks/PBX/Qualify.txt"] = "none"
      site.files["732/Fork.txt"] = TestSite.mobile
      site.files["732/SMSNumber.txt"] = nil
      site.files["733/SMSNumber.txt"] = nil
      site.files["733/CFNR.txt"] = "none"
      try site.write()
      let stage = BranchStage(pbx: pbx, daemon: try await Daemon.start(scene, site))

      try await stage.isAnsweredBy733(desk: .refuse(486), mobile: .refuse(503), why: ["busy", "unreachable"])
      try await stage.isAnsweredBy733(desk: .refuse(401), mobile: .refuse(403), why: ["refused", "refused"])
      try await stage.isAnsweredBy733(
        desk: .refuse(404), mobile: .redirect(to: "999"), why: ["unreachable", "sip:999@"])
      try await stage.isAnsweredBy733(desk: .silence, mobile: .ring, why: nil)
      try await stage.isAnsweredBy733(
        desk: .announce(Sound(try Surroundings.voice("demo-caller"))), mobile: .ring, why: nil)
      try await stage.isAnsweredBy733(desk: .ring, mobile: .answerAndHangUp, why: nil)
      try await stage.daemon.says("hung up without confirming", "fork 1")
      try await stage.crossing()
      try await stage.comesBack(saysDiversion: true)
      try await stage.comesBack(saysDiversion: false)
      try await stage.nobodyAtAll()
      try await stage.daemon.stop()
    }
  }
}

extension ScenarioTests {
  /// Two trunks, the first with two hosts: in which order a phone is looked for, and which refusals end the search. The
  /// second trunk asks for digest with 401.
  @Test func trunksInOrder() async throws {
    try await Scene.play("trunks") { scene in
      var site = TestSite(scene.path("site"))
      let rack = try PhoneRack(scene)
      let (first, firstHost) = try await rack.pbx(at: "127.0.0.5", site)
      let (second, secondHost) = try await rack.pbx(at: "127.0.0.6", site)
      let account = Credentials(user: "pikett", password: Redacted("geheim"))
      let (other, otherHost) = try await rack.pbx(at: "127.0.0.8", site, subscriber: account)
      for name in ["trunks/GW14/Host.txt", "731/Password.txt", "732/Password.txt", "733/Password.txt"] {
        site.files[name] = nil
      }
      site.files["trunks/PBX/Host.txt"] = "\(firstHost),\(secondHost)"
      site.files["trunks/PBX/From.txt"] = "0471999000"
      site.files["trunks/Other/Host.txt"] = otherHost
      site.files["trunks/Other/Login.txt"] = account.user
      site.files["trunks/Other/Password.txt"] = "geheim"
      site.files["trunks/Other/Register.txt"] = "no"
      site.files["InternalTrunk.txt"] = "PBX,Other"
      site.files["ExternalTrunk.txt"] = "PBX"
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/SMSNumber.txt"] = nil
      try site.write()
      let stage = BranchStage(pbx: first, daemon: try await Daemon.start(scene, site))

      // 503: the next host at once. Silence: the next host beside it.
      for script in [PhoneScript.refuse(503), .silence] {
        await second.plays(["732": .answer()])
        let call = try await stage.call(["732": script])
        _ = try await second.isCalled(at: "732", by: call.caller)
        try await stage.daemon.says("connected", call.mark, "user=732")
        try await stage.hangUp(call)
      }
      // 500: the trunk has spoken, the next one is asked; it wants digest, and From is the login.
      await other.plays(["732": .answer()])
      let third = try await stage.call(["732": .refuse(500)])
      _ = try await other.isCalled(at: "732", by: account.user)
      try await stage.daemon.says("connected", third.mark, "user=732")
      try await stage.hangUp(third)
      // 486: the user is busy, wherever he is called.
      let fourth = try await stage.call(["732": .refuse(486), "733": .answer()])
      try await stage.daemon.says("connected", fourth.mark, "user=733")
      try await stage.hangUp(fourth)
      let calls = await (second.seen.all + other.seen.all).count { if case .called = $0 { true } else { false } }
      try #require(calls == 3)
      // 403 to the caller's number on a fork: once more under the site's own.
      try site.write("732/Fork.txt", Array("\(TestSite.mobile)\n".utf8))
      try await stage.daemon.says("site read")
      let fifth = try await stage.call(
        ["732": .ring, TestSite.mobile: .answerOnly("0471999000", pressing: "1")])
      try await stage.daemon.says("connected", fifth.mark, "fork 1")
      try await stage.hangUp(fifth)
      try await stage.daemon.stop()
    }
  }
}

/// Calls that the PBX passes on to 720, one after the other.
private struct BranchStage {
  let pbx: Phone
  let daemon: Daemon
  private let numbers = Counter()

  init(pbx: Phone, daemon: Daemon) {
    self.pbx = pbx
    self.daemon = daemon
  }

  private final actor Counter {
    private var last = 0
    func next() -> String {
      last += 1
      return "04710010\(last < 10 ? "0" : "")\(last)"
    }
  }

  /// A call that has reached the hunt.
  struct CallInHunt {
    var caller: String
    var leg: LegID
    /// `call=…`, as it stands in each line of the log.
    var mark: String
  }

  func call(_ scripts: [String: PhoneScript]) async throws -> CallInHunt {
    await pbx.plays(scripts)
    let caller = await numbers.next()
    let leg = try await pbx.talks(to: "720", from: caller)
    await pbx.press("1", on: leg)
    return CallInHunt(caller: caller, leg: leg, mark: try await daemon.mark(of: caller))
  }

  func hangUp(_ call: CallInHunt) async throws {
    await pbx.hangUp(call.leg)
    try await daemon.says("call ended", call.mark)
  }

  /// Neither of 732's phones can be reached: the hunt goes on to 733.
  /// - Parameter why: what the log says of the two; then 733 is rung at once. nil: when 732's CFNR timeout has passed.
  func isAnsweredBy733(desk: PhoneScript, mobile: PhoneScript, why: [String]?) async throws {
    let call = try await call(["732": desk, TestSite.mobile: mobile, "733": .answer()])
    try await daemon.says("connected", call.mark, "user=733")
    if let why {
      try await daemon.says("phone not reached", call.mark, "desk phone", why[0])
      try await daemon.says("phone not reached", call.mark, "fork 1", why[1])
      try await daemon.says("no phone left to ring", call.mark, "user=732")
    } else {
      try await daemon.says("no response", call.mark, "user=732")
    }
    try await hangUp(call)
  }

  /// The desk phone answers, and the mobile does so when the CANCEL comes: it is acknowledged and released.
  func crossing() async throws {
    let call = try await call(["732": .answer(after: .milliseconds(200)), TestSite.mobile: .answerTheCancel])
    let leg = try await pbx.isCalled(at: TestSite.mobile, by: call.caller)
    try await daemon.says("connected", call.mark, "desk phone")
    _ = try await pbx.seen.first("the late 200 is acknowledged", within: .seconds(5)) { $0 == .talking(leg) }
    try await pbx.isReleased(leg)
    try await hangUp(call)
  }

  /// The PBX still has the original's CFNR: 732 → 799733 comes back, and is refused with the reason in the log.
  func comesBack(saysDiversion: Bool) async throws {
    let call = try await call(
      ["732": .forward(to: "799733", saysDiversion: saysDiversion), TestSite.mobile: .ring, "733": .answer()])
    try await daemon.says("call refused", "caller=\(call.caller) ", "clear CFNR of 732 in the PBX", "status=482")
    try await daemon.says("connected", call.mark, "user=733")
    try await hangUp(call)
  }

  /// Nobody can even be rung: the caller hears ringing, and gives up.
  func nobodyAtAll() async throws {
    let call = try await call(["732": .refuse(486), TestSite.mobile: .refuse(403), "733": .refuse(503)])
    try await daemon.says("no phone left to ring", call.mark, "user=733")
    try await pbx.isReleased(call.leg)
    try await daemon.says("call ended", call.mark)
  }
}
