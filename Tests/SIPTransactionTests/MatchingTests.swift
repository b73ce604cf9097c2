import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// RFC 3261 §17.1.3 and §17.2.3: which transaction a message belongs to.
@Suite struct MatchingTests {
  var layer = Sample.layer()
  let now = Sample.moment(0)

  private mutating func receive(_ request: Request, from remote: Endpoint = Sample.peer) -> [TransactionAction] {
    layer.receive(.request(request), on: Sample.flow(from: remote), at: now)
  }

  @Test mutating func theSameRequestAgainIsARetransmission() throws {
    let options = Sample.incoming(.options)
    let id = try #require(receive(options).serverID)
    #expect(receive(options).isEmpty)
    let answer = layer.respond(options.response(200, toTag: "x"), to: id, at: now)
    #expect(brief(answer) == ["transmit 200"])
    #expect(receive(options) == answer)
    #expect(layer.count == 1)
  }

  @Test(arguments: [
    Sample.incoming(.options, branch: "z9hG4bKother"), Sample.incoming(.options, via: "198.51.100.8:5060"),
    Sample.incoming(.options, via: "198.51.100.7:5070"), Sample.incoming(.info),
    // Not the RFC's words, but its sense: one transaction has one Call-ID and one CSeq number.
    Sample.incoming(.options, callID: "other"), Sample.incoming(.options, number: 2),
  ]) mutating func anotherBranchSenderMethodOrCallIsAnotherTransaction(other: Request) {
    #expect(receive(Sample.incoming(.options, toTag: "t")).serverID != nil)
    var other = other
    other.headers["To"] = "<sip:731@198.51.100.7>;tag=t"
    #expect(receive(other).serverID != nil)
    #expect(layer.count == 2)
  }

  @Test mutating func sentByIsComparedWithoutRegardToCase() {
    #expect(receive(Sample.incoming(.options, via: "Phone.Example.com")).serverID != nil)
    #expect(receive(Sample.incoming(.options, via: "phone.example.COM")).isEmpty)
  }

  @Test mutating func theAckOfARefusalIsAbsorbed() throws {
    let invite = Sample.incoming()
    let id = try #require(receive(invite).serverID)
    _ = layer.respond(invite.response(486, toTag: "busy"), to: id, at: now)
    #expect(receive(Sample.incoming(.ack, toTag: "busy")).isEmpty)
    // Confirmed: the 486 is not repeated any more.
    #expect(layer.timersDue(at: Sample.moment(2)).isEmpty)
  }

  @Test mutating func theAckOfA2xxGoesToTheUser() throws {
    let invite = Sample.incoming()
    let id = try #require(receive(invite).serverID)
    _ = layer.respond(invite.response(200, toTag: "yes"), to: id, at: now)
    let ack = Sample.incoming(.ack, branch: "z9hG4bKitsown", toTag: "yes")
    #expect(brief(receive(ack)) == ["ack"])
    // Wrongly under the INVITE's own branch: RFC 6026 §7.1 passes this one too.
    #expect(brief(receive(Sample.incoming(.ack, toTag: "yes"))) == ["ack"])
  }

  @Test mutating func anAckOfNothingGoesToTheUser() {
    #expect(brief(receive(Sample.incoming(.ack, toTag: "gone"))) == ["ack"])
    #expect(layer.count == 0)
  }

  @Test mutating func a2xxIsRepeatedByTheUserAlone() throws {
    let invite = Sample.incoming()
    let id = try #require(receive(invite).serverID)
    let ok = invite.response(200, toTag: "yes")
    #expect(brief(layer.respond(ok, to: id, at: now)) == ["transmit 200"])
    #expect(receive(invite).isEmpty)
    #expect(layer.timersDue(at: Sample.moment(5)).isEmpty)
    #expect(brief(layer.respond(ok, to: id, at: Sample.moment(5))) == ["transmit 200"])
  }

  @Test mutating func rfc2543PeersAreMatchedByAllTheirFields() throws {
    let invite = Sample.incoming(branch: nil)
    let id = try #require(receive(invite).serverID)
    #expect(receive(invite).isEmpty)
    #expect(receive(Sample.incoming(branch: nil, callID: "other")).serverID != nil)
    #expect(brief(receive(Sample.incoming(branch: nil, via: "198.51.100.9"))) == ["transmit 482"], "merged")
    _ = layer.respond(invite.response(486, toTag: "busy"), to: id, at: now)
    // An ACK with another To tag is not for this response.
    #expect(brief(receive(Sample.incoming(.ack, branch: nil, toTag: "else"))) == ["ack"])
    #expect(receive(Sample.incoming(.ack, branch: nil, toTag: "busy")).isEmpty)
    #expect(brief(receive(invite)) == [], "Confirmed absorbs the INVITE")
  }

  @Test mutating func theAckOfA2xxToAnRFC2543PeerGoesToTheUser() throws {
    let invite = Sample.incoming(branch: "1")
    let id = try #require(receive(invite).serverID)
    _ = layer.respond(invite.response(200, toTag: "yes"), to: id, at: now)
    #expect(brief(receive(Sample.incoming(.ack, branch: "1", toTag: "yes"))) == ["ack"])
  }

  /// RFC 4475 §3.2.1: the magic cookie and nothing behind it says nothing.
  @Test mutating func aBareMagicCookieIsNoBranch() {
    #expect(receive(Sample.incoming(.options, branch: "z9hG4bK")).serverID != nil)
    #expect(receive(Sample.incoming(.options, branch: "z9hG4bK", callID: "other")).serverID != nil)
    #expect(layer.count == 2)
  }

  @Test mutating func aMergedRequestIsALoop() throws {
    #expect(receive(Sample.incoming()).serverID != nil)
    let other = receive(Sample.incoming(branch: "z9hG4bKanotherway"))
    #expect(brief(other) == ["transmit 482"])
    #expect(try other.firstResponse?.headers.to().tag != nil)
    // Its ACK is absorbed like any other.
    #expect(receive(Sample.incoming(.ack, branch: "z9hG4bKanotherway")).isEmpty)
  }

  @Test mutating func aMergedCopyOfAnAnsweredInviteIsALoopToo() throws {
    let id = try #require(receive(Sample.incoming()).serverID)
    _ = layer.respond(Sample.incoming().response(200, toTag: "yes"), to: id, at: now)
    #expect(brief(receive(Sample.incoming(branch: "z9hG4bKanotherway"))) == ["transmit 482"])
    _ = layer.timersDue(at: Sample.moment(32))
    #expect(receive(Sample.incoming(branch: "z9hG4bKmuchlater")).serverID != nil)
  }

  @Test mutating func aRefusedRequestMayComeAgainUnderItsOldCSeq() throws {
    let register = Sample.incoming(.register)
    let id = try #require(receive(register).serverID)
    _ = layer.respond(register.response(401, toTag: "x"), to: id, at: now)
    #expect(receive(Sample.incoming(.register, branch: "z9hG4bKwithcredentials")).serverID != nil)
  }

  @Test mutating func aRequestInsideADialogIsNoMergedOne() {
    #expect(receive(Sample.incoming(.info, toTag: "d")).serverID != nil)
    #expect(receive(Sample.incoming(.info, branch: "z9hG4bKother", toTag: "d")).serverID != nil)
  }

  @Test mutating func aResponseIsMatchedByBranchAndMethod() throws {
    let (id, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: now)
    let invite = try #require(actions.firstRequest)
    var wrongMethod = invite.response(200, toTag: "x")
    wrongMethod.headers["CSeq"] = "1 BYE"
    #expect(brief(receive(wrongMethod)) == ["stray 200"])
    var wrongBranch = invite.response(200, toTag: "x")
    wrongBranch.headers["Via"] = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKguess"
    #expect(brief(receive(wrongBranch)) == ["stray 200"])
    #expect(brief(receive(invite.response(200, toTag: "x"))) == ["response 200 \(id)"])
    #expect(brief(receive(invite.response(200, toTag: "fork"))) == ["response 200 \(id)"])
  }

  @Test mutating func aResponseWithSeveralViasIsDropped() throws {
    let (_, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: now)
    var response = try #require(actions.firstRequest).response(200, toTag: "x")
    response.headers.add("Via", "SIP/2.0/UDP 203.0.113.5;branch=z9hG4bKmore")
    #expect(receive(response).isEmpty)
  }

  @Test mutating func a2xxAfterTheTransactionsEndIsStray() throws {
    let (id, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: now)
    let invite = try #require(actions.firstRequest)
    var end: [TransactionAction] = []
    while let next = layer.nextDeadline { end += layer.timersDue(at: Moment(instant: next, wall: now.wall)) }
    #expect(brief(end).suffix(2) == ["timedOut \(id)", "terminated \(id)"])
    #expect(brief(receive(invite.response(200, toTag: "late"))) == ["stray 200"])
  }

  @Test mutating func messagesWithoutUsableViaOrCSeqHarmNobody() {
    var noVia = Sample.incoming()
    noVia.headers["Via"] = nil
    #expect(receive(noVia).isEmpty)
    var badVia = Sample.incoming()
    badVia.headers["Via"] = "nonsense"
    #expect(receive(badVia).isEmpty)
    var wrongCSeq = Sample.incoming()
    wrongCSeq.headers["CSeq"] = "1 BYE"
    #expect(brief(receive(wrongCSeq)) == ["transmit 400"])
    var badAck = Sample.incoming(.ack)
    badAck.headers["CSeq"] = "x"
    #expect(receive(badAck).isEmpty)
    #expect(layer.count == 0)
  }

  private mutating func receive(_ response: Response) -> [TransactionAction] {
    layer.receive(.response(response), on: Sample.flow(), at: now)
  }
}
