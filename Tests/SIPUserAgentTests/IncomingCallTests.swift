import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct IncomingCallTests {
  @Test func `a trunk's call: ringing, answer, digit, BYE`() throws {
    var bed = TestBed()
    let first = try bed.receive(TestBed.request("INVITE", branch: "inv"), sdp)
    let leg = try #require(first.legs.first)
    guard case .incoming(let call)? = first.events(of: leg).first else {
      Issue.record("no call came in")
      return
    }
    #expect(call.identity == .trunk("GW14"))
    #expect(call.offer == sdp)
    let ringing = bed.handle(.progress(leg, status: 180, body: nil))
    #expect(ringing.statuses == [180])
    let tag = try #require(try ringing.responses[0].headers.to().tag)
    let answered = bed.handle(.answer(leg, sdp: otherSDP))
    #expect(answered.statuses == [200])
    let ok = answered.responses[0]
    #expect(try ok.headers.to().tag == tag)
    #expect(ok.body == otherSDP)
    #expect(ok.headers["Allow"] == "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, REGISTER")
    let contact = try #require(try ok.headers.contacts().first)
    #expect(contact.uri.host == "192.0.2.1" && contact.uri.port == 5060)
    let to = try #require(ok.headers["To"])
    #expect(try bed.receive(TestBed.request("ACK", branch: "ack", to: to)).events(of: leg) == [.established])
    let info = try bed.receive(
      TestBed.request("INFO", branch: "info", to: to, cseq: 2), Array("Signal=1\r\nDuration=160\r\n".utf8),
      type: "application/dtmf-relay")
    #expect(info.statuses == [200])
    #expect(info.events(of: leg) == [.digit("1", milliseconds: 160)])
    let bye = try bed.receive(
      TestBed.request("BYE", branch: "bye", to: to, cseq: 3, extra: ["Reason: Q.850;cause=17"]))
    #expect(bye.statuses == [200])
    #expect(bye.events(of: leg) == [.ended(.userBusy)])
    #expect(bed.handle(.release(leg, .normalClearing)) == [])
    bed.expectClean()
  }

  @Test func `two legs never share a Contact`() throws {
    var bed = TestBed()
    var users: Set<String> = []
    for index in 0..<20 {
      let actions = try bed.receive(
        TestBed.request("INVITE", branch: "i\(index)", callID: "c\(index)", extra: []), sdp)
      let leg = try #require(actions.legs.first)
      let contact = try bed.handle(.progress(leg, status: 180, body: nil)).responses[0].headers.contacts()
      users.insert(try #require(contact.first?.uri.user))
    }
    #expect(users.count == 20)
  }

  @Test func `183 with its body is repeated every minute until the answer`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    #expect(bed.handle(.progress(leg, status: 183, body: otherSDP)).responses.map(\.body) == [otherSDP])
    let repeated = bed.pass(.seconds(150))
    #expect(repeated.statuses == [183, 183])
    #expect(repeated.responses.allSatisfy { $0.body == otherSDP })
    let answered = bed.handle(.answer(leg, sdp: otherSDP))
    let to = try #require(answered.responses[0].headers["To"])
    _ = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    #expect(bed.pass(.seconds(200)).statuses == [])
  }

  @Test func `100 comes by itself after 200 ms`() throws {
    var bed = TestBed()
    _ = try bed.incoming()
    #expect(bed.pass(.milliseconds(200)).statuses == [100])
  }

  @Test func `CANCEL: 200, 487, and its reason is told`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    _ = bed.handle(.progress(leg, status: 180, body: nil))
    let actions = try bed.receive(
      TestBed.request("CANCEL", branch: "inv", extra: ["Reason: SIP;cause=200;text=\"Call completed elsewhere\""]))
    #expect(actions.statuses == [200, 487])
    #expect(actions.events(of: leg) == [.ended(.answeredElsewhere)])
    let to = try #require(actions.responses[1].headers["To"])
    #expect(try bed.receive(TestBed.request("ACK", branch: "inv", to: to)) == [])
    bed.expectClean()
  }

  @Test func `CANCEL after our 200 changes nothing`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    let actions = try bed.receive(TestBed.request("CANCEL", branch: "inv"))
    #expect(actions.statuses == [200])
    #expect(actions.events(of: leg) == [])
    #expect(try bed.receive(TestBed.request("ACK", branch: "ack", to: to)).events(of: leg) == [.established])
  }

  @Test func `a refusal carries the status and the cause`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let actions = bed.handle(.release(leg, .unallocatedNumber, status: nil))
    #expect(actions.statuses == [404])
    #expect(actions.responses[0].headers["Reason"] == "Q.850;cause=1;text=\"Unallocated (unassigned) number\"")
    #expect(actions.events(of: leg) == [.ended(.unallocatedNumber)])
    #expect(bed.handle(.release(leg, .normalClearing)) == [])
    bed.expectClean()
  }

  @Test(arguments: [(484, 484), (99, 480), (200, 480), (nil, 480), (700, 480)] as [(Int?, Int)])
  func `a refusal has a refusing status`(asked: Int?, sent: Int) throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    #expect(bed.handle(.release(leg, .normalClearing, status: asked)).statuses == [sent])
  }

  /// §13.3.1.4.
  @Test func `a 200 that nobody acknowledges is repeated, and the leg ended by BYE after 64*T1`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    _ = bed.handle(.answer(leg, sdp: otherSDP))
    let actions = bed.pass(.seconds(32))
    #expect(actions.statuses == [200, 200, 200, 200, 200, 200, 200, 200, 200, 200])
    #expect(actions.methods == [.bye])
    #expect(actions.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    #expect(actions.notes == [.neverAcknowledged(leg)])
    bed.expectClean()
  }

  @Test func `released before the ACK: BYE follows it`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    #expect(bed.handle(.release(leg, .normalClearing)) == [])
    let actions = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    #expect(actions.methods == [.bye])
    #expect(actions.events(of: leg) == [.ended(.normalClearing)])
    _ = bed.reply(200, to: actions.requests[0])
    bed.expectClean()
  }

  @Test func `a lost ACK and a BYE: the BYE counts`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    let actions = try bed.receive(TestBed.request("BYE", branch: "bye", to: to, cseq: 2))
    #expect(actions.statuses == [200])
    #expect(actions.events(of: leg) == [.ended(.normalClearing)])
    #expect(bed.pass(.seconds(60)).messages == [])
    bed.expectClean()
  }

  @Test func `a caller who says BYE instead of CANCEL`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let to = try #require(bed.handle(.progress(leg, status: 180, body: nil)).responses[0].headers["To"])
    let actions = try bed.receive(TestBed.request("BYE", branch: "bye", to: to, cseq: 2))
    #expect(actions.statuses == [200, 487])
    #expect(actions.events(of: leg) == [.ended(.normalClearing)])
    bed.expectClean()
  }

  @Test func `BYE crossing BYE: both get their 200`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    let released = bed.handle(.release(leg, .normalClearing))
    #expect(released.methods == [.bye])
    #expect(released.requests[0].headers["Reason"] == "Q.850;cause=16;text=\"Normal call clearing\"")
    #expect(released.events(of: leg) == [.ended(.normalClearing)])
    let crossing = try bed.receive(TestBed.request("BYE", branch: "bye", to: to, cseq: 2))
    #expect(crossing.statuses == [200])
    #expect(crossing.legs == [])
    _ = bed.reply(200, to: released.requests[0])
    #expect(try bed.receive(TestBed.request("BYE", branch: "bye2", to: to, cseq: 3)).statuses == [481])
    bed.expectClean()
  }

  @Test func `a BYE that nobody answers is given up`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.establishedIncoming()
    _ = bed.handle(.release(leg, .normalClearing))
    #expect(bed.pass(.seconds(40)).methods.allSatisfy { $0 == .bye })
    bed.expectClean()
  }

  @Test func `a provider that wants a password for our BYE gets it`() throws {
    var settings = TestBed.settings
    settings.trunks[0].credentials = Credentials(user: "line", password: Redacted("geheim"))
    var bed = TestBed(settings)
    let (leg, _) = try bed.establishedIncoming()
    let bye = bed.handle(.release(leg, .normalClearing)).requests[0]
    let challenge = DigestChallenge(realm: "provider", nonce: "n", qop: ["auth"]).description
    let again = bed.reply(407, to: bye, extra: [("Proxy-Authenticate", challenge)])
    #expect(again.methods == [.bye])
    #expect(again.requests[0].headers.digestCredentials("Proxy-Authorization").map(\.username) == ["line"])
    _ = bed.reply(200, to: again.requests[0])
    bed.expectClean()
  }

  @Test func `an INVITE without an offer is answered with one`() throws {
    var bed = TestBed()
    let first = try bed.receive(TestBed.request("INVITE", branch: "inv"))
    let leg = try #require(first.legs.first)
    guard case .incoming(let call)? = first.events(of: leg).first else { throw Missing.call }
    #expect(call.offer == nil)
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    let ack = try bed.receive(TestBed.request("ACK", branch: "ack", to: to), sdp)
    #expect(ack.events(of: leg) == [.offerAnswered(sdp), .established])
  }

  enum Missing: Error { case call }

  // MARK: - Offers within the dialog

  @Test func `the peer's re-INVITE is answered, and its ACK awaited`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    let offered = try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp)
    #expect(offered.events(of: leg) == [.offered(sdp)])
    let answered = bed.handle(.answerOffer(leg, sdp: otherSDP))
    #expect(answered.statuses == [200])
    #expect(bed.pass(.milliseconds(500)).statuses == [200])
    #expect(try bed.receive(TestBed.request("ACK", branch: "reack", to: to, cseq: 2)).legs == [])
    #expect(bed.pass(.seconds(20)).messages == [])
    let refused = try bed.receive(TestBed.request("INVITE", branch: "re2", to: to, cseq: 3), sdp)
    #expect(refused.events(of: leg) == [.offered(sdp)])
    #expect(bed.handle(.refuseOffer(leg, status: 488)).statuses == [488])
    #expect(bed.agent.legCount == 1)
  }

  @Test func `a re-INVITE's 200 without ACK ends the leg`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    _ = try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp)
    _ = bed.handle(.answerOffer(leg, sdp: otherSDP))
    let actions = bed.pass(.seconds(33))
    #expect(Set(actions.methods) == [.bye])
    #expect(actions.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    bed.expectClean()
  }

  @Test func `the peer cancels his re-INVITE`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    _ = try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp)
    #expect(try bed.receive(TestBed.request("CANCEL", branch: "re", to: to, cseq: 2)).statuses == [200, 487])
    #expect(bed.handle(.answerOffer(leg, sdp: otherSDP)) == [])
    #expect(bed.agent.legCount == 1)
  }

  @Test func `our offer before the ACK waits for it`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    #expect(bed.handle(.offer(leg, sdp: otherSDP)) == [])
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    #expect(bed.handle(.offer(leg, sdp: sdp)) == [])
    let acknowledged = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    #expect(acknowledged.events(of: leg) == [.established])
    #expect(acknowledged.requests.map(\.body) == [sdp])
    let early = try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp)
    #expect(early.statuses == [491])
  }

  @Test func `his offer before the ACK is for later`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    let to = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses[0].headers["To"])
    for (index, method) in ["INVITE", "UPDATE"].enumerated() {
      let offer = try bed.receive(TestBed.request(method, branch: "o\(index)", to: to, cseq: 2 + index), sdp)
      #expect(offer.statuses == [500])
      #expect((0...10).contains(Int(offer.responses[0].headers["Retry-After"] ?? "") ?? -1))
    }
  }

  @Test func `UPDATE with and without an offer`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    let plain = try bed.receive(TestBed.request("UPDATE", branch: "u1", to: to, cseq: 2))
    #expect(plain.statuses == [200])
    #expect(plain.legs == [])
    let offer = try bed.receive(TestBed.request("UPDATE", branch: "u2", to: to, cseq: 3), sdp)
    #expect(offer.events(of: leg) == [.offered(sdp)])
    let answered = bed.handle(.answerOffer(leg, sdp: otherSDP))
    #expect(answered.statuses == [200])
    #expect(answered.responses[0].body == otherSDP)
    #expect(bed.pass(.seconds(20)).statuses == [])
  }

  @Test func `our re-INVITE meets his: 491 both ways, then ours after the pause`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    let ours = bed.handle(.offer(leg, sdp: otherSDP))
    #expect(ours.methods == [.invite])
    #expect(try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp).statuses == [491])
    _ = try bed.receive(TestBed.request("ACK", branch: "re", to: to, cseq: 2))
    #expect(bed.reply(491, to: ours.requests[0]).methods == [.ack])
    // We do not own the Call-ID, so the pause is 2 s at most.
    let again = bed.pass(.seconds(2))
    #expect(again.methods.first == .invite)
    let done = bed.reply(200, to: again.requests[0], body: sdp)
    #expect(done.methods == [.ack])
    #expect(done.events(of: leg) == [.offerAnswered(sdp)])
    // A repeated 2xx gets its ACK again, and no event.
    let repeated = bed.reply(200, to: again.requests[0], body: sdp)
    #expect(repeated.requests == done.requests)
    #expect(repeated.legs == [])
  }

  @Test func `released during his re-INVITE: 487 and BYE`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    _ = try bed.receive(TestBed.request("INVITE", branch: "re", to: to, cseq: 2), sdp)
    let actions = bed.handle(.release(leg, .normalClearing))
    #expect(actions.statuses == [487])
    #expect(actions.methods == [.bye])
    _ = bed.reply(200, to: actions.requests[0])
    bed.expectClean()
  }

  @Test func `released during our re-INVITE: its late 200 still gets an ACK`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.establishedIncoming()
    let invite = bed.handle(.offer(leg, sdp: otherSDP)).requests[0]
    let released = bed.handle(.release(leg, .normalClearing))
    #expect(released.methods == [.bye])
    #expect(bed.reply(200, to: invite, body: sdp).methods == [.ack])
    _ = bed.reply(200, to: released.requests[0])
    bed.expectClean()
  }

  // MARK: - Within the dialog

  @Test func `questions and refusals within the dialog`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    let cases: [(method: String, body: String, type: String, extra: [String], status: Int, header: HeaderName?)] = [
      ("OPTIONS", "", "", [], 200, "Allow"), ("INFO", "", "", [], 200, nil),
      ("INFO", "x", "application/media_control+xml", [], 415, "Accept"),
      ("INFO", "x", "application/x", ["Info-Package: foo"], 469, nil),
      ("MESSAGE", "hi", "text/plain", [], 405, "Allow"),
      ("REFER", "", "", [], 405, "Allow"), ("FOO", "", "", [], 501, "Allow"), ("PRACK", "", "", [], 481, nil),
      ("INVITE", "x", "application/x", [], 415, "Accept"),
      ("INVITE", "v=0", "application/sdp", ["Require: replaces"], 420, "Unsupported"),
      ("INFO", "", "", ["Require: replaces, timer"], 420, "Unsupported"),
    ]
    for (index, test) in cases.enumerated() {
      let actions = try bed.receive(
        TestBed.request(test.method, branch: "d\(index)", to: to, cseq: 2 + index, extra: test.extra),
        Array(test.body.utf8), type: test.type)
      #expect(actions.statuses == [test.status], "\(test.method) \(test.type)")
      if let header = test.header { #expect(actions.responses[0].headers.has(header), "\(test.method)") }
      #expect(actions.legs == [])
    }
    #expect(try bed.receive(TestBed.request("INFO", branch: "old", to: to, cseq: 1)).statuses == [500])
    #expect(bed.agent.legs[leg] != nil)
    // Whoever hangs up, hangs up.
    let bye = TestBed.request("BYE", branch: "bye", to: to, cseq: 2 + cases.count, extra: ["Require: replaces"])
    #expect(try bed.receive(bye).statuses == [200])
    #expect(bed.agent.legs[leg] == nil)
  }

  @Test func `ask: an answer means alive, 481 and silence end the leg`() throws {
    for (status, event) in [
      (200, LegEvent.alive), (405, .alive), (481, .ended(Cause(sipStatus: 481))), (408, .ended(Cause(sipStatus: 408))),
    ] {
      var bed = TestBed()
      let (leg, _) = try bed.establishedIncoming()
      let asked = bed.handle(.ask(leg))
      #expect(asked.methods == [.options])
      #expect(bed.handle(.ask(leg)) == [])
      let actions = bed.reply(status, to: asked.requests[0])
      #expect(actions.events(of: leg) == [event])
      #expect(actions.methods == (event == .alive ? [] : [.bye]))
    }
    var bed = TestBed()
    let (leg, _) = try bed.establishedIncoming()
    _ = bed.handle(.ask(leg))
    let silence = bed.pass(.seconds(32))
    #expect(silence.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    bed.expectClean()
  }

  @Test func `ask: a question that does not leave is asked once more, then it is no answer`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.establishedIncoming()
    let flow = try #require(bed.agent.legs[leg]?.dialog?.flow)
    func unsent() -> [UserAgentAction] {
      _ = bed.handle(.ask(leg))
      return bed.handle(.transportFailed(flow))
    }
    #expect(unsent() == [])
    // The peer's proxy has started anew: all that was is forgotten.
    let asked = bed.handle(.ask(leg))
    #expect(bed.reply(200, to: asked.requests[0]).events(of: leg) == [.alive])
    #expect(unsent() == [])
    let actions = unsent()
    #expect(actions.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    #expect(actions.methods == [.bye])
  }

  @Test func `the Session-ID stands in all that we say`() throws {
    var bed = TestBed()
    let leg = try bed.incoming()
    _ = bed.handle(.identify(leg, sessionID: "abc;remote=def"))
    let ringing = bed.handle(.progress(leg, status: 180, body: nil))
    let answered = bed.handle(.answer(leg, sdp: otherSDP))
    let to = try #require(answered.responses[0].headers["To"])
    _ = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    let released = bed.handle(.release(leg, .normalClearing))
    for message in (ringing + answered + released).messages {
      #expect(message.headers["Session-ID"] == "abc;remote=def")
    }
  }

  @Test func `more legs than allowed: 503`() throws {
    var settings = TestBed.settings
    settings.maxLegs = 3
    var bed = TestBed(settings)
    for index in 0..<3 {
      #expect(try bed.receive(TestBed.request("INVITE", branch: "i\(index)", callID: "c\(index)"), sdp).statuses == [])
    }
    let fourth = try bed.receive(TestBed.request("INVITE", branch: "i4", callID: "c4"), sdp)
    #expect(fourth.statuses == [503])
    #expect(fourth.responses[0].headers.has("Retry-After"))
  }

  @Test func `more transactions than allowed: 503, until the site allows more`() throws {
    var settings = TestBed.settings
    settings.maxTransactions = 3
    var bed = TestBed(settings)
    for index in 0..<3 {
      #expect(try bed.receive(TestBed.request("INVITE", branch: "i\(index)", callID: "c\(index)"), sdp).statuses == [])
    }
    #expect(try bed.receive(TestBed.request("INVITE", branch: "i4", callID: "c4"), sdp).statuses == [503])
    settings.maxTransactions = 4
    _ = bed.agent.apply(settings)
    #expect(try bed.receive(TestBed.request("INVITE", branch: "i5", callID: "c5"), sdp).statuses == [])
  }
}
