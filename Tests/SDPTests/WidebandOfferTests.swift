import SDP
import Telephony
import Testing

/// G.722 in offers and answers: taken wherever it stands if we speak it, never otherwise.
@Suite struct WidebandOfferTests {
  private let local: Endpoint
  private static let wide = AudioCapabilities(codecs: [.g722, .pcma, .pcmu])

  init() throws { local = try #require(Endpoint("192.0.2.1:30000")) }

  private func body(_ lines: [String]) -> [UInt8] {
    Array(
      (["v=0", "o=- 1 1 IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"] + lines).joined(separator: "\r\n").utf8
    )
  }

  private func mediaLines(_ sdp: [UInt8]) -> [String] {
    String(decoding: sdp, as: UTF8.self).split(separator: "\r\n").map { String($0) }
      .filter { $0.hasPrefix("m=") || $0.hasPrefix("a=rtpmap") }
  }

  @Test(
    arguments: [
      (["m=audio 4000 RTP/AVP 8 0 9 101", "a=rtpmap:101 telephone-event/8000"], true, "9 101", AudioCodec.g722, 9),
      (["m=audio 4000 RTP/AVP 8 0 9 101", "a=rtpmap:101 telephone-event/8000"], false, "8 101", .pcma, 8),
      (["m=audio 4000 RTP/AVP 0 8"], true, "0 101", .pcmu, 0),
      (["m=audio 4000 RTP/AVP 0 110", "a=rtpmap:110 G722/8000/1"], true, "110 101", .g722, 110),
      // No such thing stands in RFC 3551, and what is dynamic means what its rtpmap says.
      (["m=audio 4000 RTP/AVP 0 110", "a=rtpmap:110 G722/16000"], true, "0 101", .pcmu, 0),
      (["m=audio 4000 RTP/AVP 0 9", "a=rtpmap:9 SPEEX/8000"], true, "0 101", .pcmu, 0),
    ] as [([String], Bool, String, AudioCodec, UInt8)])
  func offers(lines: [String], isWide: Bool, formats: String, codec: AudioCodec, type: UInt8) throws {
    var machine = OfferAnswer(isWide ? Self.wide : AudioCapabilities(), sessionID: 1)
    let (sdp, audio) = try machine.answer(body(lines), local: local)
    let events = lines.contains { $0.contains("telephone-event") } ? formats : String(formats.split(separator: " ")[0])
    let answer = mediaLines(sdp)
    #expect([formats, events].contains { answer[0] == "m=audio 30000 RTP/AVP \($0)" }, "\(answer)")
    #expect(answer.contains("a=rtpmap:\(type) \(codec.encoding)"))
    #expect(audio.codec == codec && audio.sendPayloadType == type && audio.receivePayloadTypes == [type: codec])
  }

  @Test func oneWhoHasOnlyG722IsRefusedByWhoDoesNotSpeakIt() {
    var machine = OfferAnswer(sessionID: 1)
    #expect(throws: SDPError.noCommonCodec) {
      try machine.answer(body(["m=audio 4000 RTP/AVP 9"]), local: local)
    }
  }

  @Test func ourOfferAndItsAnswers() throws {
    var machine = OfferAnswer(Self.wide, sessionID: 1)
    #expect(
      mediaLines(machine.makeOffer(local: local)) == [
        "m=audio 30000 RTP/AVP 9 8 0 101", "a=rtpmap:9 G722/8000", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
      ])
    let narrow = try machine.accept(body(["m=audio 4000 RTP/AVP 8"]))
    #expect(narrow.codec == .pcma && narrow.receivePayloadTypes == [9: .g722, 8: .pcma, 0: .pcmu])
    #expect(try machine.accept(body(["m=audio 4000 RTP/AVP 9 8"])).codec == .g722)
  }

  @Test func theCodecChangesInTheCall() throws {
    var machine = OfferAnswer(Self.wide, sessionID: 1)
    _ = try machine.answer(body(["m=audio 4000 RTP/AVP 9 8"]), local: local)
    let (sdp, audio) = try machine.answer(body(["m=audio 4000 RTP/AVP 8"]), local: local)
    #expect(mediaLines(sdp)[0].hasPrefix("m=audio 30000 RTP/AVP 8"))
    // Packets of before are still under way.
    #expect(audio.codec == .pcma && audio.receivePayloadTypes == [9: .g722, 8: .pcma])
    #expect(try machine.answer(body(["m=audio 4000 RTP/AVP 8 9"]), local: local).1.codec == .g722)
  }
}
