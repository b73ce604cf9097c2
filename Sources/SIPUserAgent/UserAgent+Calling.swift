import SIPMessage
import SIPTransaction
import Telephony

/// Calls of ours until they are answered (RFC 3261 §13.2).
extension UserAgent {
  mutating func invite(_ id: LegID, _ call: OutgoingCall, at now: Moment) {
    guard legs[id] == nil else { return }
    let flow = call.target.flow
    let callID = random.token(24)
    // Our own tag can be told again without having kept it, so that a very late 2xx is known for ours.
    let tag = authenticator.nonces.tag(callID)
    let contactUser = random.token(12)
    var to = call.to ?? NameAddress(call.target.uri)
    to.tag = nil
    var request = Request(.invite, call.target.uri)
    for route in call.target.routes { request.headers.add("Route", route.description) }
    request.headers.add("Max-Forwards", "\(min(max(call.maxForwards, 0), 255))")
    request.headers.add("From", call.from.tagged(tag).description)
    request.headers.add("To", to.description)
    request.headers.add("Call-ID", callID)
    request.headers.add("CSeq", CSeq(1, .invite).description)
    request.headers.add("Contact", contact(contactUser, on: flow, for: request).description)
    describeOurselves(&request.headers, takesReliable: !call.offer.isEmpty)
    request.headers.add("Session-Expires", "\(SessionTimer.usual)")
    for field in call.headers.fields { request.headers.add(field.name, field.value) }
    if !call.offer.isEmpty {
      request.headers.add("Content-Type", "application/sdp")
      request.body = call.offer
    }
    legs[id] = Leg(
      id: id, isCaller: true, localTag: tag, contactUser: contactUser, phase: .calling(InviteClientSession(leg: id)),
      flow: flow, invite: request, clientTransaction: nil, serverTransaction: nil, dialog: nil,
      authentication: DigestClient(call.credentials), sessionID: call.headers["Session-ID"])
    legs[id]?.localSDP = call.offer
    sendInvite(id, request, at: now)
  }

  /// A response to the leg's first INVITE, or to one that another has replaced.
  mutating func inviteAnswered(_ id: LegID, _ transaction: ClientTransactionID, _ response: Response, at now: Moment) {
    if response.isSuccess, repeatACK(transaction, response) { return }
    guard let leg = legs[id], leg.clientTransaction == transaction, case .calling = leg.phase else {
      // "If, after acknowledging any 2xx response to an INVITE, the UAC does not want to continue with that dialog, then
      // the UAC MUST terminate the dialog by sending a BYE" (§13.2.2.4)
      if response.isSuccess {
        actions.append(.log(.extraAnswer(id)))
        endExtraAnswer(transaction, response, .answeredElsewhere, at: now)
      }
      return
    }
    if response.status > 100, !response.isFinal {
      guard openEarlyDialog(id, response) else { return }
      acknowledgeReliable(id, response, at: now)
    }
    if response.isSuccess, Dialog(calling: leg.invite.uri, response: response, flow: leg.flow) == nil {
      return calling(id, .response(Response(502)), at: now)
    }
    calling(id, .response(response.isSuccess ? leg.completed(response) : response), at: now)
  }

  mutating func calling(_ id: LegID, _ input: InviteClientSession.Input, at now: Moment) {
    guard case .calling(var session) = legs[id]?.phase else { return }
    let asked = session.handle(input)
    legs[id]?.phase = .calling(session)
    run(asked, id, at: now)
  }

  private mutating func run(_ asked: [InviteClientSession.Action], _ id: LegID, at now: Moment) {
    for action in asked {
      switch action {
      case .event(let event): actions.append(.leg(id, event))
      case .cancel(let reason):
        if let transaction = legs[id]?.clientTransaction {
          perform(transactions.cancel(transaction, reason: reason, at: now), at: now)
        }
      case .authorize(let response): authorize(id, response, at: now)
      case .lengthen(let response): lengthen(id, response, at: now)
      case .accept(let response): accept(id, response, at: now)
      case .acceptAndEnd(let response, let cause):
        keepEarlyDialogs(id)
        if let transaction = legs[id]?.clientTransaction { endExtraAnswer(transaction, response, cause, at: now) }
      case .end: remove(id, at: now)
      case .log(let note): actions.append(.log(note))
      }
    }
  }

  /// Sends the INVITE again with an answer to the challenge, or gives up.
  private mutating func authorize(_ id: LegID, _ response: Response, at now: Moment) {
    guard var leg = legs[id], case .calling(var session) = leg.phase else { return }
    guard let realm = leg.authentication.take(response) else {
      legs[id] = leg
      return sendInvite(id, authorized(leg.invite, &leg.authentication, id), at: now)
    }
    actions.append(.log(.challengeUnanswered(realm: String(realm.prefix(64)), source: leg.flow.remote)))
    let asked = session.cannotSendAgain(response)
    leg.phase = .calling(session)
    legs[id] = leg
    run(asked, id, at: now)
  }

  /// Sends the INVITE again with the session interval that a 422 demands, or gives up (RFC 4028 §7.3, §7.4).
  private mutating func lengthen(_ id: LegID, _ response: Response, at now: Moment) {
    guard var leg = legs[id], case .calling(var session) = leg.phase else { return }
    guard leg.takesMinimum(of: response) else {
      let asked = session.cannotSendAgain(response)
      leg.phase = .calling(session)
      legs[id] = leg
      return run(asked, id, at: now)
    }
    legs[id] = leg
    leg.invite.headers["Session-Expires"] = "\(leg.sessionInterval)"
    leg.invite.headers["Min-SE"] = leg.minSessionExpires.map { "\($0)" }
    sendInvite(id, authorized(leg.invite, &leg.authentication, id), at: now)
  }

  /// The same request under the next number with fresh proofs.
  private mutating func authorized(_ request: Request, _ authentication: inout DigestClient, _ id: LegID) -> Request {
    var request = request.underNextNumber()
    authentication.authorize(&request, functions: functions, random: random)
    legs[id]?.authentication = authentication
    return request
  }

  private mutating func sendInvite(_ id: LegID, _ request: Request, at now: Moment) {
    guard let leg = legs[id] else { return }
    legs[id]?.invite = request
    let transaction = send(request, on: leg.flow, for: .invite(id), at: now)
    legs[id]?.clientTransaction = transaction
    invitations[transaction] = Invitation(
      leg: id, request: request, flow: leg.flow, authentication: legs[id]?.authentication ?? leg.authentication,
      sessionID: leg.sessionID, dialog: nil)
  }

  /// An INVITE was lost with its connection before anything was heard of it. A connection at rest may long have been dead
  /// (the peer started anew, a firewall forgot it), and only this INVITE has shown it: once more, over a new one.
  /// - Returns: false if that makes no sense.
  mutating func sendInviteAgain(_ id: LegID, at now: Moment) -> Bool {
    guard let leg = legs[id], leg.flow.transport.isReliable, !leg.isSentAgain, case .calling(let session) = leg.phase,
      session.state == .calling, let flow = registrar.way(without: leg.flow)
    else { return false }
    legs[id]?.isSentAgain = true
    legs[id]?.flow = flow
    sendInvite(id, leg.invite, at: now)
    return true
  }

  /// The first 2xx: its dialog is the leg's.
  private mutating func accept(_ id: LegID, _ response: Response, at now: Moment) {
    guard let leg = legs[id], let transaction = leg.clientTransaction,
      var dialog = Dialog(calling: leg.invite.uri, response: response, flow: leg.flow)
    else { return }
    dropEarlyOffer(id, at: now)
    for early in leg.earlyDialogs {
      dialogs[early.dialog.id] = nil
      dialog.goOn(from: early.dialog)
    }
    dialogs[dialog.id] = .leg(id)
    keepEarlyDialogs(id)
    legs[id]?.earlyDialogs = []
    legs[id]?.dialog = dialog
    legs[id]?.authentication.accepted()
    legs[id]?.phase = .talking(OfferState())
    legs[id]?.hears(response.headers, sdp: response.sdp)
    acknowledge(transaction, response, dialog)
    startSession(id, SessionTimer(answer: response.headers), at: now)
  }

  /// A further 2xx, or a late one, may come from any of the leg's forks.
  mutating func keepEarlyDialogs(_ id: LegID) {
    guard let leg = legs[id], let transaction = leg.clientTransaction, !leg.earlyDialogs.isEmpty else { return }
    invitations[transaction]?.earlyDialogs = leg.earlyDialogs.map(\.dialog)
  }

  /// - Returns: false if the response is one that is not to be processed (RFC 3262 §4).
  private mutating func openEarlyDialog(_ id: LegID, _ response: Response) -> Bool {
    guard let leg = legs[id],
      let dialog = Dialog(calling: leg.invite.uri, response: response, flow: leg.flow), !dialog.id.remoteTag.isEmpty
    else { return true }
    if leg.earlyIndex(of: dialog.id) == nil {
      guard leg.earlyDialogs.count < Leg.maxEarlyDialogs, dialogs[dialog.id] == nil else { return true }
      legs[id]?.earlyDialogs.append(EarlyDialog(dialog))
      dialogs[dialog.id] = .leg(id)
    }
    guard let index = legs[id]?.earlyIndex(of: dialog.id) else { return true }
    let number = response.headers.lists("100rel", in: "Require") ? response.headers.reliableNumber : nil
    if let number, legs[id]?.earlyDialogs[index].take(number) == .discard { return false }
    legs[id]?.earlyDialogs[index].dialog.refreshTarget(response.headers)
    if let sdp = response.sdp, legs[id]?.earlyDialogs[index].isAnswerReliable == false {
      legs[id]?.earlyDialogs[index].answer = sdp
      legs[id]?.earlyDialogs[index].isAnswerReliable = number != nil
    }
    return true
  }

  /// A 2xx that came too late or from a further branch: ACK, then BYE.
  private mutating func endExtraAnswer(
    _ transaction: ClientTransactionID, _ response: Response, _ cause: Cause, at now: Moment
  ) {
    guard let invitation = invitations[transaction], invitation.acknowledgements.count < Invitation.maxAnswers,
      var dialog = Dialog(calling: invitation.request.uri, response: response, flow: invitation.flow)
    else { return }
    for early in invitation.earlyDialogs { dialog.goOn(from: early) }
    acknowledge(transaction, response, dialog)
    bye(
      Farewell(
        dialog: dialog, cause: cause, authentication: invitation.authentication, sessionID: invitation.sessionID),
      at: now)
  }

  // MARK: - ACK

  /// Sends the ACK of a 2xx and keeps it for the 2xx's repetitions (§13.2.2.4).
  mutating func acknowledge(_ transaction: ClientTransactionID, _ response: Response, _ dialog: Dialog) {
    guard let invitation = invitations[transaction], let number = (try? response.headers.cseq())?.number else { return }
    var dialog = dialog
    var ack = dialog.request(.ack, number: number)
    // "The ACK MUST contain the same credentials as the INVITE." (§13.2.2.4)
    for name: HeaderName in ["Authorization", "Proxy-Authorization"] {
      for line in invitation.request.headers.lines(name) { ack.headers.add(name, line) }
    }
    if let sessionID = invitation.sessionID { ack.headers.add("Session-ID", sessionID) }
    let stamped = transactions.stamp(ack, on: dialog.flow, viaHost: sentBy(dialog.flow))
    if invitation.acknowledgements.count < Invitation.maxAnswers {
      invitations[transaction]?.acknowledgements.append(
        Invitation.Acknowledgement(remoteTag: dialog.id.remoteTag, ack: stamped, flow: dialog.flow))
    }
    actions.append(.transmit(.request(stamped), dialog.flow))
  }

  /// - Returns: true if this 2xx had been acknowledged before; it is again.
  mutating func repeatACK(_ transaction: ClientTransactionID, _ response: Response) -> Bool {
    let tag = (try? response.headers.to())?.tag ?? ""
    guard let known = invitations[transaction]?.acknowledgements.first(where: { $0.remoteTag == tag }) else {
      return false
    }
    actions.append(.transmit(.request(known.ack), known.flow))
    return true
  }

  /// A connection is gone, and perhaps an ACK with it: the peer, who would end the call for want of it, gets it once more
  /// by the way that the dialog takes now. An ACK that comes twice does no harm.
  mutating func acknowledgeAgain(insteadOf failed: Flow) {
    for id in invitations.keys.sorted() {
      guard let invitation = invitations[id], let dialog = legs[invitation.leg]?.dialog,
        let index = invitation.acknowledgements.firstIndex(where: {
          $0.flow == failed && $0.remoteTag == dialog.id.remoteTag && !$0.isSentAgain
        })
      else { continue }
      invitations[id]?.acknowledgements[index].flow = dialog.flow
      invitations[id]?.acknowledgements[index].isSentAgain = true
      actions.append(.transmit(.request(invitation.acknowledgements[index].ack), dialog.flow))
    }
  }

  /// A response that belongs to no transaction. A 2xx to an INVITE of ours means that a phone believes itself in a call
  /// with us: it is acknowledged, and ended unless it is the leg's own.
  mutating func receiveStray(_ response: Response, _ flow: Flow, at now: Moment) {
    guard response.isSuccess, let cseq = try? response.headers.cseq(), cseq.method == .invite,
      let callID = response.headers.callID, let tag = (try? response.headers.from())?.tag,
      equalInConstantTime(tag, authenticator.nonces.tag(callID)),
      var dialog = Dialog(calling: nil, response: response, flow: flow)
    else {
      return
    }
    let owner = dialogs[dialog.id]
    if case .leg(let id) = owner, let own = legs[id]?.dialog { dialog = own }
    var copy = dialog
    let ack = transactions.stamp(
      copy.request(.ack, number: cseq.number), on: dialog.flow, viaHost: sentBy(dialog.flow))
    actions.append(.transmit(.request(ack), dialog.flow))
    guard owner == nil else { return }
    actions.append(.log(.protocolFault(.strayResponse(response.status), source: flow.remote)))
    bye(
      Farewell(dialog: dialog, cause: .normalClearing, authentication: DigestClient(nil), sessionID: nil), at: now)
  }
}

extension Request {
  /// The same request under the next CSeq number, as a challenged one is sent again (RFC 3261 §22.2).
  func underNextNumber() -> Request {
    var copy = self
    if let cseq = try? headers.cseq() { copy.headers["CSeq"] = CSeq(cseq.number &+ 1, cseq.method).description }
    return copy
  }
}
