import Demo
import Testing

extension ScenarioTests {
  /// Two linphonecs, which press their keys by SIP INFO: one is the caller, the other the technician, who must confirm.
  @Test func linphones() async throws {
    try await Scene.play("linphones") { scene in
      var site = TestSite(scene.path("site"))
      site.files["732/Confirm.txt"] = "5"
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/IM.txt"] = "no"
      site.files["732/SMSNumber.txt"] = nil
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let technician = try await Linphone.register("732", scene, daemon)
      let caller = try await Linphone.register("731", scene, daemon)
      let wire = try await Wire.listen("udp port \(site.port)", scene)

      caller.types("call sip:720@127.0.0.1:\(site.port)")
      let call = try await daemon.mark(of: "731")
      try await daemon.says("queue entered", call)
      try await caller.talks()
      caller.types("1")
      try await daemon.says("destination chosen", call, "key=1")
      try await technician.answers()
      try await daemon.says("must confirm", call)
      try await technician.talks()
      technician.types("5")
      try await daemon.says("connected", call)
      technician.types("terminate")
      try await daemon.says("call ended", call)
      try await caller.isFree()
      try await technician.isFree()
      try await wire.stop()
      try await daemon.stop()

      let keys = try await Wire.fields(
        ["sip.from.user"], of: wire.path, where: "sip.Method == INFO && udp.dstport == \(site.port)", scene)
      try #require(keys == [["731"], ["732"]], "\(keys)")
      let tickets = try site.tickets()
      try #require(tickets.count == 1 && tickets[0].contains("_Caller_731_Called_732_END_1"), "\(tickets)")
    }
  }
}
