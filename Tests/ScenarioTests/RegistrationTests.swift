import Demo
import Disk
import Glibc
import Testing

extension ScenarioTests {
  /// The life of a registration at a kamailio: a wrong password is told with its file, the right one tried as soon as it is
  /// saved; after a crash the Contact is the one that the PBX knows; at the end it is taken back.
  @Test func registration() async throws {
    try await Scene.play("registration") { scene in
      let port = Ports.take()
      var site = TestSite.beside(pbx: port, at: scene.path("site"), smsPort: 9)
      site.files["trunks/PBX/Register.txt"] = nil
      site.files["trunks/PBX/Password.txt"] = "not-this-one"
      site.files["trunks/PBX/Qualify.txt"] = "none"
      try site.write()
      let kamailio = try await Kamailio.start(scene, (Kamailio.address, port), site)
      let wire = try await Wire.listen(site.traffic, scene)

      let first = try await Daemon.start(scene, site)
      try await first.says("the trunk refuses our registration", "trunk=PBX", "401", "Password.txt")
      try site.write("trunks/PBX/Password.txt", Array("secretpikett-auth\n".utf8))
      try await first.says("registered at the trunk", "trunk=PBX")
      try await kamailio.registers("pikett")
      first.process.send(SIGKILL)
      _ = try await first.process.exit()

      let second = try await Daemon.start(scene, site, name: "daemon-2")
      try await second.says("registered at the trunk", "trunk=PBX")
      let rack = try PhoneRack(scene)
      let caller = try await rack.phone("0471000021", at: TestSite.gateway, of: kamailio.server)
      let leg = try await caller.talks(to: "720")
      await caller.hangUp(leg)
      try await second.says("call ended", second.mark(of: caller.number))
      try await second.stop()
      try await kamailio.process.line("gone: pikett")
      try await wire.stop()

      let contacts = try await Wire.fields(
        ["sip.contact.user"], of: wire.path, where: "sip.Method == REGISTER && udp.dstport == \(port)", scene)
      try #require(contacts.count >= 5 && Set(contacts).count == 1, "\(contacts)")
      let called = try await Wire.fields(
        ["sip.r-uri.user", "sip.to.user"], of: wire.path,
        where: "sip.Method == INVITE && udp.dstport == \(site.port)", scene)
      try #require(called == [[contacts[0][0], "720"]], "\(called)")
      let said = await first.process.lines + second.process.lines
      try #require(!said.contains { $0.contains("not-this-one") || $0.contains("secretpikett") })
      let mode = try RealFilesystem().status(site.directory + "/state/contact-key")?.mode
      try #require(mode == 0o600)
    }
  }
}
