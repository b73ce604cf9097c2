import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Calls of phones that speak G.722, and of such that do not.
@Suite struct WidebandStories {
  private static let wide: [AudioCodec] = [.pcmu, .g722, .pcma]
  private static let narrow: [AudioCodec] = [.pcma, .pcmu]

  private func codec(_ scene: Scene, _ phone: Phone) -> AudioCodec? {
    scene.shell.media.values.first { $0.flow.remote == phone.address }?.negotiated?.codec
  }

  /// What the phones were offered: the formats of each INVITE of ours.
  private func offers(_ scene: Scene) -> [String] {
    scene.shell.steps.flatMap(\.commands).requests(.invite).compactMap { invite in
      String(decoding: invite.body, as: UTF8.self).split(separator: "\r\n").first { $0.hasPrefix("m=audio") }
        .map { $0.split(separator: " ").dropFirst(3).joined(separator: " ") }
    }
  }

  @Test(
    arguments: [
      (true, true, AudioCodec.g722, AudioCodec.g722), (true, false, .g722, .pcma), (false, true, .pcma, .pcma),
      (false, false, .pcma, .pcma),
    ], ["720", "799*731"])
  func `who has it gets it, and is not asked where it would be of no use`(
    talk: (caller: Bool, phone: Bool, toCaller: AudioCodec, toPhone: AudioCodec), number: String
  ) throws {
    let scene = try Scene()
    scene.caller.codecs = talk.caller ? Self.wide : Self.narrow
    scene[732].codecs = talk.phone ? Self.wide : Self.narrow
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials(number)
    if number == "720" { scene.callerPresses("1", at: .seconds(1)) }
    scene.at(.seconds(6)) { scene in
      #expect(codec(scene, scene.caller) == talk.toCaller)
      #expect(codec(scene, scene[732]) == talk.toPhone)
      #expect(scene.shell.media.values.allSatisfy { $0.partner != nil })
    }
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(Set(offers(scene)) == [talk.caller ? "9 8 0 101" : "8 0 101"])
    try scene.expectClean()
  }

  @Test func `a side that changes its codec in the talk is followed; the other keeps its own`() throws {
    let scene = try Scene()
    scene.caller.codecs = Self.wide
    scene[732].codecs = Self.wide
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    func offer(_ phone: Phone, _ codecs: String, _ direction: Direction = .sendReceive) {
      guard let leg = phone.last, let local = phone.lines[leg]?.audio.local else { return }
      phone.offer(leg, sdp(local, direction: direction, codecs: codecs))
    }
    scene.at(.seconds(5)) { offer($0[732], "0 101") }
    scene.at(.seconds(6)) { #expect(codec($0, $0[732]) == .pcmu && codec($0, $0.caller) == .g722) }
    // Held, and back, in the order in which the phone likes it.
    scene.at(.seconds(7)) { offer($0[732], "8 9 101", .sendOnly) }
    scene.at(.seconds(8)) { #expect(codec($0, $0[732]) == .g722 && codec($0, $0.caller) == .g722) }
    scene.at(.seconds(9)) { offer($0[732], "8 9 101") }
    scene.at(.seconds(10)) { offer($0.caller, "8 101") }
    scene.at(.seconds(11)) { #expect(codec($0, $0[732]) == .g722 && codec($0, $0.caller) == .pcma) }
    scene.at(.seconds(12)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    try scene.expectClean()
  }

  @Test func `a plain call is joined in it too`() throws {
    let scene = try Scene()
    scene.caller.codecs = Self.wide
    scene.pbx.codecs = Self.wide
    scene.pbx.plan = { _ in .answers(after: .seconds(1)) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    scene.at(.seconds(4)) { #expect(codec($0, $0.caller) == .g722 && codec($0, $0.pbx) == .g722) }
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    try scene.expectClean()
  }
}
