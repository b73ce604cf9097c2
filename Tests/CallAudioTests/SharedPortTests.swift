import Audio
import Capture
import Testing

@testable import CallAudio

/// Calls at one time that share a port, and so are told apart by the other end.
@Suite struct SharedPortTests {
  private static let server = "192.0.2.9:5060"

  /// Two calls, one second apart, with two streams each; what the caller of each sent and heard.
  private func expectApart(
    callers: [String], called: [String], heardFrom: [String]? = nil, signalling: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var capture = CaptureBuilder()
    var sent: [TestStream] = []
    for index in 0..<2 {
      let time = Int64(index) * 300_000
      capture.call(
        "\(index)@test", caller: callers[index], called: called[index], from: time, to: 2_000_000,
        signalling: (signalling[index], Self.server))
      let caller = heardFrom?[index] ?? callers[index]
      let number = UInt32(index)
      sent.append(TestStream(.aLaw, ssrc: number, from: caller, to: called[index], seed: UInt64(number) + 1))
      sent.append(TestStream(.aLaw, ssrc: 8 + number, from: called[index], to: caller, seed: UInt64(number) + 9))
      for stream in sent.suffix(2) { stream.sendAll(into: &capture, from: time + 100_000) }
    }
    let heard = try convert(capture.bytes)
    try #require(heard.files.count == 2, sourceLocation: sourceLocation)
    for index in 0..<2 {
      expectSame(heard.files[index][0], sent[index * 2].samples, sourceLocation: sourceLocation)
      expectSame(heard.files[index][1], sent[index * 2 + 1].samples, sourceLocation: sourceLocation)
    }
  }

  @Test func theCallersPort() throws {
    try expectApart(
      callers: ["192.0.2.1:6000", "192.0.2.1:6000"], called: ["192.0.2.9:7000", "192.0.2.9:7002"],
      signalling: ["192.0.2.1:5060", "192.0.2.1:5060"])
  }

  @Test func theServersPort() throws {
    try expectApart(
      callers: ["192.0.2.1:4000", "192.0.2.2:4000"], called: ["192.0.2.9:7000", "192.0.2.9:7000"],
      signalling: ["192.0.2.1:5060", "192.0.2.2:5060"])
  }

  @Test func theServersPortAndCallersBehindNAT() throws {
    try expectApart(
      callers: ["192.168.0.5:4000", "192.168.0.5:4000"], called: ["192.0.2.9:7000", "192.0.2.9:7000"],
      heardFrom: ["203.0.113.1:4000", "203.0.113.2:4000"], signalling: ["203.0.113.1:5060", "203.0.113.2:5060"])
  }
}
