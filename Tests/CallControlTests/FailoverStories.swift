import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// A phone behind trunks with several hosts, of which some are silent, overloaded or gone.
@Suite struct FailoverStories {
  /// 732 is rung by the trunk PBX with two hosts, then by PBX2; the scene's PBX is the first host.
  private final class Plant {
    let scene: Scene
    var first: Phone { scene.pbx }
    let second: Phone
    let other: Phone

    init(_ changes: [String: String?] = [:]) throws {
      var all: [String: String?] = [
        "732/Password.txt": nil, "732/Trunk.txt": "PBX,PBX2", "732/CFNR.txt": nil,
        "trunks/PBX/Host.txt": "192.0.2.5,192.0.2.6", "trunks/PBX2/Host.txt": "192.0.2.7",
      ]
      for (path, text) in changes { all[path] = text }
      scene = try Scene(all)
      second = Phone("PBX b", at: endpoint("192.0.2.6:5060"), on: scene.network, seed: 406)
      other = Phone("PBX2", at: endpoint("192.0.2.7:5060"), on: scene.network, seed: 407)
      for phone in [second, other] { scene.shell.names[phone.address] = phone.name }
    }

    func run(_ seconds: Int = 60) throws {
      scene.callerDials("799*731")
      try scene.run(until: .seconds(seconds))
    }

    /// How many calls each host has got.
    var calls: [Int] { [first, second, other].map(\.order.count) }

    func expectClean(_ location: SourceLocation = #_sourceLocation) throws {
      try scene.expectClean(location)
      for phone in [second, other] {
        #expect(phone.openLines == 0, "\(phone.name) believes itself in a call", sourceLocation: location)
      }
    }
  }

  private static let takes = Phone.Plan.answers(after: .seconds(1), hangsUpAfter: .seconds(5))

  @Test func `a silent host: the next in parallel after 2 s, and its late answer is ended`() throws {
    let plant = try Plant()
    plant.scene.network.setConditions(
      LinkConditions(delay: .seconds(3) ... .seconds(3)), from: "Pikett", to: "PBX")
    plant.first.plan = { _ in Phone.Plan(ringsAfter: nil, act: .answer(after: .zero)) }
    plant.second.plan = { _ in Self.takes }
    try plant.run()
    plant.scene.expectLadder("failover-silent-host")
    #expect(plant.calls == [1, 1, 0])
    #expect(try plant.scene.ending().detail.answer != nil)
    #expect(plant.scene.shell.bridges.values.map(\.count) == [1])
    try plant.expectClean()
  }

  @Test func `503: the next host at once`() throws {
    let plant = try Plant()
    plant.first.plan = { _ in .refuses(503, after: .zero) }
    plant.second.plan = { _ in Self.takes }
    try plant.run()
    plant.scene.expectLadder("failover-503")
    try plant.expectClean()
  }

  @Test func `nothing listens at the first host, and the system says so`() throws {
    let plant = try Plant(["trunks/PBX/Transport.txt": "tcp"])
    plant.scene.network.setConditions(.refused, from: "Pikett", to: "PBX")
    plant.second.plan = { _ in Self.takes }
    try plant.run()
    #expect(plant.calls == [0, 1, 0])
    #expect(try plant.scene.ending().detail.answer != nil)
    try plant.expectClean()
  }

  @Test(arguments: [408, 500, 502, 504]) func `a trunk that cannot: the next trunk, not its next host`(
    status: Int
  ) throws {
    let plant = try Plant()
    plant.first.plan = { _ in .refuses(status) }
    plant.other.plan = { _ in Self.takes }
    try plant.run()
    if status == 500 { plant.scene.expectLadder("failover-500") }
    #expect(plant.calls == [1, 0, 1])
    #expect(try plant.scene.ending().detail.answer != nil)
    try plant.expectClean()
  }

  /// An SBC that lives before a switch that does not says 100, and nothing else until its own timers end, long after ours.
  @Test func `a trunk that says 100 and nothing more: the next beside it`() throws {
    let plant = try Plant()
    plant.first.plan = { _ in Phone.Plan(ringsAfter: nil) }
    plant.other.plan = { _ in Self.takes }
    try plant.run()
    plant.scene.expectLadder("failover-stuck")
    #expect(plant.calls == [1, 0, 1])
    let detail = try plant.scene.ending().detail
    #expect(try #require(detail.answer).unixSeconds - detail.ring.unixSeconds <= 10)
    try plant.expectClean()
  }

  @Test func `a phone that is found only after 9 s rings, by the trunk that found it`() throws {
    let plant = try Plant()
    plant.first.plan = { _ in
      Phone.Plan(ringsAfter: .seconds(9), act: .answer(after: .seconds(12)), hangsUpAfter: .seconds(5))
    }
    plant.other.plan = { _ in .refuses(486) }
    try plant.run()
    #expect(plant.calls == [1, 0, 1])
    #expect(try plant.scene.ending().detail.answer != nil)
    #expect(plant.scene.shell.bridges.values.map(\.count) == [1])
    try plant.expectClean()
  }

  @Test(arguments: [404, 480, 486, 488, 600, 603, 302]) func `a refusal by the user or of the number ends the branch`(
    status: Int
  ) throws {
    let plant = try Plant()
    plant.first.plan = { _ in .refuses(status) }
    try plant.run()
    #expect(plant.calls == [1, 0, 0])
    #expect(try plant.scene.ending().detail.answer == nil)
    try plant.expectClean()
  }

  @Test func `all are silent: each is tried every 2 s, and nothing is left ringing`() throws {
    let plant = try Plant(["732/CFNR.txt": "733"])
    for phone in [plant.first, plant.second, plant.other] { phone.isDead = true }
    plant.scene[733].plan = { _ in Self.takes }
    try plant.run()
    plant.scene.expectLadder("failover-all-silent")
    #expect(try plant.scene.ending().detail.answeredExtension == "733")
    try plant.expectClean()
  }

  @Test func `two hosts of one PBX ring the phone for no longer than the CANCEL takes`() throws {
    let plant = try Plant()
    plant.scene.network.setConditions(
      LinkConditions(delay: .milliseconds(2200) ... .milliseconds(2200)), from: "Pikett", to: "PBX")
    plant.first.plan = { _ in .rings }
    plant.second.plan = { _ in .answers(after: .seconds(10), hangsUpAfter: .seconds(5)) }
    try plant.run()
    #expect(plant.calls == [1, 1, 0])
    // The second says at 2.1 s that it rings, the first at 2.3 s: its first word is answered by the CANCEL.
    let cancelled = plant.first.lines.values.flatMap(\.events).contains { if case .ended = $0 { true } else { false } }
    #expect(cancelled)
    #expect(try plant.scene.ending().detail.answer != nil)
    try plant.expectClean()
  }

  @Test func `the caller gives up while two hosts are tried`() throws {
    let plant = try Plant()
    for phone in [plant.first, plant.second] { phone.plan = { _ in Phone.Plan(ringsAfter: .seconds(10)) } }
    for phone in ["PBX", "PBX b"] {
      plant.scene.network.setConditions(
        LinkConditions(delay: .seconds(4) ... .seconds(4)), from: phone, to: "Pikett")
    }
    plant.scene.at(.seconds(3)) { $0.caller.hangUp() }
    try plant.run()
    #expect(plant.calls == [1, 1, 0])
    #expect(try plant.scene.ending().dispatch?.user == "732")
    try plant.expectClean()
  }

  @Test func `no port for the second host: the first rings on, the third is tried`() throws {
    let plant = try Plant()
    plant.first.isDead = true
    plant.other.plan = { _ in Self.takes }
    plant.scene.at(.milliseconds(1500)) { $0.shell.portsRefused = 1 }
    try plant.run()
    #expect(plant.calls == [0, 0, 1])
    #expect(try plant.scene.ending().detail.answer != nil)
    try plant.expectClean()
  }

  @Test func `a name with two addresses is two hosts`() throws {
    let plant = try Plant(["trunks/PBX/Host.txt": "PBX.example.net"])
    plant.scene.shell.take(
      .hostsResolved(
        KnownHosts(addresses: ["pbx.example.net": [Places.pbx.address, endpoint("192.0.2.6:5060").address]])))
    plant.first.plan = { _ in .refuses(503, after: .zero) }
    plant.second.plan = { _ in Self.takes }
    try plant.run()
    #expect(plant.calls == [1, 1, 0])
    let invites = plant.scene.shell.steps.flatMap(\.commands).requests(.invite).map { "\($0.uri)" }
    #expect(invites == ["sip:732@PBX.example.net", "sip:732@PBX.example.net"])
    try plant.expectClean()
  }

  // MARK: Forks

  /// 732 has a mobile phone behind the trunk MOBILE, and nothing else.
  private func mobile(_ changes: [String: String?] = [:]) throws -> Scene {
    var all: [String: String?] = [
      "732/Password.txt": nil, "732/Trunk.txt": "none", "732/CFNR.txt": nil, "732/Fork.txt": "3482619288",
      "732/ForkConfirm.txt": "none", "trunks/MOBILE/From.txt": "0471999",
    ]
    for (path, text) in changes { all[path] = text }
    return try Scene(all)
  }

  private func callers(_ scene: Scene) throws -> [String?] {
    try scene.shell.steps.flatMap(\.commands).requests(.invite).map { try $0.headers.from().uri.user }
  }

  @Test(arguments: [403, 484, 606, 607, 608]) func `a trunk that refuses the caller's number gets our own`(
    status: Int
  ) throws {
    let scene = try mobile()
    scene.mobile.plan = { $0 == 0 ? .refuses(status) : Self.takes }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    if status == 403 { scene.expectLadder("failover-own") }
    #expect(try callers(scene) == ["03472619287", "0471999"])
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `once only`() throws {
    let scene = try mobile()
    scene.mobile.plan = { _ in .refuses(403) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(try callers(scene) == ["03472619287", "0471999"])
    #expect(try scene.ending().detail.cause == .callRejected)
    try scene.expectClean()
  }

  @Test func `a user who declines is not asked again under another number`() throws {
    let scene = try mobile()
    scene.mobile.plan = { _ in .refuses(603) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(try callers(scene).count == 1)
    try scene.expectClean()
  }

  @Test func `a gateway that registers with Pikett is called where it registered from`() throws {
    let scene = try mobile([
      "trunks/MOBILE/Host.txt": nil, "trunks/MOBILE/Login.txt": "gsm", "trunks/MOBILE/Password.txt": "secretgsm",
      "trunks/GW2/Host.txt": "192.0.2.5", "ExternalTrunk.txt": "MOBILE,GW2",
    ])
    // Not there yet: the next trunk is.
    scene.pbx.plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(1)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0.second.register("gsm", password: "secretgsm") }
    scene.second.plan = { _ in Self.takes }
    scene.at(.seconds(12)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(60))
    scene.expectLadder("registrant-gateway")
    #expect(scene.pbx.order.count == 1 && scene.second.order.count == 1)
    #expect(scene.shell.endings.values.allSatisfy { $0.detail.answer != nil })
    try scene.expectClean()
  }

  // MARK: Several phones of one user

  @Test func `the voicemail of one phone stops neither the other's ringing nor its answer`() throws {
    let scene = try Scene(["732/Confirm.txt": "1"])
    scene.second.register("732", password: "secret732")
    scene.second.plan = { _ in .answers(after: .seconds(2)) }
    scene[732].plan = { _ in .answers(after: .seconds(18), keys: [(.seconds(3), "1")], hangsUpAfter: .seconds(20)) }
    scene.at(.milliseconds(500)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(80))
    scene.expectLadder("two-contacts-voicemail")
    #expect(scene.shell.tickets.count == 1)
    #expect(try scene.ending().detail.answeredExtension == "732")
    #expect(scene.second.openLines == 0)
    try scene.expectClean()
  }

  @Test func `the first to confirm wins, whoever answered first`() throws {
    let scene = try Scene(["732/Confirm.txt": "1"])
    scene.second.register("732", password: "secret732")
    scene.second.plan = { _ in .answers(after: .seconds(2), keys: [(.seconds(8), "1")]) }
    scene[732].plan = { _ in
      .answers(after: .seconds(3), keys: [(.seconds(1), "5"), (.seconds(2), "1")], hangsUpAfter: .seconds(20))
    }
    scene.at(.milliseconds(500)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(60))
    #expect(scene.second.openLines == 0)
    #expect(scene.shell.bridges.values.map(\.count) == [1])
    #expect(try scene.ending().detail.hangUp.unixSeconds - #require(scene.ending().detail.answer).unixSeconds >= 17)
    try scene.expectClean()
  }

  // MARK: Plain numbers

  @Test func `a plain number takes the same ways`() throws {
    let plant = try Plant(["InternalTrunk.txt": "PBX,PBX2"])
    plant.first.isDead = true
    plant.second.plan = { _ in .refuses(500) }
    plant.other.plan = { _ in Self.takes }
    plant.scene.callerDials("720")
    plant.scene.callerPresses("2", at: .seconds(1))
    try plant.scene.run(until: .seconds(60))
    #expect(plant.calls == [0, 1, 1])
    #expect(try plant.scene.ending().detail.answer != nil)
    #expect(plant.scene.shell.tickets.isEmpty)
    try plant.expectClean()
  }

  @Test func `a plain number that is a user rings all his phones; one answers, the other stops`() throws {
    let scene = try Scene(["queues/TED_WQ10/Map2.txt": "732"])
    scene.second.register("732", password: "secret732")
    scene.second.plan = { _ in .refuses(486) }
    scene.at(.seconds(1)) { $0.caller.call("720") }
    scene.callerPresses("2", at: .seconds(2))
    scene[732].plan = { $0 == 0 ? Self.takes : .rings }
    try scene.run(until: .seconds(20))
    scene.at(.seconds(20)) { $0.second.plan = { _ in Self.takes } }
    scene.at(.seconds(21)) { $0.caller.call("720") }
    scene.callerPresses("2", at: .seconds(22))
    try scene.run(until: .seconds(60))
    #expect(scene.shell.endings.values.allSatisfy { $0.detail.answer != nil })
    #expect(scene[732].openLines == 0 && scene.second.openLines == 0)
    try scene.expectClean()
  }
}
