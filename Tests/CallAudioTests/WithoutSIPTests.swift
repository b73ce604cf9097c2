import Audio
import Capture
import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// Calls of which no SIP tells, or SIP that fits the packets badly.
@Suite struct WithoutSIPTests {
  private static let a = "192.0.2.1:5060"
  private static let b = "192.0.2.2:5060"

  @Test func aLoneStreamIsACall() throws {
    var capture = CaptureBuilder()
    let stream = TestStream(.aLaw)
    stream.sendAll(into: &capture, from: 0)
    let heard = try convert(capture.bytes)
    expectSame(heard.left, stream.samples)
    expectSame(heard.right, silence(8000))
    let call = try #require(heard.survey.calls.first)
    #expect(call.callID == nil && call.caller == TestStream.caller && call.called == TestStream.called)
    #expect(heard.survey.unclaimedStreamCount == 0)
  }

  @Test func whoIsHeardFirstIsLeft() throws {
    var capture = CaptureBuilder()
    let first = TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, seed: 2)
    let second = TestStream(.aLaw)
    let third = TestStream(.aLaw, ssrc: 3, seed: 3)
    first.sendAll(into: &capture, from: 0)
    second.sendAll(into: &capture, from: 100_000)
    third.sendAll(into: &capture, from: 3_000_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.left, first.samples + silence(heard.left.count - 8000))
    expectSame(heard.right, silence(800) + second.samples + silence(24_000 - 8800) + third.samples)
    #expect(heard.survey.calls.first?.caller == TestStream.called)
    #expect(heard.survey.calls.first?.right.streams.map(\.ssrc) == [1, 3])
  }

  /// As innovaphone's recorders write: fixed ports, one for either side, whatever the addresses; or the ports swapped
  /// between the same hosts.
  @Test(arguments: [
    ("192.0.2.1:16386", "192.0.2.1:16388", "192.0.2.1:16388", "192.0.2.1:16386"),
    ("192.0.2.1:16386", "192.0.2.2:16388", "192.0.2.2:16388", "192.0.2.1:16386"),
    ("0.0.0.0:16386", "0.0.0.0:16388", "0.0.0.0:16388", "0.0.0.0:16386"),
    ("192.0.2.1:16386", "192.0.2.9:16388", "192.0.2.1:16388", "192.0.2.9:16386"),
  ]) func recordersPorts(ends: (String, String, String, String)) throws {
    var capture = CaptureBuilder()
    let one = TestStream(.aLaw, from: ends.0, to: ends.1)
    let two = TestStream(.aLaw, ssrc: 2, from: ends.2, to: ends.3, seed: 2)
    one.sendAll(into: &capture, from: 0)
    two.sendAll(into: &capture, from: 0)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.left, one.samples)
    expectSame(heard.right, two.samples)
  }

  /// SDP with addresses of its own, no codec, no release: the packets decide, and who is who still comes from the SIP.
  @Test(arguments: [
    ("10.9.9.9:16386", "10.9.9.8:16388"), ("0.0.0.0:16386", "0.0.0.0:16388"), ("10.9.9.9:4", "10.9.9.8:6"),
    ("192.0.2.2:16386", "192.0.2.2:16386"),
  ]) func dummySIP(local: String, remote: String) throws {
    var capture = CaptureBuilder()
    capture.sip(
      "INVITE sip:799@test SIP/2.0", sdp: CaptureBuilder.sdp(local, types: "3 99"), "10.9.9.9:5060", "10.9.9.8:5060",
      at: 0)
    capture.sip(
      "SIP/2.0 200 OK", toTag: "called", sdp: CaptureBuilder.sdp(remote, types: "3"), "10.9.9.8:5060", "10.9.9.9:5060",
      at: 1)
    let right = TestStream(.aLaw, ssrc: 2, from: "192.0.2.1:16388", to: "192.0.2.2:16386", seed: 2)
    let left = TestStream(.aLaw, from: "192.0.2.2:16386", to: "192.0.2.1:16388")
    left.sendAll(into: &capture, from: 2)
    right.sendAll(into: &capture, from: 100_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    #expect(heard.survey.calls.first?.callID == "one@test" && heard.survey.calls.first?.caller == "03472619287")
    expectSame(Array(heard.left.prefix(8000)), left.samples)
    expectSame(Array(heard.right.suffix(8000)), right.samples)
  }

  @Test func addressesOfTheSDPThatTheWireNeverSaw() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "10.0.0.7:4000", called: "172.16.0.9:4002", to: 3_000_000)
    let right = TestStream(.aLaw, from: "192.0.2.2:7000", to: "192.0.2.1:9000")
    let left = TestStream(.muLaw, ssrc: 2, from: "192.0.2.1:9000", to: "192.0.2.2:7000", seed: 2)
    right.sendAll(into: &capture, from: 100_000)
    left.sendAll(into: &capture, from: 200_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1 && heard.survey.silentCallCount == 0)
    #expect(heard.survey.calls.first?.caller == "03472619287")
    expectSame(heard.left, silence(800) + left.samples)
    expectSame(heard.right, right.samples + silence(800))
  }

  /// The only call told of is not the one that was heard if that had long begun.
  @Test func noINVITEComesBehindItsSound() throws {
    var capture = CaptureBuilder()
    let stream = TestStream(.aLaw, from: "192.0.2.2:7000", to: "192.0.2.1:9000", packets: 800)
    stream.sendAll(into: &capture, from: 0)
    capture.call(caller: "10.0.0.7:4000", called: "172.16.0.9:4002", from: 16_000_000, to: 18_000_000)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == [nil] && survey.silentCallCount == 1)
  }

  /// A relay that passes packets on as they are shows them twice.
  @Test func theFarSideOfARelayIsNoCallOfItsOwn() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "192.0.2.1:4000", called: "192.0.2.2:4002")
    let near = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:4002")
    let far = TestStream(.aLaw, from: "192.0.2.2:4004", to: "192.0.2.3:7000")
    near.sendAll(into: &capture, from: 300_000)
    far.sendAll(into: &capture, from: 300_200)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == ["one@test"] && survey.otherStreams.count == 1)
  }

  @Test func twoCallsOfTheSameHostsAreNotGuessed() throws {
    var capture = CaptureBuilder()
    for index in 0..<2 {
      capture.call("\(index)@test", caller: "10.0.0.7:\(4000 + index)", called: "10.0.0.8:\(5000 + index)")
      TestStream(.aLaw, ssrc: UInt32(index), from: "192.0.2.1:\(9000 + index)", to: "192.0.2.2:\(7000 + index)")
        .sendAll(into: &capture, from: 100_000)
    }
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == [nil, nil] && survey.silentCallCount == 2)
  }

  @Test func theWayBackThroughNAT() throws {
    var capture = CaptureBuilder()
    capture.call(caller: "10.0.0.7:4000", called: "192.0.2.2:4002")
    let left = TestStream(.aLaw, from: "203.0.113.9:61000", to: "192.0.2.2:4002")
    let back = TestStream(.aLaw, ssrc: 5, from: "192.0.2.2:4002", to: "203.0.113.9:61000", seed: 3)
    left.sendAll(into: &capture, from: 300_000)
    back.sendAll(into: &capture, from: 300_000)
    let heard = try convert(capture.bytes)
    #expect(heard.files.count == 1)
    expectSame(heard.left, left.samples)
    expectSame(heard.right, back.samples)
  }

  @Test func eachItsOwnPorts() throws {
    var capture = CaptureBuilder()
    let one = TestStream(.aLaw, from: "192.0.2.1:4000", to: "192.0.2.2:5002")
    let two = TestStream(.aLaw, ssrc: 2, from: "192.0.2.2:5000", to: "192.0.2.1:4002", seed: 2)
    one.sendAll(into: &capture, from: 0)
    two.sendAll(into: &capture, from: 0)
    #expect(try convert(capture.bytes).files.count == 1)
    let third = TestStream(.aLaw, ssrc: 3, from: "192.0.2.2:6000", to: "192.0.2.1:6002", seed: 2)
    third.sendAll(into: &capture, from: 0)
    #expect(try convert(capture.bytes).files.count == 3, "whose partner the third is cannot be known")
  }

  @Test func whatIsNotSoundIsNoCall() throws {
    var capture = CaptureBuilder()
    var generator = SeededGenerator(seed: 5)
    for index in 0..<500 {
      // DNS answers, and datagrams whose first bytes happen to look like RTP.
      var bytes = (0..<80).map { _ in UInt8.random(in: 0...255, using: &generator) }
      capture.datagram(bytes, "192.0.2.1:53", "192.0.2.2:\(30_000 + index % 7)", at: Int64(index) * 20_000)
      bytes[0] = 0x80
      bytes[1] = 8
      capture.datagram(bytes, "192.0.2.1:53", "192.0.2.2:40000", at: Int64(index) * 20_000 + 1)
      // Video: many packets to a picture.
      capture.rtp(
        [UInt8](repeating: 3, count: 1100), type: 97, sequence: UInt16(index), timestamp: UInt32(index / 4) * 3600,
        ssrc: 9, "192.0.2.1:5004", "192.0.2.2:5004", at: Int64(index) * 10_000)
    }
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.isEmpty && survey.otherStreams.isEmpty)
  }

  @Test func shortStreamsCountInShortCapturesOnly() throws {
    var capture = CaptureBuilder()
    TestStream(.aLaw, packets: 6).sendAll(into: &capture, from: 0)
    #expect(try convert(capture.bytes).files.count == 1)
    TestStream(.aLaw, ssrc: 2, from: "192.0.2.7:4000", to: "192.0.2.8:4000", packets: 200)
      .sendAll(into: &capture, from: 0)
    #expect(try convert(capture.bytes).files.count == 1)
  }

  @Test func codecsGuessedByTheirPackets() throws {
    for (type, length, step, codec) in [
      (107, 60, 960, .opus(channels: 2)), (98, 640, 320, .l16(rate: 16_000, channels: 1)),
      (97, 38, 240, .other("type 97", clockRate: 8000)), (18, 20, 160, .g729), (3, 33, 160, .gsm), (9, 160, 160, .g722),
      (0, 170, 160, .other("SRTP PCMU", clockRate: 8000)),
    ] as [(UInt8, Int, Int, PayloadCodec)] {
      var capture = CaptureBuilder()
      let time = codec.clockRate == 48_000 ? 20_000 : codec.clockRate == 16_000 ? 20_000 : step * 125
      for index in 0..<60 {
        capture.rtp(
          [UInt8](repeating: 0x78, count: length), type: type, sequence: UInt16(index),
          timestamp: UInt32(index * step), ssrc: 1, TestStream.caller, TestStream.called, at: Int64(index * time))
      }
      let directory = TemporaryDirectory()
      let survey = try CallSurvey(of: CaptureFile(path: directory.write("x.pcap", capture.bytes)))
      #expect(survey.calls.map(\.left.codecs) == [[codec]])
      #expect(abs((survey.calls.first?.duration ?? 0) - Int64(60 * time) * 1000) < 20_000_000)
    }
  }

  @Test func aLateAnswerTellsTheClockRate() throws {
    var capture = CaptureBuilder()
    capture.sip("INVITE sip:b@test SIP/2.0", sdp: CaptureBuilder.sdp("192.0.2.1:4000"), Self.a, Self.b, at: 0)
    // Sixteen thousand units a second, as only the answer says, which comes after the sound.
    for index in 0..<200 {
      capture.rtp(
        [UInt8](repeating: 7, count: 70), type: 99, sequence: UInt16(index), timestamp: UInt32(index * 320), ssrc: 1,
        "192.0.2.1:4000", "192.0.2.2:4002", at: Int64(index) * 20_000)
    }
    capture.sip(
      "SIP/2.0 200 OK", toTag: "z",
      sdp: CaptureBuilder.sdp("192.0.2.2:4002", types: "99", extra: "a=rtpmap:99 SPEEX/16000\r\n"), Self.b, Self.a,
      at: 4_500_000)
    let survey = try convert(capture.bytes).survey
    let call = try #require(survey.calls.first)
    #expect(call.left.codecs == [.other("SPEEX", clockRate: 16_000)])
    #expect(call.duration == 4_000_000_000)
    #expect(call.parts.flatMap(\.stretches).map(\.clockRate) == [16_000])
  }

  @Test func aCallWithoutItsBeginning() throws {
    var capture = CaptureBuilder()
    TestStream(.aLaw, packets: 200).sendAll(into: &capture, from: 0)
    capture.sip(
      "INVITE sip:a@test SIP/2.0", cseq: "8 INVITE", toTag: "called", sdp: CaptureBuilder.sdp(TestStream.caller),
      Self.a, Self.b, at: 2_000_000)
    capture.sip(
      "SIP/2.0 200 OK", cseq: "8 INVITE", toTag: "called", sdp: CaptureBuilder.sdp(TestStream.called), Self.b, Self.a,
      at: 2_010_000)
    let survey = try convert(capture.bytes).survey
    #expect(survey.calls.map(\.callID) == ["one@test"])
    #expect(survey.calls.first?.duration == 4_000_000_000)
  }
}
