import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Hold by either side, at any moment: the held party hears the hold sound, the one who holds nothing.
@Suite struct HoldStories {
  /// How phones hold.
  enum Way: CaseIterable, CustomTestStringConvertible {
    case sendOnly, inactive, zeroAddress

    func offer(_ local: Endpoint) -> [UInt8] {
      switch self {
      case .sendOnly: sdp(local, direction: .sendOnly)
      case .inactive: sdp(local, direction: .inactive)
      case .zeroAddress:
        // RFC 2543's way: no direction at all.
        Array(
          String(decoding: sdp(local), as: UTF8.self).lines
            .map { $0.hasPrefix("c=") ? "c=IN IP4 0.0.0.0" : $0 }.filter { $0 != "a=sendrecv" }
            .map { $0 + "\r\n" }.joined().utf8)
      }
    }

    var testDescription: String { "\(self)" }
  }

  /// What `phone` hears at this moment; the other side while nothing is played.
  private func hears(_ scene: Scene, _ phone: Phone) -> Sound? {
    scene.shell.media.values.first { $0.flow.remote == phone.address }?.sound
  }

  private func hold(_ phone: Phone, _ way: Way = .sendOnly) {
    guard let leg = phone.last, let local = phone.lines[leg]?.audio.local else { return }
    phone.offer(leg, way.offer(local))
  }

  private func resume(_ phone: Phone) { phone.last.map { phone.reoffer($0, direction: .sendReceive) } }

  @Test(arguments: Way.allCases) func `the technician holds: the caller hears the hold sound`(way: Way) throws {
    let scene = try Scene(["queues/TED_WQ10/Hold.wav": ""])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(1))
    scene.at(.seconds(5)) { #expect(hears($0, $0.caller) == nil) }
    scene.at(.seconds(6)) { hold($0[732], way) }
    scene.at(.seconds(7)) { scene in
      #expect(hears(scene, scene.caller) == .hold(queue: "TED_WQ10"))
      #expect(hears(scene, scene[732]) == nil)
    }
    scene.at(.seconds(8)) { resume($0[732]) }
    scene.at(.seconds(9)) { scene in
      #expect(hears(scene, scene.caller) == nil)
      #expect(scene.shell.media.values.allSatisfy { $0.negotiated?.direction == .sendReceive })
    }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    let words = scene.shell.events.compactMap { event -> String? in
      switch event {
      case .held: "held"
      case .resumed: "resumed"
      default: nil
      }
    }
    #expect(words == ["held", "resumed"])
    try scene.expectClean()
  }

  @Test(arguments: Way.allCases) func `both hold, and either one comes back first`(way: Way) throws {
    for callerFirst in [true, false] {
      let scene = try Scene()
      scene[732].plan = { _ in .answers(after: .seconds(2)) }
      scene.callerDials("799*731")
      scene.at(.seconds(5)) { hold($0.caller, way) }
      scene.at(.seconds(6)) { #expect(hears($0, $0[732]) == .hold(queue: nil) && hears($0, $0.caller) == nil) }
      scene.at(.seconds(7)) { hold($0[732], way) }
      scene.at(.seconds(8)) { #expect(hears($0, $0[732]) == nil && hears($0, $0.caller) == nil) }
      scene.at(.seconds(9)) { resume(callerFirst ? $0.caller : $0[732]) }
      scene.at(.seconds(10)) { scene in
        // Who is back is still held by the other one.
        #expect(hears(scene, scene.caller) == (callerFirst ? .hold(queue: nil) : nil))
        #expect(hears(scene, scene[732]) == (callerFirst ? nil : .hold(queue: nil)))
      }
      scene.at(.seconds(11)) { resume(callerFirst ? $0[732] : $0.caller) }
      scene.at(.seconds(12)) { #expect(hears($0, $0[732]) == nil && hears($0, $0.caller) == nil) }
      scene.at(.seconds(20)) { $0.caller.hangUp() }
      try scene.run(until: .seconds(30))
      try scene.expectClean()
    }
  }

  @Test func `a caller who holds while technicians are rung: the hunt goes on, and who answers hears the hold sound`()
    throws
  {
    let scene = try Scene()
    scene[731].plan = { _ in .answers(after: .seconds(3)) }
    scene.callerDials("799732")
    scene.at(.seconds(2)) { hold($0.caller) }
    // 732 does not answer; 733 refuses; 731 does.
    scene[733].plan = { _ in .refuses(486) }
    try scene.run(until: .seconds(26))
    #expect(hears(scene, scene[731]) == .hold(queue: nil))
    #expect(hears(scene, scene.caller) == nil)
    scene.at(.seconds(27)) { resume($0.caller) }
    scene.at(.seconds(28)) { #expect(hears($0, $0[731]) == nil) }
    scene.at(.seconds(30)) { $0[731].hangUp() }
    try scene.run(until: .seconds(40))
    #expect(try scene.ending().detail.answeredExtension == "731")
    try scene.expectClean()
  }

  @Test func `a caller who holds during the announcement is heard when he comes back, and waits for ever in no case`()
    throws
  {
    let scene = try Scene()
    scene.callerDials("720")
    scene.at(.seconds(1)) { hold($0.caller, .inactive) }
    // The engine's word of the announcement's end never comes.
    scene.shell.soundLength = { _ in .seconds(1_000_000) }
    scene.at(.seconds(290)) { #expect(hears($0, $0.caller) == .announcement(queue: "TED_WQ10")) }
    try scene.run(until: .seconds(2000))
    #expect(scene.shell.endings.count == 1)
    #expect(scene.caller.openLines == 0)
    #expect(try scene.ending().detail.cause == .normalClearing)
  }

  @Test func `a technician who holds before he confirms: the caller hears it as soon as they are joined`() throws {
    let scene = try Scene(["732/Confirm.txt": "5"])
    scene[732].plan = { _ in .answers(after: .seconds(2), keys: [(.seconds(4), "5")]) }
    scene.callerDials("799*731")
    scene.at(.seconds(3)) { hold($0[732]) }
    scene.at(.seconds(5)) { #expect(hears($0, $0.caller) == .waiting(queue: nil)) }
    scene.at(.seconds(7)) { #expect(hears($0, $0.caller) == .hold(queue: nil)) }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    try scene.expectClean()
  }

  @Test func `a plain call is held too`() throws {
    let scene = try Scene()
    scene.pbx.plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    scene.at(.seconds(5)) { hold($0.pbx) }
    scene.at(.seconds(6)) { #expect(hears($0, $0.caller) == .hold(queue: "TED_WQ10")) }
    scene.at(.seconds(8)) { resume($0.pbx) }
    scene.at(.seconds(9)) { #expect(hears($0, $0.caller) == nil) }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    try scene.expectClean()
  }

  @Test func `hours on hold are no dead leg, nor are the minutes after`() throws {
    let scene = try Scene(["MaxDuration.txt": "300"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { hold($0[732]) }
    let since = scene.network.now.instant + .seconds(5)
    for time in stride(from: 35, to: 3935, by: 30) {
      scene.at(.seconds(time)) { scene in
        for leg in scene.shell.media.keys.sorted() { scene.shell.take(.silent(leg, since: since)) }
      }
    }
    scene.at(.seconds(3600)) { resume($0[732]) }
    try scene.run(until: .seconds(3860))
    #expect(scene.shell.endings.isEmpty)
    // From the end of the hold on, silence is what it always was.
    try scene.run(until: .seconds(3940))
    #expect(scene.shell.endings.count == 1)
    try scene.expectClean()
  }

  @Test func `a session refresh is answered with the description that was agreed on, under its old version`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    for time in [5, 7, 9] { scene.at(.seconds(time)) { resume($0.caller) } }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    let leg = try #require(scene.caller.last)
    let answers = (scene.caller.lines[leg]?.events ?? []).compactMap { event -> [UInt8]? in
      if case .offerAnswered(let answer) = event { answer } else { nil }
    }
    #expect(answers.count == 3)
    #expect(Set(answers).count == 1)
    try scene.expectClean()
  }
}

extension String {
  fileprivate var lines: [String] { split(whereSeparator: \.isNewline).map(String.init) }
}
