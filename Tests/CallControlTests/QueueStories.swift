import Hunting
import Media
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Calls through the waiting queue, told as message ladders.
@Suite struct QueueStories {
  @Test func `the seed's call: 720, key 1, 732 does not answer, 733 does and hangs up`() throws {
    let scene = try Scene()
    scene[733].plan = { _ in .answers(after: .seconds(5), hangsUpAfter: .seconds(60)) }
    scene.callerDials("720")
    scene.callerPresses("1", at: .seconds(3))
    try scene.run(until: .seconds(120))
    scene.expectLadder("seed")
    let ending = try scene.ending()
    #expect(ending.caller.text == "03472619287")
    #expect(ending.dispatch?.user == "733")
    #expect(ending.detail.answeredExtension == "733")
    #expect(ending.detail.origin == "GW14")
    #expect(ending.detail.dialled == "720")
    #expect(ending.detail.ticket?.rawValue == 1235)
    #expect(ending.detail.cause == .normalClearing)
    try scene.expectClean()
  }

  @Test(arguments: [DigitWay.event, .tone]) func `the key counts however it comes`(way: DigitWay) throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("720")
    scene.at(.seconds(1)) { $0.shell.press("1", by: way, on: $0.caller) }
    try scene.run(until: .seconds(30))
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  @Test func `one key press that comes by three ways is one`() throws {
    let scene = try Scene()
    scene.callerDials("720")
    scene.at(.seconds(1)) { $0.shell.press("9", by: .event, on: $0.caller) }
    scene.at(.milliseconds(1040)) { $0.caller.press("9") }
    scene.at(.milliseconds(1120)) { $0.shell.press("9", by: .tone, on: $0.caller) }
    scene.at(.seconds(3)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    let wrong = scene.shell.events.count { if case .wrongKey = $0 { true } else { false } }
    #expect(wrong == 1)
    try scene.expectClean()
  }

  @Test func `a wrong key repeats the announcement, the right one leads on`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("720")
    scene.callerPresses("7", at: .seconds(2))
    scene.callerPresses("1", at: .seconds(4))
    try scene.run(until: .seconds(30))
    scene.expectLadder("wrong-key")
    try scene.expectClean()
  }

  @Test func `silence repeats the announcement, then hangs up`() throws {
    let scene = try Scene()
    scene.callerDials("720")
    try scene.run(until: .seconds(200))
    scene.expectLadder("silence")
    let ending = try scene.ending()
    #expect(ending.closing == nil)
    #expect(ending.dispatch == nil)
    #expect(ending.detail.ticket == nil)
    #expect(scene.shell.recordings.isEmpty)
    try scene.expectClean()
  }

  @Test func `silence may proceed`() throws {
    let scene = try Scene([
      "queues/TED_WQ10/OnSilence.txt": "proceed", "queues/TED_WQ10/Repeat.txt": "0",
      "queues/TED_WQ10/Timeout.txt": "2",
    ])
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("720")
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  @Test func `the caller gives up while he hears the announcement`() throws {
    let scene = try Scene()
    scene.callerDials("720")
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    scene.expectLadder("gives-up-in-queue")
    #expect(try scene.ending().closing == nil)
    #expect(scene.shell.tickets.isEmpty)
    try scene.expectClean()
  }

  @Test func `the caller gives up before he is answered`() throws {
    let scene = try Scene()
    scene.shell.portsTake = .milliseconds(400)
    scene.callerDials("720")
    scene.at(.milliseconds(300)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    scene.expectLadder("cancel-before-answer")
    try scene.expectClean()
    #expect(scene.shell.portsOpened == 1)
  }

  @Test func `another key leads to a plain number, without ticket or recording`() throws {
    let scene = try Scene()
    scene.pbx.plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(30)) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    try scene.run(until: .seconds(60))
    scene.expectLadder("plain-number")
    let ending = try scene.ending()
    #expect(ending.detail.answeredExtension == "700")
    #expect(ending.detail.answer != nil)
    #expect(scene.shell.tickets.isEmpty)
    #expect(scene.shell.recordings.isEmpty)
    try scene.expectClean()
  }

  @Test func `a plain number that is busy releases the caller with cause 16, as he had been answered`() throws {
    let scene = try Scene()
    scene.pbx.plan = { _ in .refuses(486) }
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    try scene.run(until: .seconds(60))
    scene.expectLadder("plain-number-busy")
    #expect(try scene.ending().detail.cause == .userBusy)
    try scene.expectClean()
  }

  @Test func `a plain number does not ring for ever`() throws {
    let scene = try Scene()
    scene.callerDials("720")
    scene.callerPresses("2", at: .seconds(1))
    try scene.run(until: .seconds(181.5))
    #expect(try scene.ending().detail.cause == .noAnswer)
    #expect(scene.pbx.openLines == 0)
    try scene.expectClean()
  }

  @Test func `a user of the site is a plain number too, on his registered phone`() throws {
    let scene = try Scene(["queues/TED_WQ10/Map3.txt": "731"])
    scene[731].plan = { _ in .answers(after: .seconds(3)) }
    scene.callerDials("720")
    scene.callerPresses("3", at: .seconds(1))
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answeredExtension == "731")
    #expect(scene[731].openLines == 0)
    try scene.expectClean()
  }

  @Test func `a key may lead to another queue`() throws {
    let scene = try Scene([
      "queues/SECOND/Number.txt": "721", "queues/SECOND/Map5.txt": "799731",
      "queues/TED_WQ10/Map4.txt": "721",
    ])
    scene[731].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(5)) }
    scene.callerDials("720")
    scene.callerPresses("4", at: .seconds(1))
    scene.callerPresses("5", at: .seconds(2))
    try scene.run(until: .seconds(60))
    #expect(try scene.ending().detail.answeredExtension == "731")
    try scene.expectClean()
  }
}
