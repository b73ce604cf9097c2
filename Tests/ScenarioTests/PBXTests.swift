import Audio
import Demo
import Disk
import Glibc
import RTPEngine
import SIPUserAgent
import Testing

extension ScenarioTests {
  /// Everything goes through a kamailio as the PBX, on one trunk: the caller's call, the desk phone and the mobile.
  @Test func besideKamailio() async throws {
    try await Scene.play("beside-kamailio") { scene in
      let gateway = try await scene.smsGateway()
      let port = Ports.take()
      let outside = Ports.take()
      let site = TestSite.beside(pbx: port, at: scene.path("site"), smsPort: gateway.port)
      try site.write()
      let kamailio = try await Kamailio.start(scene, (Kamailio.address, port), site, mobile: outside)
      let daemon = try await Daemon.start(scene, site)
      let voice = try PBXStage.words("demo-technician")
      let desk = try await Baresip.start("732", at: kamailio.host, saying: voice, scene)
      try await kamailio.registers("732")
      let rack = try PhoneRack(scene)
      let mobile = try await rack.phone(
        TestSite.mobile, password: "secret\(TestSite.mobile)", at: Kamailio.outside, of: kamailio.server)
      try await mobile.isRegistered()
      let wire = try await Wire.listen(site.traffic + " or " + kamailio.traffic, scene)

      let stage = PBXStage(
        scene: scene, site: site, kamailio: kamailio, daemon: daemon, rack: rack, desk: desk, mobile: mobile)
      try await stage.wholeCall(gateway, wire)
      try await stage.voicemail("0471000002")
      try await stage.mobileTakes("0471000003", pressing: "1")
      try await stage.mobileTakes("0471000004", pressing: "51")
      try await stage.mobileTakesByINFO("0471000005", port: outside)
      try await wire.stop()
      try await daemon.stop()
      try await stage.checkWire(wire)

      let tickets = try site.tickets().map { $0.split(separator: "_Ticket_").last.map(String.init) ?? $0 }.sorted()
      let callers = [TestSite.caller, "0471000002", "0471000003", "0471000004", "0471000005"]
      let expected = callers.enumerated().map {
        "\(TestSite.firstTicket + $0.offset)_Caller_\($0.element)_Called_732_END_1.txt"
      }
      try #require(tickets == expected, "\(tickets)")
    }
  }
}

/// What the calls through the PBX have in common.
private struct PBXStage {
  let scene: Scene
  let site: TestSite
  let kamailio: Kamailio
  let daemon: Daemon
  let rack: PhoneRack
  let desk: Baresip
  let mobile: Phone

  /// 3 s of speech.
  static func words(_ name: String) throws -> [Int16] { Array(try Surroundings.voice(name).prefix(24_000)) }

  /// Both phones ring, the desk phone wins: sound, recording, ticket, SMS, and the instant message by the trunk.
  func wholeCall(_ gateway: HTTPSink, _ wire: Wire) async throws {
    let (callerVoice, technicianVoice) = (try Self.words("demo-caller"), try Self.words("demo-technician"))
    let caller = try SIPp.call("720", at: kamailio.host, "caller-released", saying: callerVoice, scene)
    let mobileLeg = try await mobile.rings()
    try await desk.rings(from: TestSite.caller)
    try await desk.answer()
    try await daemon.says("connected", "desk phone", "user=732")
    try await mobile.isReleased(mobileLeg)
    let words = try await Wire.counting(200, "udp src port \(caller.mediaPort)", scene)
    caller.goOn()
    _ = try await words.exit(within: .seconds(20))
    desk.hangUp()
    try await caller.ends()

    let sms = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
    let text = try #require(sms.parameter("text"))
    let (from, message) = try await desk.message()
    try #require(from == TestSite.caller && message == text, "\(from): \(message)")
    try await daemon.says("recording closed", "_Caller_\(TestSite.caller)")
    let wave = scene.path("call.wav")
    let program = try scene.product("pcap2wave", [try site.recording(), "-o", wave])
    let outcome = try await program.exit(within: .seconds(30))
    let output = await program.output
    try #require(outcome == 0, "\(output)")
    let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
    try requireHeard(callerVoice, notJust: technicianVoice, in: sides.channel(0), "the WAV's left channel")
    try requireHeard(technicianVoice, notJust: callerVoice, in: sides.channel(1), "the WAV's right channel")
    try requireHeard(callerVoice, notJust: technicianVoice, in: desk.heard(), "what the desk phone kept")
  }

  /// The mobile's voicemail answers and speaks, but presses nothing: the desk phone rings on and wins.
  func voicemail(_ number: String) async throws {
    let (caller, leg, mobileLeg) = try await bothRing(number)
    try await mobile.answer(mobileLeg)
    let call = try await daemon.mark(of: number)
    try await daemon.says("answered; must confirm", call)
    let token = await mobile.say(Sound(Array(try Self.words("demo-caller").prefix(8000))), on: mobileLeg)
    _ = try await mobile.seen.first("the voicemail has spoken", within: .seconds(10)) { $0 == .said(token: token) }
    let isStillRinging = await !desk.control.seen.all.contains { $0.contains("CALL_CLOSED") && $0.contains(number) }
    try #require(isStillRinging)
    try await desk.answer(number)
    try await daemon.says("connected", call, "desk phone")
    try await mobile.isReleased(mobileLeg)
    try await hangUp(caller, leg)
    try await desk.isFree(of: number)
  }

  /// The mobile answers and presses these keys, the last of which counts: the desk phone stops ringing.
  func mobileTakes(_ number: String, pressing keys: String) async throws {
    let (caller, leg, mobileLeg) = try await bothRing(number)
    try await mobile.answer(mobileLeg)
    let call = try await daemon.mark(of: number)
    try await daemon.says("answered; must confirm", call)
    for key in keys.dropLast() {
      await mobile.press(key, on: mobileLeg)
      try await daemon.says("wrong key from the technician", call)
    }
    if let key = keys.last { await mobile.press(key, on: mobileLeg) }
    try await daemon.says("connected", call, "fork 1")
    try await desk.isFree(of: number)
    try await hangUp(caller, leg)
    try await mobile.isReleased(mobileLeg)
  }

  /// The same with a mobile that knows keys by INFO only.
  func mobileTakesByINFO(_ number: String, port: UInt16) async throws {
    try await kamailio.unregister(mobile)
    let sipp = try SIPp.isCalled("mobile-info", at: Kamailio.outside, port: port, scene)
    let caller = try await rack.phone(number, at: TestSite.gateway, of: kamailio.server)
    let leg = try await caller.talks(to: "720")
    await caller.press("1", on: leg)
    let call = try await daemon.mark(of: number)
    try await daemon.says("wrong key from the technician", call)
    try await daemon.says("connected", call, "fork 1")
    try await desk.isFree(of: number)
    try await hangUp(caller, leg)
    try await sipp.ends()
  }

  /// Every request that kamailio would not take without digest was answered, each phone that was not needed any more
  /// was told why, and what belongs to a dialog went the way of its Record-Route.
  func checkWire(_ wire: Wire) async throws {
    let fields = [
      "sip.Method", "sip.Status-Code", "sip.CSeq.method", "sip.Reason", "sip.Route", "sip.Proxy-Authorization",
    ]
    let between = "(ip.src == 127.0.0.1 && ip.dst == \(Kamailio.address) && udp.srcport == \(site.port))"
    let sent = try await Wire.fields(fields, of: wire.path, where: "sip && \(between)", scene)
    let asked = try await Wire.fields(
      fields, of: wire.path, where: "sip.Status-Code == 407 && udp.dstport == \(site.port)", scene)
    try #require(Set(asked.map { $0[2] }) == ["INVITE", "MESSAGE"], "\(asked)")
    for method in ["INVITE", "MESSAGE"] {
      let proofs = sent.filter { $0[0] == method && !$0[5].isEmpty }
      try #require(proofs.count == asked.filter { $0[2] == method }.count, "\(sent)")
    }
    let cancels = sent.filter { $0[0] == "CANCEL" }
    let isAnsweredElsewhere = cancels.allSatisfy { $0[3] == "SIP;cause=200;text=\"Call completed elsewhere\"" }
    try #require(cancels.count == 4 && isAnsweredElsewhere, "\(cancels)")
    let byes = sent.filter { $0[0] == "BYE" }
    try #require(
      byes.count == 6 && byes.allSatisfy { $0[4].contains("\(kamailio.host)") }, "\(byes)")
  }

  // MARK: Parts

  /// A call comes, and both phones of 732 ring.
  private func bothRing(_ number: String) async throws -> (caller: Phone, leg: LegID, mobileLeg: LegID) {
    let caller = try await rack.phone(number, at: TestSite.gateway, of: kamailio.server)
    let leg = try await caller.talks(to: "720")
    await caller.press("1", on: leg)
    let mobileLeg = try await mobile.rings(from: number)
    try await desk.rings(from: number)
    return (caller, leg, mobileLeg)
  }

  private func hangUp(_ caller: Phone, _ leg: LegID) async throws {
    await caller.hangUp(leg)
    try await daemon.says("call ended", daemon.mark(of: caller.number))
  }
}
