import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

/// Session timers (RFC 4028), on both sides.
@Suite struct SessionTimerTests {
  // MARK: - What is settled

  /// §9, table 2.
  @Test(
    arguments: [
      // Supported, Session-Expires, Min-SE of his request → our answer
      ("timer", "1800;refresher=uac", nil, "1800;refresher=uac"),
      ("timer", "1800;refresher=uas", nil, "1800;refresher=uas"), ("timer", "1800", nil, "1800;refresher=uac"),
      ("timer", "90 ; Refresher = UAS", nil, "90;refresher=uas"), ("timer", "7200", nil, "1800;refresher=uac"),
      ("timer", "7200", "3600", "3600;refresher=uac"), ("timer", "600", "90", "600;refresher=uac"),
      ("timer", nil, nil, "1800;refresher=uas"), ("timer, 100rel", nil, "2000", "2000;refresher=uas"),
      // A proxy has asked for one.
      ("100rel", "1200", nil, "1200;refresher=uas"), (nil, "1200;refresher=uac", nil, "1200;refresher=uas"),
      (nil, "10", nil, "90;refresher=uas"), (nil, "99999999999999999999", nil, "1800;refresher=uas"),
      (nil, nil, nil, nil), (nil, "soon", nil, nil),
    ] as [(String?, String?, String?, String?)])
  func `as called`(supported: String?, expires: String?, minimum: String?, answer: String?) {
    let fields =
      [("Supported", supported), ("Session-Expires", expires), ("Min-SE", minimum)] as [(HeaderName, String?)]
    let headers = Headers(fields.compactMap { name, value in value.map { (name, $0) } })
    #expect(SessionTimer(answering: headers, current: nil)?.response == answer)
  }

  @Test(arguments: [
    ("1800;refresher=uac", 1800, true), ("90;refresher=uas", 90, false), ("600", 600, true), ("1", 20, true),
    ("5000000000;refresher=uas", 86_400, false),
  ])
  func `as caller`(answer: String, seconds: Int, isRefresher: Bool) throws {
    let timer = try #require(SessionTimer(answer: Headers([("Session-Expires", answer)])))
    #expect(timer.interval == seconds && timer.isRefresher == isRefresher)
  }

  @Test func `when`() throws {
    let long = try #require(SessionTimer(answer: Headers([("Session-Expires", "1800")])))
    #expect(long.refreshAfter == .seconds(900) && long.endAfter == .seconds(1768))
    let short = try #require(SessionTimer(answer: Headers([("x", "90")])))
    #expect(short.refreshAfter == .seconds(45) && short.endAfter == .seconds(60))
  }

  // MARK: - As called

  /// A talk whose timer is as `expires` says.
  private func incoming(
    _ bed: inout TestBed, _ expires: String?, allow: String? = nil, supported: Bool = true
  ) throws -> (LegID, to: String, ok: Response) {
    let extra =
      [expires.map { "Session-Expires: \($0)" }, allow.map { "Allow: \($0)" }, supported ? "Supported: timer" : nil]
      .compactMap { $0 }
    let actions = try bed.receive(TestBed.request("INVITE", branch: "inv", extra: extra), sdp)
    let leg = try #require(actions.legs.first)
    let ok = try #require(bed.handle(.answer(leg, sdp: otherSDP)).responses.first)
    let to = ok.headers["To"] ?? ""
    _ = try bed.receive(TestBed.request("ACK", branch: "ack", to: to))
    return (leg, to, ok)
  }

  @Test func `too small: 422 with our Min-SE, but only who knows of timers gets it`() throws {
    var bed = TestBed()
    let refused = try bed.receive(
      TestBed.request("INVITE", branch: "i", extra: ["x: 60", "k: timer"]), sdp)
    #expect(refused.statuses == [422])
    #expect(refused.responses[0].headers["Min-SE"] == "90")
    #expect(refused.legs == [])
    let (leg, to, ok) = try incoming(&bed, "60", supported: false)
    #expect(ok.headers["Session-Expires"] == "90;refresher=uas")
    #expect(!ok.headers.has("Require"))
    for (index, method) in ["INVITE", "UPDATE"].enumerated() {
      let small = try bed.receive(
        TestBed.request(
          method, branch: "s\(index)", to: to, cseq: 2 + index, extra: ["Session-Expires: 89", "Supported: timer"]), sdp
      )
      #expect(small.statuses == [422])
      #expect(small.events(of: leg) == [])
    }
  }

  @Test func `what the peer does not refresh we refresh shortly before the end, and only his silence ends it`() throws {
    var bed = TestBed()
    let (leg, to, ok) = try incoming(&bed, "1800")
    #expect(ok.headers["Session-Expires"] == "1800;refresher=uac")
    #expect(ok.headers["Require"] == "timer")
    #expect(bed.pass(.seconds(1700)).messages == [])
    let update = try bed.receive(
      TestBed.request(
        "UPDATE", branch: "u", to: to, cseq: 2, extra: ["Session-Expires: 100;refresher=uac", "Supported: timer"]))
    #expect(update.statuses == [200])
    #expect(update.responses[0].headers["Session-Expires"] == "100;refresher=uac")
    #expect(bed.pass(.milliseconds(67_999)).messages == [])
    let ours = bed.pass(.milliseconds(1))
    #expect(ours.methods == [.invite])
    #expect(ours.requests[0].headers["Session-Expires"] == "100;refresher=uac")
    #expect(ours.notes == [.sessionExpired(leg)])
    #expect(bed.reply(200, to: ours.requests[0], body: sdp).events(of: leg) == [])
    // He lives, and the work is ours from now on.
    let next = bed.pass(.seconds(50))
    #expect(next.methods == [.invite] && next.notes == [])
    let end = bed.pass(.seconds(32))
    #expect(end.methods.last == .bye)
    #expect(end.requests.last?.headers["Reason"] == "Q.850;cause=102;text=\"Recovery on timer expiry\"")
    #expect(end.events(of: leg) == [.ended(.recoveryOnTimerExpiry)])
    bed.expectClean()
  }

  @Test func `his re-INVITE refreshes too`() throws {
    var bed = TestBed()
    let (leg, to, _) = try incoming(&bed, "90;refresher=uac")
    for index in 0..<5 {
      #expect(bed.pass(.seconds(50)).messages == [])
      let cseq = 2 + index
      let offered = try bed.receive(
        TestBed.request(
          "INVITE", branch: "r\(index)", to: to, cseq: cseq,
          extra: ["Session-Expires: 90;refresher=uac", "Supported: timer"]), sdp)
      #expect(offered.events(of: leg) == [.offered(sdp)])
      let ok = bed.handle(.answerOffer(leg, sdp: otherSDP))
      #expect(ok.responses.map { $0.headers["Session-Expires"] } == ["90;refresher=uac"])
      _ = try bed.receive(TestBed.request("ACK", branch: "a\(index)", to: to, cseq: cseq))
    }
    #expect(bed.pass(.seconds(60)).methods == [.invite])
  }

  @Test func `we refresh by UPDATE where he allows it`() throws {
    var bed = TestBed()
    let (leg, _, ok) = try incoming(&bed, "100;refresher=uas", allow: "INVITE, UPDATE")
    #expect(ok.headers["Session-Expires"] == "100;refresher=uas")
    for _ in 0..<3 {
      #expect(bed.pass(.milliseconds(49_999)).messages == [])
      let refresh = bed.pass(.milliseconds(1))
      #expect(refresh.methods == [.update])
      let update = refresh.requests[0]
      #expect(update.body == [])
      #expect(update.headers["Session-Expires"] == "100;refresher=uac")
      #expect(update.headers["Supported"] == "timer")
      #expect(update.headers.has("Contact"))
      #expect(bed.reply(200, to: update, extra: [("Session-Expires", "100;refresher=uac")]) == [])
    }
    #expect(bed.agent.legs[leg] != nil)
    // He takes the work over, and does not do it.
    let last = try #require(bed.pass(.seconds(50)).requests.first)
    _ = bed.reply(200, to: last, extra: [("Session-Expires", "90;refresher=uas")])
    #expect(bed.pass(.seconds(59)).messages == [])
    #expect(bed.pass(.seconds(1)).methods == [.update])
  }

  @Test func `else by a re-INVITE with the same description, of which nobody is told`() throws {
    var bed = TestBed()
    let (leg, _, _) = try incoming(&bed, "100;refresher=uas")
    for _ in 0..<2 {
      let refresh = bed.pass(.seconds(50))
      #expect(refresh.methods == [.invite])
      let invite = refresh.requests[0]
      #expect(invite.body == otherSDP)
      #expect(invite.headers["Session-Expires"] == "100;refresher=uac")
      let answered = bed.reply(200, to: invite, body: sdp, extra: [("Session-Expires", "100;refresher=uac")])
      #expect(answered.methods == [.ack])
      #expect(answered.events(of: leg) == [])
    }
    // What he changes with it is told.
    let invite = try #require(bed.pass(.seconds(50)).requests.first)
    #expect(bed.reply(200, to: invite, body: otherSDP).events(of: leg) == [.offerAnswered(otherSDP)])
    // Without Session-Expires in his answer we go on as before.
    #expect(bed.pass(.seconds(50)).methods == [.invite])
  }

  @Test(arguments: [true, false], [491, 500, 503, 504])
  func `a refusal of a refresh never ends the talk: again`(isUpdate: Bool, status: Int) throws {
    var bed = TestBed()
    let (leg, _, _) = try incoming(&bed, "600;refresher=uas", allow: isUpdate ? "UPDATE" : nil)
    var refresh = try #require(bed.pass(.seconds(300)).requests.first)
    for _ in 0..<20 {
      let refused = bed.reply(status, to: refresh, extra: [("Retry-After", "5")])
      #expect(refused.events(of: leg) == [])
      #expect(refused.methods == (isUpdate ? [] : [.ack]))
      #expect(bed.pass(.milliseconds(1900)).methods == [])
      let again = bed.pass(.milliseconds(3100)).requests
      #expect(again.map(\.method) == [isUpdate ? .update : .invite])
      refresh = try #require(again.first)
    }
  }

  @Test(arguments: [true, false], [408, 481, nil])
  func `no answer, 408 and 481 end it`(isUpdate: Bool, status: Int?) throws {
    var bed = TestBed()
    let (leg, _, _) = try incoming(&bed, "600;refresher=uas", allow: isUpdate ? "UPDATE" : nil)
    let refresh = try #require(bed.pass(.seconds(300)).requests.first)
    let end = status.map { bed.reply($0, to: refresh) } ?? bed.pass(.seconds(32))
    #expect(end.methods.last == .bye)
    #expect(end.requests.last?.headers.has("Reason") == true)
    #expect(end.events(of: leg) == [.ended(Cause(sipStatus: status ?? 408))])
    bed.expectClean()
  }

  @Test(arguments: [405, 420, 488, 501]) func `a peer who does not know UPDATE after all gets a re-INVITE`(status: Int)
    throws
  {
    var bed = TestBed()
    _ = try incoming(&bed, "600;refresher=uas", allow: "UPDATE")
    let update = try #require(bed.pass(.seconds(300)).requests.first)
    #expect(bed.reply(status, to: update).methods == [.invite])
  }

  @Test(arguments: [true, false]) func `a refresh that wants longer intervals`(isUpdate: Bool) throws {
    var bed = TestBed()
    _ = try incoming(&bed, "100;refresher=uas", allow: isUpdate ? "UPDATE" : nil)
    let refresh = try #require(bed.pass(.seconds(50)).requests.first)
    let again = bed.reply(422, to: refresh, extra: [("Min-SE", "300")]).requests.last
    #expect(again?.headers["Session-Expires"] == "300;refresher=uac")
    #expect(again?.headers["Min-SE"] == "300")
  }

  @Test func `a refresh waits for a request that is under way`() throws {
    var bed = TestBed()
    let (leg, to, _) = try incoming(&bed, "100;refresher=uas")
    _ = bed.pass(.seconds(49))
    #expect(
      try bed.receive(TestBed.request("INVITE", branch: "r", to: to, cseq: 2), sdp).events(of: leg) == [.offered(sdp)])
    #expect(bed.pass(.seconds(2)).methods == [])
    let ok = bed.handle(.answerOffer(leg, sdp: otherSDP))
    // His re-INVITE says nothing of timers, and yet he may count on us.
    #expect(!ok.responses[0].headers.has("Session-Expires"))
    _ = try bed.receive(TestBed.request("ACK", branch: "ra", to: to, cseq: 2))
    #expect(bed.pass(.milliseconds(49_999)).methods == [])
    #expect(bed.pass(.milliseconds(1)).methods == [.invite])
  }

  // MARK: - As caller

  @Test func `we offer 1800, and 422 is met`() throws {
    var bed = TestBed()
    let (leg, invite) = try bed.outgoing()
    #expect(invite.headers["Session-Expires"] == "1800")
    #expect(invite.headers.lists("timer", in: "Supported"))
    let again = bed.reply(422, to: invite, extra: [("Min-SE", "3600")])
    #expect(again.methods == [.ack, .invite])
    let second = again.requests[1]
    #expect(second.headers["Session-Expires"] == "3600")
    #expect(second.headers["Min-SE"] == "3600")
    #expect(second.headers["CSeq"] == "2 INVITE")
    #expect(second.headers["Call-ID"] == invite.headers["Call-ID"])
    #expect(try second.headers.to().tag == nil)
    // The same demand again is none that can be met.
    #expect(bed.reply(422, to: second, extra: [("Min-SE", "3600")]).events(of: leg).count == 1)
  }

  @Test func `both peers' silence is ended by the timer`() throws {
    for refresher in ["uac", "uas"] {
      var bed = TestBed()
      let (leg, invite) = try bed.outgoing()
      _ = bed.reply(200, to: invite, body: otherSDP, extra: [("Session-Expires", "1800;refresher=\(refresher)")])
      let actions = bed.pass(.seconds(1840))
      #expect(actions.methods.filter { $0 == .bye }.isEmpty == false)
      #expect(actions.events(of: leg).count == 1)
      bed.expectClean()
    }
  }

  @Test func `a peer without session timers is not bothered`() throws {
    var bed = TestBed()
    let (leg, _, _) = try bed.establishedOutgoing()
    #expect(bed.pass(.seconds(7200)).messages == [])
    #expect(bed.agent.legs[leg] != nil)
  }
}
