import SDP
import Telephony
import Testing

@Suite struct OfferAnswerTests {
  private let local: Endpoint
  private let elsewhere: Endpoint

  init() throws {
    local = try #require(Endpoint("192.0.2.1:30000"))
    elsewhere = try #require(Endpoint("[2001:db8::1]:30002"))
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  private func body(_ lines: String...) -> [UInt8] {
    Array(
      (["v=0", "o=- 1 1 IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"] + lines).joined(separator: "\r\n").utf8
    )
  }

  private func refusal<Result>(_ work: () throws(SDPError) -> Result) -> SDPError? {
    do throws(SDPError) {
      _ = try work()
      return nil
    } catch {
      return error
    }
  }

  @Test func ourOfferToTheLetter() {
    var machine = OfferAnswer(sessionID: 1234)
    #expect(
      text(machine.makeOffer(local: local)) == """
        v=0\r
        o=- 1234 1 IN IP4 192.0.2.1\r
        s=-\r
        c=IN IP4 192.0.2.1\r
        t=0 0\r
        m=audio 30000 RTP/AVP 8 0 101\r
        a=rtpmap:8 PCMA/8000\r
        a=rtpmap:0 PCMU/8000\r
        a=rtpmap:101 telephone-event/8000\r
        a=fmtp:101 0-15\r
        a=ptime:20\r
        a=sendrecv\r

        """)
  }

  @Test func capabilitiesAndDirectionShapeTheOffer() throws {
    var machine = OfferAnswer(AudioCapabilities(codecs: [.pcmu], telephoneEvent: false, ptime: 30), sessionID: .max)
    let offer = text(machine.makeOffer(local: elsewhere, direction: .sendOnly))
    #expect(offer.contains("o=- 2147483647 1 IN IP6 2001:db8::1\r\n"))
    #expect(offer.contains("c=IN IP6 2001:db8::1\r\n"))
    #expect(offer.contains("m=audio 30002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:30\r\na=sendonly\r\n"))
  }

  @Test func eachSideKeepsItsOwnPayloadTypes() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = machine.makeOffer(local: local)
    let audio = try machine.accept(
      body("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000", "a=ptime:20"))
    #expect(audio.codec == .pcmu)
    #expect(audio.sendPayloadType == 0)
    #expect(audio.receivePayloadTypes == [8: .pcma, 0: .pcmu])
    #expect(audio.telephoneEventSend == 96)
    #expect(audio.telephoneEventReceive == 101)
    #expect(audio.remote == Endpoint("192.0.2.9:4000"))
    #expect(audio.direction == .sendReceive)
  }

  @Test func aDynamicTypeInTheAnswerIsTheirs() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = machine.makeOffer(local: local)
    let audio = try machine.accept(body("m=audio 4000 RTP/AVP 108", "a=rtpmap:108 PCMA/8000"))
    #expect(audio.codec == .pcma)
    #expect(audio.sendPayloadType == 108)
    #expect(audio.receivePayloadTypes[8] == .pcma)
    #expect(audio.telephoneEventSend == nil && audio.telephoneEventReceive == nil)
  }

  @Test func packetsUnderTheOldCodecAreTakenWhileItChanges() throws {
    var machine = OfferAnswer(sessionID: 1)
    let first = try machine.answer(
      body("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"), local: local)
    #expect(first.1.codec == .pcma && first.1.receivePayloadTypes == [8: .pcma])
    let second = try machine.answer(body("m=audio 4000 RTP/AVP 0"), local: local)
    #expect(second.1.codec == .pcmu && second.1.sendPayloadType == 0)
    #expect(second.1.receivePayloadTypes == [8: .pcma, 0: .pcmu])
    #expect(second.1.telephoneEventSend == nil)
    #expect(text(second.sdp).contains("o=- 1 2 IN"))
    // The same again: nothing new, so no new version (RFC 3264 §8).
    let third = try machine.answer(body("m=audio 4000 RTP/AVP 0"), local: local)
    #expect(third.sdp == second.sdp)
    // A stream more is refused in its place, and stays there when the other side moves.
    let moved = try machine.answer(body("m=audio 5000 RTP/AVP 0", "m=video 6000 RTP/AVP 31"), local: local)
    #expect(moved.1.remote?.port == 5000)
    #expect(text(moved.sdp).contains("m=video 0 RTP/AVP 31\r\n") && text(moved.sdp).contains("o=- 1 3 IN"))
    let offer = text(machine.makeOffer(local: local))
    #expect(offer.contains("m=video 0 RTP/AVP 31\r\n"))
  }

  @Test func anAnswerMayComeTwiceAndDiffer() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = machine.makeOffer(local: local)
    #expect(try machine.accept(body("m=audio 4000 RTP/AVP 8")).remote?.port == 4000)
    #expect(try machine.accept(body("m=audio 5000 RTP/AVP 0")).remote?.port == 5000)
  }

  @Test func `what we answered is offered again by a refresh, and its answer counts`() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = try machine.answer(body("m=audio 4000 RTP/AVP 0 8", "a=sendonly"), local: local)
    let audio = try machine.accept(body("m=audio 5000 RTP/AVP 0", "a=sendonly"))
    #expect(audio.remote?.port == 5000)
    #expect(audio.codec == .pcmu)
    #expect(audio.direction == .receiveOnly)
  }

  @Test func answersThatDoNotDo() {
    var machine = OfferAnswer(sessionID: 1)
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 4000 RTP/AVP 8")) } == .unexpectedAnswer)
    _ = machine.makeOffer(local: local)
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 0 RTP/AVP 8")) } == .noAudio)
    #expect(refusal { () throws(SDPError) in try machine.accept(body()) } == .noAudio)
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 4000 RTP/SAVP 8")) } == .noAudio)
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 4000 RTP/AVP 18")) } == .noCommonCodec)
    #expect(refusal { () throws(SDPError) in try machine.accept([]) } == .noVersion)
    // After all that, a good one still counts.
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 4000 RTP/AVP 8")) } == nil)
  }

  @Test(arguments: Direction.allCases, Direction.allCases)
  func directionsAgree(offered: Direction, wanted: Direction) throws {
    var machine = OfferAnswer(sessionID: 1)
    let (sdp, audio) = try machine.answer(
      body("m=audio 4000 RTP/AVP 8", "a=\(offered.rawValue)"), local: local, direction: wanted)
    // RFC 3264 §6.1: what they only send we only receive, and so on; and never more than we want.
    #expect(audio.direction.sends == (offered.receives && wanted.sends))
    #expect(audio.direction.receives == (offered.sends && wanted.receives))
    #expect(text(sdp).contains("a=\(audio.direction.rawValue)\r\n"))
    #expect(audio.isHeld == !audio.direction.sends)
  }

  @Test func ourHoldIsLimitedByTheirAnswer() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = machine.makeOffer(local: local, direction: .sendOnly)
    #expect(try machine.accept(body("m=audio 4000 RTP/AVP 8", "a=recvonly")).direction == .sendOnly)
    #expect(try machine.accept(body("m=audio 4000 RTP/AVP 8", "a=inactive")).direction == .inactive)
    #expect(try machine.accept(body("m=audio 4000 RTP/AVP 8")).direction == .sendOnly)
  }

  @Test func theVersionCountsChangesOnly() throws {
    var machine = OfferAnswer(sessionID: 5)
    #expect(text(machine.makeOffer(local: local)).contains("o=- 5 1 IN"))
    #expect(text(machine.makeOffer(local: local)).contains("o=- 5 1 IN"))
    #expect(text(machine.makeOffer(local: local, direction: .inactive)).contains("o=- 5 2 IN"))
    let offer = body("m=audio 4000 RTP/AVP 8")
    #expect(text(try machine.answer(offer, local: local).sdp).contains("o=- 5 3 IN"))
    #expect(text(try machine.answer(offer, local: local).sdp).contains("o=- 5 3 IN"))
    #expect(text(try machine.answer(offer, local: elsewhere).sdp).contains("o=- 5 4 IN"))
  }

  @Test func aLaterOfferKeepsStreamsAndTypes() throws {
    var machine = OfferAnswer(sessionID: 1)
    _ = try machine.answer(
      body(
        "m=video 6000 RTP/AVP 31", "m=audio 4000 RTP/AVP 97 98", "a=rtpmap:97 PCMA/8000",
        "a=rtpmap:98 telephone-event/8000"), local: local)
    let offer = text(machine.makeOffer(local: local, direction: .sendOnly))
    #expect(offer.contains("m=video 0 RTP/AVP 31\r\nm=audio 30000 RTP/AVP 97 0 98\r\na=rtpmap:97 PCMA/8000\r\n"))
    #expect(offer.contains("a=rtpmap:98 telephone-event/8000\r\n"))
    let audio = try machine.accept(body("m=video 0 RTP/AVP 31", "m=audio 4002 RTP/AVP 97"))
    #expect(audio.remote?.port == 4002)
    #expect(audio.sendPayloadType == 97)
    #expect(refusal { () throws(SDPError) in try machine.accept(body("m=audio 4002 RTP/AVP 97")) } == .noAudio)
  }

  @Test func typesNeverCollideInALaterOffer() throws {
    // The peer puts key presses where our PCMU would be, or its codec where our key presses would be.
    for lines in [
      ["m=audio 4000 RTP/AVP 8 0", "a=rtpmap:0 telephone-event/8000"],
      ["m=audio 4000 RTP/AVP 101", "a=rtpmap:101 PCMA/8000"],
      ["m=audio 4000 RTP/AVP 0", "a=rtpmap:0 PCMA/8000"],
    ] {
      var machine = OfferAnswer(sessionID: 1)
      _ = try machine.answer(body("") + Array(("\r\n" + lines.joined(separator: "\r\n")).utf8), local: local)
      let offer = try SessionDescription(parsing: machine.makeOffer(local: local))
      let formats = try #require(offer.media.first?.formats)
      #expect(Set(formats).count == formats.count, "\(formats)")
    }
  }

  @Test func aFailedOfferLeavesTheStateAlone() throws {
    var machine = OfferAnswer(sessionID: 1)
    let first = try machine.answer(body("m=audio 4000 RTP/AVP 8"), local: local).sdp
    #expect(
      refusal { () throws(SDPError) in try machine.answer(body("m=audio 4000 RTP/AVP 18"), local: local) }
        == .noCommonCodec)
    #expect(
      refusal { () throws(SDPError) in try machine.answer(body("m=video 4000 RTP/AVP 8"), local: local) } == .noAudio)
    #expect(try machine.answer(body("m=audio 4000 RTP/AVP 8"), local: local).sdp == first)
  }

  @Test(
    arguments: [
      (nil, nil, 20), ("30", nil, 30), ("25", nil, 20), ("120", nil, 60), ("50", "60", 50), ("-1", nil, 20),
      ("x", nil, 20),
      ("60", "40", 40),
      ("40", "15", 10), ("20", "5", 10), ("5", nil, 10), ("0", "0", 20), (nil, "10", 10),
      ("99999999999999999999", nil, 20),
    ] as [(String?, String?, Int)])
  func packetTimes(ptime: String?, maximum: String?, expected: Int) throws {
    var machine = OfferAnswer(sessionID: 1)
    var lines = ["m=audio 4000 RTP/AVP 8"]
    if let ptime { lines.append("a=ptime:\(ptime)") }
    if let maximum { lines.append("a=maxptime:\(maximum)") }
    let (_, audio) = try machine.answer(body(lines.joined(separator: "\r\n")), local: local)
    #expect(audio.ptime == expected)
  }

  @Test(arguments: [
    ("5001", "192.0.2.9:5001"), ("5001 IN IP4 192.0.2.77", "192.0.2.77:5001"), ("0", "192.0.2.9:4001"),
    ("x", "192.0.2.9:4001"), ("99999", "192.0.2.9:4001"), ("5001 IN IP4 nowhere", "192.0.2.9:5001"),
    ("", "192.0.2.9:4001"),
  ])
  func rtcpPorts(value: String, expected: String) throws {
    var machine = OfferAnswer(sessionID: 1)
    let (_, audio) = try machine.answer(body("m=audio 4000 RTP/AVP 8", "a=rtcp:\(value)"), local: local)
    #expect(audio.remoteRTCP == Endpoint(expected))
  }

  @Test func theLastPortHasNoNext() throws {
    var machine = OfferAnswer(sessionID: 1)
    let (_, audio) = try machine.answer(body("m=audio 65535 RTP/AVP 8"), local: local)
    #expect(audio.remote?.port == 65_535)
    #expect(audio.remoteRTCP == nil)
  }
}
