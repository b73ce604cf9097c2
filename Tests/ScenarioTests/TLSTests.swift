import Audio
import Demo
import Disk
import Glibc
import Testing

extension ScenarioTests {
  /// An emergency call of which nothing can be read on the wire, SIP over TLS and SRTP: a technician's phone calls the
  /// line, another's is rung on the connection by which it has registered. The recording tells the call in datagrams, as it
  /// does any other.
  @Test func callOverTLS() async throws {
    try await Scene.play("tls-call") { scene in
      var site = TestSite(scene.path("site"))
      let port = try site.listenOnTLS()
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/Secure.txt"] = "required"
      try site.write()
      let callerVoice = try Surroundings.voice("demo-caller")
      let technicianVoice = try Surroundings.voice("demo-technician")
      let daemon = try await Daemon.start(scene, site)
      let wire = try await Wire.listen("port \(port) or " + site.traffic, scene)
      let server = "127.0.0.1:\(port)"
      let desk = try await Baresip.start(
        "732", at: server, by: "tls", encryption: "srtp-mand", saying: technicianVoice, scene)
      let caller = try await Baresip.start(
        "733", at: server, by: "tls", encryption: "srtp-mand", saying: callerVoice, scene)
      for number in ["732", "733"] { try await daemon.says("phone registered", "user=\(number)") }

      try await caller.talks(to: "720")
      caller.press("1")
      try await desk.rings(from: "733")
      try await desk.answer("733")
      try await daemon.says("connected", "user=732")
      let fiveSeconds = try await Wire.counting(500, "udp dst portrange \(site.rtp)-\(site.rtp + 99)", scene)
      _ = try await fiveSeconds.exit(within: .seconds(20))
      desk.hangUp()
      try await caller.isFree(of: "720")
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()

      try requireHeard(callerVoice, notJust: technicianVoice, in: desk.heard(), "what the desk phone kept")
      try requireHeard(technicianVoice, notJust: callerVoice, in: caller.heard(), "what the caller kept")
      let readable = try await Wire.fields(
        ["sip.Method"], of: wire.path, where: "sip.Method && !(sip.Method == OPTIONS)",
        options: ["-d", "tcp.port==\(port),sip"], scene)
      try #require(readable.isEmpty, "\(readable)")
      let opened = try await Wire.fields(
        ["tcp.srcport"], of: wire.path, where: "tcp.flags.syn == 1 && tcp.flags.ack == 0", scene)
      try #require(opened.count == 2, "\(opened)")
      let ladder = try await Wire.fields(
        ["sip.Method", "sip.Via.transport"], of: try site.recording(), where: "udp && sip.Method", scene)
      try #require(
        ladder.map { $0[0] }.filter { $0 != "INFO" } == ["INVITE", "ACK", "INVITE", "ACK", "BYE", "BYE"], "\(ladder)")
      try #require(ladder.allSatisfy { $0[1].hasPrefix("TLS") }, "\(ladder)")
    }
  }

  /// A trunk over TLS is called only if its certificate is its own; our certificate changes behind a link, as certbot does
  /// it, and counts for the next connection.
  @Test func trunkOverTLS() async throws {
    try await Scene.play("tls-trunk") { scene in
      var site = TestSite(scene.path("site"))
      let port = try site.listenOnTLS()
      let peer = Ports.take()
      site.files["trunks/GW14/Host.txt"] = "127.0.0.4:\(peer)"
      site.files["trunks/GW14/Transport.txt"] = "tls"
      site.files["trunks/GW14/Qualify.txt"] = "1"
      // The one who asks for the certificate asks often.
      site.files["limits/Requests.txt"] = "none"
      try site.write()
      try site.write("trunks/GW14/CA.pem", Certificates.bytes("ca.pem"))
      let live = scene.path("live.pem")
      try RealFilesystem().replace(live, Certificates.bytes("server.pem"), sync: false)
      let link = joined(site.directory, "tls/Certificate.pem")
      try demand(unlink(link) == 0 && symlink(live, link) == 0, "no link")

      // It answers to 127.0.0.4, but with a certificate of another's.
      let stranger = try scene.start("stranger", Self.server("renewed", peer))
      try await stranger.line("ACCEPT")
      let daemon = try await Daemon.start(scene, site)
      try await daemon.says("no TLS connection to a peer", "trunk=GW14", "renewed.test")
      try demand(await !stranger.lines.contains { $0.contains("OPTIONS") }, "the stranger got a request")
      stranger.send(SIGKILL)
      _ = try await stranger.exit()
      // The gateway itself wants to see a certificate, and gets ours.
      let inspection = ["-Verify", "1", "-verify_return_error", "-CAfile", Certificates.path("ca.pem")]
      let gateway = try scene.start("gateway", Self.server("server", peer, more: inspection))
      try await gateway.line("OPTIONS sip:127.0.0.4", within: .seconds(40))
      try await gateway.line("Via: SIP/2.0/TLS")

      #expect(try await names(port, scene).contains("CN = server"))
      // A broken one is told, and nothing changes.
      try RealFilesystem().replace(live, Array("not yet".utf8), sync: false)
      try await daemon.says("holds no certificate that can be read", "the one before goes on")
      #expect(try await names(port, scene).contains("CN = server"))
      try RealFilesystem().replace(live, Certificates.bytes("renewed.pem"), sync: false)
      try site.write("tls/Key.pem", Certificates.bytes("renewed.key.pem"))
      var shown = ""
      let clock = ContinuousClock()
      let limit = clock.now + .seconds(15)
      while !shown.contains("CN = renewed"), clock.now < limit { shown = try await names(port, scene) }
      #expect(shown.contains("CN = renewed"))
      try await daemon.stop()
    }
  }

  private static func server(_ certificate: String, _ port: UInt16, more: [String] = []) -> [String] {
    // Its own input must stay open, or it hangs up.
    let pipe = "input-\(certificate)"
    return [
      "sh", "-c", "mkfifo \(pipe) && exec \"$@\" 0<>\(pipe)", "sh", "openssl", "s_server", "-accept",
      "127.0.0.4:\(port)",
      "-cert", Certificates.path("\(certificate).pem"), "-key", Certificates.path("\(certificate).key.pem"),
    ] + more
  }

  /// What `openssl s_client` says of the certificate that it is shown.
  private func names(_ port: UInt16, _ scene: Scene) async throws -> String {
    let (_, lines) = try await scene.run([
      "openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", Certificates.path("ca.pem"),
      "-verify_return_error",
      "-verify_ip", "127.0.0.1",
    ])
    return lines.joined(separator: "\n")
  }
}
