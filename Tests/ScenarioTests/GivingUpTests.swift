import Demo
import Disk
import Testing

extension ScenarioTests {
  /// The caller gives up while Tech3's phone rings: it stops ringing, his ticket is the last, he alone is told.
  @Test func callerGivesUp() async throws {
    try await Scene.play("gives-up") { scene in
      let gateway = try await scene.smsGateway()
      let site = TestSite(scene.path("site"), smsPort: gateway.port)
      try site.write()
      let voice = try Surroundings.voice("demo-caller")
      let daemon = try await Daemon.start(scene, site)
      let second = try await Baresip.register("732", saying: voice, scene, daemon)
      let third = try await Baresip.register("733", saying: voice, scene, daemon)
      let wire = try await Wire.listen("udp port \(site.port)", scene)

      let minutes = Minutes()
      let caller = try SIPp.call("720", "caller-gives-up", saying: voice, scene, daemon)
      try await second.rings(from: TestSite.caller)
      try await third.rings(from: TestSite.caller)
      caller.goOn()
      try await caller.ends()
      try await third.control.event("CALL_CLOSED")

      let sms = try await gateway.seen.first("the SMS", within: .seconds(10)) { _ in true }
      let text = try #require(sms.parameter("text"))
      try #require(sms.parameter("to") == "393470000733")
      let (from, message) = try await third.message()
      try #require(from == TestSite.caller && message == text)
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()
      let shortMessages = await gateway.seen.all
      try #require(shortMessages.count == 1)
      let isSecondTold = await second.gotMessage
      try #require(!isSecondTold)

      let tickets = try site.tickets()
      let spans = try await minutes.spans(scene)
      let number = TestSite.firstTicket
      let names = { (ticket: Int, user: String) in
        spans.map { "\($0)_Ticket_\(ticket)_Caller_\(TestSite.caller)_Called_\(user)" }
      }
      try #require(tickets.count == 2, "\(tickets)")
      try #require(names(number, "732").contains { tickets.contains($0 + "_1.txt") }, "\(tickets)")
      try #require(tickets.contains(text + "_END_1.txt") && names(number + 1, "733").contains(text), "\(tickets)")

      // Both CANCELs say why, and the second one follows the caller's BYE.
      let fields = ["sip.Method", "sip.Reason", "ip.src", "udp.dstport"]
      let rows = try await Wire.fields(fields, of: wire.path, where: "sip.Method", scene)
      let cancels = rows.filter { $0[0] == "CANCEL" }
      try #require(cancels.count == 2 && cancels.allSatisfy { $0[1].hasPrefix("Q.850;cause=") }, "\(rows)")
      let giveUp = try #require(rows.firstIndex { $0[0] == "BYE" && $0[2] == TestSite.gateway })
      try #require(rows.lastIndex { $0[0] == "CANCEL" } ?? 0 > giveUp, "\(rows)")
    }
  }
}
