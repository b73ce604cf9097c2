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
    // Escapes, separators and parameters are no part of a number; what is none stays as it came, for the log.
    let text = dialledNumber(request, incoming.identity)
    let number = PhoneNumber(uriUser: text)
    let dialled = number?.digits ?? text
    do throws(Refusal) {
      let entry = try admit(incoming, caller, number, at: now)
      let id = newCallID(at: now)
      let callID = request.headers.callID ?? ""
      calls[id] = Call(
        id: id, site: site, origin: incoming.identity, caller: caller, dialled: dialled, arrived: now,
        maxForwards: max(((try? request.headers.maxForwards()) ?? nil ?? 70) - 1, 0), callerCallID: callID,
        session: SessionID(of: request, random: random), callerLeg: leg, stage: .opening(offer: incoming.offer, entry))
      legs[leg] = CallLeg(call: id, part: .caller)
      assign(callID, to: id)
      note(.arrived(id, caller: caller, dialled: dialled, origin: incoming.identity))
      if case .trunk = incoming.identity {
        let history = CallHistory(request)
        if let first = history.calledFirst {
          note(.cameThrough(id, calledFirst: first, reason: history.stations.first?.reason.map { CallerName($0).text }))
        }
      }
      emit(.openMedia(leg, incoming.flow))
    } catch {
      note(
        .refused(
          caller: caller, dialled: dialled, origin: incoming.identity, status: error.status, reason: error.reason))
      later(.userAgent(.release(leg, Cause(sipStatus: error.status), status: error.status)))
      guard error.reason.isCallLost else { return }
      writeRefused(
        newCallID(at: now),
        CallDetail(
          origin: incoming.identity.name, ring: now.wall, hangUp: now.wall, answeredExtension: "", dialled: dialled,
          caller: caller, cause: Cause(sipStatus: error.status)))
    }
  }

  /// A call that somebody made and that was not taken gets its CDR line too: who looks for a lost emergency finds it.
  mutating func writeRefused(_ id: CallID, _ detail: CallDetail) {
    emit(.endCall(id, CallEnding(caller: detail.caller, closing: nil, dispatch: nil, detail: detail)))
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
    case (.uri, _), (.calledPartyID, nil):
      guard namesOurselves(uriUser, trunk) else { return uriUser }
      if let to, isOurs(to) { return to }
      // A PBX that diverts to its registration names us in both: only the history knows the number.
      return CallHistory(request).stations.map(\.user).first(where: isOurs) ?? to ?? uriUser
    }
  }

  /// The number of a queue or of the hunt.
  private func isOurs(_ uriUser: String) -> Bool {
    switch PhoneNumber(uriUser: uriUser).map({ site.numberPlan.destination(of: $0) }) {
    case .queue?, .hunt?: true
    case .user?, .reserved?, .incomplete?, .unknown?, nil: false
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
    _ incoming: IncomingCall, _ caller: CallerName, _ number: PhoneNumber?, at now: Moment
  ) throws(Refusal) -> Call.Entry {
    // Every branch would leave with one less (RFC 7332 §4): a call that has gone round until here goes no further.
    if (try? incoming.request.headers.maxForwards()) == 0 { throw Refusal(status: 483, reason: .tooManyHops) }
    if isShuttingDown { throw Refusal(status: 503, reason: .shuttingDown) }
    if !canWrite { throw Refusal(status: 503, reason: .diskTooFarBehind) }
    let entry = try entry(number, incoming.identity, at: now)
    if let user = userSentBack(incoming, caller, entry) { throw Refusal(status: 482, reason: .sentBack(user: user)) }
    // Those who only listen to the announcement must not keep out the confirmed: they may take half of the places.
    let unconfirmed = calls.values.count { !$0.isOver && !$0.isConfirmed }
    guard callCount < site.maxCalls, !entry.isQueue || unconfirmed < max(site.maxCalls / 2, 1) else {
      throw Refusal(status: 486, reason: .tooManyCalls)
    }
    return entry
  }

  /// Where a number leads, and for whom.
  ///
  /// A trunk reaches the queues, the hunt, and what its `Default.txt` names; whatever its caller says he is, nothing else
  /// ever. A user who has proved who he is (digest) also reaches the other users, and the callers of the last days'
  /// tickets. So there is no way through Pikett to a number that neither stands in the site nor has asked for help.
  private func entry(
    _ number: PhoneNumber?, _ identity: PeerIdentity, at now: Moment
  ) throws(Refusal) -> Call.Entry {
    let plan = site.numberPlan
    let destination = number.map { plan.destination(of: $0) } ?? .unknown
    switch (destination, identity) {
    case (.queue(let name), _): return .queue(name)
    case (.hunt(let entry), _): return try hunt(entry)
    case (.user, .user): if let number { return .plain(number) }
    // Before a trunk's default: nobody in need dials one.
    case (.reserved, _): throw Refusal(status: 404, reason: .reservedNumber)
    case (.user, .trunk), (.incomplete, _), (.unknown, _): break
    }
    switch identity {
    case .trunk(let name):
      // The seed's route `! → 799*731`: what matches nothing on this trunk goes there. So does the mere beginning of a
      // number: nothing tells overlap dialling from a line that delivers a short number, and no emergency waits for more
      // digits.
      if let number = site.trunk(name)?.defaultDestination { return try defaultEntry(number, plan) }
    case .user:
      if let number, let caller = recentCaller(number, at: now) { return .callback(caller) }
    }
    switch destination {
    case .incomplete: throw Refusal(status: 484, reason: .incompleteNumber)
    case .queue, .hunt, .user, .unknown, .reserved: throw Refusal(status: 404, reason: .unknownNumber)
    }
  }

  private func defaultEntry(_ number: PhoneNumber, _ plan: NumberPlan) throws(Refusal) -> Call.Entry {
    switch plan.destination(of: number) {
    case .queue(let name): return .queue(name)
    case .hunt(let entry): return try hunt(entry)
    case .reserved: throw Refusal(status: 404, reason: .reservedNumber)
    case .user, .incomplete, .unknown: return .plain(number)
    }
  }

  /// The caller of a ticket whom a user has dialled.
  private func recentCaller(_ number: PhoneNumber, at now: Moment) -> PhoneNumber? {
    let trunk = site.externalTrunks.lazy.compactMap { site.trunk($0) }.first
    return recentCallers.caller(dialled: number, prefix: trunk?.prefix ?? "", at: now.wall)
  }

  private func hunt(_ entry: HuntEntry) throws(Refusal) -> Call.Entry {
    guard site.huntPlan.firstUser(for: entry) != nil else { throw Refusal(status: 480, reason: .noUsers) }
    return .hunt(entry)
  }
}
