import Hunting
import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

/// Two things happen at nearly the same time, a message of each on the wire: in whatever order they come, nothing rings
/// on, nobody talks with nobody, and the call has one END and one message.
///
/// A message takes 10 ms: each pair is tried from 25 before to 25 after, and at each millisecond where they meet.
@Suite struct CrossingTests {
  enum Pair: String, CaseIterable {
    case cancelAndAnswerOfTheQueue
    case callerHangsUpAndDeskAnswers
    case callerHangsUpAndMobileConfirms
    case callerHangsUpAndDeskRefuses
    case callerHangsUpAndTimeout
    case callerAndTechnicianHangUp
    case callerHangsUpAndKeyOfTheQueue
    case deskAnswersAndMobileConfirms
    case deskAnswersAndTimeout
    case deskAnswersAndRefusesOnTheOtherPhone
    case shutdownAndDeskAnswers
    case shutdownAndCallerHangsUp
    case timeIsUpAndDeskAnswers
  }

  private static let offsets = [-25, -21, -20, -19, -15, -11, -10, -9, -5, -1, 0, 1, 5, 9, 10, 11, 15, 19, 20, 21, 25]

  @Test(arguments: Pair.allCases) func `whichever comes first`(pair: Pair) throws {
    var outcomes: Set<[String]> = []
    for offset in Self.offsets {
      let scene = try scene(pair)
      prepare(pair, scene, at: .seconds(5) + .milliseconds(offset))
      // Whoever still talks or rings is ended long after.
      scene.at(.seconds(30)) { scene in
        if scene.caller.openLines > 0 { scene.caller.hangUp() }
      }
      try scene.run(until: .seconds(40))
      try scene.network.runUntilQuiet(within: .seconds(10_000))
      let faults = scene.leftovers()
      outcomes.insert(scene.shell.steps.flatMap(\.commands).sent(scene.shell.names))
      if scene.shell.endings.count == 1, faults.isEmpty { continue }
      Issue.record("\(offset) ms: \(scene.shell.endings.count) ends; \(faults)\n\(scene.ladder)")
      return
    }
    #expect(outcomes.count > 1, "they do not cross")
  }

  private func scene(_ pair: Pair) throws -> Scene {
    var changes: [String: String?] = ["732/Fork.txt": "3482619288"]
    if pair == .callerHangsUpAndTimeout || pair == .deskAnswersAndTimeout { changes["732/CFNRTimeout.txt"] = "5" }
    if pair == .timeIsUpAndDeskAnswers { changes["MaxDuration.txt"] = "5" }
    return try Scene(changes)
  }

  /// One of the two at 5 s, the other at `time`.
  private func prepare(_ pair: Pair, _ scene: Scene, at time: Duration) {
    let five = Duration.seconds(5)
    let isQueue = pair == .callerHangsUpAndKeyOfTheQueue
    if pair == .cancelAndAnswerOfTheQueue {
      // A CANCEL goes out only after a response: here a 100.
      scene.shell.portsTake = .milliseconds(300)
      scene.at(five) { $0.caller.call("720") }
      return scene.at(time + .milliseconds(300)) { $0.caller.hangUp() }
    }
    scene.callerDials(isQueue ? "720" : "799*731")
    switch pair {
    case .cancelAndAnswerOfTheQueue: break
    case .callerHangsUpAndDeskAnswers:
      answers(scene[732], scene, at: five)
      scene.at(time) { $0.caller.hangUp() }
    case .callerHangsUpAndMobileConfirms:
      scene.mobile.plan = { _ in .answers(after: .seconds(2)) }
      scene.at(five) { $0.mobile.press("1") }
      scene.at(time) { $0.caller.hangUp() }
    case .callerHangsUpAndDeskRefuses:
      scene.at(five) { $0[732].hangUp(cause: .userBusy) }
      scene.at(time) { $0.caller.hangUp() }
    case .callerHangsUpAndTimeout: scene.at(time) { $0.caller.hangUp() }
    case .callerAndTechnicianHangUp:
      answers(scene[732], scene, at: .seconds(2))
      scene.at(five) { $0[732].hangUp() }
      scene.at(time) { $0.caller.hangUp() }
    case .callerHangsUpAndKeyOfTheQueue:
      scene.callerPresses("1", at: five)
      scene.at(time) { $0.caller.hangUp() }
    case .deskAnswersAndMobileConfirms:
      scene.mobile.plan = { _ in .answers(after: .seconds(2)) }
      answers(scene[732], scene, at: five)
      scene.at(time) { $0.mobile.press("1") }
    case .deskAnswersAndTimeout: answers(scene[732], scene, at: time)
    case .deskAnswersAndRefusesOnTheOtherPhone:
      answers(scene[732], scene, at: five)
      scene.at(time) { $0.mobile.hangUp(cause: .userBusy) }
    case .shutdownAndDeskAnswers:
      answers(scene[732], scene, at: five)
      scene.at(time) { $0.shell.take(.shutdown) }
    case .shutdownAndCallerHangsUp:
      scene.at(five) { $0.caller.hangUp() }
      scene.at(time) { $0.shell.take(.shutdown) }
    case .timeIsUpAndDeskAnswers: answers(scene[732], scene, at: time)
    }
  }

  private func answers(_ phone: Phone, _ scene: Scene, at time: Duration) {
    scene.at(time) { _ in phone.last.map { phone.answer($0) } }
  }
}
