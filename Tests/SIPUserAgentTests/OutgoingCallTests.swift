import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct OutgoingCallTests {
  @Test func `routes that are known beforehand stand in INVITE and its ACK, and a dialog has its own`() throws {
    var bed = TestBed()
    let leg = bed.agent.newLegID()
    var target = Target(uri: try SIPURI("sip:731@192.0.2.9"), flow: bed.trunk)
    target.routes = [try NameAddress("<sip:a.example;lr>"), try NameAddress("<sip:b.example;lr>")]
    let call = OutgoingCall(
      target: target, from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: sdp,
      credentials: Credentials(user: "x", password: Redacted("y")))
    let invite = try #require(bed.handle(.invite(leg, call)).requests.first)
    let routes = ["<sip:a.example;lr>", "<sip:b.example;lr>"]
    #expect(invite.headers.lines("Route") == routes)
    let challenge = DigestChallenge(realm: "r", nonce: "n", qop: ["auth"]).description
    let asked = bed.reply(407, to: invite, extra: [("Proxy-Authenticate", challenge)]).requests
    #expect(asked.map(\.method) == [.ack, .invite] && asked.allSatisfy { $0.headers.lines("Route") == routes })
    let answered = bed.reply(200, to: asked[1], body: otherSDP, extra: [("Record-Route", "<sip:c.example;lr>")])
    #expect(answered.requests.map { $0.headers.lines("Route") } == [["<sip:c.example;lr>"]])
  }

  /// Our deviation from RFC 3261 §18.1.1: nobody knows whether the peer has TCP, and trying costs an emergency its time.
  @Test func `an INVITE beyond 1300 bytes stays on the transport that was chosen`() throws {
    var bed = TestBed()
    let leg = bed.agent.newLegID()
    let call = OutgoingCall(
      target: Target(uri: try SIPURI("sip:731@192.0.2.9"), flow: bed.trunk),
      from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: Array(repeating: 0x61, count: 4000))
    let actions = bed.handle(.invite(leg, call))
    #expect(bed.trunk.transport == .udp && actions.flows == [bed.trunk])
    #expect(actions.requests.first.map { Message.request($0).serialized().count > 4000 } == true)
  }

  @Test func `a call of ours: INVITE, ringing, answer, BYE from there`() throws {
    var bed = TestBed()
    var headers = Headers()
    headers.add("P-Asserted-Identity", "<sip:0471@192.0.2.1>")
    headers.add("Session-ID", "abc")
    let (leg, invite) = try bed.outgoing(headers: headers)
    #expect(invite.uri.description == "sip:731@192.0.2.9")
    #expect(invite.headers["To"] == "<sip:731@192.0.2.9>")
    #expect(invite.headers["Max-Forwards"] == "70")
    #expect(invite.headers["P-Asserted-Identity"] == "<sip:0471@192.0.2.1>")
    #expect(invite.headers["Allow"] == UserAgent.allowed)
    #expect(invite.body == sdp)
    #expect(try invite.headers.from().tag != nil)
    #expect(bed.reply(100, to: invite, tag: nil).events(of: leg) == [.provisional(status: 100, body: nil)])
    #expect(bed.reply(180, to: invite).events(of: leg) == [.provisional(status: 180, body: nil)])
    #expect(
      bed.reply(183, to: invite, body: otherSDP).events(of: leg) == [.provisional(status: 183, body: otherSDP)])
    let answered = bed.reply(200, to: invite, body: otherSDP)
    #expect(answered.events(of: leg) == [.answered(body: otherSDP)])
    let ack = try #require(answered.requests.first)
    #expect(ack.method == .ack)
    #expect(ack.uri.description == "sip:731@192.0.2.9:5060")
    #expect(ack.headers["CSeq"] == "1 ACK")
    #expect(ack.headers["Session-ID"] == "abc")
    #expect(try ack.headers.vias()[0].branch != invite.headers.vias()[0].branch)
    let to = try #require(invite.headers["From"])
    let from = try #require(ack.headers["To"])
    let bye = try bed.receive(
      TestBed.request("BYE", branch: "bye", from: from, to: to, callID: invite.headers.callID ?? ""))
    #expect(bye.statuses == [200])
    #expect(bye.events(of: leg) == [.ended(.normalClearing)])
    bed.expectClean()
  }

  @Test(
    arguments: [
      (486, [], Cause.userBusy), (404, [], .unallocatedNumber), (480, [("Reason", "Q.850;cause=19")], .noAnswer),
      (603, [], .callRejected), (503, [], .temporaryFailure),
    ] as [(Int, [(HeaderName, String)], Cause)])
  func `refusals`(status: Int, extra: [(HeaderName, String)], cause: Cause) throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    let actions = bed.reply(status, to: invite, extra: extra)
    #expect(actions.methods == [.ack])
    #expect(actions.events(of: leg) == [.refused(status: status, cause: cause, contacts: [])])
    #expect(bed.handle(.release(leg, .normalClearing)) == [])
    bed.expectClean()
  }

  @Test func `a 3xx tells where it points`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    let actions = bed.reply(302, to: invite, contact: "<sip:799732@192.0.2.9>")
    guard case .refused(302, _, let contacts)? = actions.events(of: leg).first else {
      Issue.record("not refused")
      return
    }
    #expect(contacts.map(\.uri.description) == ["sip:799732@192.0.2.9"])
    bed.expectClean()
  }

  @Test func `silence is 408, a broken transport 503`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.outgoing()
    let actions = bed.pass(.seconds(32))
    #expect(actions.methods.count == 6)
    #expect(actions.events(of: leg) == [.refused(status: 408, cause: .recoveryOnTimerExpiry, contacts: [])])
    bed.expectClean()
    let (second, _) = try bed.outgoing()
    let broken = bed.handle(.transportFailed(bed.trunk))
    #expect(broken.events(of: second) == [.refused(status: 503, cause: .temporaryFailure, contacts: [])])
    bed.expectClean()
  }

  // MARK: - Letting go

  @Test func `CANCEL waits for the first provisional answer and tells why`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    #expect(bed.handle(.release(leg, .answeredElsewhere)) == [])
    #expect(bed.handle(.release(leg, .answeredElsewhere)) == [])
    let actions = bed.reply(180, to: invite)
    #expect(actions.methods == [.cancel])
    #expect(actions.requests[0].headers["Reason"] == "SIP;cause=200;text=\"Call completed elsewhere\"")
    #expect(actions.events(of: leg) == [])
    #expect(bed.reply(200, to: actions.requests[0]) == [])
    let terminated = bed.reply(487, to: invite)
    #expect(terminated.methods == [.ack])
    #expect(terminated.events(of: leg) == [.ended(.answeredElsewhere)])
    bed.expectClean()
  }

  @Test func `a 200 that crosses the CANCEL: ACK and BYE, and nothing but ended`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    _ = bed.reply(180, to: invite)
    let cancelling = bed.handle(.release(leg, .answeredElsewhere))
    #expect(cancelling.methods == [.cancel])
    let crossing = bed.reply(200, to: invite, body: otherSDP)
    #expect(crossing.methods == [.ack, .bye])
    #expect(crossing.requests[1].headers["CSeq"] == "2 BYE")
    #expect(crossing.events(of: leg) == [.ended(.answeredElsewhere)])
    // The 200 again: its ACK again, no second BYE.
    #expect(bed.reply(200, to: invite, body: otherSDP).requests == [crossing.requests[0]])
    _ = bed.reply(200, to: crossing.requests[1])
    bed.expectClean()
  }

  @Test func `after a CANCEL nobody answers: it ends by itself`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    _ = bed.reply(180, to: invite)
    _ = bed.handle(.release(leg, .noAnswer))
    #expect(bed.pass(.seconds(64)).events(of: leg) == [.ended(.noAnswer)])
    bed.expectClean()
  }

  @Test func `released without any answer: no CANCEL, and it ends with timer B`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.outgoing()
    _ = bed.handle(.release(leg, .noAnswer))
    let actions = bed.pass(.seconds(64))
    #expect(actions.methods.allSatisfy { $0 == .invite })
    #expect(actions.events(of: leg) == [.ended(.noAnswer)])
    bed.expectClean()
  }

  @Test func `a very late 200 gets ACK and BYE though all is forgotten`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    _ = bed.reply(180, to: invite)
    _ = bed.handle(.release(leg, .noAnswer))
    bed.expectClean()
    let late = bed.reply(200, to: invite, body: otherSDP)
    #expect(late.methods == [.ack, .bye])
    #expect(late.legs == [])
    #expect(late.requests[0].headers["CSeq"] == "1 ACK")
    #expect(late.requests[1].headers["CSeq"] == "2 BYE")
    // It comes again before the BYE is answered.
    #expect(bed.reply(200, to: invite, body: otherSDP).methods == [.ack])
    bed.expectClean()
    #expect(bed.agent.dialogs.isEmpty)
  }

  @Test(arguments: [true, false]) func `a phone that rings only after we gave up is silenced`(isReleased: Bool) throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    if isReleased { _ = bed.handle(.release(leg, .answeredElsewhere)) }
    #expect(bed.pass(.seconds(40)).events(of: leg).count == 1)
    let late = bed.reply(180, to: invite)
    #expect(late.methods == [.cancel])
    #expect(
      late.requests[0].headers["Reason"]
        == (isReleased ? Cause.answeredElsewhere.releaseReason : "SIP;cause=408;text=\"Request Timeout\""))
    #expect(late.events(of: leg) == [])
    _ = bed.reply(200, to: late.requests[0])
    #expect(bed.reply(487, to: invite).methods == [.ack])
    bed.expectClean()
    // One that is lifted before anything else is heard of it gets ACK and BYE.
    var other = TestBed()
    let (_, second) = try other.outgoing()
    _ = other.pass(.seconds(40))
    #expect(other.reply(200, to: second).methods == [.ack, .bye])
    other.expectClean()
  }

  @Test func `a 200 to an INVITE that we never sent is nobody's`() throws {
    var bed = TestBed()
    var invite = try bed.outgoing().1
    invite.headers["Call-ID"] = "invented"
    invite.headers["Via"] = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKinvented"
    #expect(bed.reply(200, to: invite, body: otherSDP) == [])
  }

  // MARK: - Forks

  @Test func `a second phone answers too: ACK and BYE for that one`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    _ = bed.reply(180, to: invite, tag: "t1")
    _ = bed.reply(180, to: invite, tag: "t2")
    _ = bed.reply(200, to: invite, tag: "t1", body: otherSDP)
    let extra = bed.reply(200, to: invite, tag: "t2", contact: "<sip:other@192.0.2.9:5099>", body: otherSDP)
    #expect(extra.methods == [.ack, .bye])
    #expect(extra.requests[1].uri.description == "sip:other@192.0.2.9:5099")
    #expect(extra.requests[1].headers["Reason"] == "SIP;cause=200;text=\"Call completed elsewhere\"")
    #expect(extra.legs == [])
    #expect(extra.notes == [.extraAnswer(leg)])
    #expect(bed.agent.legCount == 1)
    let released = bed.handle(.release(leg, .normalClearing))
    _ = bed.reply(200, to: extra.requests[1])
    _ = bed.reply(200, to: released.requests[0])
    bed.expectClean()
  }

  @Test func `a flood of answers to one INVITE is bounded`() throws {
    var bed = TestBed()
    let (_, invite) = try bed.outgoing()
    var requests = 0
    for index in 0..<200 { requests += bed.reply(200, to: invite, tag: "x\(index)", body: otherSDP).requests.count }
    #expect(requests == 1 + 15 * 2)
    for index in 0..<200 { _ = bed.reply(180, to: invite, tag: "y\(index)") }
    #expect(bed.agent.dialogs.count <= 16)
  }

  @Test func `early dialogs are bounded and leave with the leg`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    for index in 0..<100 { _ = bed.reply(180, to: invite, tag: "y\(index)") }
    #expect(bed.agent.dialogs.count == Leg.maxEarlyDialogs)
    _ = bed.reply(486, to: invite, tag: "y1")
    #expect(bed.agent.legs[leg] == nil)
    bed.expectClean()
  }

  @Test func `a digit and an UPDATE before the answer`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    let from = try #require(TestBed.response(180, to: invite).headers["To"])
    _ = bed.reply(180, to: invite)
    let to = try #require(invite.headers["From"])
    let info = try bed.receive(
      TestBed.request("INFO", branch: "i", from: from, to: to, callID: invite.headers.callID ?? "", cseq: 1),
      Array("5".utf8), type: "application/dtmf")
    #expect(info.events(of: leg) == [.digit("5", milliseconds: nil)])
    let update = try bed.receive(
      TestBed.request("UPDATE", branch: "u", from: from, to: to, callID: invite.headers.callID ?? "", cseq: 2), sdp)
    #expect(update.statuses == [491])
    let bye = try bed.receive(
      TestBed.request("BYE", branch: "b", from: from, to: to, callID: invite.headers.callID ?? "", cseq: 3))
    #expect(bye.statuses == [481])
    #expect(bye.legs == [])
  }

  // MARK: - Passwords

  private let challenge = DigestChallenge(realm: "provider", nonce: "n1", algorithm: "MD5", qop: ["auth"])

  @Test func `a challenge is answered once, and BYE bears a proof of its own`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing(credentials: Credentials(user: "line", password: Redacted("geheim")))
    let retried = bed.reply(407, to: invite, extra: [("Proxy-Authenticate", challenge.description)])
    #expect(retried.methods == [.ack, .invite])
    #expect(retried.legs == [])
    let second = retried.requests[1]
    #expect(second.headers["CSeq"] == "2 INVITE")
    #expect(second.headers.callID == invite.headers.callID)
    #expect(try second.headers.from() == invite.headers.from())
    #expect(second.headers.digestCredentials("Proxy-Authorization").map(\.nc) == ["00000001"])
    let answered = bed.reply(200, to: second, body: otherSDP)
    let ack = answered.requests[0]
    #expect(ack.headers["CSeq"] == "2 ACK")
    #expect(ack.headers["Proxy-Authorization"] == second.headers["Proxy-Authorization"])
    let bye = bed.handle(.release(leg, .normalClearing)).requests[0]
    #expect(bye.headers.digestCredentials("Proxy-Authorization").map(\.nc) == ["00000002"])
    // A BYE that is challenged all the same is tried once more.
    var stale = challenge
    stale.isStale = true
    stale.nonce = "n2"
    let again = bed.reply(407, to: bye, extra: [("Proxy-Authenticate", stale.description)])
    #expect(again.methods == [.bye])
    #expect(again.requests[0].headers.digestCredentials("Proxy-Authorization").map(\.nonce) == ["n2"])
    #expect(bed.reply(407, to: again.requests[0], extra: [("Proxy-Authenticate", challenge.description)]).methods == [])
    bed.expectClean()
  }

  @Test func `a wrong password is refused, and no secret is told`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing(credentials: Credentials(user: "line", password: Redacted("geheim")))
    let retried = bed.reply(401, to: invite, extra: [("WWW-Authenticate", challenge.description)])
    let refused = bed.reply(401, to: retried.requests[1], extra: [("WWW-Authenticate", challenge.description)])
    #expect(refused.events(of: leg) == [.refused(status: 401, cause: .callRejected, contacts: [])])
    #expect(refused.notes == [.challengeUnanswered(realm: "provider", source: bed.trunk.remote)])
    #expect(!"\(refused) \(bed.agent.legs)".contains("geheim"))
    bed.expectClean()
  }

  @Test func `without credentials a challenge is a refusal`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    let refused = bed.reply(401, to: invite, extra: [("WWW-Authenticate", challenge.description)])
    #expect(refused.events(of: leg) == [.refused(status: 401, cause: .callRejected, contacts: [])])
    bed.expectClean()
  }

  @Test func `released while the challenge is on its way`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing(credentials: Credentials(user: "line", password: Redacted("geheim")))
    _ = bed.handle(.release(leg, .noAnswer))
    let challenged = bed.reply(401, to: invite, extra: [("WWW-Authenticate", challenge.description)])
    #expect(challenged.methods == [.ack])
    #expect(challenged.events(of: leg) == [.ended(.noAnswer)])
    bed.expectClean()
  }

  @Test func `a re-INVITE that is challenged goes out again`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing(credentials: Credentials(user: "line", password: Redacted("geheim")))
    _ = bed.reply(200, to: invite, body: otherSDP)
    let offer = bed.handle(.offer(leg, sdp: sdp)).requests[0]
    let retried = bed.reply(401, to: offer, extra: [("WWW-Authenticate", challenge.description)])
    #expect(retried.methods == [.ack, .invite])
    #expect(retried.requests[1].body == sdp)
    #expect(bed.reply(200, to: retried.requests[1], body: otherSDP).events(of: leg) == [.offerAnswered(otherSDP)])
  }

  // MARK: - Offers of ours

  @Test func `as owner of the Call-ID we pause 2.1 to 4 s after 491`() throws {
    for seed in UInt64(1)...20 {
      var bed = TestBed(seed: seed)
      let (leg, _, _) = try bed.establishedOutgoing()
      let offer = bed.handle(.offer(leg, sdp: sdp)).requests[0]
      _ = bed.reply(491, to: offer)
      #expect(bed.pass(.milliseconds(2099)).methods == [])
      #expect(bed.pass(.milliseconds(1901)).methods.first == .invite)
    }
  }

  @Test func `a re-INVITE that nobody answers ends the leg by BYE`() throws {
    var bed = TestBed()
    let (leg, _, _) = try bed.establishedOutgoing()
    _ = bed.handle(.offer(leg, sdp: sdp))
    let actions = bed.pass(.seconds(32))
    #expect(actions.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    #expect(actions.methods.last == .bye)
    bed.expectClean()
  }

  @Test func `a second INVITE for the same leg is ignored`() throws {
    var bed = TestBed()
    let (leg, _) = try bed.outgoing()
    let call = OutgoingCall(
      target: Target(uri: try SIPURI("sip:1@192.0.2.9"), flow: bed.trunk), from: NameAddress(try SIPURI("sip:1@x")),
      offer: sdp)
    #expect(bed.handle(.invite(leg, call)) == [])
  }
}
