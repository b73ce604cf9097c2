import Hunting
import Telephony
import Testing

/// A user who has registered several phones: each answers, confirms and fails for itself.
@Suite("Hunt: several phones of one user")
struct SeveralPhonesTests {
  private let desk = BranchID(hop: .first, index: 0)
  private let cordless = BranchID(hop: .first, index: 0, phone: 1)

  /// 731 rings at his desk and on his cordless phone, both with a key if `key` is given; then comes 732.
  private func story(key: Character? = "1") throws -> Story {
    let users = [User(number: "731", confirmKey: key, cfnr: "732"), User(number: "732")]
    var story = try Story("799731", users: users, onDuty: nil)
    story.put(.branchAdded(cordless, beside: desk))
    return story
  }

  @Test("Where the bare answer counts, the first one wins and the other stops ringing")
  func firstAnswer() throws {
    var story = try story(key: nil)
    story.put(.branchAnswered(cordless))
    #expect(story.world.lastActions.contains(.connect(cordless)))
    #expect(story.world.lastActions.contains(.cancel(desk, .answeredElsewhere)))
    #expect(story.isSound)
  }

  @Test("The voicemail of one phone stops neither the other's ringing nor its answer")
  func voicemail() throws {
    var story = try story()
    story.put(.branchAnswered(desk))
    #expect(story.confirming == ["731"] && story.ringing == ["731"])
    story.put(.promptEnded(desk))
    story.wait(11)
    #expect(story.ringing == ["731"])
    story.put(.branchAnswered(cordless))
    story.put(.keyPressed(cordless, "1"))
    #expect(story.talking == "731")
    #expect(story.world.lastActions.contains(.releaseBranch(desk, .normalClearing)))
    #expect(story.isSound)
  }

  @Test("One phone fails, the other rings on; both fail, and the next user is rung")
  func failures() throws {
    var story = try story()
    story.put(.branchFailed(desk, .busy, .userBusy))
    #expect(story.ringing == ["731"])
    story.put(.branchFailed(cordless, .unreachable, .noUserResponding))
    #expect(story.ringing == ["732"] && story.isSound)
  }

  @Test("No answer, a caller who gives up: both stop ringing")
  func stop() throws {
    var story = try story()
    story.wait(20)
    #expect(story.ringing == ["732"] && story.isSound)
    story = try self.story()
    story.callerHangsUp()
    #expect(story.ringing.isEmpty && story.isOver && story.isSound)
  }

  @Test("A phone that is added when nothing rings any more is cancelled")
  func tooLate() throws {
    var story = try Story()
    story.callerHangsUp()
    story.put(.branchAdded(cordless, beside: desk))
    #expect(story.world.hunt.isFinished)
    story = try Story("799731", users: [User(number: "731")], onDuty: nil)
    try story.answers("731")
    story.put(.branchAdded(cordless, beside: desk))
    #expect(story.world.lastActions == [.cancel(cordless, .normalClearing)])
    #expect(story.isSound)
  }

  @Test("How a further phone is told apart in the log")
  func description() {
    #expect("\(desk)" == "hop 1, desk phone" && "\(cordless)" == "hop 1, desk phone, phone 2")
    #expect(desk < cordless && cordless < BranchID(hop: .first, index: 1))
  }
}
