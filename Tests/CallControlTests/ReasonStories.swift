import PikettTesting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Why a call ended, on its way from one leg to the other (RFC 3326, RFC 3398).
@Suite struct ReasonStories {
  private func reasons(_ scene: Scene, _ method: SIPMessage.Method) -> [String] {
    scene.shell.steps.flatMap(\.commands).requests(method).compactMap { $0.headers["Reason"] }
  }

  @Test(arguments: [Cause.answeredElsewhere, .normalClearing, .userBusy])
  func `a caller who gives up has his cause told to the phones that ring`(cause: Cause) throws {
    for number in ["799*731", "732"] {
      let scene = try Scene(["Answer.txt": "user"])
      let isPlain = number == "732"
      scene.at(.zero) { scene in
        if isPlain {
          scene[731].call(number, from: "731", password: "secret731")
        } else {
          scene.caller.call(number)
        }
      }
      scene.at(.seconds(2)) { (isPlain ? $0[731] : $0.caller).hangUp(cause: cause) }
      try scene.run(until: .seconds(5))
      let expected = cause == .answeredElsewhere ? "SIP;cause=200" : "Q.850;cause=\(cause.rawValue)"
      let told = reasons(scene, .cancel)
      #expect(!told.isEmpty && told.allSatisfy { $0.hasPrefix(expected) }, "\(told)")
      #expect(try scene.ending().detail.cause == cause)
      try scene.expectClean()
    }
  }

  @Test(arguments: [(486, 486, 17), (603, 403, 21), (404, 404, 1), (480, 480, 18), (484, 484, 28), (502, 503, 38)])
  func `a plain call's refusal comes to the caller with its cause`(status: Int, seen: Int, cause: UInt8) throws {
    let scene = try Scene()
    scene[732].plan = { _ in .refuses(status) }
    scene.at(.zero) { $0[731].call("732", from: "731", password: "secret731") }
    try scene.run(until: .seconds(5))
    let leg = try #require(scene[731].last)
    #expect(scene[731].lines[leg]?.refusal == seen)
    let answer = scene.shell.steps.flatMap(\.commands).responses.last { $0.status == seen }
    #expect(answer?.headers["Reason"]?.hasPrefix("Q.850;cause=\(cause)") == true)
    #expect(try scene.ending().detail.cause.rawValue == cause)
    try scene.expectClean()
  }

  @Test func `after a talk it is 16, whatever the technician says`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(1)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { $0[732].hangUp(cause: .temporaryFailure) }
    try scene.run(until: .seconds(10))
    #expect(reasons(scene, .bye).allSatisfy { $0.hasPrefix("Q.850;cause=16") } && reasons(scene, .bye).count == 1)
    #expect(try scene.ending().detail.cause == .normalClearing)
    try scene.expectClean()
  }
}
