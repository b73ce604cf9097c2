import Hunting
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
    #expect(ending.detail.cause == .normalClearing)
    try scene.expectClean()
  }
}
