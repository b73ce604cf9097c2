import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Key presses after the bridge, in every way in and out.
@Suite struct DigitStories {
  /// An answer without telephone-events.
  private static func plainAudio(_ offer: [UInt8]) -> [UInt8]? {
    let text = String(decoding: offer, as: UTF8.self)
    guard text.contains("m=audio") else { return nil }
    return sdp(endpoint("198.51.100.32:4444"), codecs: "8")
  }

  /// The caller talks with 732; who of them takes telephone-events, and what their Allow says of INFO.
  private func talk(technicianTakesEvents: Bool, allow: String? = nil) throws -> Scene {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    if !technicianTakesEvents { scene[732].answers = Self.plainAudio }
    scene[732].allow = allow
    scene.callerDials("799*731")
    scene.at(.seconds(15)) { $0.caller.hangUp() }
    return scene
  }

  private func infos(_ scene: Scene) -> [InfoDigit] {
    scene.shell.steps.flatMap(\.commands).requests(.info).compactMap {
      InfoDigit(contentType: $0.headers.contentType, body: $0.body)
    }
  }

  @Test func `INFO becomes an event`() throws {
    let scene = try talk(technicianTakesEvents: true)
    // The caller's gateway has agreed on events, too: one might follow.
    scene.at(.seconds(5)) { $0.caller.press("5") }
    scene.at(.seconds(6)) { #expect($0.shell.sentDigits == ["5 160 ms by event to 732"]) }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.sentDigits.count == 1 && infos(scene).isEmpty)
    try scene.expectClean()
  }

  @Test func `an event goes by the engine where both have them: nothing is sent a second time`() throws {
    let scene = try talk(technicianTakesEvents: true)
    scene.at(.seconds(5)) { scene in
      scene.shell.press("5", by: .event, on: scene.caller)
      scene.caller.press("5")
    }
    scene.at(.milliseconds(5200)) { $0.shell.release("5", after: 200, on: $0.caller) }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.sentDigits.isEmpty && infos(scene).isEmpty)
    try scene.expectClean()
  }

  @Test func `an event becomes tones where the other side has nothing else`() throws {
    let scene = try talk(technicianTakesEvents: false, allow: "INVITE, ACK, BYE, CANCEL")
    scene.at(.seconds(5)) { $0.shell.press("#", by: .event, on: $0.caller) }
    scene.at(.milliseconds(5240)) { $0.shell.release("#", after: 240, on: $0.caller) }
    try scene.run(until: .seconds(6))
    #expect(scene.shell.sentDigits == ["# 240 ms by tones to 732"])
    // A gateway that leaves the tone in the audio beside the event: he has heard it.
    let caller = try #require(scene.shell.media.first { $0.value.flow.remote == scene.caller.address })
    #expect(caller.value.detectsTones)
    scene.at(.seconds(7)) { scene in
      scene.shell.press("4", by: .tone, on: scene.caller)
      scene.shell.press("4", by: .event, on: scene.caller)
    }
    scene.at(.milliseconds(7100)) { $0.shell.release("4", after: 100, on: $0.caller) }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.sentDigits.count == 1 && infos(scene).isEmpty)
    try scene.expectClean()
  }

  @Test func `an event becomes INFO where the other side takes it, in order`() throws {
    let scene = try talk(technicianTakesEvents: false, allow: "INVITE, ACK, BYE, CANCEL, info")
    for (index, key) in ["1", "2", "3"].enumerated() {
      scene.at(.seconds(5) + .milliseconds(200 * index)) { $0.shell.press(Character(key), by: .event, on: $0.caller) }
      scene.at(.seconds(5) + .milliseconds(200 * index + 120)) {
        $0.shell.release(Character(key), after: 120, on: $0.caller)
      }
    }
    try scene.run(until: .seconds(14))
    #expect(infos(scene) == ["1", "2", "3"].map { InfoDigit(digit: $0, milliseconds: 120) })
    #expect(scene.shell.sentDigits.isEmpty)
    let leg = try #require(scene[732].last)
    let heard = (scene[732].lines[leg]?.events ?? []).compactMap { event -> Character? in
      if case .digit(let key, _) = event { key } else { nil }
    }
    #expect(heard == ["1", "2", "3"])
    // Recorded, too.
    let frames = try #require(scene.shell.recordings.values.first).frames
    #expect(frames.count { if case .request(let request) = $0.message { request.method == .info } else { false } } == 3)
    try scene.run(until: .seconds(20))
    try scene.expectClean()
  }

  @Test func `who refuses INFO in spite of his Allow gets tones, this press and all later ones`() throws {
    let scene = try talk(technicianTakesEvents: false, allow: "INVITE, INFO")
    scene[732].refusesInfo = true
    for time in [5, 7] {
      scene.at(.seconds(time)) { $0.shell.press("9", by: .event, on: $0.caller) }
      scene.at(.milliseconds(time * 1000 + 100)) { $0.shell.release("9", after: 100, on: $0.caller) }
    }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.sentDigits == Array(repeating: "9 100 ms by tones to 732", count: 2))
    #expect(infos(scene).count == 1)
    try scene.expectClean()
  }

  @Test func `the key that confirms is not heard by the caller`() throws {
    let scene = try Scene(["732/Confirm.txt": "5"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(6)) { $0.shell.press("5", by: .event, on: $0[732]) }
    scene.at(.milliseconds(6100)) { scene in
      #expect(scene.shell.bridges.count == 1)
      scene[732].press("5")
      scene.shell.release("5", after: 100, on: scene[732])
    }
    scene.at(.seconds(15)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(scene.shell.sentDigits.isEmpty && infos(scene).isEmpty)
    try scene.expectClean()
  }
}
