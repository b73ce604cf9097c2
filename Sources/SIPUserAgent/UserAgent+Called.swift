import SIPMessage
import SIPTransaction
import Telephony

/// Peers' calls until they are acknowledged or refused (RFC 3261 §13.3).
extension UserAgent {
  /// A new call of an identified peer.
  mutating func receiveCall(
    _ request: Request, _ transaction: ServerTransactionID, _ flow: Flow, from identity: PeerIdentity, at now: Moment
  ) {
    if request.hasForeignBody {
      return refuse(request, transaction, 415, flow, with: [("Accept", "application/sdp")], at: now)
    }
    guard request.headers.takesSDP else { return refuse(request, transaction, 406, flow, at: now) }
    if SessionTimer.isTooSmall(request.headers) {
      return refuse(request, transaction, 422, flow, with: [("Min-SE", "\(SessionTimer.minimum)")], at: now)
    }
    guard legs.count < settings.maxLegs else {
      return refuse(request, transaction, 503, flow, with: [("Retry-After", "10")], at: now)
    }
    let tag = random.token(16)
    guard let dialog = Dialog(answering: request, localTag: tag, flow: flow), let cseq = try? request.headers.cseq()
    else {
      return refuse(request, transaction, 400, flow, at: now)
    }
    var credentials: Credentials?
    if case .trunk(let name) = identity { credentials = directory.credentials(ofTrunk: name) }
    let id = newLegID()
    let provisionals =
      request.headers.lists("100rel", in: "Require")
      ? ReliableProvisionals(first: UInt32(random.next(in: 1...0x7FFF_FFFF)), t1: timerValues.t1) : nil
    legs[id] = Leg(
      id: id, isCaller: false, localTag: tag, contactUser: random.token(12),
      phase: .called(InviteServerSession(leg: id, invite: cseq, provisionals: provisionals)), flow: flow,
      invite: request, clientTransaction: nil,
      serverTransaction: transaction, dialog: dialog, authentication: DigestClient(credentials), sessionID: nil)
    legs[id]?.hears(request.headers, sdp: request.sdp)
    dialogs[dialog.id] = .leg(id)
    invitesOfPeers[transaction] = id
    var shown = request
    shown.headers["Authorization"] = nil
    shown.headers["Proxy-Authorization"] = nil
    let call = IncomingCall(identity: identity, request: shown, flow: flow, offer: request.sdp)
    actions.append(.leg(id, .incoming(call)))
  }

  mutating func progress(_ id: LegID, _ status: Int, _ body: [UInt8]?, at now: Moment) {
    guard (101...199).contains(status), let leg = legs[id], case .called(let session) = leg.phase else { return }
    // "If the INVITE did not contain an offer, the first reliable provisional response MUST" (RFC 3262 §5)
    if let provisionals = session.provisionals, leg.invite.sdp == nil, !provisionals.hasDescribed, body == nil {
      return
    }
    if let body { legs[id]?.localSDP = body }
    called(id, .progress(InviteServerSession.Progress(status: status, body: body)), at: now)
  }

  mutating func answer(_ id: LegID, _ sdp: [UInt8], at now: Moment) {
    guard let leg = legs[id], case .called(let session) = leg.phase, case .proceeding = session.state,
      let transaction = leg.serverTransaction, let number = (try? leg.invite.headers.cseq())?.number
    else { return }
    guard !session.holdsAnswer else { return called(id, .holdAnswer(sdp: sdp), at: now) }
    // What a reliable provisional response has said is not said again (RFC 3262 §5).
    let hasDescribed = session.provisionals?.hasDescribed == true
    if !hasDescribed { legs[id]?.localSDP = sdp }
    legs[id]?.latePRACK = session.provisionals?.pending.map {
      RAck(number: $0.number, cseq: CSeq(number, .invite))
    }
    var response = legResponse(200, to: leg.invite, leg, body: hasDescribed ? nil : sdp)
    settleSession(id, leg.invite, &response, at: now)
    let answer = PendingAnswer(
      response, transaction: transaction, number: number, carriesOffer: leg.invite.sdp == nil && !hasDescribed,
      timers: timerValues, at: now.instant)
    called(id, .answer(answer), at: now)
  }

  /// A CANCEL matched the INVITE; the layer has answered it.
  mutating func cancelled(_ transaction: ServerTransactionID, _ cancel: Request, at now: Moment) {
    guard let id = invitesOfPeers[transaction] else { return }
    called(id, .cancelled(cancel.headers.reasonCause ?? .normalClearing), at: now)
    offers(id, .cancelled(transaction), at: now)
  }

  /// An ACK for a 2xx of ours.
  mutating func acknowledged(_ ack: Request, at now: Moment) {
    guard let dialog = DialogID(request: ack), case .leg(let id) = dialogs[dialog],
      let number = (try? ack.headers.cseq())?.number
    else { return }
    switch legs[id]?.phase {
    case .called: called(id, .ack(number: number, sdp: ack.sdp), at: now)
    case .talking: offers(id, .ack(number: number, sdp: ack.sdp), at: now)
    case .calling, nil: return
    }
  }

  mutating func called(_ id: LegID, _ input: InviteServerSession.Input, at now: Moment) {
    guard case .called(var session) = legs[id]?.phase else { return }
    let asked = session.handle(input, at: now)
    legs[id]?.phase = .called(session)
    for action in asked {
      guard let leg = legs[id] else { return }
      switch action {
      case .respond(let progress):
        respond(legResponse(progress.status, to: leg.invite, leg, body: progress.body), leg.serverTransaction, at: now)
      case .refuse(let status, let cause):
        var response = legResponse(status, to: leg.invite, leg, body: nil)
        response.headers.add("Reason", cause.releaseReason)
        respond(response, leg.serverTransaction, at: now)
      case .respondReliably(let pending):
        var response = legResponse(pending.progress.status, to: leg.invite, leg, body: pending.progress.body)
        response.headers.add("Require", "100rel")
        response.headers.add("RSeq", "\(pending.number)")
        respond(response, leg.serverTransaction, at: now)
      case .setReliableTimer(let deadline): timers.set(.reliable(id), at: deadline)
      case .stopReliableTimer: timers.cancel(.reliable(id))
      case .acceptPRACK(let transaction, let prack, let pending):
        acceptPRACK(id, transaction, prack, hasDescribed: pending.progress.body != nil, at: now)
      case .refusePRACK(let transaction, let prack):
        respond(legResponse(481, to: prack, leg, body: nil), transaction, at: now)
      case .answerNow(let sdp): answer(id, sdp, at: now)
      case .sendAnswer(let answer): respond(answer.response, answer.transaction, at: now)
      case .setProgressTimer(let deadline): timers.set(.progress(id), at: deadline)
      case .stopProgressTimer: timers.cancel(.progress(id))
      case .setAnswerTimer(let deadline): timers.set(.answer(id), at: deadline)
      case .stopAnswerTimer: timers.cancel(.answer(id))
      case .event(let event): actions.append(.leg(id, event))
      case .established:
        legs[id]?.phase = .talking(OfferState())
        if let sdp = leg.offerAfterACK { offers(id, .offer(sdp), at: now) }
      case .bye(let cause): bye(leg, cause, at: now)
      case .end: remove(id, at: now)
      case .log(let note): actions.append(.log(note))
      }
    }
  }
}
