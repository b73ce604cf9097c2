import Audio
import Demo
import Disk
import RTPEngine
import Telephony
import Testing

extension ScenarioTests {
  /// An emergency call between two phones that demand SRTP, while somebody sprays plain speech at the media ports: both
  /// hear each other and nobody else, on the wire nobody is heard, and the recording can be listened to.
  @Test func encryptedSound() async throws {
    try await Scene.play("encrypted-sound") { scene in
      var site = TestSite(scene.path("site"))
      site.files["732/Secure.txt"] = "required"
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let callerVoice = try Surroundings.voice("demo-caller")
      let technicianVoice = try Surroundings.voice("demo-technician")
      let strangersVoice = try Surroundings.voice("announcement", in: "de")
      let daemon = try await Daemon.start(scene, site)
      let caller = try await Baresip.register("731", encryption: "srtp-mand", saying: callerVoice, scene, daemon)
      let desk = try await Baresip.register("732", encryption: "srtp-mand", saying: technicianVoice, scene, daemon)
      let stranger = try Stranger(
        speaking: strangersVoice, to: (0..<4).map { site.rtp + 2 * $0 }, from: ["127.0.0.66", "127.0.0.1"])
      let wire = try await Wire.listen(site.traffic, scene)

      try await caller.talks(to: "720")
      caller.press("1")
      try await desk.rings(from: "731")
      try await desk.answer("731")
      try await daemon.says("connected", "user=732")
      let sixSeconds = try await Wire.counting(600, "udp src portrange \(site.rtp)-\(site.rtp + 99)", scene)
      _ = try await sixSeconds.exit(within: .seconds(20))
      desk.hangUp()
      try await daemon.says("packets on an encrypted leg that were not its peer's")
      try await daemon.says("recording closed")
      try await wire.stop()
      stranger.stop()
      try await daemon.stop()

      for other in [callerVoice, strangersVoice] {
        try requireHeard(technicianVoice, notJust: other, in: caller.heard(), "what the caller heard")
      }
      for other in [technicianVoice, strangersVoice] {
        try requireHeard(callerVoice, notJust: other, in: desk.heard(), "what the technician heard")
      }
      try await checkWire(wire, site, [callerVoice, technicianVoice], scene)
      try await checkRecording(site, callerVoice, technicianVoice, strangersVoice, scene)
    }
  }

  /// Every SDP is of encrypted sound, and what goes to the phones cannot be understood.
  private func checkWire(_ wire: Wire, _ site: TestSite, _ voices: [[Int16]], _ scene: Scene) async throws {
    let media = try await Wire.fields(
      ["sdp.media.proto", "sdp.media.port", "udp.srcport"], of: wire.path, where: "sdp", scene)
    try #require(media.count >= 4 && media.allSatisfy { $0[0] == "RTP/SAVP" }, "\(media)")
    for row in media where row[2] != "\(site.port)" {
      // 160 bytes of audio between the RTP header and a tag of 10 bytes, which is not what was said.
      let packets = try await Wire.fields(
        ["udp.payload"], of: wire.path, where: "udp.srcport != \(row[2]) && udp.dstport == \(row[1])", scene)
      let sound: [Int16] = packets.flatMap {
        hexadecimalBytes($0[0]).dropFirst(12).dropLast(10).map { G711.aLaw.decode($0) }
      }
      try #require(sound.count > 16_000, "\(row)")
      for voice in voices { try #require(SoundCheck.correlation(of: voice, in: sound) < 0.3) }
    }
  }

  /// It is for its owner alone, shows no key, and both voices are in it, the stranger's not.
  private func checkRecording(
    _ site: TestSite, _ callerVoice: [Int16], _ technicianVoice: [Int16], _ strangersVoice: [Int16], _ scene: Scene
  ) async throws {
    let recording = try site.recording()
    try #require(try RealFilesystem().status(recording)?.mode == 0o600)
    let text = String(decoding: try RealFilesystem().read(recording, limit: 1 << 28), as: UTF8.self)
    try #require(
      text.contains("inline:****") && !text.split(separator: "inline:").dropFirst().contains { !$0.hasPrefix("****") })
    let wave = scene.path("call.wav")
    let program = try scene.product("pcap2wave", [recording, "-o", wave])
    let outcome = try await program.exit(within: .seconds(30))
    try #require(outcome == 0)
    let sides = try WAVE(RealFilesystem().read(wave, limit: 1 << 28))
    for (channel, voice, other) in [(0, callerVoice, technicianVoice), (1, technicianVoice, callerVoice)] {
      for wrong in [other, strangersVoice] {
        try requireHeard(voice, notJust: wrong, in: sides.channel(channel), "channel \(channel) of the WAV")
      }
    }
  }
}

private func hexadecimalBytes(_ text: String) -> [UInt8] {
  let digits = Array(text.utf8.compactMap(\.hexadecimalValue))
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
