import Hunting
import PikettTesting
import SIPMessage
import Site
import Telephony
import Testing

@testable import CallControl

/// The site is read anew while calls are in progress; names get addresses; ways break.
@Suite struct SiteChangeTests {
  @Test func `a change counts for the next call, not for those in progress`() throws {
    let scene = try Scene()
    scene[731].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("720")
    scene.at(.seconds(1)) { scene in
      scene.shell.take(
        .siteChanged(
          SceneSite.read([
            "forwards/TED_CFU/Target.txt": "731", "queues/TED_WQ10/Map1.txt": "799733", "732/CFNR.txt": nil,
          ])))
    }
    scene.callerPresses("1", at: .seconds(2))
    // The first call goes the old way: 732, who was on duty, then 733.
    scene.at(.seconds(60)) { $0.caller.call("799*733") }
    try scene.run(until: .seconds(80))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733", "731"])
    try scene.expectClean()
  }

  @Test func `a queue and a user that are gone do not disturb their call`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(2))
    scene.at(.seconds(10)) { scene in
      scene.shell.take(
        .siteChanged(SceneSite.read(["732/Password.txt": nil, "732/CFNR.txt": nil, "queues/TED_WQ10/Number.txt": nil])))
    }
    scene.at(.seconds(12)) { $0.caller.call("720") }
    scene.at(.seconds(20)) { $0[732].hangUp() }
    try scene.run(until: .seconds(40))
    #expect(scene.caller.order.compactMap { scene.caller.lines[$0]?.refusal } == [404])
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a trunk is known by its name's addresses as soon as they are resolved`() throws {
    let scene = try Scene(["trunks/GW14/Host.txt": "gateway.example.net"])
    scene.at(.zero) { $0.caller.call("799*731") }
    scene.at(.seconds(1)) {
      $0.shell.take(.hostsResolved(KnownHosts(addresses: ["gateway.example.net": [Places.caller.address]])))
    }
    scene.at(.seconds(2)) { $0.caller.call("799*731") }
    scene.at(.seconds(4)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(scene.caller.order.map { scene.caller.lines[$0]?.refusal } == [401, nil])
    #expect(scene.shell.endings.count == 1)
    try scene.expectClean()
  }

  @Test func `a way that is refused there and then costs its hop, not the call`() throws {
    let scene = try Scene()
    scene.network.setConditions(.refused, from: "Pikett", to: "732")
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(20))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
    #expect(try scene.ending().detail.answeredExtension == "733")
    try scene.expectClean()
  }

  @Test func `a phone that says nothing at all is left at its CFNR timeout`() throws {
    let scene = try Scene()
    scene[732].isDead = true
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `while the disk is too far behind a new call gets 503, the others go on`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    scene.at(.seconds(1)) { $0.shell.canWrite = false }
    scene.at(.seconds(2)) { $0.caller.call("799*731") }
    scene.at(.seconds(3)) { $0.shell.canWrite = true }
    try scene.run(until: .seconds(20))
    #expect(scene.caller.order.map { scene.caller.lines[$0]?.refusal } == [nil, 503])
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }
}
