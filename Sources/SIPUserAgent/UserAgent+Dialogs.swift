import SIPMessage
import SIPTransaction
import Telephony

/// Established legs: offers, BYE, questions, and the peer's requests within a dialog (RFC 3261 §12.2, §14, §15).
extension UserAgent {
  mutating func release(_ id: LegID, _ cause: Cause, _ status: Int?, at now: Moment) {
    guard let leg = legs[id] else { return }
    switch leg.phase {
    case .calling: calling(id, .release(cause), at: now)
    case .called:
      called(id, .release(cause, status: finalStatus(status, else: finalStatus(cause.sipStatus, else: 480))), at: now)
    case .talking: end(id, cause, at: now)
    }
  }

  /// Ends an established leg by our BYE.
  mutating func end(_ id: LegID, _ cause: Cause, at now: Moment) {
    offers(id, .release, at: now)
    guard let leg = legs[id] else { return }
    bye(leg, cause, at: now)
    actions.append(.leg(id, .ended(cause)))
    remove(id, at: now)
  }

  mutating func bye(_ leg: Leg, _ cause: Cause, at now: Moment) {
    guard let dialog = leg.dialog else { return }
    bye(
      Farewell(dialog: dialog, cause: cause, authentication: leg.authentication, sessionID: leg.sessionID), at: now)
  }

  mutating func bye(_ farewell: Farewell, at now: Moment) {
    var farewell = farewell
    var request = farewell.dialog.request(.bye)
    request.headers.add("Reason", farewell.cause.releaseReason)
    request.headers.add("User-Agent", settings.userAgentName)
    if let sessionID = farewell.sessionID { request.headers.add("Session-ID", sessionID) }
    if farewell.authentication.hasAnswers {
      farewell.authentication.authorize(&request, functions: functions, random: random)
    }
    dialogs[farewell.dialog.id] = .departing
    send(request, on: farewell.dialog.flow, for: .bye(farewell), at: now)
  }

  mutating func byeAnswered(_ farewell: Farewell, _ response: Response, at now: Moment) {
    guard response.isFinal else { return }
    var farewell = farewell
    if response.status == 401 || response.status == 407, farewell.authentication.take(response) == nil {
      return bye(farewell, at: now)
    }
    forget(farewell.dialog.id)
  }

  /// Forgets the leg; what must still be answered or acknowledged lives on in its transactions.
  mutating func remove(_ id: LegID, at now: Moment) {
    keepEarlyDialogs(id)
    guard let leg = legs.removeValue(forKey: id) else { return }
    if let early = leg.earlyOffer {
      respond(legResponse(487, to: early.request, leg, body: nil), early.transaction, at: now)
    }
    for dialog in leg.earlyDialogs.map(\.dialog.id) + [leg.dialog?.id].compactMap({ $0 })
    where dialogs[dialog] == .leg(id) {
      dialogs[dialog] = nil
    }
    for timer: UserAgentTimer in [
      .progress(id), .answer(id), .pause(id), .reliable(id), .refresh(id), .expiry(id),
    ] { timers.cancel(timer) }
  }

  // MARK: - Offers

  mutating func offers(_ id: LegID, _ input: OfferState.Input, at now: Moment) {
    if case .offer(let sdp) = input, case .called(let session) = legs[id]?.phase, case .accepted = session.state {
      // "If there is an ongoing INVITE server transaction, the TU MUST wait until the transaction reaches the confirmed or
      // terminated state before initiating the new INVITE." (§14.1)
      legs[id]?.offerAfterACK = sdp
      return
    }
    if answersEarlyOffer(id, input, at: now) { return }
    guard case .talking(var state) = legs[id]?.phase else { return }
    let asked = state.handle(input, at: now)
    legs[id]?.phase = .talking(state)
    for action in asked {
      guard let leg = legs[id] else { return }
      switch action {
      case .sendInvite(let sdp): sendReinvite(id, sdp, at: now)
      case .refuse(let transaction, let request, let status, let isLater):
        var response = legResponse(status, to: request, leg, body: nil)
        if isLater { response.headers.add("Retry-After", "\(random.next(in: 0...10))") }
        respond(response, transaction, at: now)
      case .accept(let transaction, let request, let sdp, let carriesOffer):
        acceptOffer(id, transaction, request, sdp, carriesOffer: carriesOffer, at: now)
      case .repeatAnswer(let answer): respond(answer.response, answer.transaction, at: now)
      case .event(let event): actions.append(.leg(id, event))
      case .setAnswerTimer(let deadline): timers.set(.answer(id), at: deadline)
      case .stopAnswerTimer: timers.cancel(.answer(id))
      case .pause: timers.set(.pause(id), at: now.instant + glarePause(leg))
      case .stopPause: timers.cancel(.pause(id))
      case .refreshLater(let seconds): refreshLater(id, after: seconds, at: now)
      case .refreshed(let sdp):
        guard let sdp, !saysTheSame(sdp, leg.remoteSDP) else { continue }
        legs[id]?.remoteSDP = sdp
        actions.append(.leg(id, .offerAnswered(sdp)))
      case .dialogLost(let cause):
        bye(leg, cause, at: now)
        actions.append(.leg(id, .ended(cause)))
        remove(id, at: now)
      }
    }
  }

  private mutating func acceptOffer(
    _ id: LegID, _ transaction: ServerTransactionID, _ request: Request, _ sdp: [UInt8], carriesOffer: Bool,
    at now: Moment
  ) {
    legs[id]?.dialog?.refreshTarget(request.headers)
    legs[id]?.hears(request.headers, sdp: request.sdp)
    legs[id]?.localSDP = sdp
    guard let leg = legs[id], let number = (try? request.headers.cseq())?.number else { return }
    var response = legResponse(200, to: request, leg, body: sdp)
    settleSession(id, request, &response, at: now)
    respond(response, transaction, at: now)
    guard request.method == .invite else { return }
    let answer = PendingAnswer(
      response, transaction: transaction, number: number, carriesOffer: carriesOffer, timers: timerValues,
      at: now.instant)
    offers(id, .sentAnswer(answer), at: now)
  }

  /// "If the UAC is the owner of the Call-ID of the dialog ID, T has a randomly chosen value between 2.1 and 4 seconds in
  /// units of 10 ms", else "between 0 and 2 seconds in units of 10 ms" (§14.1)
  func glarePause(_ leg: Leg) -> Duration {
    let steps = leg.isCaller ? random.next(in: 210...400) : random.next(in: 0...200)
    return .milliseconds(Int64(steps) * 10)
  }

  private mutating func sendReinvite(_ id: LegID, _ sdp: [UInt8], at now: Moment) {
    guard var request = legs[id]?.dialog?.request(.invite), let leg = legs[id], let dialog = leg.dialog else { return }
    request.headers.add("Contact", contact(leg.contactUser, on: dialog.flow, for: leg.invite).description)
    describeOurselves(&request.headers, takesReliable: false)
    for (name, value) in leg.sessionRequest { request.headers.add(name, value) }
    if let sessionID = leg.sessionID { request.headers.add("Session-ID", sessionID) }
    request.headers.add("Content-Type", "application/sdp")
    request.body = sdp
    if leg.authentication.hasAnswers {
      legs[id]?.authentication.authorize(&request, functions: functions, random: random)
    }
    let transaction = send(request, on: dialog.flow, for: .reinvite(id), at: now)
    legs[id]?.clientTransaction = transaction
    invitations[transaction] = Invitation(
      leg: id, request: request, flow: dialog.flow, authentication: leg.authentication, sessionID: leg.sessionID,
      dialog: dialog)
  }

  mutating func reinviteAnswered(_ id: LegID, _ transaction: ClientTransactionID, _ response: Response, at now: Moment)
  {
    if response.isSuccess {
      if repeatACK(transaction, response) { return }
      legs[id]?.dialog?.refreshTarget(response.headers)
      if let dialog = legs[id]?.dialog ?? invitations[transaction]?.dialog {
        acknowledge(transaction, response, dialog)
      }
    }
    guard var leg = legs[id], leg.clientTransaction == transaction else { return }
    if response.status == 401 || response.status == 407, case .talking(let state) = leg.phase,
      case .offering(let sdp, _) = state.state, leg.authentication.take(response) == nil
    {
      legs[id] = leg
      return sendReinvite(id, sdp, at: now)
    }
    if response.status == 422, case .talking(let state) = leg.phase, case .offering(let sdp, _) = state.state,
      leg.takesMinimum(of: response)
    {
      legs[id] = leg
      return sendReinvite(id, sdp, at: now)
    }
    if response.isSuccess {
      legs[id]?.authentication.accepted()
      sessionRefreshed(id, response, at: now)
      if case .talking(let state) = leg.phase, case .offering(let sdp, isRefresh: false) = state.state {
        legs[id]?.hears(response.headers, sdp: response.sdp)
        legs[id]?.localSDP = sdp
      }
    }
    offers(id, .response(response), at: now)
  }

  // MARK: - Questions

  mutating func ask(_ id: LegID, at now: Moment) {
    guard let leg = legs[id], case .talking = leg.phase, !leg.isAsking,
      var request = legs[id]?.dialog?.request(.options), let dialog = legs[id]?.dialog
    else { return }
    legs[id]?.isAsking = true
    request.headers.add("Accept", "application/sdp")
    request.headers.add("User-Agent", settings.userAgentName)
    if let sessionID = leg.sessionID { request.headers.add("Session-ID", sessionID) }
    if leg.authentication.hasAnswers {
      legs[id]?.authentication.authorize(&request, functions: functions, random: random)
    }
    send(request, on: dialog.flow, for: .ask(id), at: now)
  }

  /// Any answer but "no such dialog" and silence comes from a peer that lives.
  mutating func askAnswered(_ id: LegID, _ status: Int, at now: Moment) {
    guard status >= 200, legs[id]?.isAsking == true else { return }
    legs[id]?.isAsking = false
    legs[id]?.unsentQuestions = 0
    switch status {
    case 408, 481: end(id, Cause(sipStatus: status), at: now)
    default: actions.append(.leg(id, .alive))
    }
  }

  /// The question did not leave (the peer's port is closed). Once may be a proxy that starts anew; twice is no answer.
  mutating func questionUnsent(_ id: LegID, at now: Moment) {
    guard legs[id]?.isAsking == true else { return }
    legs[id]?.isAsking = false
    legs[id]?.unsentQuestions += 1
    if let leg = legs[id], leg.unsentQuestions > 1 { end(id, Cause(sipStatus: 408), at: now) }
  }

  // MARK: - The peer's requests

  /// A request whose tags name one of our dialogs.
  mutating func receive(
    _ request: Request, _ transaction: ServerTransactionID, _ flow: Flow, in dialog: DialogID, of owner: DialogOwner,
    at now: Moment
  ) {
    guard case .leg(let id) = owner, var leg = legs[id] else {
      // Our BYE is under way. His own one that crosses it is as good as an answer.
      return refuse(request, transaction, request.method == .bye ? 200 : 481, flow, at: now)
    }
    guard leg.takesNumber(of: request, in: dialog) else {
      actions.append(.log(.protocolFault(.outOfOrder, source: flow.remote)))
      return respond(legResponse(500, to: request, leg, body: nil), transaction, at: now)
    }
    leg.move(dialog, to: flow)
    leg.peerFlow = flow
    legs[id] = leg
    // Whoever hangs up has hung up, whatever else he asks for.
    if request.method != .bye, let unsupported = unsupportedExtensions(request) {
      var response = legResponse(420, to: request, leg, body: nil)
      response.headers.add("Unsupported", unsupported)
      return respond(response, transaction, at: now)
    }
    switch request.method {
    case .bye: receiveBye(id, request, transaction, at: now)
    case .invite, .update: receiveOffer(id, request, transaction, in: dialog, at: now)
    case .info: receiveInfo(id, request, transaction, at: now)
    case .options: respond(capabilities(request, leg), transaction, at: now)
    case .prack: receivePRACK(id, request, transaction, at: now)
    default: refuseMethod(request, transaction, leg, at: now)
    }
  }

  private mutating func receiveBye(_ id: LegID, _ request: Request, _ transaction: ServerTransactionID, at now: Moment)
  {
    guard let leg = legs[id] else { return }
    let cause = request.headers.reasonCause ?? .normalClearing
    switch leg.phase {
    case .calling:
      // The callee "MUST NOT send a BYE on early dialogs" (§15): he answers the INVITE.
      respond(legResponse(481, to: request, leg, body: nil), transaction, at: now)
    case .called:
      respond(legResponse(200, to: request, leg, body: nil), transaction, at: now)
      called(id, .bye(cause), at: now)
    case .talking:
      respond(legResponse(200, to: request, leg, body: nil), transaction, at: now)
      offers(id, .release, at: now)
      actions.append(.leg(id, .ended(cause)))
      remove(id, at: now)
    }
  }

  private mutating func receiveOffer(
    _ id: LegID, _ request: Request, _ transaction: ServerTransactionID, in dialog: DialogID, at now: Moment
  ) {
    guard let leg = legs[id] else { return }
    if request.hasForeignBody {
      var response = legResponse(415, to: request, leg, body: nil)
      response.headers.add("Accept", "application/sdp")
      return respond(response, transaction, at: now)
    }
    if SessionTimer.isTooSmall(request.headers) {
      var response = legResponse(422, to: request, leg, body: nil)
      response.headers.add("Min-SE", "\(SessionTimer.minimum)")
      return respond(response, transaction, at: now)
    }
    if request.method == .update, request.sdp == nil {
      legs[id]?.refreshTarget(request, in: dialog)
      var response = legResponse(200, to: request, legs[id] ?? leg, body: nil)
      if case .talking = leg.phase { settleSession(id, request, &response, at: now) }
      return respond(response, transaction, at: now)
    }
    switch leg.phase {
    case .calling, .called: receiveEarlyOffer(id, request, transaction, in: dialog, at: now)
    case .talking:
      if request.method == .invite { invitesOfPeers[transaction] = id }
      offers(id, .peerOffers(transaction, request), at: now)
    }
  }

  private mutating func receiveInfo(_ id: LegID, _ request: Request, _ transaction: ServerTransactionID, at now: Moment)
  {
    guard let leg = legs[id] else { return }
    let type = request.headers.contentType
    if let digit = InfoDigit(contentType: type, body: request.body) {
      respond(legResponse(200, to: request, leg, body: nil), transaction, at: now)
      return actions.append(.leg(id, .digit(digit.digit, milliseconds: digit.milliseconds)))
    }
    // A flash, or an empty INFO that only asks whether we live, is fine; a package (RFC 6086) was never agreed on.
    let isFine = request.body.isEmpty || type == "application/dtmf-relay" || type == "application/dtmf"
    let status = request.headers.has("Info-Package") ? 469 : isFine ? 200 : 415
    var response = legResponse(status, to: request, leg, body: nil)
    if status == 415 { response.headers.add("Accept", "application/dtmf-relay, application/dtmf") }
    if status == 469 { response.reason = "Bad Info Package" }
    respond(response, transaction, at: now)
  }
}
