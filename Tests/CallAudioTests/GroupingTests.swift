import Audio
import Capture
import Telephony
import Testing

@testable import CallAudio

/// Which streams make which call, and who is left and who is right.
@Suite struct GroupingTests {
  /// One sender with hundreds of SSRCs must not cost the memory of hundreds of decoders.
  @Test func ofTooManyStreamsTheLongestAreTaken() throws {
    var capture = CaptureBuilder()
    capture.call()
    for index in 0..<600 {
      let packets = index % 6 == 5 ? 1 : 2
      let stream = TestStream(.aLaw, ssrc: UInt32(index + 1), packets: packets, seed: UInt64(index + 1))
      stream.sendAll(into: &capture, from: 10_000 + Int64(index) * 40_000)
    }
    let call = try #require(try convert(capture.bytes).survey.calls.first)
    #expect(call.left.streams.count == 600)
    #expect(call.leftOutCount == 88 && call.parts.count == RecordedCall.mostParts)
    let ssrcs = call.parts.map(\.key.ssrc)
    #expect(ssrcs == ssrcs.sorted() && ssrcs.count { $0 % 6 == 0 } == 12)
  }

  private static let a = "192.0.2.1:5060"
  private static let b = "192.0.2.2:5060"
  private static let c = "192.0.2.3:5060"

  @Test func severalCallsInOrder() throws {
    var capture = CaptureBuilder()
    capture.call("first@test", caller: "192.0.2.1:4000", called: "192.0.2.2:4002", to: 2_000_000)
    capture.call("silent@test", caller: "192.0.2.1:5000", called: "192.0.2.2:5002", from: 100_000)
    capture.call("second@test", caller: "192.0.2.1:6000", called: "192.0.2.2:6002", from: 200_000)
    let one = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    let two = TestStream(.muLaw, from: "192.0.2.2:6002", to: "192.0.2.1:6000", seed: 2)
    one.sendAll(into: &capture, from: 300_000)
    two.sendAll(into: &capture, from: 250_000)
    let heard = try convert(capture.bytes)
    #expect(heard.survey.calls.map(\.callID) == ["first@test", "second@test"])
    #expect(heard.survey.calls.map(\.number) == [1, 2])
    #expect(heard.survey.silentCallCount == 1)
    try #require(heard.files.count == 2)
    expectSame(heard.files[0][0], one.samples)
    expectSame(heard.files[0][1], silence(8000))
    expectSame(heard.files[1][0], silence(8000))
    expectSame(heard.files[1][1], two.samples)
  }

  @Test func legsOfOneSessionAreOneCall() throws {
    var capture = CaptureBuilder()
    let caller = "aaaabbbbccccddddaaaabbbbccccdddd"
    let nobody = String(repeating: "0", count: 32)
    capture.sip(
      "INVITE sip:799@test SIP/2.0", callID: "leg-a", sdp: CaptureBuilder.sdp("192.0.2.1:4000"),
      headers: "Session-ID: \(caller);remote=\(nobody)\r\n", Self.a, Self.b, at: 0)
    capture.call(
      "leg-b", caller: "192.0.2.2:7000", called: "192.0.2.3:7002",
      headers: "Session-ID: \(caller.uppercased());remote=\(nobody)\r\n", from: 100_000, signalling: (Self.b, Self.c))
    capture.sip(
      "SIP/2.0 200 OK", callID: "leg-a", toTag: "called", sdp: CaptureBuilder.sdp("192.0.2.2:4002"),
      headers: "Session-ID: 11112222333344441111222233334444;remote=\(caller)\r\n", Self.b, Self.a, at: 200_000)
    let left = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    let right = TestStream(.aLaw, from: "192.0.2.2:4002", to: "192.0.2.1:4000", seed: 2)
    // The branch carries the same sound once more, a little later.
    let again = TestStream(.aLaw, from: "192.0.2.2:7000", to: "192.0.2.3:7002", seed: 3)
    left.sendAll(into: &capture, from: 300_000)
    right.sendAll(into: &capture, from: 300_000)
    again.sendAll(into: &capture, from: 305_000)
    let heard = try convert(capture.bytes)
    #expect(heard.survey.calls.count == 1 && heard.survey.silentCallCount == 0)
    #expect(heard.survey.calls.first?.sessionID == caller)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func legsWithoutSessionIDAreCallsOfTheirOwn() throws {
    var capture = CaptureBuilder()
    capture.call("leg-a", caller: "192.0.2.1:4000", called: "192.0.2.2:4002")
    capture.call("leg-b", caller: "192.0.2.2:7000", called: "192.0.2.3:7002", from: 5000, signalling: (Self.b, Self.c))
    TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002").sendAll(into: &capture, from: 300_000)
    TestStream(.aLaw, from: "192.0.2.2:7000", to: "192.0.2.3:7002").sendAll(into: &capture, from: 305_000)
    #expect(try convert(capture.bytes).files.count == 2)
  }

  @Test func aRelayBetweenTwoHopsOfOneDialogIsNotHeardTwice() throws {
    var capture = CaptureBuilder()
    let sdp = CaptureBuilder.sdp
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: sdp("192.0.2.1:4000", "8", ""), Self.a, Self.b, at: 0)
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: sdp("192.0.2.2:7000", "8", ""), Self.b, Self.c, at: 1000)
    capture.sip("SIP/2.0 200 OK", toTag: "z", sdp: sdp("192.0.2.3:7002", "8", ""), Self.c, Self.b, at: 2000)
    capture.sip("SIP/2.0 200 OK", toTag: "z", sdp: sdp("192.0.2.2:4002", "8", ""), Self.b, Self.a, at: 3000)
    let left = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    let right = TestStream(.aLaw, from: "192.0.2.2:4002", to: "192.0.2.1:4000", seed: 2)
    left.sendAll(into: &capture, from: 300_000)
    right.sendAll(into: &capture, from: 300_000)
    TestStream(.aLaw, from: "192.0.2.2:7000", to: "192.0.2.3:7002", seed: 3).sendAll(into: &capture, from: 301_000)
    TestStream(.aLaw, from: "192.0.2.3:7002", to: "192.0.2.2:7000", seed: 4).sendAll(into: &capture, from: 299_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func aCallerBehindNATIsKnownByTheOtherEnd() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "10.0.0.7:4000", called: "192.0.2.2:4002")
    let left = TestStream(.aLaw, from: "203.0.113.9:61000", to: "192.0.2.2:4002")
    let right = TestStream(.aLaw, from: "192.0.2.2:4002", to: "203.0.113.9:61000", seed: 2)
    left.sendAll(into: &capture, from: 300_000)
    right.sendAll(into: &capture, from: 300_000)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func theCallerIsLeftAlsoWhereTheInviteHasNoOffer() throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", Self.a, Self.b, at: 0)
    capture.sip(
      "SIP/2.0 200 OK", toTag: "z", sdp: CaptureBuilder.sdp("192.0.2.2:4002"), Self.b, Self.a, at: 1000)
    capture.sip(
      "ACK sip:b@test SIP/2.0", cseq: "1 ACK", toTag: "z", sdp: CaptureBuilder.sdp("192.0.2.1:4000"), Self.a, Self.b,
      at: 2000)
    let fromCalled = TestStream(.aLaw, from: "192.0.2.2:4002", to: "192.0.2.1:4000")
    fromCalled.sendAll(into: &capture, from: 300_000)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, silence(8000))
    expectSame(heard.right, fromCalled.samples)
  }

  /// Who answers first in what was captured is not who calls.
  @Test func theCallerIsLeftAlsoWhereHisOfferIsMissing() throws {
    var capture = CaptureBuilder()
    capture.sip(
      "SIP/2.0 200 OK", toTag: "z", sdp: CaptureBuilder.sdp("192.0.2.2:4002"), Self.b, Self.a, at: 1000)
    let left = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    left.sendAll(into: &capture, from: 300_000)
    let heard = try convert(capture.bytes)
    #expect(heard.survey.calls.map(\.callID) == ["one@test"])
    expectSame(heard.left, left.samples)
    expectSame(heard.right, silence(8000))
  }

  /// RFC 3261 §7.5.
  @Test func lineEndsMayComeBeforeAMessage() throws {
    var capture = CaptureBuilder()
    let body = CaptureBuilder.sdp("192.0.2.1:4000")
    let text = """
      \r\n\r\nINVITE sip:b@test SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@test>;tag=a\r
      To: <sip:b@test>\r\nCall-ID: m@test\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nMax-Forwards: 70\r
      Content-Length: \(body.utf8.count)\r\n\r\n\(body)
      """
    capture.datagram(Array(text.utf8), Self.a, Self.b, at: 0)
    TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002").sendAll(into: &capture, from: 100_000)
    #expect(try convert(capture.bytes).survey.calls.map(\.callID) == ["m@test"])
  }

  /// One stream keeps to the caller's declared port, the other to the called party's old one: neither is the other again.
  @Test func twoDirectionsAreNotOneSoundTwice() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "192.0.2.1:4000", called: "192.0.2.1:4002")
    let left = TestStream(.aLaw, ssrc: 1, from: "192.0.2.1:4000", to: "192.0.2.2:7000")
    let right = TestStream(.aLaw, ssrc: 2, from: "192.0.2.2:7002", to: "192.0.2.1:4002", seed: 2)
    left.sendAll(into: &capture, from: 300_000)
    right.sendAll(into: &capture, from: 300_000)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, right.samples)
  }

  @Test func aReInviteMovesTheSound() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "192.0.2.1:4000", called: "192.0.2.2:4002")
    capture.sip(
      "INVITE sip:a@test SIP/2.0", cseq: "2 INVITE", toTag: "called", sdp: CaptureBuilder.sdp("192.0.2.9:9000"),
      Self.a, Self.b, at: 1_500_000)
    let before = TestStream(.aLaw, from: "192.0.2.2:4002", to: "192.0.2.1:4000")
    let after = TestStream(.aLaw, ssrc: 7, from: "192.0.2.2:4004", to: "192.0.2.9:9000", seed: 2)
    before.sendAll(into: &capture, from: 300_000)
    after.sendAll(into: &capture, from: 1_600_000)
    let heard = try convert(capture.bytes)
    expectSame(heard.right, before.samples + silence(2400) + after.samples)
  }

  /// As a load generator does it: the same ports and the same SSRC, call after call.
  @Test(arguments: [true, false]) func portsAndSSRCUsedAgain(withBye: Bool) throws {
    var capture = CaptureBuilder()
    var streams: [TestStream] = []
    for index in 0..<3 {
      let time = Int64(index) * (withBye ? 1_100_000 : 4_000_000)
      capture.call("\(index)@test", from: time, to: withBye ? time + 1_050_000 : nil)
      streams.append(TestStream(.aLaw, seed: UInt64(index) + 1))
      streams[index].sendAll(into: &capture, from: time + 10_000)
    }
    let heard = try convert(capture.bytes)
    try #require(heard.files.count == 3)
    for index in 0..<3 { expectSame(heard.files[index][0], streams[index].samples) }
  }

  @Test func soundBeforeTheAnswer() throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: CaptureBuilder.sdp("192.0.2.1:4000"), Self.a, Self.b, at: 0)
    let early = TestStream(.muLaw, from: "192.0.2.2:4002", to: "192.0.2.1:4000")
    early.sendAll(into: &capture, from: 20_000)
    capture.sip(
      "SIP/2.0 200 OK", toTag: "z", sdp: CaptureBuilder.sdp("192.0.2.2:4002"), Self.b, Self.a, at: 3_000_000)
    expectSame(try convert(capture.bytes).right, early.samples)
  }

  @Test func multipartBodiesHoldSDPToo() throws {
    var capture = CaptureBuilder()
    let sdp = CaptureBuilder.sdp("192.0.2.1:4000")
    let body = "--b1\r\nContent-Type: application/sdp\r\n\r\n\(sdp)--b1\r\nContent-Type: x/y\r\n\r\nv=1\r\n--b1--\r\n"
    let text = """
      INVITE sip:b@test SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\nFrom: <sip:a@test>;tag=a\r\nTo: <sip:b@test>\r
      Call-ID: m@test\r\nCSeq: 1 INVITE\r\nContent-Type: multipart/mixed;boundary=b1\r\nMax-Forwards: 70\r
      Content-Length: \(body.utf8.count)\r\n\r\n\(body)
      """
    capture.datagram(Array(text.utf8), Self.a, Self.b, at: 0)
    let stream = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    stream.sendAll(into: &capture, from: 100_000)
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  @Test func capabilitiesInOptionsAreNoCall() throws {
    var capture = CaptureBuilder()
    capture.sip(
      "SIP/2.0 200 OK", cseq: "1 OPTIONS", toTag: "z", sdp: CaptureBuilder.sdp("192.0.2.1:16384"), Self.a, Self.b,
      at: 0)
    TestStream(.aLaw).sendAll(into: &capture, from: 0)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == [nil] && survey.silentCallCount == 0)
  }
}
