import SIPMessage
import SIPTransaction
import Telephony

/// Reliable provisional responses (RFC 3262) and offers within early dialogs (RFC 3311).
extension UserAgent {
  // MARK: - Our INVITE

  /// PRACK for a reliable response that is the next of its dialog.
  mutating func acknowledgeReliable(_ id: LegID, _ response: Response, at now: Moment) {
    guard response.headers.lists("100rel", in: "Require"), let number = response.headers.reliableNumber,
      let cseq = try? response.headers.cseq(), let leg = legs[id],
      let dialog = Dialog(calling: leg.invite.uri, response: response, flow: leg.flow)?.id
    else { return }
    sendPRACK(
      id, Prack(dialog: dialog, rack: RAck(number: number, cseq: cseq), authentication: leg.authentication), at: now)
  }

  private mutating func sendPRACK(_ id: LegID, _ prack: Prack, at now: Moment) {
    var prack = prack
    guard let leg = legs[id], let index = leg.earlyIndex(of: prack.dialog),
      var request = legs[id]?.earlyDialogs[index].dialog.request(.prack)
    else { return }
    request.headers.add("RAck", prack.rack.description)
    request.headers.add("User-Agent", settings.userAgentName)
    if let sessionID = leg.sessionID { request.headers.add("Session-ID", sessionID) }
    if prack.authentication.hasAnswers {
      prack.authentication.authorize(&request, functions: functions, random: random)
    }
    send(request, on: leg.earlyDialogs[index].dialog.flow, for: .prack(id, prack), at: now)
  }

  mutating func prackAnswered(_ id: LegID, _ prack: Prack, _ response: Response, at now: Moment) {
    guard response.status == 401 || response.status == 407 else { return }
    var prack = prack
    if prack.authentication.take(response) == nil { sendPRACK(id, prack, at: now) }
  }

  // MARK: - The peer's INVITE

  mutating func receivePRACK(_ id: LegID, _ request: Request, _ transaction: ServerTransactionID, at now: Moment) {
    guard let leg = legs[id] else { return }
    if case .called = leg.phase { return called(id, .prack(transaction, request), at: now) }
    // The call was answered before the PRACK had come.
    let isLate = leg.latePRACK != nil && RAck(request.headers) == leg.latePRACK
    if isLate { legs[id]?.latePRACK = nil }
    respond(legResponse(isLate ? 200 : 481, to: request, leg, body: nil), transaction, at: now)
  }

  /// - Parameter hasDescribed: true if the response that is acknowledged holds our session description.
  mutating func acceptPRACK(
    _ id: LegID, _ transaction: ServerTransactionID, _ prack: Request, hasDescribed: Bool, at now: Moment
  ) {
    legs[id]?.latePRACK = nil
    guard let leg = legs[id] else { return }
    guard let sdp = prack.sdp else {
      return respond(legResponse(200, to: prack, leg, body: nil), transaction, at: now)
    }
    if leg.invite.sdp == nil, hasDescribed {
      // Ours was the offer; this is his answer.
      legs[id]?.remoteSDP = sdp
      respond(legResponse(200, to: prack, leg, body: nil), transaction, at: now)
      return actions.append(.leg(id, .offerAnswered(sdp)))
    }
    receiveEarlyOffer(id, prack, transaction, in: leg.dialog?.id, at: now)
  }

  // MARK: - Offers

  /// An offer of the peer's before the call is answered.
  mutating func receiveEarlyOffer(
    _ id: LegID, _ request: Request, _ transaction: ServerTransactionID, in dialog: DialogID?, at now: Moment
  ) {
    guard let leg = legs[id] else { return }
    switch leg.phase {
    case .calling:
      // "If an UPDATE is received that contains an offer, and the UAS has generated an offer […] to which it has not yet
      // received an answer, the UAS MUST reject the UPDATE with a 491 response" (RFC 3311 §5.2). With several forks no
      // answer is the answer yet.
      guard request.method == .update, leg.earlyDialogs.count == 1, leg.earlyDialogs[0].dialog.id == dialog,
        leg.earlyDialogs[0].isAnswerReliable, leg.earlyOffer == nil
      else { return respond(legResponse(491, to: request, leg, body: nil), transaction, at: now) }
    case .called(let session):
      // His first offer, or an earlier one of these, is unanswered (RFC 3311 §5.2); an INVITE before the first one's end
      // is refused likewise (RFC 3261 §14.2).
      guard request.method != .invite, leg.earlyOffer == nil, case .proceeding = session.state,
        session.provisionals?.isDescriptionAcknowledged == true
      else {
        var response = legResponse(500, to: request, leg, body: nil)
        response.headers.add("Retry-After", "\(random.next(in: 0...10))")
        return respond(response, transaction, at: now)
      }
    case .talking: return
    }
    if let dialog, request.method == .update { legs[id]?.refreshTarget(request, in: dialog) }
    legs[id]?.earlyOffer = EarlyOffer(transaction: transaction, request: request)
    actions.append(.leg(id, .offered(request.sdp)))
  }

  /// The owner's word on an early offer.
  /// - Returns: false if there is none that waits for it.
  mutating func answersEarlyOffer(_ id: LegID, _ input: OfferState.Input, at now: Moment) -> Bool {
    guard let leg = legs[id], let early = leg.earlyOffer else { return false }
    switch input {
    case .answer(let sdp):
      legs[id]?.localSDP = sdp
      legs[id]?.remoteSDP = early.request.sdp
      if leg.earlyDialogs.count == 1 { legs[id]?.earlyDialogs[0].answer = early.request.sdp }
      respond(legResponse(200, to: early.request, leg, body: sdp), early.transaction, at: now)
    case .refuse(let status):
      respond(legResponse(status, to: early.request, leg, body: nil), early.transaction, at: now)
    case .offer, .peerOffers, .cancelled, .response, .lost, .sentAnswer, .ack, .pauseOver, .repeatAnswerDue, .refresh,
      .release:
      return false
    }
    legs[id]?.earlyOffer = nil
    return true
  }

  /// The INVITE is answered while the owner still thinks about an early offer.
  mutating func dropEarlyOffer(_ id: LegID, at now: Moment) {
    guard let leg = legs[id], let early = leg.earlyOffer else { return }
    legs[id]?.earlyOffer = nil
    respond(legResponse(491, to: early.request, leg, body: nil), early.transaction, at: now)
  }
}

extension Leg {
  /// The 2xx to our INVITE, with the session description that its own early dialog has brought where it has none itself:
  /// after a reliable answer it must not (RFC 3262 §5), and some gateways leave it out after any.
  func completed(_ response: Response) -> Response {
    guard response.sdp == nil, let tag = (try? response.headers.to())?.tag,
      let answer = earlyDialogs.first(where: { $0.dialog.id.remoteTag == tag })?.answer
    else { return response }
    var response = response
    response.headers["Content-Type"] = "application/sdp"
    response.body = answer
    return response
  }

  /// The peer's requests in this dialog come by another way.
  mutating func move(_ id: DialogID, to flow: Flow) {
    if dialog?.id == id { return dialog?.moved(to: flow) ?? () }
    if let index = earlyIndex(of: id) { earlyDialogs[index].dialog.moved(to: flow) }
  }

  /// The peer's request names a new target, and what he allows.
  mutating func refreshTarget(_ request: Request, in id: DialogID) {
    hears(request.headers, sdp: nil)
    if dialog?.id == id { return dialog?.refreshTarget(request.headers) ?? () }
    if let index = earlyIndex(of: id) { earlyDialogs[index].dialog.refreshTarget(request.headers) }
  }

  /// Takes what an INVITE, an UPDATE or their 2xx says of the peer.
  mutating func hears(_ headers: Headers, sdp: [UInt8]?) {
    if headers.has("Allow") {
      allowsUpdate = headers.lists("UPDATE", in: "Allow")
      allowsInfo = headers.lists("INFO", in: "Allow")
    }
    if let sdp { remoteSDP = sdp }
  }
}
