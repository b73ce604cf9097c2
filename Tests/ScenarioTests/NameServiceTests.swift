import Demo
import Disk
import Glibc
import PikettTesting
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// A provider by name (RFC 3263): its first machine is dead, so the second gets registration and call; it moves, and gets
  /// both where it is then; and a daemon that starts while the name server is away still knows it.
  @Test func providerByName() async throws {
    try await Scene.play("provider-by-name") { scene in
      // Of this run alone, since port 53 cannot be chosen.
      let names = try NameServer(address: "127.53.\(getpid() >> 8 & 0xFF).\(getpid() & 0xFF)", port: 53)
      scene.atEnd { names.stop() }
      let conf = scene.path("resolv.conf")
      try RealFilesystem().replace(
        conf, Array("nameserver \(names.endpoint.address)\noptions timeout:1 attempts:1\n".utf8), sync: false)
      let wrapper = [
        "unshare", "-m", "sh", "-c", "mount --bind \(conf) /etc/resolv.conf && exec \"$0\" \"$@\"",
      ]
      var site = TestSite(scene.path("site"))
      let trunk = [
        "Host.txt": "sip.provider.example", "Login.txt": "line", "Password.txt": "secretline", "Qualify.txt": "none",
      ]
      for (name, value) in trunk { site.files["trunks/Provider/" + name] = value }
      site.files["ExternalTrunk.txt"] = "Provider"
      site.files["InternalTrunk.txt"] = "GW14"
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/Fork.txt"] = TestSite.mobile
      site.files["732/ForkConfirm.txt"] = "none"
      site.files["732/SMSNumber.txt"] = nil
      try site.write()

      let rack = try PhoneRack(scene)
      let dead = try Datagrams("127.0.0.10")
      func provider(_ address: String) async throws -> (phone: Phone, host: Endpoint) {
        try await rack.open(
          TestSite.mobile, password: nil, at: address, of: ("127.0.0.1", site.port),
          subscriber: Credentials(user: "line", password: Redacted("secretline")))
      }
      let (first, second) = try await (provider("127.0.0.20"), provider("127.0.0.21"))
      func service(_ port: UInt16, _ target: String, _ priority: UInt16) -> NameServer.Record {
        .init(.service(priority: priority, weight: 1, port: port, target: target), ttl: 1)
      }
      for (name, address) in [("dead", "127.0.0.10"), ("first", "127.0.0.20"), ("second", "127.0.0.21")] {
        names.set("A", "\(name).provider.example", .records([.init(.address(address), ttl: 1)]))
      }
      names.set(
        "SRV", "_sip._udp.sip.provider.example",
        .records([
          service(first.host.port, "first.provider.example", 20), service(dead.port, "dead.provider.example", 10),
        ]))

      let daemon = try await Daemon.start(scene, site, through: wrapper)
      try await daemon.says("registered at the trunk", "trunk=Provider", "at=\(first.host) ")
      let caller = try await rack.caller(daemon)
      func isForwarded(to phone: Phone, by daemon: Daemon) async throws {
        let leg = try await caller.talks(to: "799732")
        let ringing = try await phone.rings(from: "line")
        try await phone.answer(ringing)
        try await daemon.says("connected", "fork 1")
        await caller.hangUp(leg)
        try await phone.isReleased(ringing)
      }
      try await isForwarded(to: first.phone, by: daemon)

      // It moves.
      names.set(
        "SRV", "_sip._udp.sip.provider.example", .records([service(second.host.port, "second.provider.example", 10)]))
      try await daemon.says("registered at the trunk", "trunk=Provider", "at=\(second.host) ")
      try await isForwarded(to: second.phone, by: daemon)
      try await site.holds("state/addresses", "service sip.provider.example udp \(second.host)")
      let mode = try RealFilesystem().status(site.directory + "/state/addresses")?.mode
      try #require(mode == 0o600)
      try await daemon.stop()

      // The name server is gone, and Pikett starts anew.
      names.set("SRV", "_sip._udp.sip.provider.example", .silence)
      let next = try await Daemon.start(scene, site, name: "daemon-2", through: wrapper)
      try await next.says("addresses of the last run count", "sip.provider.example")
      try await next.says("registered at the trunk", "trunk=Provider", "at=\(second.host) ")
      try await next.says("the name server does not answer; the last addresses count")
      try await next.stop()
    }
  }
}
