import Hunting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Through which numbers a call has come (RFC 5806, RFC 7044).
@Suite struct CallHistoryTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var headers: [(String, String)]
    var stations: [String]
    init(_ name: String, _ headers: [(String, String)], _ stations: [String]) {
      (testDescription, self.headers, self.stations) = (name, headers, stations)
    }
  }

  static let cases: [Case] = [
    Case("none", [], []),
    Case("one diversion", [("Diversion", "<sip:720@pbx>;reason=unconditional")], ["720 unconditional"]),
    Case(
      "the newest diversion stands on top",
      [("Diversion", "<sip:731@pbx>;reason=no-answer"), ("Diversion", "<sip:720@pbx>;reason=unconditional")],
      ["720 unconditional", "731 no-answer"]),
    Case(
      "several in one line, quoted", [("Diversion", "\"A, B\" <tel:731>;reason=\"user-busy\", <sip:720@pbx>")],
      ["720", "731 user-busy"]),
    Case("a private one", [("Diversion", "<sip:720@pbx>;privacy=full;reason=deflection")], ["720 deflection private"]),
    Case(
      "the history begins with the oldest",
      [("History-Info", "<sip:720@pbx?Reason=SIP%3Bcause%3D302>;index=1, <sip:799@x>;index=1.1;mp=1")],
      ["720 302", "799"]),
    Case(
      "reason and privacy, escaped",
      [("History-Info", "<sip:720@pbx?Privacy=history&Reason=Q.850%3Bcause%3D17%3Btext%3D%22busy%22>;index=1")],
      ["720 17 private"]),
    Case("an escape that is none", [("History-Info", "<sip:720@pbx?Reason=%zz>;index=1")], ["720"]),
    Case("a line break in an escape", [("History-Info", "<sip:720@pbx?Reason=x%3Bcause%3D3%0D%0A>;index=1")], ["720"]),
    Case("parameters of the user", [("Diversion", "<sip:720;phone-context=x@pbx>")], ["720"]),
    Case("nobody", [("Diversion", "<sip:pbx>"), ("History-Info", "<sip:pbx>;index=1")], []),
    Case("what cannot be read is passed over", [("Diversion", "garbage, <sip:720@pbx>")], ["720"]),
    Case(
      "no more than sixteen",
      [("History-Info", (1...40).map { "<sip:\($0)@x>;index=\($0)" }.joined(separator: ","))],
      (1...16).map { "\($0)" }),
  ]

  @Test(arguments: cases) func `as it is told`(story: Case) throws {
    var request = Request(.invite, try SIPURI("sip:720@192.0.2.1"))
    for (name, value) in story.headers { request.headers.add(HeaderName(name), value) }
    let stations = CallHistory(request).stations.map {
      [$0.user, $0.reason, $0.isPrivate ? "private" : nil].compactMap { $0 }.joined(separator: " ")
    }
    #expect(stations == story.stations)
  }

  private func cameThrough(_ scene: Scene) -> [String] {
    scene.shell.events.compactMap {
      if case .cameThrough(_, let number, let reason) = $0 { "\(number) \(reason ?? "-")" } else { nil }
    }
  }

  @Test func `the log says which number was called first`() throws {
    let scene = try Scene()
    scene.at(.zero) { $0.caller.call("720", headers: [("Diversion", "<sip:0471200@x>;reason=unconditional")]) }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(5))
    #expect(cameThrough(scene) == ["0471200 unconditional"])
    try scene.expectClean()
  }

  @Test func `a user's word on it counts for nothing`() throws {
    let scene = try Scene()
    scene.at(.zero) { $0[731].call("720", from: "731", headers: [("Diversion", "<sip:1@x>")], password: "secret731") }
    scene.at(.seconds(2)) { $0[731].hangUp() }
    try scene.run(until: .seconds(5))
    #expect(cameThrough(scene).isEmpty)
    try scene.expectClean()
  }

  @Test(arguments: [("720", true), ("0471 00", false), ("799*732", true)])
  func `a PBX that diverts to its registration: the history knows the number`(number: String, reaches: Bool) throws {
    let scene = try Scene(["trunks/GW14/Login.txt": "main", "trunks/GW14/Password.txt": "secret"])
    let escaped = number.replacing(" ", with: "%20")
    scene.at(.zero) { $0.caller.call("main", headers: [("Diversion", "<sip:\(escaped)@pbx>;reason=unconditional")]) }
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(5))
    let arrived = scene.shell.events.contains { if case .arrived = $0 { true } else { false } }
    #expect(arrived == reaches)
  }
}
