import Hunting
import Media
import PikettTesting
import SIPMessage
import Site
import Telephony
import Testing

@testable import CallControl

/// What a user of the site may dial, and what nobody else may.
@Suite struct CallbackStories {
  private func dial(_ scene: Scene, _ number: String, from user: Int = 731, at time: Duration) {
    scene.at(time) { $0[user].call(number, from: "\(user)", password: "secret\(user)") }
  }

  private func line(_ scene: Scene, _ user: Int = 731) throws -> Phone.Line {
    try #require(scene[user].last.flatMap { scene[user].lines[$0] })
  }

  /// The INVITEs that left for the mobile network.
  private func callsOut(_ scene: Scene) -> [Request] {
    scene.shell.steps.flatMap(\.commands).requests(.invite).filter { $0.uri.host == Places.mobile.address.uriText }
  }

  private func lost(_ scene: Scene) -> [Int] {
    scene.shell.events.compactMap { if case .refused(_, _, _, let status, _) = $0 { status } else { nil } }
  }

  @Test func `the caller of a ticket is called back, without ticket or recording`() throws {
    let scene = try Scene()
    scene.mobile.plan = { _ in .answers(after: .seconds(4), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { $0.caller.hangUp() }
    scene.at(.seconds(9)) { $0.network.ladder = Ladder() }
    dial(scene, "03472619287", at: .seconds(10))
    scene.at(.seconds(13)) { scene in
      #expect((try? self.line(scene).isAnswered) == false)
      #expect(scene.shell.media.values.contains { $0.sound == .waiting(queue: nil) })
    }
    try scene.run(until: .seconds(60))
    scene.expectLadder("callback")
    #expect(scene.shell.tickets.count == 1)
    #expect(scene.shell.recordings.count == 1)
    let detail = try #require(scene.shell.endings.values.map(\.detail).first { $0.origin == "internal" })
    #expect(detail.caller.text == "731")
    #expect(detail.dialled == "03472619287")
    #expect(detail.answeredExtension == "03472619287")
    #expect(detail.answer != nil && detail.ticket == nil && detail.cause == .normalClearing)
    try scene.expectClean()
  }

  @Test func `during the call itself, and from another phone than the technician's`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(1)) }
    scene.mobile.plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    dial(scene, "03472619287", at: .seconds(5))
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    #expect(callsOut(scene).map { $0.uri.user } == ["03472619287"])
    try scene.expectClean()
  }

  /// Who is in the log, what is dialled, the trunk's prefix, and what the trunk is given.
  @Test(arguments: [
    ("03472619287", "03472619287", "0", "03472619287"),
    ("03472619287", "3472619287", "0", "03472619287"),
    ("3472619287", "3472619287", "0", "03472619287"),
    ("3472619287", "03472619287", "0", "03472619287"),
    ("03472619287", "03472619287", "none", "03472619287"),
    ("+393472619287", "+393472619287", "0", "000393472619287"),
    ("+393472619287", "00393472619287", "0", "000393472619287"),
    ("+393472619287", "+393472619287", "none", "00393472619287"),
    ("00393472619287", "+393472619287", "none", "00393472619287"),
    ("000393472619287", "000393472619287", "0", "000393472619287"),
    ("+393472619287", "000393472619287", "0", "000393472619287"),
  ])
  func `as delivered or as dialled, the trunk's prefix stands there once`(
    caller: String, dialled: String, prefix: String, given: String
  ) throws {
    let scene = try Scene(["trunks/MOBILE/Prefix.txt": prefix])
    let now = scene.network.now.wall
    scene.shell.take(.recentCallers([RecentCaller(number: caller, at: now)]))
    dial(scene, dialled, at: .zero)
    scene.at(.seconds(3)) { $0[731].hangUp() }
    try scene.run(until: .seconds(10))
    #expect(callsOut(scene).map { $0.uri.user } == [given])
    try scene.expectClean()
  }

  @Test(
    arguments: [
      ([:], "<sip:731@192.0.2.20>", "<sip:731@192.0.2.20>"),
      (["trunks/MOBILE/Login.txt": "0471999720"], "<sip:0471999720@192.0.2.20>", "<sip:0471999720@192.0.2.20>"),
      (
        ["trunks/MOBILE/CallerID.txt": "own", "trunks/MOBILE/From.txt": "+390471999720"],
        "<sip:+390471999720@192.0.2.20>", "<sip:+390471999720@192.0.2.20>"
      ),
    ] as [([String: String?], String, String)])
  func `he sees the line's own number, or the user's where the trunk has none`(
    changes: [String: String?], from: String, asserted: String
  ) throws {
    let scene = try Scene(changes.merging(["trunks/MOBILE/Register.txt": "no"]) { $1 })
    let now = scene.network.now.wall
    scene.shell.take(.recentCallers([RecentCaller(number: "03472619287", at: now)]))
    dial(scene, "03472619287", at: .zero)
    scene.at(.seconds(3)) { $0[731].hangUp() }
    try scene.run(until: .seconds(10))
    let invite = try #require(callsOut(scene).first)
    #expect(invite.headers["From"]?.hasPrefix(from) == true)
    #expect(invite.headers["P-Asserted-Identity"] == asserted)
    #expect(!invite.headers.has("Diversion"))
    try scene.expectClean()
  }

  // MARK: And nothing else

  @Test(arguments: [
    "03472619288", "3472619", "03472619287#", "003903472619287", "0900123456", "112", "anonymous", "700", "+",
    "799**21*731",
  ])
  func `a user reaches no other number outside`(number: String) throws {
    let scene = try Scene()
    let now = scene.network.now.wall
    scene.shell.take(
      .recentCallers(
        ["03472619287", "anonymous", "sip-user", "", "+", "112x"].map { RecentCaller(number: $0, at: now) }))
    dial(scene, number, at: .zero)
    try scene.run(until: .seconds(5))
    #expect(lost(scene) == [404])
    #expect(scene.shell.media.isEmpty)
    try scene.expectClean()
  }

  @Test func `neither a trunk's caller nor a stranger reaches a ticket's caller or a user`() throws {
    let scene = try Scene()
    let now = scene.network.now.wall
    scene.shell.take(.recentCallers([RecentCaller(number: "03472619287", at: now)]))
    // A From over a trunk proves nothing, whoever it names.
    scene.at(.zero) { $0.caller.call("03472619287", from: "731") }
    scene.at(.seconds(1)) { $0.pbx.call("731", from: "732") }
    scene.at(.seconds(2)) {
      $0.caller.call("03472619287", headers: [("P-Asserted-Identity", "<sip:731@192.0.2.1>")])
    }
    let stranger = Phone("Stranger", at: Places.stranger, on: scene.network, seed: 66)
    scene.at(.seconds(3)) { _ in stranger.call("03472619287", from: "731") }
    scene.at(.seconds(4)) { _ in stranger.call("731", from: "731", password: "guess") }
    try scene.run(until: .seconds(10))
    #expect(lost(scene) == [404, 404, 404])
    #expect(scene.shell.media.isEmpty)
    #expect(stranger.lines.values.allSatisfy { [401, 403].contains($0.refusal) })
    try scene.expectClean()
  }

  @Test func `a ticket's caller is forgotten after 30 days`() throws {
    let scene = try Scene()
    let days: (Int64) -> WallTime = { days in
      scene.network.now.wall + .seconds(-86_400 * days)
    }
    scene.shell.take(
      .recentCallers([
        RecentCaller(number: "0347111", at: days(31)), RecentCaller(number: "0347222", at: days(29)),
        RecentCaller(number: "0347333", at: days(45)), RecentCaller(number: "0347333", at: days(2)),
        RecentCaller(number: "0347333", at: days(40)),
      ]))
    for (index, number) in ["0347111", "0347222", "0347333"].enumerated() {
      dial(scene, number, at: .seconds(5 * index))
      scene.at(.seconds(5 * index + 2)) { $0[731].hangUp() }
    }
    try scene.run(until: .seconds(30))
    #expect(callsOut(scene).map { $0.uri.user } == ["0347222", "0347333"])
    try scene.expectClean()
  }

  @Test func `whom no trunk reaches: 404, and no answer before`() throws {
    let scene = try Scene(["ExternalTrunk.txt": "none"])
    let now = scene.network.now.wall
    scene.shell.take(.recentCallers([RecentCaller(number: "03472619287", at: now)]))
    dial(scene, "03472619287", at: .zero)
    try scene.run(until: .seconds(5))
    #expect(try line(scene).refusal == 404)
    #expect(try scene.ending().detail.cause == .noRouteToDestination)
    try scene.expectClean()
  }

  // MARK: Within the site

  @Test func `a user calls a user: ringing in early media, bridged, no ticket`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(5)) }
    dial(scene, "732", at: .zero)
    try scene.run(until: .seconds(30))
    scene.expectLadder("internal-plain")
    let detail = try scene.ending().detail
    #expect(detail.origin == "internal" && detail.answeredExtension == "732" && detail.ticket == nil)
    #expect(scene.shell.recordings.isEmpty)
    try scene.expectClean()
  }

  @Test(arguments: [(486, 486), (480, 480), (404, 404), (603, 403), (0, 480)])
  func `a user who is not reached: the status says why`(phone: Int, status: Int) throws {
    let scene = try Scene()
    if phone != 0 { scene[732].plan = { _ in .refuses(phone) } }
    dial(scene, "732", at: .zero)
    try scene.run(until: .seconds(200))
    #expect(try line(scene).refusal == status)
    #expect(try scene.ending().detail.answer == nil)
    try scene.expectClean()
  }

  @Test func `a user who has no phone now: 480`() throws {
    let scene = try Scene(registers: false)
    scene[731].register("731", password: "secret731")
    dial(scene, "732", at: .seconds(1))
    try scene.run(until: .seconds(5))
    #expect(try line(scene).refusal == 480)
    try scene.expectClean()
  }

  @Test func `he gives up while it rings`() throws {
    let scene = try Scene()
    dial(scene, "732", at: .zero)
    scene.at(.seconds(5)) { $0[731].hangUp() }
    try scene.run(until: .seconds(10))
    #expect(scene.shell.steps.flatMap(\.commands).requests(.cancel).count == 1)
    #expect(scene[732].openLines == 0)
    try scene.expectClean()
  }

  @Test func `a trunk's default that is a plain number is answered when it answers`() throws {
    let scene = try Scene(["trunks/GW14/Default.txt": "700"])
    scene.pbx.plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(5)) }
    scene.callerDials("4711")
    scene.at(.seconds(2)) { #expect($0.caller.lines.values.allSatisfy { !$0.isAnswered }) }
    try scene.run(until: .seconds(20))
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }
}

@Suite struct RecentCallersTests {
  private let now = WallTime(microseconds: 1_350_050_400_000_000)

  @Test func `their number is bounded, the oldest go first`() {
    var callers = RecentCallers()
    for index in 0..<(RecentCallers.limit + 10) {
      callers.add(RecentCaller(number: "0347\(1_000_000 + index)", at: now + .seconds(index)))
    }
    #expect(callers.count == RecentCallers.limit)
    let knows = { (index: Int) in
      PhoneNumber("0347\(1_000_000 + index)").map { callers.caller(dialled: $0, prefix: "", at: now) != nil }
    }
    #expect(knows(9) == false)
    #expect(knows(10) == true)
    #expect(knows(RecentCallers.limit + 9) == true)
  }

  /// Whoever calls may say that he is anybody; what a gateway or a network takes for a command must not come of it.
  @Test(arguments: ["##002#", "#21#", "#", "*21*0900123456#", "1#", "+#1"])
  func `a code is nobody's number`(code: String) {
    var callers = RecentCallers()
    callers.add(RecentCaller(number: code, at: now))
    callers.add(RecentCaller(number: CallerName(code).text, at: now))
    #expect(callers.count == 0)
  }

  @Test func `a clock that was set back makes nobody unknown`() throws {
    var callers = RecentCallers()
    callers.add(RecentCaller(number: "0347", at: now + .seconds(86_400)))
    let number = try #require(PhoneNumber("0347"))
    #expect(callers.caller(dialled: number, prefix: "", at: now) == number)
  }
}
