import Audio
import Demo
import Disk
import RTPEngine
import SIPUserAgent
import Telephony
import Testing

extension ScenarioTests {
  /// A whole emergency call by IPv6: the gateway's call, the key, the phone, the sound both ways, recording and message.
  /// Then a caller by IPv4 reaches the same phone.
  @Test func callOverIPv6() async throws {
    try await Scene.play("ipv6") { scene in
      let sms = try await scene.smsGateway()
      var site = TestSite(scene.path("site"), smsPort: sms.port)
      site.files["Listen.txt"] = "udp:[::1]:\(site.port),udp:127.0.0.1:\(site.port)"
      site.files["trunks/GW14/Host.txt"] = "[::1]"
      site.files["trunks/GW14/Addresses.txt"] = "\(TestSite.gateway),2001:db8::/32"
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let phone = try await rack.phone("732", password: "secret732", at: "::1", of: ("::1", site.port))
      try await phone.isRegistered()
      try await daemon.says("phone registered", "user=732", "[::1]")
      let wire = try await Wire.listen(site.traffic, scene)
      let caller = try await rack.phone(TestSite.caller, at: "::1", of: ("::1", site.port))

      let leg = try await caller.talks(to: "720")
      await caller.press("1", on: leg)
      let ringing = try await phone.rings()
      try await phone.answer(ringing)
      try await daemon.says("connected", "user=732")
      let words = Array(try Surroundings.voice("demo-caller").prefix(24_000))
      let reply = Array(try Surroundings.voice("demo-technician").prefix(24_000))
      let (question, answer) = (await caller.say(Sound(words), on: leg), await phone.say(Sound(reply), on: ringing))
      _ = try await caller.seen.first("the caller has spoken", within: .seconds(10)) { $0 == .said(token: question) }
      _ = try await phone.seen.first("732 has spoken", within: .seconds(10)) { $0 == .said(token: answer) }
      await phone.hangUp(ringing)
      try await caller.isReleased(leg)
      let text = try #require(try await sms.seen.first("the SMS", within: .seconds(10)) { _ in true }.parameter("text"))
      try await daemon.says("recording closed")
      try await wire.stop()

      // All of it went by IPv6, and says so.
      let fields = ["sip.Method", "ipv6.src", "ipv6.dst", "sip.Via.sent-by.address", "sdp.connection_info"]
      let rows = try await Wire.fields(fields, of: wire.path, where: "sip.Method || sdp", scene)
      try #require(rows.count > 5 && rows.allSatisfy { $0[1] == "::1" && $0[2] == "::1" }, "\(rows)")
      let described = rows.map { $0[4] }.filter { !$0.isEmpty }
      try #require(described.count >= 4 && described.allSatisfy { $0 == "IN IP6 ::1" }, "\(rows)")
      let files = try site.tickets()
      try #require(files == [text + "_END_1.txt"], "\(files)")
      let recording = try site.recording()
      let (code, streams) = try await scene.run(["tshark", "-n", "-q", "-r", recording, "-z", "rtp,streams"])
      try #require(code == 0 && streams.count { $0.contains("g711A") } == 2, "\(streams)")
      let wave = scene.path("call.wav")
      let program = try scene.product("pcap2wave", [recording, "-o", wave])
      let outcome = try await program.exit(within: .seconds(30))
      try #require(outcome == 0)
      let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
      try requireHeard(words, notJust: reply, in: sides.channel(0), "the WAV's left channel")
      try requireHeard(reply, notJust: words, in: sides.channel(1), "the WAV's right channel")

      // A caller by IPv4.
      let old = try await rack.caller(daemon, number: "0471000004")
      let mixed = try await old.talks(to: "799732")
      let again = try await phone.rings(from: "0471000004")
      try await phone.answer(again)
      let heard = try await Wire.counting(
        100, "ip and dst host 127.0.0.2 and udp src portrange \(site.rtp)-\(site.rtp + 99)", scene)
      await phone.say(Sound(reply), on: again)
      _ = try await heard.exit(within: .seconds(10))
      await phone.hangUp(again)
      try await old.isReleased(mixed)
      try await daemon.stop()
    }
  }
}
