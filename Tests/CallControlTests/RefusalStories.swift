import Hunting
import PikettTesting
import SDP
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Calls that are not taken, and shutdown.
@Suite struct RefusalStories {
  /// The final statuses the caller got, in order.
  private func statuses(_ scene: Scene) -> [Int] {
    scene.caller.order.compactMap { scene.caller.lines[$0]?.refusal }
  }

  private func reasons(_ scene: Scene) -> [CallEvent.RefusalReason] {
    scene.shell.events.compactMap { if case .refused(_, _, _, _, let reason) = $0 { reason } else { nil } }
  }

  @Test(arguments: [
    ("12345", 404), ("731", 404), ("7998", 404), ("799*abc", 404), ("+39047199972", 484), ("72", 484), ("79", 484),
    ("79973", 484), ("799*73", 484), ("7", 484), ("%2500", 404), ("911", 404), ("799**20", 404), ("799**21*732", 404),
    ("799%2A%2A22", 404),
  ])
  func `a number that leads nowhere`(number: String, status: Int) throws {
    let scene = try Scene()
    scene.callerDials(number)
    try scene.run(until: .seconds(1))
    #expect(statuses(scene) == [status])
    #expect(scene.shell.media.isEmpty)
    // The beginning of a number is no call yet; any other is one that somebody has lost.
    #expect(scene.shell.refused.map(\.cause.rawValue) == (status == 484 ? [] : [1]))
    #expect(scene.shell.refused.allSatisfy { $0.caller.text == "03472619287" && $0.origin == "GW14" })
    try scene.expectClean()
  }

  @Test(arguments: ["720", "+390471999720", "00390471999720", "+39 (0471) 999-720", "720;phone-context=x"])
  func `a queue's number in its many forms`(number: String) throws {
    let scene = try Scene()
    scene.callerDials(number)
    scene.at(.milliseconds(500)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(scene.shell.events.contains { if case .queueEntered = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test(arguments: ["12345", "7", "72", "799*73", "731", "s", "%2500", "", "03472619287"])
  func `a trunk's default takes what matches nothing, and what is only the beginning of a number`(
    number: String
  ) throws {
    let scene = try Scene(["trunks/GW14/Default.txt": "799*731"])
    scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(1)) }
    scene.callerDials(number)
    try scene.run(until: .seconds(20))
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  @Test(arguments: ["799**20", "799%2A%2A21*732"]) func `a feature code is no emergency, whatever the default`(
    number: String
  ) throws {
    let scene = try Scene(["trunks/GW14/Default.txt": "799*731"])
    scene.callerDials(number)
    try scene.run(until: .seconds(1))
    #expect(statuses(scene) == [404])
    #expect(reasons(scene) == [.reservedNumber])
    #expect(scene.shell.tickets.isEmpty)
    try scene.expectClean()
  }

  @Test(arguments: ["799", "799*", "799%2A", "799*731", "799%2a731", "799*731;user=phone", "7-99.(731)"])
  func `the XML number in its many forms`(number: String) throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(1)) }
    scene[731].plan = { _ in .answers(after: .seconds(1)) }
    scene.callerDials(number)
    scene.at(.seconds(3)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(try scene.ending().detail.answeredExtension == (number.contains("(") ? "731" : "732"))
    #expect(!(try scene.ending().detail.dialled.contains { "%;-.(".contains($0) }))
    try scene.expectClean()
  }

  @Test func `Called.txt says where the number stands`() throws {
    let scene = try Scene(["trunks/GW14/Called.txt": "p-called-party-id"])
    scene.at(.zero) { $0.caller.call("s", headers: [("P-Called-Party-ID", "<sip:720@192.0.2.1>")]) }
    scene.at(.seconds(1)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(try scene.ending().detail.dialled == "720")
    try scene.expectClean()
  }

  @Test func `a broken offer, one without a codec of ours, none at all in the body`() throws {
    let scene = try Scene()
    let media = endpoint("192.0.2.9:4000")
    scene.at(.milliseconds(100)) { $0.caller.call("720", offer: Array("v=0\r\nnonsense\r\n".utf8)) }
    scene.at(.milliseconds(200)) { $0.caller.call("720", offer: sdp(media, codecs: "18 3")) }
    scene.at(.milliseconds(300)) { $0.caller.call("720", offer: Array("hello".utf8)) }
    try scene.run(until: .seconds(2))
    scene.expectLadder("bad-offers")
    #expect(statuses(scene) == [488, 488, 488])
    #expect(reasons(scene).last == .unusableOffer(.malformed(line: 1)))
    #expect(scene.shell.endings.values.allSatisfy { $0.closing == nil && $0.detail.cause.rawValue == 65 })
    try scene.expectClean()
  }

  @Test func `no port left`() throws {
    let scene = try Scene()
    scene.shell.portsRefused = 1
    scene.callerDials("720")
    try scene.run(until: .seconds(2))
    #expect(statuses(scene) == [503])
    try scene.expectClean()
  }

  @Test func `no port left for a technician: the next is rung`() throws {
    let scene = try Scene()
    scene[733].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
    scene.at(.zero) { $0.caller.call("799*731") }
    // The caller's own ports have been opened by now.
    scene.at(.milliseconds(12)) { $0.shell.portsRefused = 1 }
    try scene.run(until: .seconds(30))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a call that has used up its hops goes no further; another leaves with one less`() throws {
    let scene = try Scene()
    scene.at(.zero) { $0.caller.call("799*731", maxForwards: 0) }
    scene.at(.seconds(1)) { $0.caller.call("799*731", maxForwards: 5) }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(statuses(scene) == [483])
    #expect(reasons(scene) == [.tooManyHops])
    let invites = scene.shell.steps.flatMap(\.commands).requests(.invite)
    #expect(try invites.map { try $0.headers.maxForwards() } == [4])
    try scene.expectClean()
  }

  @Test func `beyond MaxCalls there is 486`() throws {
    let scene = try Scene(["MaxCalls.txt": "2"])
    for time in 0..<3 { scene.at(.milliseconds(100 * time)) { $0.caller.call("799*731") } }
    scene.at(.seconds(1)) { #expect($0.shell.control.callCount == 2) }
    scene.at(.seconds(2)) { scene in for leg in scene.caller.order { scene.caller.hangUp(leg) } }
    // The two have gone: there is room again, though they are still being recorded.
    scene.at(.milliseconds(2500)) { $0.caller.call("720") }
    scene.at(.milliseconds(2700)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    #expect(statuses(scene) == [486])
    #expect(scene.shell.endings.count == 3)
    #expect(scene.shell.refused.map(\.cause) == [.userBusy])
    try scene.expectClean()
  }

  @Test func `callers who have not confirmed may take half of the places, and keep no emergency out`() throws {
    let scene = try Scene(["MaxCalls.txt": "4"])
    for time in 0..<3 { scene.at(.milliseconds(100 * time)) { $0.caller.call("720") } }
    scene.at(.seconds(1)) { #expect($0.shell.control.callCount == 2) }
    for time in 0..<3 { scene.at(.milliseconds(2000 + 100 * time)) { $0.caller.call("799*731") } }
    scene.at(.seconds(3)) { #expect($0.shell.control.callCount == 4) }
    scene.at(.seconds(4)) { scene in for leg in scene.caller.order { scene.caller.hangUp(leg) } }
    try scene.run(until: .seconds(10))
    #expect(statuses(scene) == [486, 486])
    try scene.expectClean()
  }

  @Test func `a stranger gets a 401 and nothing else`() throws {
    let scene = try Scene()
    let stranger = Phone("Stranger", at: Places.stranger, on: scene.network, seed: 66)
    scene.at(.zero) { _ in stranger.call("720") }
    try scene.run(until: .seconds(2))
    #expect(scene.shell.portsOpened == 0)
    #expect(stranger.lines.values.map(\.refusal) == [401])
    #expect(!scene.shell.events.contains { if case .arrived = $0 { true } else { false } })
    try scene.expectClean()
  }

  // MARK: Shutdown

  @Test func `shutdown refuses new calls and ends each as it stands`() throws {
    let scene = try Scene(["732/CFNR.txt": nil])
    scene.pbx.plan = { _ in .answers(after: .seconds(1)) }
    scene[732].plan = { $0 == 0 ? .answers(after: .seconds(1)) : .rings }
    scene.at(.zero) { $0.caller.call("799*731") }
    scene.at(.seconds(2)) { $0.caller.call("799*731") }
    scene.at(.seconds(3)) { $0.caller.call("720") }
    scene.at(.seconds(4)) { $0.caller.call("720") }
    scene.at(.milliseconds(4500)) { $0.caller.press("2") }
    scene.at(.milliseconds(4600)) { $0.caller.call("720") }
    scene.at(.milliseconds(4700)) { $0.caller.press("2") }
    scene.at(.milliseconds(6500)) { scene in
      scene.shell.disk = .hangs
      scene.shell.portsTake = .seconds(1)
      scene.caller.call("799733")
    }
    scene.at(.seconds(7)) { scene in
      #expect(scene.shell.control.callCount == 6)
      scene.shell.take(.shutdown)
      #expect(scene.shell.control.callCount == 0)
    }
    scene.at(.milliseconds(7100)) { $0.caller.call("720") }
    try scene.run(until: .seconds(12))
    #expect(statuses(scene) == [503, 503])
    #expect(scene.shell.endings.count == 6)
    #expect(scene.phones.allSatisfy { $0.openLines == 0 })
    try scene.expectClean()
  }

  @Test func `shutdown while a ticket is being drawn`() throws {
    let scene = try Scene()
    scene.shell.disk = .hangs
    scene.callerDials("799*731")
    scene.at(.milliseconds(100)) { scene in
      scene.shell.take(.shutdown)
      #expect(scene.shell.control.callCount == 0)
    }
    try scene.run(until: .seconds(12))
    #expect(try scene.ending().closing?.isLast == true)
    try scene.expectClean()
  }
}
