import Audio
import Demo
import Disk
import RTPEngine
import SDP
import SIPUserAgent
import Testing

extension ScenarioTests {
  /// The technician holds: the caller hears the queue's Hold.wav, and him again when he is back, also under another law.
  /// Key presses go from each to the other in whatever way he takes them.
  @Test func holdAndKeys() async throws {
    try await Scene.play("hold") { scene in
      let site = TestSite(scene.path("site"))
      try site.write()
      let music = try Surroundings.voice("demo-caller")
      let voice = try Surroundings.voice("demo-technician")
      let wave = joined(Surroundings.data, "prompts/en/demo-caller.wav")
      try site.write("queues/TED_WQ10/Hold.wav", RealFilesystem().read(wave, limit: 1 << 24))
      try site.write("732/CFNRTimeout.txt", Array("20\n".utf8))
      let daemon = try await Daemon.start(scene, site)
      let rack = try PhoneRack(scene)
      let caller = try await rack.caller(daemon)
      let technician = try await rack.technician("732", daemon)

      let call = try await caller.talks(to: "720")
      await caller.press("1", on: call)
      let talk = try await technician.rings()
      try await technician.answer(talk)
      try await daemon.says("connected", "user=732")

      // Hold, and back.
      await technician.offer(.sendOnly, on: talk)
      try await technician.agrees(1)
      try await daemon.says("the call is put on hold")
      let pause = await technician.say(Sound(music), on: talk)
      try await technician.said(pause)
      await technician.offer(.sendReceive, on: talk)
      try await technician.agrees(2)
      try await daemon.says("the call is taken back from hold")

      // The caller goes over to PCMU, and hears what is said in PCMA.
      await caller.offer(.sendReceive, codecs: [.pcmu], on: call)
      try await caller.agrees(1)
      let words = await technician.say(Sound(voice), on: talk)
      try await technician.said(words)

      // Keys: event to event; INFO to event; event to INFO, when there are no events any more.
      await caller.press("5", on: call)
      try await technician.hears("5")
      await technician.pressByInfo("7", on: talk)
      try await caller.hears("7")
      await technician.offer(.sendReceive, telephoneEvent: false, on: talk)
      try await technician.agrees(3)
      await caller.press("#", on: call)
      try await technician.hears("#")
      await technician.hangUp(talk)
      try await caller.isReleased(call)
      try await daemon.says("recording closed")
      try await daemon.stop()
      let keys = await (caller.keys, technician.keys)
      try #require(keys == (["7"], ["5", "#"]), "\(keys)")

      let file = scene.path("call.wav")
      let program = try scene.product("pcap2wave", [site.recording(), "-o", file])
      let outcome = try await program.exit(within: .seconds(30))
      try #require(outcome == 0)
      let heard = try WAVE(RealFilesystem().read(file, limit: 1 << 28)).channel(1)
      let end = Array(heard.suffix(voice.count + 5 * 8000))
      try requireHeard(voice, notJust: music, in: end, "what the caller heard after the hold")
      try requireHeard(music, notJust: voice, in: Array(heard.dropLast(end.count)), "what the caller heard on hold")
      // One stream without a gap from the announcement to the end.
      let (code, streams) = try await scene.run([
        "tshark", "-n", "-q", "-r", try site.recording(), "-z", "rtp,streams",
      ])
      try #require(code == 0)
      let lines = streams.filter { $0.contains("g711") }
      try #require(!lines.isEmpty && lines.allSatisfy { $0.contains(" 0 (0.0%)") }, "\(streams)")
    }
  }
}

extension Phone {
  /// Waits for the answer to its `count`-th offer within the call.
  fileprivate func agrees(_ count: Int) async throws {
    _ = try await seen.first("\(number)'s offer \(count) is answered", within: .seconds(5)) {
      if case .agreed(_, count) = $0 { true } else { false }
    }
  }

  fileprivate func said(_ token: UInt64) async throws {
    _ = try await seen.first("\(number) has said it", within: .seconds(20)) { $0 == .said(token: token) }
  }

  fileprivate func hears(_ key: Character) async throws {
    _ = try await seen.first("\(number) hears the key \(key)", within: .seconds(5)) {
      if case .key(_, key) = $0 { true } else { false }
    }
  }

  /// The keys that the other side has pressed.
  fileprivate var keys: [Character] {
    get async { await seen.all.compactMap { if case .key(_, let key) = $0 { key } else { nil } } }
  }
}
