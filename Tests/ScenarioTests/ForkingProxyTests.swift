import Demo
import Disk
import Testing

extension ScenarioTests {
  /// A kamailio that Pikett reaches by TCP and the phones by UDP: two phones of 732 have registered there, and it forks
  /// our one INVITE to both. Two early dialogs come back, one phone answers, the proxy cancels the other.
  @Test func proxyForks() async throws {
    try await Scene.play("proxy-forks") { scene in
      let port = Ports.take()
      var site = TestSite.beside(pbx: port, at: scene.path("site"), smsPort: 9)
      site.files["Listen.txt"] = "udp:127.0.0.1:\(site.port),tcp:127.0.0.1:\(site.port)"
      site.files["trunks/PBX/Transport.txt"] = "tcp"
      site.files["732/Fork.txt"] = nil
      site.files["732/SMSNumber.txt"] = nil
      site.files["732/IM.txt"] = "no"
      try site.write()
      let kamailio = try await Kamailio.start(scene, (Kamailio.address, port), site, isTCP: true)
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      var phones: [Phone] = []
      for _ in 0..<2 {
        let phone = try await rack.phone("732", password: "secret732", at: "127.0.0.1", of: kamailio.server)
        try await phone.isRegistered()
        phones.append(phone)
      }
      let wire = try await Wire.listen("port \(port)", scene)

      for winner in [0, 1] {
        let number = "047100000\(winner)"
        let caller = try await rack.phone(number, at: TestSite.gateway, of: kamailio.server)
        let leg = try await caller.talks(to: "720")
        await caller.press("1", on: leg)
        let legs = [try await phones[0].rings(from: number), try await phones[1].rings(from: number)]
        try await phones[winner].answer(legs[winner])
        try await daemon.says("connected", daemon.mark(of: number))
        try await phones[1 - winner].isReleased(legs[1 - winner])
        // Once by the technician, once by the caller.
        if winner == 0 {
          await phones[0].hangUp(legs[0])
          try await caller.isReleased(leg)
        } else {
          await caller.hangUp(leg)
          try await phones[1].isReleased(legs[1])
        }
        try await daemon.says("call ended", daemon.mark(of: number))
      }
      try await daemon.stop()
      try await wire.stop()

      // Pikett's leg to the phones went by TCP, and each time two phones rang in it. What belongs to the dialog went the
      // way of the Record-Route, which names kamailio twice: by TCP on our side, by UDP on the phones'.
      let fields = ["sip.Call-ID", "sip.Method", "sip.Status-Code", "sip.to.tag"]
      let rows = try await Wire.fields(fields, of: wire.path, where: "sip && tcp", scene)
      let routed = try await Wire.fields(
        ["sip.Call-ID", "sip.Method", "sip.Route"], of: wire.path, where: "sip.Route contains \"r2=on\"", scene)
      let calls = Set(rows.filter { $0[1] == "INVITE" }.map { $0[0] })
      try #require(calls.count == 2, "\(rows)")
      for call in calls {
        let own = rows.filter { $0[0] == call }
        let ringing = Set(own.filter { $0[2] == "180" }.map { $0[3] })
        try #require(ringing.count == 2, "\(own)")
        let methods = Set(routed.filter { $0[0] == call }.map { $0[1] })
        try #require(methods == ["ACK", "BYE"], "\(routed)")
      }
      let tickets = try site.tickets()
      try #require(tickets.count == 2 && tickets.allSatisfy { $0.hasSuffix("_Called_732_END_1.txt") }, "\(tickets)")
    }
  }
}
