import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// RFC 3261 §9, both ways, and its races.
@Suite struct CancelTests {
  /// A phone that rings, and answers a CANCEL with 487.
  static func ringing(_ action: TransactionAction, _ party: TransactionParty, _ now: Moment) -> [TransactionAction] {
    switch action {
    case .request(let request, let id, _):
      return party.layer.respond(request.response(180, toTag: "phone"), to: id, at: now)
    case .cancelled(let id, let cancel):
      var response = cancel.response(487, toTag: "phone")
      response.headers["CSeq"] = "1 INVITE"
      return party.layer.respond(response, to: id, at: now)
    default:
      return []
    }
  }

  @Test func aRingingPhoneIsCancelled() throws {
    let pair = Pair(.local, phone: Self.ringing)
    let id = pair.send(Sample.bare())
    pair.network.at(.seconds(3)) { pair.cancel(id) }
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(goldenMismatch(pair.network.ladder, name: "transaction/cancel-ringing") == nil)
    #expect(pair.pikett.story == ["response 180 c1", "response 487 c1", "terminated c1"])
    #expect(pair.phone.story == ["request INVITE s1", "cancelled s1", "terminated s1", "terminated s2"])
  }

  @Test func theCancelWaitsForTheFirstProvisional() throws {
    let pair = Pair(.local)
    pair.phone.react = { action, party, now in
      if case .cancelled = action { Self.ringing(action, party, now) } else { [] }
    }
    let id = pair.send(Sample.bare())
    pair.network.at(.milliseconds(50)) { pair.cancel(id) }
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(goldenMismatch(pair.network.ladder, name: "transaction/cancel-before-provisional") == nil)
    #expect(pair.times(of: "CANCEL sip:") == ["0.220"])
  }

  @Test func aPhoneThatNeverAnswersGetsNoCancel() throws {
    let pair = Pair(.dead)
    let id = pair.send(Sample.bare())
    pair.cancel(id)
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.times(of: "CANCEL") == [])
    #expect(pair.pikett.story == ["timedOut c1", "terminated c1"])
  }

  /// The TU has given up after timer B; a phone that rings only now would ring on.
  @Test(arguments: [nil, "SIP;cause=200"]) func aPhoneThatRingsTooLateIsCancelled(reason: String?) throws {
    var layer = Sample.layer()
    let (id, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: Sample.moment(0))
    let invite = try #require(actions.firstRequest)
    if let reason { #expect(layer.cancel(id, reason: reason, at: Sample.moment(1)).isEmpty) }
    #expect(brief(layer.timersDue(at: Sample.moment(40))).suffix(1) == ["timedOut \(id)"])
    func receive(_ status: Int, at seconds: Double) -> [TransactionAction] {
      layer.receive(.response(invite.response(status, toTag: "x")), on: Sample.flow(), at: Sample.moment(seconds))
    }
    let late = receive(180, at: 50)
    #expect(brief(late) == ["transmit CANCEL"])
    #expect(late.firstRequest?.headers["Reason"] == reason ?? "SIP;cause=408;text=\"Request Timeout\"")
    #expect(brief(receive(183, at: 50.1)).isEmpty)
    #expect(brief(receive(487, at: 50.2)) == ["transmit ACK"])
    _ = layer.timersDue(at: Sample.moment(100))
    #expect(layer.count == 0)
  }

  @Test func a2xxAfterTimerBGoesToTheTU() throws {
    var layer = Sample.layer()
    let (id, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: Sample.moment(0))
    let invite = try #require(actions.firstRequest)
    _ = layer.timersDue(at: Sample.moment(40))
    let late = layer.receive(
      .response(invite.response(200, toTag: "x")), on: Sample.flow(), at: Sample.moment(41))
    #expect(brief(late) == ["response 200 \(id)"])
  }

  @Test func a2xxThatCrossesTheCancelWins() throws {
    let pair = Pair(.local, phone: Self.ringing)
    let id = pair.send(Sample.bare())
    var answered: Response?
    pair.network.at(.seconds(3)) {
      pair.cancel(id)
      // The phone is lifted while the CANCEL is under way.
      guard case .request(let request, let server, _) = pair.phone.events[0].action else { return }
      let ok = request.response(200, toTag: "phone")
      answered = ok
      pair.answer(server, ok)
    }
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(goldenMismatch(pair.network.ladder, name: "transaction/cancel-crosses-200") == nil)
    #expect(answered != nil)
    #expect(pair.pikett.story == ["response 180 c1", "response 200 c1", "terminated c1"])
    // The phone's TU never hears of the CANCEL: it was answered already.
    #expect(pair.phone.story == ["request INVITE s1", "terminated s1", "terminated s2"])
  }

  @Test func aFinalResponseBeforeTheCancelMayGoMakesItNeedless() throws {
    var layer = Sample.layer()
    let (id, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: Sample.moment(0))
    let invite = try #require(actions.firstRequest)
    #expect(layer.cancel(id, reason: nil, at: Sample.moment(0.1)).isEmpty)
    let final = layer.receive(
      .response(invite.response(486, toTag: "x")), on: Sample.flow(), at: Sample.moment(0.2))
    #expect(brief(final) == ["transmit ACK", "response 486 \(id)"])
    #expect(layer.cancel(id, reason: nil, at: Sample.moment(0.3)).isEmpty)
  }

  @Test func aPeerThatIgnoresTheCancelIsGivenUpAfter64T1() throws {
    let pair = Pair(.local)
    pair.phone.react = { action, party, now in
      if case .cancelled = action { [] } else { Self.ringing(action, party, now) }
    }
    let id = pair.send(Sample.bare())
    pair.network.at(.seconds(60)) { pair.cancel(id) }
    try pair.network.run(until: .seconds(200))
    #expect(pair.pikett.story == ["response 180 c1", "timedOut c1", "terminated c1"])
    #expect(pair.pikett.events[1].time.nanoseconds == 92_000_000_000)
    #expect(pair.pikett.layer.count == 0)
  }

  @Test func theCancelIsRepeatedUntilItIsAnswered() throws {
    let pair = Pair(.local, phone: Self.ringing)
    let id = pair.send(Sample.bare())
    pair.network.at(.seconds(3)) {
      pair.network.setConditions(.dead, from: "Pikett", to: "Phone")
      pair.cancel(id)
    }
    pair.network.at(.milliseconds(4400)) { pair.network.setConditions(.local, from: "Pikett", to: "Phone") }
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.times(of: "CANCEL sip:") == ["3.000", "3.500", "4.500"])
    #expect(pair.pikett.story == ["response 180 c1", "response 487 c1", "terminated c1"])
  }

  @Test func cancelIsForTheInviteAlone() {
    var layer = Sample.layer()
    let (id, _) = layer.send(Sample.bare(.message), on: Sample.flow(), at: Sample.moment(0))
    #expect(layer.cancel(id, reason: nil, at: Sample.moment(1)).isEmpty)
    #expect(layer.cancel(ClientTransactionID(rawValue: 99), reason: nil, at: Sample.moment(1)).isEmpty)
  }

  // Incoming.

  @Test func aMatchingCancelIsAnsweredAndReportedOnce() throws {
    var layer = Sample.layer()
    let now = Sample.moment(0)
    let id = try #require(layer.receive(.request(Sample.incoming()), on: Sample.flow(), at: now).serverID)
    _ = layer.respond(Sample.incoming().response(180, toTag: "ours"), to: id, at: now)
    let cancel = Sample.incoming(.cancel)
    let actions = layer.receive(.request(cancel), on: Sample.flow(), at: now)
    #expect(brief(actions) == ["transmit 200", "cancelled \(id)"])
    #expect(try actions.firstResponse?.headers.to().tag == "ours")
    #expect(actions.firstResponse?.headers["CSeq"] == "1 CANCEL")
    #expect(brief(layer.receive(.request(cancel), on: Sample.flow(), at: now)) == ["transmit 200"])
    // The 487 and its ACK go through the INVITE's own transaction.
    let refused = layer.respond(Sample.incoming().response(487, toTag: "ours"), to: id, at: now)
    #expect(brief(refused) == ["transmit 487"])
    #expect(layer.receive(.request(Sample.incoming(.ack, toTag: "ours")), on: Sample.flow(), at: now).isEmpty)
  }

  @Test func aCancelOfNothingGets481() throws {
    var layer = Sample.layer()
    let actions = layer.receive(.request(Sample.incoming(.cancel)), on: Sample.flow(), at: Sample.moment(0))
    #expect(brief(actions) == ["transmit 481"])
  }

  @Test(arguments: ["branch", "sent-by", "call", "number", "source"])
  func aCancelThatIsNotTheInvitesOwnGets481(what: String) throws {
    var layer = Sample.layer()
    let now = Sample.moment(0)
    _ = layer.receive(.request(Sample.incoming()), on: Sample.flow(), at: now)
    let cancel =
      switch what {
      case "branch": Sample.incoming(.cancel, branch: "z9hG4bKother")
      case "sent-by": Sample.incoming(.cancel, via: "198.51.100.9")
      case "call": Sample.incoming(.cancel, callID: "other")
      case "number": Sample.incoming(.cancel, number: 2)
      default: Sample.incoming(.cancel)
      }
    let stranger = try #require(Endpoint("203.0.113.66:5060"))
    let flow = what == "source" ? Sample.flow(from: stranger) : Sample.flow()
    #expect(brief(layer.receive(.request(cancel), on: flow, at: now)) == ["transmit 481"])
  }

  @Test func anRFC2543CancelIsMatchedByItsFields() throws {
    var layer = Sample.layer()
    let now = Sample.moment(0)
    let id = try #require(
      layer.receive(.request(Sample.incoming(branch: nil)), on: Sample.flow(), at: now).serverID)
    let actions = layer.receive(.request(Sample.incoming(.cancel, branch: nil)), on: Sample.flow(), at: now)
    #expect(brief(actions) == ["transmit 200", "cancelled \(id)"])
  }

  @Test(arguments: [200, 486]) func aCancelAfterTheFinalResponseChangesNothing(status: Int) throws {
    var layer = Sample.layer()
    let now = Sample.moment(0)
    let id = try #require(layer.receive(.request(Sample.incoming()), on: Sample.flow(), at: now).serverID)
    _ = layer.respond(Sample.incoming().response(status, toTag: "ours"), to: id, at: now)
    let actions = layer.receive(.request(Sample.incoming(.cancel)), on: Sample.flow(), at: now)
    #expect(brief(actions) == ["transmit 200"])
  }
}
