import Audio
import Demo
import Disk
import Glibc
import RTPEngine
import Telephony
import Testing

extension ScenarioTests {
  /// Two callers who send nothing: one lives and says so whenever he is asked, the other one is gone. His call ends, with
  /// his technician released and his ticket closed; the other call goes on. All the while somebody sprays every port of
  /// both calls, and nothing of it is heard, recorded or relayed, though these legs learn without end.
  @Test func deadLegs() async throws {
    try await Scene.play("dead-legs") { scene in
      var site = TestSite(scene.path("site"))
      site.files["MediaTimeout.txt"] = "1"
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let words = try Surroundings.voice("demo-technician")
      let strangersWords = try Surroundings.voice("announcement", in: "de")
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let wire = try await Wire.listen(site.traffic, scene)

      let gone = try SIPp.call("799732", "caller-silent", saying: words, scene, daemon)
      let first = try await rack.technician("732", daemon)
      let firstTalk = try await first.rings(from: "\(gone.port)")
      try await first.answer(firstTalk)
      try await daemon.says("connected", "user=732")
      let silent = try SIPp.call("799733", "caller-silent", saying: words, scene, daemon)
      let second = try await rack.technician("733", daemon)
      let secondTalk = try await second.rings(from: "\(silent.port)")
      let stranger = try Stranger(
        speaking: strangersWords, to: (0..<8 as Range<UInt16>).map { site.rtp + $0 }, from: ["127.0.0.66"])
      try await second.answer(secondTalk)
      try await daemon.says("connected", "user=733")
      let call = try await daemon.mark(of: "\(gone.port)")
      gone.process.send(SIGKILL)

      // 64 * T1 after the first question. His technician speaks on, and that changes nothing.
      await first.say(Sound(words), on: firstTalk)
      let saying = await second.say(Sound(words), on: secondTalk)
      try await first.isReleased(firstTalk, within: .seconds(45))
      try await daemon.says("call ended", call)
      for side in ["received=0", "received="] {
        try await daemon.says("the sound of a leg", call, "ticket=\(TestSite.firstTicket)", side, "lost=", "jitter=")
      }
      // The other one has been asked dozens of times by now, and heard what was said to him.
      _ = try await second.seen.first("733 has spoken", within: .seconds(10)) { $0 == .said(token: saying) }
      await second.hangUp(secondTalk)
      try await silent.ends()
      try await daemon.says("recording closed", "Caller_\(silent.port)")
      stranger.stop()
      try await wire.stop()
      try await daemon.stop()

      let tickets = try site.tickets()
      try #require(tickets.count == 2 && tickets.allSatisfy { $0.contains("_END") }, "\(tickets)")
      try await checkNothingSprayed(wire, site, scene)
    }
  }

  private func checkNothingSprayed(
    _ wire: Wire, _ site: TestSite, _ scene: Scene
  ) async throws {
    let rows = try await Wire.fields(
      ["ip.src", "udp.srcport", "ip.dst", "udp.dstport", "sdp.media.port"], of: wire.path, where: "udp && !icmp", scene)
    // He was there, on all eight ports, and got no answer.
    let sprayed = Set(rows.filter { $0[0] == "127.0.0.66" }.map { $0[3] })
    try #require(sprayed.isSuperset(of: (0..<8 as Range<UInt16>).map { "\(site.rtp + $0)" }))
    try #require(!rows.contains { $0[2] == "127.0.0.66" })
    // To the technicians went nothing: their callers were silent.
    let phones = Set(rows.filter { $0[0] == "127.0.0.1" && !$0[4].isEmpty }.map { $0[4] })
    let ours = Set((0..<100 as Range<UInt16>).map { "\(site.rtp + $0)" })
    let relayed = rows.filter { ours.contains($0[1]) && $0[2] == "127.0.0.1" && phones.contains($0[3]) }
    try #require(phones.count == 6 && relayed.isEmpty, "\(phones): \(relayed.count)")
    for name in try site.recordings() {
      let recording = joined(site.directory, "recording/" + name)
      let foreign = try await Wire.fields(["ip.src"], of: recording, where: "ip.addr == 127.0.0.66", scene)
      try #require(foreign.isEmpty, "\(name): \(foreign.count)")
    }
  }
}

/// Somebody who is no peer: speaks plain RTP at ports.
final class Stranger {
  private let engine = MediaEngine { _ in }

  /// - Parameters:
  ///   - ports: of the daemon on 127.0.0.1; the next one of each gets RTCP.
  ///   - addresses: from where, each to all ports.
  init(speaking words: [Int16], to ports: [UInt16], from addresses: [String]) throws {
    try engine.start()
    let room = UInt16(2 * ports.count + 2)
    for address in addresses {
      guard let address = IPAddress(address), let daemon = IPAddress("127.0.0.1") else { continue }
      let first = Ports.take(room)
      var pool = MediaPorts(range: first...first + room - 1, address: address)
      for port in ports {
        let leg = try engine.openLeg(try pool.bind())
        engine.send(.describe(leg, LegMedia(remote: Endpoint(daemon, port))))
        engine.send(.play(leg, RTPEngine.Sound(words), loops: true, token: 0))
      }
    }
  }

  func stop() { engine.shutdown() }
}
