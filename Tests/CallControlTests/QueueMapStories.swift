import Hunting
import Media
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Several queues, and everything that a key or silence can lead to.
@Suite struct QueueMapStories {
  private static let maps: [String: String?] = [
    "queues/SECOND/Number.txt": "721", "queues/SECOND/Map1.txt": "799731", "queues/SECOND/MapStar.txt": "720",
    "queues/TED_WQ10/Map3.txt": "731", "queues/TED_WQ10/Map4.txt": "721", "queues/TED_WQ10/Map5.txt": "799731",
    "queues/TED_WQ10/Map6.txt": "799", "queues/TED_WQ10/Map7.txt": "799*", "queues/TED_WQ10/Map8.txt": "799*733",
    "queues/TED_WQ10/Map9.txt": "+41441234567", "queues/TED_WQ10/Map0.txt": "799733",
    "queues/TED_WQ10/MapStar.txt": "731", "queues/TED_WQ10/MapHash.txt": "799*731",
  ]

  /// The key, who is called, and whether it is a ticket.
  @Test(
    arguments: [
      ("1", "732", true), ("2", "700", false), ("3", "731", false), ("5", "731", true), ("6", "732", true),
      ("7", "732", true), ("8", "732", true), ("9", "+41441234567", false), ("0", "733", true), ("*", "731", false),
      ("#", "732", true),
    ] as [(Character, String, Bool)])
  func `every key leads where its map says`(key: Character, called: String, hasTicket: Bool) throws {
    let scene = try Scene(Self.maps)
    for phone in scene.phones { phone.plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(3)) } }
    scene.callerDials("720")
    scene.callerPresses(key, at: .seconds(1))
    try scene.run(until: .seconds(30))
    let ending = try scene.ending()
    #expect(ending.detail.answeredExtension == called)
    #expect(ending.detail.answer != nil)
    #expect((ending.closing != nil) == hasTicket)
    #expect(scene.shell.recordings.isEmpty != hasTicket)
    let out = scene.shell.steps.flatMap(\.commands).requests(.invite).map { $0.uri.user ?? "" }
    if key == "9" { #expect(out == ["00041441234567"]) }
    if key == "2" { #expect(out == ["700"]) }
    try scene.expectClean()
  }

  @Test func `two queues, two callers, each with his own`() throws {
    let scene = try Scene(Self.maps)
    scene[731].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
    scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(9)) }
    scene.at(.zero) { $0.caller.call("720", from: "0111") }
    scene.at(.milliseconds(10)) { $0.caller.call("721", from: "0222") }
    scene.at(.seconds(1)) { scene in for leg in scene.caller.order { scene.caller.press("1", leg) } }
    try scene.run(until: .seconds(30))
    let told = scene.shell.endings.values.sorted { $0.caller.text < $1.caller.text }
    #expect(told.map(\.caller.text) == ["0111", "0222"])
    #expect(told.map(\.detail.dialled) == ["720", "721"])
    #expect(told.map(\.dispatch?.user) == ["732", "731"])
    try scene.expectClean()
  }

  @Test func `the key that led to another queue is not that queue's key as well`() throws {
    let scene = try Scene(Self.maps.merging(["queues/SECOND/Map4.txt": "799733"]) { $1 })
    scene.callerDials("720")
    scene.at(.seconds(1)) { $0.shell.press("4", by: .event, on: $0.caller) }
    scene.at(.milliseconds(1080)) { $0.shell.press("4", by: .tone, on: $0.caller) }
    scene.at(.milliseconds(1200)) { $0.caller.press("4") }
    scene.at(.seconds(3)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(scene.shell.tickets.isEmpty)
    try scene.expectClean()
  }

  @Test func `back and forth between queues as often as he likes`() throws {
    let scene = try Scene(Self.maps)
    scene[731].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(3)) }
    scene.callerDials("720")
    for (index, key) in ["4", "*", "4", "*", "4", "1"].enumerated() {
      scene.callerPresses(Character(key), at: .seconds(2 * index + 1))
    }
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().dispatch?.user == "731")
    try scene.expectClean()
  }

  @Test func `queues whose silence leads from one to the other let a silent caller go`() throws {
    let scene = try Scene([
      "queues/SECOND/Number.txt": "721", "queues/SECOND/Map1.txt": "799731", "queues/SECOND/OnSilence.txt": "720",
      "queues/TED_WQ10/OnSilence.txt": "721", "queues/TED_WQ10/Repeat.txt": "0", "queues/SECOND/Repeat.txt": "0",
    ])
    scene.callerDials("720")
    try scene.run(until: .seconds(200))
    let entered = scene.shell.events.compactMap { if case .queueEntered(_, let queue) = $0 { queue } else { nil } }
    #expect(entered == ["TED_WQ10", "SECOND", "TED_WQ10"])
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test(arguments: [("hangup", nil), ("proceed", "732"), ("799731", "731"), ("731", "731")] as [(String, String?)])
  func `what silence does`(setting: String, called: String?) throws {
    let scene = try Scene(["queues/TED_WQ10/OnSilence.txt": setting, "queues/TED_WQ10/Repeat.txt": "0"])
    for phone in [731, 732] { scene[phone].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(3)) } }
    scene.callerDials("720")
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answeredExtension == called ?? "")
    try scene.expectClean()
  }

  @Test func `a queue without maps ends in silence, whatever is pressed`() throws {
    let scene = try Scene([
      "queues/TED_WQ10/Map1.txt": nil, "queues/TED_WQ10/Map2.txt": nil, "queues/TED_WQ10/Repeat.txt": "1",
    ])
    scene.callerDials("720")
    for second in 1...15 { scene.callerPresses("1", at: .seconds(second)) }
    try scene.run(until: .seconds(100))
    #expect(try scene.ending().detail.answeredExtension == "")
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `an announcement whose end is never told keeps nobody for ever`() throws {
    let scene = try Scene(["queues/TED_WQ10/Repeat.txt": "1"])
    scene.shell.soundLength = { _ in .seconds(1_000_000) }
    scene.callerDials("720")
    try scene.run(until: .seconds(2 * 310 + 1))
    #expect(scene.shell.endings.count == 1)
    #expect(scene.caller.openLines == 0)
  }

  @Test func `a key that leads to a feature code releases the caller`() throws {
    let scene = try Scene(["queues/TED_WQ10/Map1.txt": "799**20"])
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(1))
    try scene.run(until: .seconds(10))
    #expect(try scene.ending().detail.cause == .unallocatedNumber)
    #expect(scene.shell.tickets.isEmpty && scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `who calls without an offer hears the announcement from its beginning`() throws {
    let scene = try Scene()
    scene.caller.ackBody = sdp(endpoint("192.0.2.9:4000"))
    scene.at(.zero) { $0.caller.call("720", offer: []) }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    let commands = scene.shell.steps.flatMap(\.commands)
    let described = try #require(commands.firstIndex { if case .describe = $0 { true } else { false } })
    #expect(commands[described...].contains { if case .play(_, .announcement, _) = $0 { true } else { false } })
    try scene.expectClean()
  }
}
