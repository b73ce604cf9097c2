import Audio
import Demo
import Disk
import Testing

extension ScenarioTests {
  /// A PBX that requires reliable provisional responses (RFC 3262) hears the ringing in early media, and a mobile whose
  /// network answers reliably is rung; the mobile's network wants its session refreshed (RFC 4028).
  @Test func reliablyRungAndRefreshed() async throws {
    try await Scene.play("prack") { scene in
      let (address, port) = ("127.0.0.11", Ports.take())
      var site = TestSite(scene.path("site"))
      site.files["Answer.txt"] = "user"
      site.files["732/SMSNumber.txt"] = nil
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/Fork.txt"] = TestSite.mobile
      site.files["732/ForkConfirm.txt"] = "none"
      site.files["ExternalTrunk.txt"] = "Mobile"
      site.files["trunks/Mobile/Host.txt"] = "\(address):\(port)"
      site.files["trunks/Mobile/Qualify.txt"] = "none"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let mobile = try SIPp.isCalled("called-prack", at: address, port: port, scene)
      let wire = try await Wire.listen("udp port \(site.port)", scene)

      let voice = try Surroundings.voice("demo-caller")
      let caller = try SIPp.call("799*731", "caller-prack", saying: voice, scene, daemon)
      try await daemon.says("connected", "fork 1", "user=732")
      let update = try await Wire.counting(1, "udp dst port \(port) and udp[8:4] = 0x55504441", scene)
      _ = try await update.exit(within: .seconds(20))
      caller.goOn()
      try await caller.ends()
      try await mobile.ends()
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()

      let fields = ["sip.Status-Code", "sip.CSeq.method", "sip.RSeq", "sip.msg_body"]
      let rows = try await Wire.fields(
        fields, of: wire.path,
        where: "sip.Status-Code && ip.dst == \(TestSite.gateway) && udp.dstport == \(caller.port)",
        scene)
      let rung = rows.filter { $0[0] == "183" }
      // Perhaps repeated until its PRACK, always under the same number; the answer is not given twice.
      try #require(!rung.isEmpty && Set(rung.map { $0[2] }).count == 1, "\(rows)")
      let after = rows.filter { $0[0] != "183" && $0[0] != "100" }
      try #require(after.map { $0[1] } == ["PRACK", "INVITE", "BYE"] && after[1][3].isEmpty, "\(rows)")
      let tickets = try site.tickets()
      try #require(tickets.count == 1, "\(tickets)")
    }
  }
}
