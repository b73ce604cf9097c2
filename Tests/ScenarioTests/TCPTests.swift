import Audio
import Demo
import Disk
import Glibc
import SIPUserAgent
import Testing

extension ScenarioTests {
  /// A whole emergency call in which all SIP goes over TCP: the gateway's call, the desk phone, the instant message.
  @Test func callOverTCP() async throws {
    try await Scene.play("tcp-call") { scene in
      let gateway = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: gateway.port)
      site.files["Listen.txt"] = "tcp:127.0.0.1:\(site.port),udp:127.0.0.1:\(site.port)"
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let callerVoice = try Surroundings.voice("demo-caller")
      let technicianVoice = try Surroundings.voice("demo-technician")
      let daemon = try await Daemon.start(scene, site)
      let desk = try await Baresip.register("732", by: "tcp", saying: technicianVoice, scene, daemon)
      let wire = try await Wire.listen("tcp port \(site.port) or " + site.traffic, scene)

      let words = Array(repeatElement(callerVoice, count: 4).joined())
      let caller = try SIPp.call(
        "720", at: "127.0.0.1:\(site.port)", isTCP: true, "caller-tcp", saying: words, scene)
      try await desk.rings(from: TestSite.caller)
      try await desk.answer()
      try await daemon.says("connected", "user=732")
      let fiveSeconds = try await Wire.counting(250, "udp src port \(caller.mediaPort)", scene)
      _ = try await fiveSeconds.exit(within: .seconds(20))
      desk.hangUp()
      try await caller.ends()
      let (from, message) = try await desk.message()
      try #require(from == TestSite.caller)
      let sms = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
      try #require(sms.parameter("text") == message)
      try await daemon.says("instant message delivered")
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()

      try requireHeard(callerVoice, notJust: technicianVoice, in: desk.heard(), "what the desk phone kept")
      let toCaller = try await wire.sound(sentTo: TestSite.gateway, caller.mediaPort)
      try requireHeard(technicianVoice, notJust: callerVoice, in: toCaller, "what came to the gateway")
      try await checkTCP(wire, site, scene)
      // The recording tells the same call, in datagrams.
      let ladder = try await Wire.fields(
        ["sip.Method", "ip.src"], of: try site.recording(), where: "udp && sip.Method", scene)
      try #require(
        ladder.map { $0[0] } == ["INVITE", "ACK", "INVITE", "ACK", "BYE", "BYE"], "\(ladder)")
      try #require(ladder.first?[1] == TestSite.gateway)
    }
  }

  /// The gateway has opened one connection, the phone is called on the one by which it registered, nothing of the call
  /// went by UDP, and nothing was repeated.
  private func checkTCP(_ wire: Wire, _ site: TestSite, _ scene: Scene) async throws {
    let decode = ["-d", "tcp.port==\(site.port),sip"]
    let overUDP = try await Wire.fields(
      ["sip.Method"], of: wire.path, where: "udp && sip.Method && !(sip.Method == OPTIONS)", scene)
    try #require(overUDP.isEmpty, "\(overUDP)")
    let opened = try await Wire.fields(
      ["tcp.srcport"], of: wire.path, where: "tcp.flags.syn == 1 && tcp.flags.ack == 0", scene)
    try #require(opened.count == 1, "\(opened)")
    let vias = try await Wire.fields(
      ["sip.Via.transport"], of: wire.path, where: "tcp && sip.Via.transport", options: decode, scene)
    try #require(!vias.isEmpty && vias.allSatisfy { $0[0].hasPrefix("TCP") }, "\(vias)")
    let invites = try await Wire.fields(
      ["sip.Call-ID", "sip.CSeq.seq", "ip.src"], of: wire.path, where: "tcp && sip.Method == INVITE", options: decode,
      scene)
    try #require(invites.count == 2 && Set(invites).count == 2, "\(invites)")
    let contacts = try await Wire.fields(
      ["sip.Contact"], of: wire.path, where: "tcp && tcp.srcport == \(site.port) && sip.Contact", options: decode, scene
    )
    try #require(!contacts.isEmpty && contacts.allSatisfy { $0[0].contains("transport=tcp") }, "\(contacts)")
  }

  /// The mobile network is a trunk that is called over TCP; its answers, and its keys by INFO, come the same way.
  @Test func trunkOverTCP() async throws {
    try await Scene.play("tcp-trunk") { scene in
      var site = TestSite(scene.path("site"))
      let port = Ports.take()
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      for (name, value) in ["Host.txt": "127.0.0.4:\(port)", "Transport.txt": "tcp", "Qualify.txt": "none"] {
        site.files["trunks/MOBILE/" + name] = value
      }
      site.files["InternalTrunk.txt"] = "GW14"
      site.files["ExternalTrunk.txt"] = "MOBILE"
      site.files["732/Fork.txt"] = "0340111"
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let mobile = try SIPp.isCalled("mobile-info", at: "127.0.0.4", port: port, isTCP: true, scene)
      let caller = try await rack.caller(daemon)
      let leg = try await caller.talks(to: "720")
      await caller.press("1", on: leg)
      try await daemon.says("wrong key from the technician")
      try await daemon.says("connected", "fork 1")
      await caller.hangUp(leg)
      try await mobile.ends()
      try await daemon.says("call ended", "cause=\"16")
      try await daemon.stop()
      // Nobody listens there any more: the fork fails at once, the call goes on.
      let again = try await Daemon.start(scene, site, name: "daemon-again")
      let desk = try await rack.technician("733", again)
      let second = try await rack.caller(again, number: "0471000002")
      _ = try await second.talks(to: "799732")
      try await again.says("phone not reached", "fork 1")
      _ = try await desk.rings(from: "0471000002")
      try await again.stop()
    }
  }

  /// Phones that registered before the daemon ended are rung after its restart, without having said a word in between:
  /// one by UDP, one over TCP whose connection is gone.
  @Test(arguments: [SIGTERM, SIGKILL]) func restarted(by signal: Int32) async throws {
    try await Scene.play("restarted-\(signal)") { scene in
      var site = TestSite(scene.path("site"))
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      try site.write()
      let voice = try Surroundings.voice("demo-technician")
      let rack = try PhoneRack(scene)
      let first = try await Daemon.start(scene, site)
      let second = try await rack.technician("732", first)
      let third = try await Baresip.register("733", by: "tcp", saying: voice, scene, first)
      for number in ["732", "733"] { try await site.holds("state/registrations", "user=\(number) ") }
      first.process.send(signal)
      let code = try await first.process.exit()
      try #require(code == (signal == SIGTERM ? 0 : 128 + signal))

      let daemon = try await Daemon.start(scene, site, name: "daemon-again")
      for number in ["732", "733"] { try await daemon.says("phone still registered", "user=\(number)") }
      let caller = try await rack.caller(daemon)
      let leg = try await caller.talks(to: "720")
      await caller.press("1", on: leg)
      _ = try await second.rings()
      try await third.rings(from: TestSite.caller)
      try await third.answer()
      try await daemon.says("connected", "user=733")
      third.hangUp()
      try await caller.isReleased(leg)
      let registered = await daemon.process.lines.filter { $0.contains("phone registered") }
      try #require(registered.isEmpty, "\(registered)")
      // Only its owner may read where the phones are.
      let mode = try RealFilesystem().status(joined(site.directory, "state/registrations"))?.mode
      try #require(mode == 0o600)
      try await daemon.stop()
    }
  }

  /// A store that is damaged, or of another program, costs the phones it told of, and nothing else.
  @Test func damagedRegistrations() async throws {
    try await Scene.play("damaged-registrations") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let rack = try PhoneRack(scene)
      let first = try await Daemon.start(scene, site)
      for number in ["732", "733"] { _ = try await rack.technician(number, first) }
      for number in ["732", "733"] { try await site.holds("state/registrations", "user=\(number) ") }
      try await first.stop()
      let path = joined(site.directory, "state/registrations")
      let text = String(decoding: try RealFilesystem().read(path, limit: 1 << 20), as: UTF8.self)
      try site.write("state/registrations", Array(text.replacing("user=732 ", with: "\u{0} ").utf8))
      let second = try await Daemon.start(scene, site, name: "daemon-line")
      try await second.says("a registration is lost", "line 2")
      try await second.says("phone still registered", "user=733")
      try await second.stop()
      try site.write("state/registrations", [0xFF, 0x00, 0x0A])
      let third = try await Daemon.start(scene, site, name: "daemon-file")
      try await third.says("a registration is lost", "line 1")
      _ = try await rack.technician("731", third)
      try await site.holds("state/registrations", "user=731 ")
      try await third.stop()
    }
  }

  /// The TCP port alone is taken: one line that names the file, exit 69, as for UDP.
  @Test func occupiedTCP() async throws {
    try await Scene.play("occupied-tcp") { scene in
      var site = TestSite(scene.path("site"))
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      try site.write()
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      defer { close(descriptor) }
      var address = internetAddress("127.0.0.1", site.port)
      try #require(withSocketAddress(&address) { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 1) == 0)
      let process = try scene.product("pikett", ["run", "--site", site.directory])
      let code = try await process.exit()
      let complaints = await process.lines.filter { $0.hasPrefix("pikett: ") || $0.contains(" ERROR ") }
      try #require(code == 69 && complaints.count == 1, "\(complaints)")
      try #require(complaints[0].contains("Listen.txt") && complaints[0].contains("tcp:127.0.0.1:\(site.port)"))
    }
  }

  private static let sdp =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"

  /// Gateways and proxies close connections on which nothing was said for a while: the call goes on, and its end is told
  /// over a new one, to where the gateway says that it listens.
  @Test func connectionClosedInMidCall() async throws {
    try await Scene.play("tcp-closed") { scene in
      var site = TestSite(scene.path("site"))
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let desk = try await rack.technician("733", daemon)
      let host = try StreamHost(TestSite.gateway)
      let gateway = try Stream(from: TestSite.gateway, to: site.port)
      let (callID, listening) = ("closed-\(gateway.port)", host.port)
      gateway.send(gateway.request("INVITE", "799733", callID: callID, contact: listening, body: Self.sdp))
      let answer = try await gateway.message("SIP/2.0 200", "INVITE")
      gateway.send(gateway.request("ACK", "799733", callID: callID, contact: listening, answer: answer))
      let leg = try await desk.rings(from: "0347")
      try await desk.answer(leg)
      try await daemon.says("connected", "user=733")
      gateway.close()
      try await gateway.isClosed()
      // The daemon has seen it too once it answers a message that came later.
      let other = try Stream(from: TestSite.gateway, to: site.port)
      other.send(other.request("OPTIONS", "720", callID: "other", contact: listening))
      try await other.message("SIP/2.0 200", "OPTIONS")
      await desk.hangUp(leg)
      let again = try await host.connection()
      let bye = try await again.message("BYE sip:gw@\(TestSite.gateway):\(listening)", "Call-ID: \(callID)")
      let head = bye.split(separator: "\r\n").filter { line in
        ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].contains { line.hasPrefix($0) }
      }
      again.send((["SIP/2.0 200 OK"] + head + ["Content-Length: 0", "", ""]).joined(separator: "\r\n"))
      try await daemon.says("call ended", "cause=\"16")
      try await daemon.stop()
    }
  }

  /// Strangers with connections of every bad kind, more than may be: phones can still register and be rung, a call that
  /// is up does not notice, and nothing is left of them.
  @Test func badConnections() async throws {
    try await Scene.play("bad-streams") { scene in
      var site = TestSite(scene.path("site"))
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      // Else who opens so many connections would not be listened to any more.
      site.files["limits/Requests.txt"] = "none"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let bystander = try await Bystander.connect(rack, daemon)
      let before = try daemon.descriptors()
      do {
        let stranger = "127.0.0.3"
        // Garbage is closed, with a refusal where one is possible.
        for garbage in WireEnd.garbage where garbage.count > 30 {
          let stream = try Stream(from: stranger, to: site.port)
          stream.send(garbage + Array("\r\n\r\n".utf8))
          if garbage.contains(0x0A) { continue }
          try await stream.isClosed()
        }
        var streams = try (0..<150).map { _ in try Stream(from: stranger, to: site.port) }
        for (index, stream) in streams.enumerated() {
          let request = stream.request("OPTIONS", "720", callID: "s\(index)", contact: 9)
          // Half a message, a message for which no end comes, and a question a byte.
          switch index % 3 {
          case 0: stream.send(Array(request.utf8.dropLast(20)))
          case 1: stream.send(request.replacing("Content-Length: 0", with: "Content-Length: 60000"))
          default: for byte in request.utf8 { stream.send([byte]) }
          }
        }
        for index in stride(from: 2, to: streams.count, by: 3) { try await streams[index].message("SIP/2.0 200") }
        // One more than a source may have, again and again: closed, and told once.
        for _ in 0..<300 { streams.append(try Stream(from: stranger, to: site.port)) }
        try await streams[streams.count - 1].isClosed()
        try await daemon.says("too many connections: closed")
        let told = await daemon.process.lines.filter { $0.contains("too many connections") }
        try #require(told.count == 1)
        // A phone registers and is rung all the same, over TCP.
        let phone = try await Baresip.register(
          "732", by: "tcp", saying: Surroundings.voice("demo-technician"), scene, daemon)
        let caller = try await rack.caller(daemon, number: "0471000009")
        let leg = try await caller.talks(to: "799732")
        try await phone.rings(from: "0471000009")
        await caller.hangUp(leg)
        try await phone.isFree(of: "0471000009")
        try await bystander.isUndisturbed(scene)
        for stream in streams { stream.close() }
      }
      // It has seen their ends once it answers what came later.
      let last = try Stream(from: "127.0.0.4", to: site.port)
      last.send(last.request("OPTIONS", "720", callID: "last", contact: 9))
      try await last.message("SIP/2.0 200")
      let after = try daemon.descriptors()
      // The phone's connection and this one are there still.
      try #require(after <= before + 2, "\(after) descriptors, \(before) before")
      try await daemon.stop()
    }
  }
}
