import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Legs from which nothing comes: asked every so often, and released beyond `MaxDuration.txt`.
@Suite struct SilenceStories {
  /// The engine's word, every 30 s, for the leg towards `phone`.
  private func goesSilent(
    _ scene: Scene, _ phone: @escaping (Scene) -> Phone, from start: Duration, until end: Duration
  ) {
    let since = scene.network.now.instant + start
    for time in stride(from: 30, through: (end - start).components.seconds, by: 30) {
      scene.at(start + .seconds(time)) { scene in
        let address = phone(scene).address
        for (leg, media) in scene.shell.media where media.flow.remote == address {
          scene.shell.take(.silent(leg, since: since))
        }
      }
    }
  }

  private func questions(_ scene: Scene) -> Int { scene.shell.steps.flatMap(\.commands).requests(.options).count }

  @Test func `a caller's leg is asked again and again, and ended beyond MaxDuration though it answers`() throws {
    let scene = try Scene(["MaxDuration.txt": "300"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    goesSilent(scene, { $0.caller }, from: .seconds(60), until: .seconds(1000))
    try scene.run(until: .seconds(359))
    #expect(questions(scene) == 9)
    #expect(scene.shell.endings.isEmpty)
    try scene.run(until: .seconds(365))
    let ending = try scene.ending()
    #expect(ending.detail.hangUp - ending.detail.ring >= .seconds(359))
    #expect(ending.detail.cause == .recoveryOnTimerExpiry)
    #expect(ending.closing?.isLast == true && ending.dispatch?.user == "732")
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    // After an answer some trunks take nothing but cause 16.
    #expect(
      scene.shell.steps.flatMap(\.commands).requests(.bye).allSatisfy {
        $0.headers["Reason"]?.contains("cause=16") == true
      })
    #expect(scene.shell.events.contains { if case .deadLeg = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test func `a technician's leg too: the caller is released`() throws {
    let scene = try Scene(["MaxDuration.txt": "60"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    goesSilent(scene, { $0[732] }, from: .seconds(10), until: .seconds(200))
    try scene.run(until: .seconds(80))
    #expect(try scene.ending().detail.cause == .normalClearing)
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    try scene.expectClean()
  }

  @Test func `a plain call's leg too`() throws {
    let scene = try Scene(["MaxDuration.txt": "60"])
    scene.pbx.plan = { _ in .answers(after: .seconds(1)) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    goesSilent(scene, { $0.pbx }, from: .seconds(10), until: .seconds(200))
    try scene.run(until: .seconds(80))
    #expect(scene.shell.endings.count == 1)
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    try scene.expectClean()
  }

  @Test(arguments: ["none", "100000"]) func `a talk without MaxDuration, or within it, goes on`(limit: String) throws {
    let scene = try Scene(["MaxDuration.txt": limit])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    goesSilent(scene, { $0.caller }, from: .seconds(10), until: .seconds(3000))
    scene.at(.seconds(3001)) { scene in
      #expect(scene.shell.endings.isEmpty)
      scene.caller.hangUp()
    }
    try scene.run(until: .seconds(3010))
    #expect(questions(scene) == 99)
    try scene.expectClean()
  }

  @Test func `with MediaTimeout off nobody is asked, and MaxDuration counts all the same`() throws {
    let scene = try Scene(["MediaTimeout.txt": "none", "MaxDuration.txt": "300"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    goesSilent(scene, { $0.caller }, from: .seconds(60), until: .seconds(1000))
    try scene.run(until: .seconds(359))
    #expect(scene.shell.endings.isEmpty)
    try scene.run(until: .seconds(365))
    #expect(try scene.ending().detail.cause == .recoveryOnTimerExpiry)
    #expect(questions(scene) == 0)
    try scene.expectClean()
  }

  @Test(arguments: [("60", "7200", 60), ("60", "30", 30), ("none", "30", 30), ("60", "none", 60)])
  func `the core is told of silence as soon as either limit is reached`(media: String, most: String, seconds: Int)
    throws
  {
    let scene = try Scene(["MediaTimeout.txt": media, "MaxDuration.txt": most])
    #expect(scene.shell.control.site.silenceLimit == .seconds(seconds))
  }

  @Test func `a living talk is not cut at MaxDuration`() throws {
    let scene = try Scene(["MaxDuration.txt": "60"])
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(7200)) { scene in
      #expect(scene.shell.endings.isEmpty)
      scene.caller.hangUp()
    }
    try scene.run(until: .seconds(7210))
    #expect(try scene.ending().detail.cause == .normalClearing)
    try scene.expectClean()
  }

  @Test func `a caller who is silent before he is answered is not asked`() throws {
    let scene = try Scene(["Answer.txt": "user"])
    scene.callerDials("799*731")
    scene.at(.seconds(1)) { scene in
      for leg in scene.shell.media.keys.sorted() {
        scene.shell.take(.silent(leg, since: scene.network.now.instant + .seconds(-9999)))
      }
    }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(5))
    #expect(questions(scene) == 0)
    try scene.expectClean()
  }
}
