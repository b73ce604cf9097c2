import Audio
import Demo
import Disk
import Testing

extension ScenarioTests {
  /// A trunk with three hosts: one is silent, one has too much to do, the third one's mobile answers and presses 5, then 1.
  @Test func trunkWithThreeHosts() async throws {
    try await Scene.play("three-hosts") { scene in
      let silent = try Datagrams("127.0.0.10")
      let (busy, answering) = (Ports.take(), Ports.take())
      var site = TestSite(scene.path("site"))
      site.files["732/SMSNumber.txt"] = nil
      site.files["732/CFNRTimeout.txt"] = "20"
      site.files["732/Fork.txt"] = TestSite.mobile
      site.files["ExternalTrunk.txt"] = "Mobile"
      site.files["trunks/Mobile/Host.txt"] = "127.0.0.10:\(silent.port),127.0.0.11:\(busy),127.0.0.12:\(answering)"
      site.files["trunks/Mobile/Qualify.txt"] = "none"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let second = try SIPp.isCalled("host-refuses", at: "127.0.0.11", port: busy, scene)
      let third = try SIPp.isCalled("mobile-info", at: "127.0.0.12", port: answering, scene)
      let wire = try await Wire.listen("udp port \(site.port)", scene)

      let caller = try SIPp.call("720", "caller-gives-up", saying: try Surroundings.voice("demo-caller"), scene, daemon)
      try await daemon.says("no response for 2 s", "fork 1", "127.0.0.10:\(silent.port)")
      try await daemon.says("this way failed", "fork 1", "127.0.0.11:\(busy)", "status=503")
      try await daemon.says("wrong key from the technician", "fork 1")
      try await daemon.says("connected", "fork 1", "user=732")
      caller.goOn()
      try await caller.ends()
      try await second.ends()
      try await third.ends()
      try await daemon.says("recording closed")
      try await wire.stop()
      try await daemon.stop()

      let fields = ["frame.time_relative", "sip.Method", "sip.Status-Code", "ip.src", "ip.dst"]
      let rows = try await Wire.fields(fields, of: wire.path, where: "sip", scene)
      func first(_ what: String, from: String = "", to: String = "") -> Int? {
        rows.firstIndex { ($0[1] == what || $0[2] == what) && $0[3].hasSuffix(from) && $0[4].hasSuffix(to) }
      }
      let calls = try ["127.0.0.10", "127.0.0.11", "127.0.0.12"].map { try #require(first("INVITE", to: $0)) }
      let refusal = try #require(first("503", from: "127.0.0.11"))
      try #require(calls == calls.sorted() && refusal < calls[2], "\(rows)")
      let times = try (calls + [refusal]).map { try #require(Double(rows[$0][0])) }
      // 2 s of silence, but nothing to wait for behind a refusal.
      try #require(times[1] - times[0] >= 1.9, "\(rows)")
      try #require(times[2] - times[3] < 1.5, "\(rows)")
      // Who has said nothing is not cancelled (RFC 3261 §9.1); the mobile network sees our BYE, and one call only.
      try #require(!rows.contains { $0[1] == "CANCEL" }, "\(rows)")
      try #require(first("BYE", to: "127.0.0.12") != nil)
    }
  }
}
