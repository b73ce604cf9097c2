import Demo
import Disk
import Glibc
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// No PBX at all: the desk phones are registered at Pikett, the mobiles are reached by a provider who asks for digest at
  /// every step and takes calls only from the subscriber's own number; a gateway without a fixed address registers.
  @Test func providerAlone() async throws {
    try await Scene.play("provider") { scene in
      var site = TestSite(scene.path("site"))
      let port = Ports.take()
      let trunk = [
        "Host.txt": "localhost:\(port)", "Domain.txt": "provider.example", "Login.txt": "pikett",
        "AuthUser.txt": "pikett-auth", "Password.txt": "secretpikett-auth",
      ]
      for (name, value) in trunk { site.files["trunks/Provider/" + name] = value }
      site.files["trunks/GW14/Host.txt"] = nil
      site.files["trunks/GW14/Login.txt"] = "gw14"
      site.files["trunks/GW14/Password.txt"] = "secretgw14"
      site.files["733/Password.txt"] = nil
      site.files["733/Trunk.txt"] = "GW14"
      site.files["ExternalTrunk.txt"] = "Provider"
      site.files["InternalTrunk.txt"] = "Provider"
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/Fork.txt"] = TestSite.mobile
      try site.write()
      let rack = try PhoneRack(scene)
      let (mobile, place) = try await rack.open(
        TestSite.mobile, password: nil, at: Kamailio.outside, of: ("127.0.0.1", port))
      let provider = try await Kamailio.start(
        scene, ("127.0.0.1", port), site, mobile: place.port, algorithm: "SHA-256", isStrict: true)
      let wire = try await Wire.listen(site.traffic + " or " + provider.traffic, scene)
      let daemon = try await Daemon.start(scene, site)
      try await provider.registers("pikett")
      try await daemon.says("registered at the trunk", "seconds=6")
      let desk = try await rack.technician("732", daemon)

      // By the provider: the mobile takes the call.
      let caller = try await rack.phone("0471000011", at: TestSite.gateway, of: provider.server)
      let leg = try await caller.talks(to: "720")
      await caller.press("1", on: leg)
      let mobileLeg = try await mobile.rings(from: "pikett")
      let deskLeg = try await desk.rings(from: caller.number)
      try await mobile.answer(mobileLeg)
      try await daemon.says("answered; must confirm", "fork 1")
      await mobile.press("1", on: mobileLeg)
      try await daemon.says("connected", "ticket=1234", "fork 1")
      try await desk.isReleased(deskLeg)
      await caller.hangUp(leg)
      try await mobile.isReleased(mobileLeg)
      _ = try await desk.seen.first("the instant message", within: .seconds(5)) {
        if case .message(_, "0471000011") = $0 { true } else { false }
      }

      // The provider restarts and knows nobody any more: soon Pikett is there again, and until then it can call.
      try await provider.stop()
      let restarted = try await provider.start()

      // By the gateway: the desk phone takes it.
      let gateway = try await Baresip.start(
        "gw14", at: "127.0.0.1:\(site.port)", saying: try Surroundings.voice("demo-caller"), scene)
      try await gateway.talks(to: "720")
      gateway.press("1")
      let second = try await desk.rings(from: "gw14")
      _ = try await mobile.seen.first("the mobile rings again", within: .seconds(5)) {
        if case .ringing(let leg, _) = $0 { leg > mobileLeg } else { false }
      }
      try await desk.answer(second)
      try await daemon.says("connected", "ticket=1235", "desk phone")
      await desk.hangUp(second)
      try await gateway.isFree(of: "720")

      // By the provider again, which has learned anew where Pikett is, to 733, who is behind the gateway. (This is another
      // one, since baresip knows no numbers but its own.)
      gateway.process.send(SIGTERM)
      try await daemon.says("phone unregistered", "user=gw14")
      let exchange = try await rack.technician("gw14", daemon)
      try await restarted.registers("pikett")
      let again = try await rack.phone("0471000012", at: TestSite.gateway, of: provider.server)
      let last = try await again.talks(to: "799733")
      let third = try await exchange.rings(from: "gw14")
      try await exchange.answer(third)
      try await daemon.says("connected", "ticket=1236", "user=733")
      await again.hangUp(last)
      try await daemon.says("call ended", daemon.mark(of: again.number))
      try await wire.stop()
      try await daemon.stop()
      // Called at the Contact under which it is registered, it takes the number that was dialled from To.
      let called = try await Wire.fields(
        ["sip.r-uri.user", "sip.to.user"], of: wire.path,
        where: "sip.Method == INVITE && udp.dstport == \(site.port) && udp.srcport == \(port)", scene)
      try #require(
        called.count == 2 && called.allSatisfy { $0[0].hasPrefix("p") && ["720", "799733"].contains($0[1]) },
        "\(called)")
      // Credentials for whatever the provider asks them for.
      let asked = try await Wire.fields(
        ["sip.CSeq.method", "sip.Proxy-Authenticate"], of: wire.path,
        where: "sip.Status-Code == 407 && udp.dstport == \(site.port)", scene)
      try #require(Set(asked.map { $0[0] }) == ["INVITE", "BYE"], "\(asked)")
      let registrations = try await Wire.fields(
        ["sip.Status-Code"], of: wire.path,
        where:
          "sip.CSeq.method == REGISTER && sip.Status-Code && udp.dstport == \(site.port) && udp.srcport == \(port)",
        scene
      ).map { $0[0] }
      try #require(registrations.contains("401") && registrations.filter { $0 == "200" }.count >= 2, "\(registrations)")
    }
  }
}
