import Audio
import Capture
import Telephony
import Testing

@testable import CallAudio

/// Calls whose signalling takes turns, or is not all there.
@Suite struct DialogVarietyTests {
  private static let a = "192.0.2.1:5060"
  private static let b = "192.0.2.2:5060"

  /// Early media of two branches, one behind the other, then the branch that answers.
  @Test func forked() throws {
    var capture = CaptureBuilder()
    let sdp = { CaptureBuilder.sdp($0) }
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: sdp("192.0.2.1:4000"), Self.a, Self.b, at: 0)
    let branches = [("one", "192.0.2.8:7000"), ("two", "192.0.2.9:9000")]
    var wanted: [Int16] = []
    for (index, (tag, media)) in branches.enumerated() {
      let time = Int64(index) * 2_000_000
      capture.sip("SIP/2.0 183 Session Progress", toTag: tag, sdp: sdp(media), Self.b, Self.a, at: time + 1000)
      let stream = TestStream(.aLaw, ssrc: UInt32(index), from: media, to: "192.0.2.1:4000", seed: UInt64(index) + 1)
      stream.sendAll(into: &capture, from: time + 500_000)
      wanted += stream.samples + silence(index == 0 ? 8000 : 0)
    }
    capture.sip("SIP/2.0 200 OK", toTag: "two", sdp: sdp("192.0.2.9:9000"), Self.b, Self.a, at: 4_000_000)
    let left = TestStream(.aLaw, ssrc: 9, from: "192.0.2.1:4000", to: "192.0.2.9:9000", seed: 9)
    left.sendAll(into: &capture, from: 2_500_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.right, wanted)
    expectSame(heard.left, silence(16_000) + left.samples)
  }

  /// On hold by address (RFC 2543), then on from another port.
  @Test func held() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "192.0.2.1:4000", called: "192.0.2.2:4002")
    for (cseq, time, media) in [(2, 1_500_000, "0.0.0.0:4000"), (3, 3_000_000, "192.0.2.1:4010")]
      as [(Int, Int64, String)]
    {
      capture.sip(
        "INVITE sip:a@test SIP/2.0", cseq: "\(cseq) INVITE", toTag: "called", sdp: CaptureBuilder.sdp(media), Self.a,
        Self.b, at: time)
      capture.sip(
        "SIP/2.0 200 OK", cseq: "\(cseq) INVITE", toTag: "called", sdp: CaptureBuilder.sdp("192.0.2.2:4002"), Self.b,
        Self.a, at: time + 1000)
    }
    let before = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    let after = TestStream(.aLaw, ssrc: 7, from: "192.0.2.1:4010", to: "192.0.2.2:4002", seed: 2)
    before.sendAll(into: &capture, from: 500_000)
    after.sendAll(into: &capture, from: 3_500_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.left, before.samples + silence(16_000) + after.samples)
  }

  /// Nothing but the release was captured of the signalling: it still tells who spoke.
  @Test func releasedOnly() throws {
    var capture = CaptureBuilder()
    let right = TestStream(.aLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, seed: 2)
    let left = TestStream(.aLaw)
    right.sendAll(into: &capture, from: 0)
    left.sendAll(into: &capture, from: 20_000)
    capture.sip("BYE sip:799@test SIP/2.0", cseq: "2 BYE", toTag: "called", Self.a, Self.b, at: 1_100_000)
    let heard = try convert(capture.bytes)
    #expect(heard.survey.calls.map(\.callID) == ["one@test"])
    #expect(heard.survey.calls.first?.caller == "03472619287")
    expectSame(heard.left, silence(160) + left.samples)
    expectSame(heard.right, right.samples + silence(160))
  }

  /// A call that was refused is not what the sound between the same hosts is about.
  @Test func refused() throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: CaptureBuilder.sdp("10.0.0.1:4"), Self.a, Self.b, at: 0)
    capture.sip("SIP/2.0 486 Busy Here", toTag: "z", Self.b, Self.a, at: 1000)
    TestStream(.aLaw).sendAll(into: &capture, from: 60_000_000)
    #expect(try convert(capture.bytes).survey.calls.map(\.callID) == [nil])
  }

  /// Sound soon after a refusal, between the same hosts or others, is of a call that was not captured.
  @Test(arguments: ["192.0.2.1:7000", "192.168.7.1:7000"]) func soundSoonAfterARefusal(from: String) throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: CaptureBuilder.sdp("192.0.2.1:4000"), Self.a, Self.b, at: 0)
    capture.sip("SIP/2.0 486 Busy Here", toTag: "z", Self.b, Self.a, at: 1000)
    TestStream(.aLaw, from: from, to: "192.0.2.2:6000").sendAll(into: &capture, from: 6_000_000)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == [nil] && survey.silentCallCount == 1)
  }

  /// A dialog without an answer does not wait for ever for the only sound there is.
  @Test func soundLongAfterTheOnlyInvite() throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: CaptureBuilder.sdp("192.0.2.1:4000"), Self.a, Self.b, at: 0)
    TestStream(.aLaw, from: "192.168.7.1:7000", to: "192.168.7.2:6000").sendAll(into: &capture, from: 3_600_000_000)
    #expect(try convert(capture.bytes).survey.calls.map(\.callID) == [nil])
  }

  /// One port between strangers is chance; both ports, or one port at a host of the call, are not.
  @Test(
    arguments: [
      ("192.168.7.1:4000", "192.168.7.2:6000", false), ("192.168.7.1:4000", "192.168.7.2:5000", true),
      ("192.0.2.1:4000", "192.168.7.2:6000", true),
    ]) func aPortAlone(from: String, to: String, isTheirs: Bool) throws
  {
    var capture = CaptureBuilder()
    capture.call(caller: "10.0.0.1:4000", called: "10.0.0.2:5000")
    TestStream(.aLaw, from: from, to: to).sendAll(into: &capture, from: 300_000)
    // That there is more sound than one call's keeps it from being the only choice.
    TestStream(.aLaw, ssrc: 9, from: "192.168.8.1:4100", to: "192.168.8.2:6100").sendAll(into: &capture, from: 300_000)
    let named = try convert(capture.bytes).survey.calls.compactMap(\.callID)
    #expect(named == (isTheirs ? ["one@test"] : []))
  }
}
