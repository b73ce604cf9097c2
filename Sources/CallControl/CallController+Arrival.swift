import Hunting
import Media
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// A call comes: which number was called, may it come in, where does it go.
extension CallController {
  /// What is answered to a call that is not taken.
  private struct Refusal: Error {
    var status: Int
    var reason: CallEvent.RefusalReason
  }

  mutating func arrive(_ leg: LegID, _ incoming: IncomingCall, at now: Moment) {
    let request = incoming.request
    if case .trunk(let name) = incoming.identity { showedLife(name, incoming.flow.remote, at: now) }
    let caller = CallerName(callerOf: request, from: incoming.identity)
    let dialled = dialledNumber(request, incoming.identity)
    do throws(Refusal) {
      let entry = try admit(incoming, caller, dialled)
      let id = newCallID(at: now)
      let callID = request.headers.callID ?? ""
      calls[id] = Call(
        id: id, site: site, origin: incoming.identity, caller: caller, dialled: dialled, arrived: now,
        maxForwards: max(((try? request.headers.maxForwards()) ?? nil ?? 70) - 1, 0), callerCallID: callID,
        session: SessionID(of: request, random: random), callerLeg: leg, stage: .opening(offer: incoming.offer, entry))
      legs[leg] = CallLeg(call: id, part: .caller)
      assign(callID, to: id)
      note(.arrived(id, caller: caller, dialled: dialled, origin: incoming.identity))
      emit(.openMedia(leg, incoming.flow))
    } catch {
      note(
        .refused(
          caller: caller, dialled: dialled, origin: incoming.identity, status: error.status, reason: error.reason))
      later(.userAgent(.release(leg, Cause(sipStatus: error.status), status: error.status)))
    }
  }

  /// The number the caller dialled: the Request-URI's user, or where the trunk's `Called.txt` says it stands.
  private func dialledNumber(_ request: Request, _ identity: PeerIdentity) -> String {
    let uriUser = request.uri.user ?? ""
    guard case .trunk(let name) = identity, let trunk = site.trunk(name) else { return uriUser }
    let to = (try? request.headers.to())?.uri.user
    let partyID = (try? request.headers.nameAddresses("P-Called-Party-ID"))?.first?.uri.user
    switch (trunk.called, partyID) {
    case (.to, _): return to ?? uriUser
    case (.calledPartyID, let partyID?): return partyID
    case (.uri, _), (.calledPartyID, nil): return namesOurselves(uriUser, trunk) ? to ?? uriUser : uriUser
    }
  }

  /// True for a Request-URI that only says that the call is for us, so that To tells for which number: the Contact with
  /// which we registered; nobody at all; or, as some write it, our login or a Contact that a proxy has made up, unless it
  /// is a number of the site.
  private func namesOurselves(_ uriUser: String, _ trunk: Trunk) -> Bool {
    if uriUser.isEmpty || lines.contactUser(of: trunk.name) == uriUser { return true }
    guard trunk.registers else { return false }
    let number = PhoneNumber(uriUser: uriUser)
    guard number == nil || uriUser == trunk.login || uriUser == trunk.authUser else { return false }
    return number.map { site.numberPlan.destination(of: $0) == .unknown } ?? true
  }

  private func admit(
    _ incoming: IncomingCall, _ caller: CallerName, _ dialled: String
  ) throws(Refusal) -> Call.Entry {
    if isShuttingDown { throw Refusal(status: 503, reason: .shuttingDown) }
    if !canWrite { throw Refusal(status: 503, reason: .diskTooFarBehind) }
    let entry = try entry(dialled, incoming.identity)
    if let user = userSentBack(incoming, caller, entry) { throw Refusal(status: 482, reason: .sentBack(user: user)) }
    // Those who only listen to the announcement must not keep out the confirmed: they may take half of the places.
    let unconfirmed = calls.values.count { !$0.isOver && !$0.isConfirmed }
    guard callCount < site.maxCalls, !entry.isQueue || unconfirmed < max(site.maxCalls / 2, 1) else {
      throw Refusal(status: 486, reason: .tooManyCalls)
    }
    return entry
  }

  private func entry(_ dialled: String, _ identity: PeerIdentity) throws(Refusal) -> Call.Entry {
    let plan = site.numberPlan
    let destination = PhoneNumber(uriUser: dialled).map { plan.destination(of: $0) } ?? .unknown
    switch destination {
    case .queue(let name): return .queue(name)
    case .hunt(let entry): return try hunt(entry)
    case .user, .incomplete, .unknown: break
    }
    // The seed's route `! → 799*731`: what matches nothing on this trunk goes there.
    if case .trunk(let name) = identity, let number = site.trunk(name)?.defaultDestination {
      switch plan.destination(of: number) {
      case .queue(let name): return .queue(name)
      case .hunt(let entry): return try hunt(entry)
      case .user, .incomplete, .unknown: return .plain(number)
      }
    }
    switch destination {
    case .incomplete: throw Refusal(status: 484, reason: .incompleteNumber)
    case .queue, .hunt, .user, .unknown: throw Refusal(status: 404, reason: .unknownNumber)
    }
  }

  private func hunt(_ entry: HuntEntry) throws(Refusal) -> Call.Entry {
    guard site.huntPlan.firstUser(for: entry) != nil else { throw Refusal(status: 480, reason: .noUsers) }
    return .hunt(entry)
  }

  // MARK: The caller's leg

  /// The ports are there: the caller is answered and goes where he dialled.
  mutating func callerMediaOpened(_ leg: LegID, at now: Moment) {
    guard let id = legs[leg]?.call, case .opening(let offer, let entry) = calls[id]?.stage,
      var audio = legs[leg]?.audio
    else { return }
    do throws(SDPError) {
      // Without an offer the 200 makes one, and the ACK answers it (RFC 3261 §13.2.1): some PBXs call like that.
      let agreed = try offer.map { offer throws(SDPError) in try audio.answer(offer) }
      let sdp = agreed?.sdp ?? audio.makeOffer()
      legs[leg]?.audio = audio
      legs[leg]?.isAnswered = true
      if let agreed { emit(.describe(leg, agreed.audio)) }
      // Sent in this step: the 200 stands before the first branch's INVITE.
      later(.userAgent(.answer(leg, sdp: sdp)))
      switch entry {
      case .queue(let name): enterQueue(id, name, at: now)
      case .hunt(let entry): startHunt(id, entry, at: now)
      case .plain(let number): callPlain(id, number, at: now)
      }
    } catch {
      refuse(id, status: 488, .unusableOffer(error), at: now)
    }
  }

  /// A call that had been taken cannot go on: it never was answered and leaves no CDR line.
  mutating func refuse(_ id: CallID, status: Int, _ reason: CallEvent.RefusalReason, at now: Moment) {
    guard let call = calls.removeValue(forKey: id) else { return }
    note(.refused(caller: call.caller, dialled: call.dialled, origin: call.origin, status: status, reason: reason))
    forgetDialogs(of: call)
    if let leg = call.callerLeg { release(leg, Cause(sipStatus: status), status: status) }
  }

  mutating func callerEvent(_ leg: LegID, _ event: LegEvent, at now: Moment) {
    guard let id = legs[leg]?.call else { return }
    switch event {
    case .digit(let digit, _): pressedByInfo(leg, digit, at: now)
    case .offered(let offer): offered(leg, offer, at: now)
    case .offerAnswered(let answer):
      offerAnswered(leg, answer)
      if legs[leg]?.audio?.negotiated == nil {
        // His ACK brings no answer to our offer, or none we can use: he would hear nothing for ever.
        release(leg, .normalClearing)
        callerEnded(id, leg, .bearerCapabilityNotImplemented, at: now)
      }
    case .ended(let cause): callerEnded(id, leg, cause, at: now)
    case .incoming, .established, .alive, .offerRefused, .provisional, .answered, .refused: break
    }
  }

  private mutating func callerEnded(_ id: CallID, _ leg: LegID, _ cause: Cause, at now: Moment) {
    forget(leg)
    calls[id]?.callerLeg = nil
    calls[id]?.cause = cause
    switch calls[id]?.stage {
    case .hunt: hunt(id, .callerEnded(cause), at: now)
    case .opening, .queue, .plain: endWithoutTicket(id, cause, at: now)
    case .ended, nil: break
    }
  }
}
