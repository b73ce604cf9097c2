import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// The disk is slow, refuses, or never answers: it rings all the same.
@Suite struct DiskStories {
  private func notes(_ scene: Scene) -> [HuntNote] {
    scene.shell.events.compactMap { if case .hunt(_, let note) = $0 { note } else { nil } }
  }

  @Test func `a slow disk holds the ringing up for half a second at most`() throws {
    let scene = try Scene()
    scene.shell.disk = .durable(after: .milliseconds(900))
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(20))
    scene.expectLadder("disk-slow")
    #expect(notes(scene).contains(.diskSlow(.first)))
    try scene.expectClean()
  }

  @Test func `a disk that refuses costs the journal, not the call`() throws {
    let scene = try Scene()
    scene.shell.disk = .refuses(after: .milliseconds(20))
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(20))
    #expect(notes(scene).contains(.diskRefused(.first, TicketNumber(rawValue: 1234))))
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `a disk that never answers: every hop rings`() throws {
    let scene = try Scene()
    scene.shell.disk = .hangs
    scene.callerDials("799*731")
    scene.at(.seconds(50)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    scene.expectLadder("disk-hangs")
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733", "731"])
    try scene.expectClean()
  }

  @Test func `the caller gives up and the disk answers after all`() throws {
    let scene = try Scene()
    scene.shell.disk = .durable(after: .seconds(5))
    scene.callerDials("799*731")
    scene.at(.milliseconds(200)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    #expect(try scene.ending().closing?.ticket.rawValue == 1234)
    try scene.expectClean()
  }
}
