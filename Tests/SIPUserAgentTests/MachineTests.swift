import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct MachineTests {
  private let start = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 0))
  private let transaction = ServerTransactionID(rawValue: 1)

  private func pendingAnswer(carriesOffer: Bool = false) -> PendingAnswer {
    PendingAnswer(
      Response(200), transaction: transaction, number: 1, carriesOffer: carriesOffer, timers: .rfc3261,
      at: start.instant)
  }

  /// §13.3.1.4: "an interval that starts at T1 seconds and doubles for each retransmission until it reaches T2", 64*T1.
  @Test func `the 2xx is repeated on the RFC's beat`() {
    var answer = pendingAnswer()
    var now = answer.firstRepeat
    var beats = [now]
    while case .repeat(let next) = answer.timerDue(at: now) {
      now = next
      beats.append(now)
    }
    let seconds = beats.map { ($0 - start.instant).inSeconds }
    #expect(seconds == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5, 32])
  }

  // MARK: - InviteServerSession

  @Test func `a call answered and acknowledged`() {
    var session = InviteServerSession(leg: LegID(rawValue: 1))
    let ringing = InviteServerSession.Progress(status: 180, body: nil)
    #expect(
      session.handle(.progress(ringing), at: start)
        == [.respond(ringing), .setProgressTimer(start.instant + .seconds(60))])
    #expect(
      session.handle(.repeatProgressDue, at: start + .seconds(60))
        == [.respond(ringing), .setProgressTimer(start.instant + .seconds(120))])
    let answer = pendingAnswer()
    #expect(
      session.handle(.answer(answer), at: start)
        == [.stopProgressTimer, .sendAnswer(answer), .setAnswerTimer(answer.firstRepeat)])
    #expect(session.handle(.progress(ringing), at: start) == [])
    #expect(session.handle(.cancelled(.normalClearing), at: start) == [])
    #expect(session.handle(.ack(number: 2, sdp: nil), at: start) == [])
    #expect(
      session.handle(.ack(number: 1, sdp: nil), at: start) == [.stopAnswerTimer, .event(.established), .established])
    #expect(session.state == .over)
  }

  @Test func `an answer with our offer brings his in the ACK`() {
    var session = InviteServerSession(leg: LegID(rawValue: 1))
    _ = session.handle(.answer(pendingAnswer(carriesOffer: true)), at: start)
    #expect(
      session.handle(.ack(number: 1, sdp: sdp), at: start)
        == [.stopAnswerTimer, .event(.offerAnswered(sdp)), .event(.established), .established])
  }

  @Test func `released before the ACK, the BYE waits for it`() {
    var session = InviteServerSession(leg: LegID(rawValue: 1))
    _ = session.handle(.answer(pendingAnswer()), at: start)
    #expect(session.handle(.release(.normalClearing, status: 480), at: start) == [])
    #expect(session.handle(.release(.normalClearing, status: 480), at: start) == [])
    #expect(
      session.handle(.ack(number: 1, sdp: nil), at: start)
        == [.stopAnswerTimer, .bye(.normalClearing), .event(.ended(.normalClearing)), .end])
  }

  @Test(arguments: [
    (InviteServerSession.Input.release(.userBusy, status: 486), 486, Cause.userBusy),
    (.cancelled(.answeredElsewhere), 487, .answeredElsewhere), (.bye(.normalClearing), 487, .normalClearing),
  ])
  func `ways to end an unanswered call`(input: InviteServerSession.Input, status: Int, cause: Cause) {
    var session = InviteServerSession(leg: LegID(rawValue: 1))
    #expect(
      session.handle(input, at: start)
        == [.stopProgressTimer, .refuse(status: status, cause), .event(.ended(cause)), .end])
    #expect(session.handle(input, at: start) == [])
  }

  // MARK: - OfferState

  private func request(_ method: Method, _ body: [UInt8] = sdp) throws -> Request {
    var request = Request(method, try SIPURI("sip:x@192.0.2.1"), body: body)
    if !body.isEmpty { request.headers.add("Content-Type", "application/sdp") }
    return request
  }

  private func accepted(_ body: [UInt8] = otherSDP) -> Response {
    var response = Response(200, body: body)
    response.headers.add("Content-Type", "application/sdp")
    return response
  }

  @Test func `our offers go one after the other, only the newest waits`() {
    var state = OfferState()
    #expect(state.handle(.offer([1]), at: start) == [.sendInvite(sdp: [1])])
    #expect(state.handle(.offer([2]), at: start) == [])
    #expect(state.handle(.offer([3]), at: start) == [])
    #expect(state.handle(.response(Response(100)), at: start) == [])
    #expect(
      state.handle(.response(accepted()), at: start) == [.event(.offerAnswered(otherSDP)), .sendInvite(sdp: [3])])
    #expect(state.handle(.response(Response(488)), at: start) == [.event(.offerRefused(status: 488))])
    #expect(state.state == .stable)
  }

  @Test func `glare: 491 to him, and ours again after a pause`() throws {
    var state = OfferState()
    let invite = try request(.invite)
    _ = state.handle(.offer([1]), at: start)
    #expect(
      state.handle(.peerOffers(transaction, invite), at: start)
        == [.refuse(transaction, invite, status: 491, isLater: false)])
    #expect(state.handle(.response(Response(491)), at: start) == [.pause])
    // Meanwhile his own offer gets through.
    #expect(state.handle(.peerOffers(transaction, invite), at: start) == [.event(.offered(sdp))])
    #expect(state.handle(.pauseOver, at: start) == [])
    let answer = pendingAnswer()
    #expect(
      state.handle(.answer(sdp: [9]), at: start)
        == [.accept(transaction, invite, sdp: [9], carriesOffer: false)])
    #expect(state.handle(.sentAnswer(answer), at: start) == [.setAnswerTimer(answer.firstRepeat)])
    #expect(state.handle(.ack(number: 1, sdp: nil), at: start) == [.stopAnswerTimer, .sendInvite(sdp: [1])])
  }

  @Test func `a peer that answers 491 for ever is left alone`() {
    var state = OfferState()
    var offers = 0
    var actions = state.handle(.offer([1]), at: start)
    while actions == [.sendInvite(sdp: [1])] {
      offers += 1
      actions = state.handle(.response(Response(491)), at: start)
      if actions == [.pause] { actions = state.handle(.pauseOver, at: start) }
    }
    #expect(actions == [.event(.offerRefused(status: 491))])
    #expect(offers == 11)
  }

  @Test func `his second offer before our answer gets 500 and Retry-After`() throws {
    var state = OfferState()
    let update = try request(.update)
    _ = state.handle(.peerOffers(transaction, try request(.invite)), at: start)
    let second = ServerTransactionID(rawValue: 2)
    #expect(
      state.handle(.peerOffers(second, update), at: start) == [.refuse(second, update, status: 500, isLater: true)])
  }

  @Test func `an UPDATE is over with its 200, an empty INVITE with the answer in its ACK`() throws {
    var state = OfferState()
    let update = try request(.update)
    _ = state.handle(.peerOffers(transaction, update), at: start)
    #expect(
      state.handle(.answer(sdp: [9]), at: start)
        == [.accept(transaction, update, sdp: [9], carriesOffer: false)])
    #expect(state.state == .stable)
    let empty = try request(.invite, [])
    #expect(state.handle(.peerOffers(transaction, empty), at: start) == [.event(.offered(nil))])
    #expect(
      state.handle(.answer(sdp: [9]), at: start) == [.accept(transaction, empty, sdp: [9], carriesOffer: true)])
    _ = state.handle(.sentAnswer(pendingAnswer(carriesOffer: true)), at: start)
    #expect(
      state.handle(.ack(number: 1, sdp: otherSDP), at: start)
        == [.stopAnswerTimer, .event(.offerAnswered(otherSDP))])
  }

  @Test func `refused, cancelled, released`() throws {
    let invite = try request(.invite)
    for (input, status) in [
      (OfferState.Input.refuse(status: 488), 488), (.cancelled(transaction), 487), (.release, 487),
    ] {
      var state = OfferState()
      _ = state.handle(.peerOffers(transaction, invite), at: start)
      let actions = state.handle(input, at: start)
      #expect(actions.first == .refuse(transaction, invite, status: status, isLater: false))
      #expect(state.handle(.answer(sdp: [9]), at: start) == [])
    }
  }

  @Test(arguments: [408, 481])
  func `a re-INVITE that finds no dialog ends ours`(status: Int) {
    var state = OfferState()
    _ = state.handle(.offer([1]), at: start)
    #expect(
      state.handle(.response(Response(status)), at: start) == [.stopPause, .dialogLost(Cause(sipStatus: status))])
    #expect(state.handle(.offer([2]), at: start) == [])
  }

  // MARK: - Reason

  @Test(arguments: [
    ("Q.850;cause=16;text=\"Normal call clearing\"", Cause.normalClearing as Cause?),
    ("SIP;cause=200;text=\"Call completed elsewhere\"", .answeredElsewhere), ("SIP ;cause=486", .userBusy),
    ("SIP;cause=600, Q.850;cause=17", .userBusy), ("SIP;cause=404, Q.850;cause=27", .destinationOutOfOrder),
    ("q.850 ; CAUSE = 19", .noAnswer), ("Q.850;cause=128", nil), ("Q.850;cause=0", nil), ("Q.850", nil),
    ("preemption;cause=1", nil), ("Q.850;cause=99999999999999999999", nil), ("SIP;cause=99", nil), ("", nil),
    ("Q.850;text=\"a;cause=3\";cause=16", .normalClearing),
    ("Q.850;text=\"a;cause=3;b\";cause=16", .normalClearing),
    ("SIP;text=\"no, Q.850;cause=1, none\";cause=603, X;cause=5", .callRejected),
    ("Q.850;text=\"\\\";cause=1;\";cause=17", .userBusy),
  ])
  func `Reason headers`(value: String, expected: Cause?) {
    #expect(Headers([("Reason", value)]).reasonCause == expected)
  }

  @Test func `answered elsewhere has RFC 3326's own words`() {
    #expect(Cause.answeredElsewhere.releaseReason == "SIP;cause=200;text=\"Call completed elsewhere\"")
    #expect(Cause.normalClearing.releaseReason == "Q.850;cause=16;text=\"Normal call clearing\"")
  }

  // MARK: - Bodies

  @Test func `SDP is found beside other parts`() {
    let body =
      "--x\r\nContent-Type: application/isup\r\n\r\nabc\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=-\r\n--x--\r\n"
    var request = Request(
      .invite, SIPURI(host: "h"), headers: Headers([("Content-Type", "multipart/mixed;boundary=\"x\"")]))
    request.body = Array(body.utf8)
    #expect(request.sdp.map { String(decoding: $0, as: UTF8.self) } == "v=0\r\ns=-\r\n")
    #expect(!request.hasForeignBody)
    request.headers["Content-Type"] = "multipart/mixed"
    #expect(request.sdp == nil)
    #expect(request.hasForeignBody)
    request.headers["Content-Disposition"] = "signal;handling=optional"
    #expect(!request.hasForeignBody)
  }

  // MARK: - Who is it

  @Test func `several trunks at one address`() throws {
    let address = [Network(endpoint("192.0.2.9:1").address)]
    let directory = PeerDirectory(
      UserAgentSettings(trunks: [
        TrunkPeer(name: "C", addresses: address, numbers: ["+41445550000"], contactUser: "token"),
        TrunkPeer(name: "B", addresses: address),
        TrunkPeer(name: "A", addresses: address, ports: [5060, 5070]),
        TrunkPeer(name: "D", addresses: [Network(endpoint("198.51.100.0:1").address, prefixLength: 24)]),
      ]))
    let cases: [(String, String, [String], Bool)] = [
      ("192.0.2.9:5070", "0041445550000", ["A", "C", "B"], false),
      ("192.0.2.9:5070", "799", ["A", "B", "C"], false),
      ("192.0.2.9:5999", "0041445550000", ["C", "A", "B"], false),
      ("192.0.2.9:5999", "799", ["A", "B", "C"], true),
      ("198.51.100.200:1", "799", ["D"], false), ("198.51.101.1:1", "799", [], false),
    ]
    for (source, called, names, isAmbiguous) in cases {
      let found = directory.trunks(callingFrom: endpoint(source), called: [called])
      #expect(found.names == names)
      #expect(found.isAmbiguous == isAmbiguous, "\(source) \(called)")
    }
    let secure = PeerDirectory(
      UserAgentSettings(trunks: [TrunkPeer(name: "T", addresses: address, isSecure: true)]))
    let source = endpoint("192.0.2.9:5061")
    #expect(secure.trunks(callingFrom: source, by: .tls, called: []).names == ["T"])
    #expect(secure.trunks(callingFrom: source, by: .udp, called: []).names == [])
    #expect(directory.trunk(ofContact: "token") == "C")
    #expect(directory.trunk(ofContact: "799") == nil)
    #expect(directory.trunk(ofContact: nil) == nil)
  }
}
