import Audio
import Demo
import Disk
import Testing

extension ScenarioTests {
  /// A caller who speaks G.722 reaches a technician who does, and then one who does not: both times each hears the other,
  /// and the recording holds what was on the caller's line.
  @Test func wideband() async throws {
    try await Scene.play("wideband") { scene in
      var site = TestSite(scene.path("site"))
      site.files["732/CFNRTimeout.txt"] = "20"
      try site.write()
      let callerVoice = try Surroundings.voice("demo-caller")
      let technicianVoice = try Surroundings.voice("demo-technician")
      let daemon = try await Daemon.start(scene, site)
      let caller = try await Baresip.register("731", codecs: "G722/16000/1,PCMA", saying: callerVoice, scene, daemon)
      for (index, (number, codecs)) in [("732", "PCMA,G722/16000/1"), ("733", "PCMA")].enumerated() {
        let desk = try await Baresip.register(number, codecs: codecs, saying: technicianVoice, scene, daemon)
        try await caller.talks(to: "799\(number)")
        try await desk.rings(from: "731")
        try await desk.answer("731")
        try await daemon.says("connected", "user=\(number)")
        let twoSeconds = try await Wire.counting(400, "udp src portrange \(site.rtp)-\(site.rtp + 99)", scene)
        _ = try await twoSeconds.exit(within: .seconds(20))
        desk.hangUp()
        try await caller.control.event("CALL_CLOSED")
        try await daemon.says("recording closed", "Ticket_\(TestSite.firstTicket + index)")
        try requireHeard(
          technicianVoice, notJust: callerVoice, in: caller.heard(), "what the caller heard of \(number)")
        try requireHeard(callerVoice, notJust: technicianVoice, in: desk.heard(), "what \(number) heard")
      }
      try await daemon.stop()

      let names = try site.recordings().sorted()
      try #require(names.count == 2)
      for name in names {
        let recording = joined(site.directory, "recording/" + name)
        let (code, lines) = try await scene.run(["tshark", "-n", "-q", "-r", recording, "-z", "rtp,streams"])
        let streams = lines.filter { $0.contains("g722") }
        try #require(code == 0 && streams.count == 2, "\(lines)")
        try #require(
          streams.allSatisfy { $0.contains(" 0 (0.0%)") } && !lines.contains { $0.contains("g711") }, "\(lines)")
        let wave = scene.path("call.wav")
        let program = try scene.product("pcap2wave", [recording, "-o", wave, "--force"])
        let outcome = try await program.exit(within: .seconds(30))
        try #require(outcome == 0)
        let bytes = try RealFilesystem().read(wave, limit: 1 << 28)
        for (channel, voice, other) in [(0, callerVoice, technicianVoice), (1, technicianVoice, callerVoice)] {
          let heard = try WAVE(bytes).telephone(channel)
          try requireHeard(voice, notJust: other, in: heard, "channel \(channel) of the WAV of \(name)")
        }
      }
    }
  }
}

extension WAVE {
  /// A channel at 8000 samples a second.
  fileprivate func telephone(_ number: Int) -> [Int16] {
    Resampler(from: sampleRate, to: 8000)?.resample(channel(number)) ?? []
  }
}
