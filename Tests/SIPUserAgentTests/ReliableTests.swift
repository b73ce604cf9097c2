import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

/// Reliable provisional responses (RFC 3262), as caller and as called.
@Suite struct ReliableTests {
  private static func rack(_ number: UInt32?, cseq: Int = 1) -> [String] { ["RAck: \(number ?? 0) \(cseq) INVITE"] }

  private func reliable(_ number: Int) -> [(HeaderName, String)] { [("Require", "100rel"), ("RSeq", "\(number)")] }

  // MARK: - As caller

  @Test func `each reliable response gets its PRACK, in order and once`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    #expect(invite.headers.lists("100rel", in: "Supported"))
    let first = bed.reply(183, to: invite, body: otherSDP, extra: reliable(776))
    #expect(first.methods == [.prack])
    let prack = try #require(first.requests.first)
    #expect(prack.headers["RAck"] == "776 1 INVITE")
    #expect(prack.headers["CSeq"] == "2 PRACK")
    #expect(prack.uri.description == "sip:731@192.0.2.9:5060")
    #expect(first.events(of: leg) == [.provisional(status: 183, body: otherSDP)])
    // His repetition, one that is late, and one that comes too early.
    for number in [776, 775, 778] {
      #expect(bed.reply(183, to: invite, extra: reliable(number)) == [])
    }
    let second = bed.reply(180, to: invite, extra: reliable(777))
    #expect(second.requests.first?.headers["CSeq"] == "3 PRACK")
    #expect(second.events(of: leg) == [.provisional(status: 180, body: nil)])
    for request in [prack, try #require(second.requests.first)] { #expect(bed.reply(200, to: request) == []) }
    // The 200 has no SDP: that of the 183 holds. What comes after the PRACKs has a higher number.
    let answered = bed.reply(200, to: invite)
    #expect(answered.methods == [.ack])
    #expect(answered.requests[0].headers["CSeq"] == "1 ACK")
    #expect(answered.events(of: leg) == [.answered(body: otherSDP)])
    #expect(bed.handle(.release(leg, .normalClearing)).requests[0].headers["CSeq"] == "4 BYE")
  }

  @Test func `forks have their own rows, routes and answers`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    func route(_ name: String) -> (HeaderName, String) { ("Record-Route", "<sip:\(name).example;lr>") }
    let a = bed.reply(183, to: invite, tag: "a", body: sdp, extra: reliable(10) + [route("a")])
    let b = bed.reply(183, to: invite, tag: "b", body: otherSDP, extra: reliable(5000) + [route("b")])
    #expect([a, b].map { $0.requests[0].headers["Route"] } == ["<sip:a.example;lr>", "<sip:b.example;lr>"])
    #expect([a, b].map { $0.requests[0].headers["RAck"] } == ["10 1 INVITE", "5000 1 INVITE"])
    #expect([a, b].map { $0.requests[0].headers["CSeq"] } == ["2 PRACK", "2 PRACK"])
    #expect(bed.reply(180, to: invite, tag: "a", extra: reliable(11)).requests[0].headers["CSeq"] == "3 PRACK")
    #expect(bed.reply(180, to: invite, tag: "b", extra: reliable(11)) == [])
    // The second fork wins, with the answer it has given before.
    let won = bed.reply(200, to: invite, tag: "b", extra: [route("b")])
    #expect(won.events(of: leg) == [.answered(body: otherSDP)])
    // The first one answers too: ACK and BYE on its own route, under its own next number.
    let late = bed.reply(200, to: invite, tag: "a", extra: [route("a")])
    #expect(late.methods == [.ack, .bye])
    #expect(late.requests.map { $0.headers["Route"] } == ["<sip:a.example;lr>", "<sip:a.example;lr>"])
    #expect(late.requests[1].headers["CSeq"] == "4 BYE")
    #expect(late.events(of: leg) == [])
  }

  @Test func `a fork's answer after our CANCEL is ended under its own next number`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    _ = bed.reply(183, to: invite, tag: "a", extra: reliable(1))
    _ = bed.handle(.release(leg, .normalClearing))
    let crossed = bed.reply(200, to: invite, tag: "a")
    #expect(crossed.methods == [.ack, .bye])
    #expect(crossed.requests[1].headers["CSeq"] == "3 BYE")
    #expect(crossed.events(of: leg) == [.ended(.normalClearing)])
  }

  @Test func `a PRACK that is challenged goes out again with a proof`() throws {
    var bed = TestBed()
    let (_, invite) = try bed.outgoing(credentials: Credentials(user: "u", password: Redacted("p")))
    let prack = try #require(bed.reply(180, to: invite, extra: reliable(1)).requests.first)
    let challenge = "Digest realm=\"r\", nonce=\"n\", algorithm=MD5, qop=\"auth\""
    let again = bed.reply(407, to: prack, extra: [("Proxy-Authenticate", challenge)])
    #expect(again.methods == [.prack])
    #expect(again.requests[0].headers["RAck"] == "1 1 INVITE")
    #expect(again.requests[0].headers.has("Proxy-Authorization"))
    #expect(bed.reply(407, to: again.requests[0], extra: [("Proxy-Authenticate", challenge)]) == [])
  }

  @Test func `without RSeq or a tag nothing is acknowledged`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    for extra in [[("Require", "100rel")], [("Require", "100rel"), ("RSeq", "0")], [("RSeq", "7")]]
      as [[(HeaderName, String)]]
    {
      let actions = bed.reply(180, to: invite, extra: extra)
      #expect(actions.methods == [])
      #expect(actions.events(of: leg) == [.provisional(status: 180, body: nil)])
    }
    #expect(bed.reply(180, to: invite, tag: nil, extra: reliable(1)).methods == [])
  }

  @Test func `an UPDATE with an offer before the answer`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    let callID = invite.headers.callID ?? ""
    let to = invite.headers["From"] ?? ""
    func update(_ branch: String, tag: String, _ cseq: Int) throws -> [UserAgentAction] {
      try bed.receive(
        TestBed.request(
          "UPDATE", branch: branch, from: "<sip:731@192.0.2.9>;tag=\(tag)", to: to, callID: callID, cseq: cseq), sdp)
    }
    // Our offer is not answered reliably.
    _ = bed.reply(183, to: invite, tag: "a", body: otherSDP)
    #expect(try update("u1", tag: "a", 1).statuses == [491])
    _ = bed.reply(183, to: invite, tag: "a", body: otherSDP, extra: reliable(1))
    let offered = try update("u2", tag: "a", 2)
    #expect(offered.events(of: leg) == [.offered(sdp)])
    #expect(try update("u3", tag: "a", 3).statuses == [491])
    let accepted = bed.handle(.answerOffer(leg, sdp: otherSDP))
    #expect(accepted.statuses == [200])
    #expect(accepted.responses[0].body == otherSDP)
    // What holds when he lifts the receiver is what the UPDATE said.
    #expect(bed.reply(200, to: invite, tag: "a").events(of: leg) == [.answered(body: sdp)])
    // With a second fork nobody's answer is the answer yet.
    var forked = TestBed()
    let (_, second) = try forked.outgoing()
    for tag in ["a", "b"] { _ = forked.reply(183, to: second, tag: tag, body: otherSDP, extra: reliable(1)) }
    let refused = try forked.receive(
      TestBed.request(
        "UPDATE", branch: "u", from: "<sip:731@192.0.2.9>;tag=a", to: second.headers["From"] ?? "",
        callID: second.headers.callID ?? ""), sdp)
    #expect(refused.statuses == [491])
  }

  // MARK: - As called

  /// A caller who requires 100rel has been told `183` with our answer.
  private func ringing(_ bed: inout TestBed, offer: [UInt8] = sdp) throws -> (LegID, Response, to: String) {
    let actions = try bed.receive(TestBed.request("INVITE", branch: "inv", extra: ["Require: 100rel"]), offer)
    let leg = try #require(actions.legs.first)
    let response = try #require(bed.handle(.progress(leg, status: 183, body: otherSDP)).responses.first)
    return (leg, response, response.headers["To"] ?? "")
  }

  @Test func `where he requires it our 183 is reliable, and the 200 waits for its PRACK`() throws {
    var bed = TestBed()
    let (leg, response, to) = try ringing(&bed)
    #expect(response.status == 183 && response.body == otherSDP)
    #expect(response.headers.lists("100rel", in: "Require"))
    let number = try #require(response.headers.reliableNumber)
    // T1 doubling.
    let repeated = bed.pass(.seconds(8))
    #expect(
      repeated.responses.filter { $0.status == 183 }.map(\.headers.reliableNumber) == [number, number, number, number])
    #expect(bed.handle(.answer(leg, sdp: otherSDP)) == [])
    let wrong = try bed.receive(
      TestBed.request("PRACK", branch: "p0", to: to, cseq: 2, extra: Self.rack(number &+ 1)))
    #expect(wrong.statuses == [481])
    let right = try bed.receive(TestBed.request("PRACK", branch: "p1", to: to, cseq: 3, extra: Self.rack(number)))
    #expect(right.statuses == [200, 200])
    #expect(right.responses.map { $0.headers["CSeq"] } == ["3 PRACK", "1 INVITE"])
    // The answer has been given.
    #expect(right.responses[1].body == [])
    let again = try bed.receive(TestBed.request("PRACK", branch: "p2", to: to, cseq: 4, extra: Self.rack(number)))
    #expect(again.statuses == [481])
    let ack = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    #expect(ack.events(of: leg) == [.established])
    _ = bed.handle(.release(leg, .normalClearing))
    bed.expectClean()
  }

  @Test func `one at a time, each with the next number, the description once`() throws {
    var bed = TestBed()
    let (leg, response, to) = try ringing(&bed)
    let number = try #require(response.headers.reliableNumber)
    #expect(bed.handle(.progress(leg, status: 180, body: nil)) == [])
    let first = try bed.receive(TestBed.request("PRACK", branch: "p1", to: to, cseq: 2, extra: Self.rack(number)))
    #expect(first.statuses == [200, 180])
    #expect(first.responses[1].headers.reliableNumber == number + 1)
    _ = try bed.receive(TestBed.request("PRACK", branch: "p2", to: to, cseq: 3, extra: Self.rack(number + 1)))
    #expect(bed.handle(.progress(leg, status: 183, body: otherSDP)).responses.map(\.body) == [[]])
    // The 200 need not wait for a PRACK of what bears no description, and takes it afterwards.
    #expect(bed.handle(.answer(leg, sdp: otherSDP)).statuses == [200])
    _ = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    let late = try bed.receive(TestBed.request("PRACK", branch: "p3", to: to, cseq: 4, extra: Self.rack(number + 2)))
    #expect(late.statuses == [200])
    #expect(bed.pass(.seconds(40)).statuses == [])
  }

  @Test func `a PRACK that never comes: 504 after 64*T1`() throws {
    var bed = TestBed()
    let (leg, _, _) = try ringing(&bed)
    let actions = bed.pass(.seconds(32))
    #expect(actions.statuses.filter { $0 == 183 }.count == 6)
    #expect(actions.statuses.last == 504)
    #expect(actions.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    bed.expectClean()
  }

  @Test func `CANCEL, and an end of ours, while a PRACK is awaited`() throws {
    for isCancel in [true, false] {
      var bed = TestBed()
      let (leg, _, _) = try ringing(&bed)
      _ = bed.handle(.answer(leg, sdp: otherSDP))
      let actions =
        try isCancel
        ? bed.receive(TestBed.request("CANCEL", branch: "inv")) : bed.handle(.release(leg, .userBusy, status: 486))
      #expect(actions.statuses == (isCancel ? [200, 487] : [486]))
      #expect(bed.pass(.milliseconds(100)).statuses == [])
      bed.expectClean()
    }
  }

  @Test func `an offer in the PRACK, and an UPDATE, before the answer`() throws {
    var bed = TestBed()
    let (leg, response, to) = try ringing(&bed)
    let early = try bed.receive(TestBed.request("UPDATE", branch: "u0", to: to, cseq: 2), sdp)
    #expect(early.statuses == [500])
    #expect(early.responses[0].headers.has("Retry-After"))
    let prack = try bed.receive(
      TestBed.request("PRACK", branch: "p", to: to, cseq: 3, extra: Self.rack(response.headers.reliableNumber)), sdp)
    #expect(prack.statuses == [])
    #expect(prack.events(of: leg) == [.offered(sdp)])
    let answered = bed.handle(.answerOffer(leg, sdp: otherSDP))
    #expect(answered.responses.map { $0.headers["CSeq"] } == ["3 PRACK"])
    #expect(answered.responses[0].body == otherSDP)
    let update = try bed.receive(TestBed.request("UPDATE", branch: "u1", to: to, cseq: 4), sdp)
    #expect(update.events(of: leg) == [.offered(sdp)])
    #expect(bed.handle(.refuseOffer(leg, status: 488)).statuses == [488])
  }

  @Test func `without his offer the reliable 183 brings ours, and the PRACK the answer`() throws {
    var bed = TestBed()
    let actions = try bed.receive(TestBed.request("INVITE", branch: "inv", extra: ["Require: 100rel"]))
    let leg = try #require(actions.legs.first)
    // Its first reliable response must bring an offer.
    #expect(bed.handle(.progress(leg, status: 180, body: nil)) == [])
    let response = try #require(bed.handle(.progress(leg, status: 183, body: otherSDP)).responses.first)
    let to = response.headers["To"] ?? ""
    let prack = try bed.receive(
      TestBed.request("PRACK", branch: "p", to: to, cseq: 2, extra: Self.rack(response.headers.reliableNumber)), sdp)
    #expect(prack.statuses == [200])
    #expect(prack.events(of: leg) == [.offerAnswered(sdp)])
    let ok = bed.handle(.answer(leg, sdp: otherSDP))
    #expect(ok.responses.map(\.body) == [[]])
    #expect(try bed.receive(TestBed.request("ACK", branch: "ack", to: to)).events(of: leg) == [.established])
  }

  @Test func `who only supports it is not made to`() throws {
    var bed = TestBed()
    let actions = try bed.receive(TestBed.request("INVITE", branch: "inv", extra: ["Supported: 100rel"]), sdp)
    let leg = try #require(actions.legs.first)
    let response = try #require(bed.handle(.progress(leg, status: 180, body: nil)).responses.first)
    #expect(!response.headers.has("RSeq") && !response.headers.has("Require"))
    #expect(bed.pass(.seconds(20)).statuses == [])
  }

  @Test(arguments: ["", "1", "1 1", "x 1 INVITE", "1 x INVITE", "4294967296 1 INVITE", "1 1 INVITE x"])
  func `an RAck that cannot be read`(value: String) {
    #expect(RAck(Headers([("RAck", value)])) == nil)
  }
}
