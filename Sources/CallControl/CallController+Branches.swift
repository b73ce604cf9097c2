import Hunting
import Media
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// The phones that are rung. Each is a branch of its own, with one leg for each way to it that is being tried.
extension CallController {
  /// Calls one of a user's phones: the desk phone, which may be several that have registered, or a fork.
  mutating func ring(_ id: CallID, _ branch: BranchID, _ phone: Branch, at now: Moment) {
    guard let call = calls[id] else { return }
    let routes = directions(call.site, at: now).routes(
      to: phone.phone, of: phone.user, calling: .init(caller: call.caller, dialled: call.dialled))
    // Each phone answers and confirms for itself: the voicemail of one must not stop the others.
    for further in routes.indices.dropFirst() {
      later(.hunt(id, .branchAdded(branch.phone(further), beside: branch)))
    }
    open(id, branch, routes, at: now)
    if routes.isEmpty {
      let isRegistrationMissing =
        phone.phone == .desk && call.site.user(phone.user)?.deskPhone == .registration
        && userAgent.contacts(of: phone.user, at: now.instant).isEmpty
      note(.branchHasNoWay(id, branch, user: phone.user, isRegistrationMissing: isRegistrationMissing))
      branchOver(id, branch, .unreachable, .noRouteToDestination, at: now)
    }
  }

  /// The ways to the phones of a site as they are now.
  func directions(_ site: SiteSnapshot, at now: Moment) -> Directions {
    // Not all of `self`: who keeps the directions would keep a copy of every call.
    Directions(
      site: site, hosts: hosts, route: route, advertised: advertised,
      contacts: { [userAgent] in userAgent.contacts(of: $0, at: now.instant) },
      isAlive: { [userAgent, lines] in Self.isAlive($0, userAgent, lines, at: now) },
      isPlaceAlive: { [lines] in lines.isAlive($0.name, $1.endpoint, at: now.instant) },
      serviceRoute: { [lines] in lines.serviceRoute($0.name, $1.endpoint, at: now.instant) })
  }

  /// Calls these phones under `branch` and the branches beside it.
  mutating func open(_ id: CallID, _ branch: BranchID, _ routes: [PhoneRoute], at now: Moment) {
    for (index, route) in routes.enumerated() {
      let branch = branch.phone(index)
      calls[id]?.branches[branch] = BranchCall(route)
      attempt(id, branch, .start, at: now)
    }
  }

  /// Tells the attempts to reach a phone what happened and does what they say.
  /// - Returns: true if the phone cannot be reached.
  @discardableResult
  private mutating func attempt(_ id: CallID, _ branch: BranchID, _ input: Attempts.Input, at now: Moment) -> Bool {
    guard let actions = calls[id]?.branches[branch]?.attempts.handle(input, at: now.instant) else { return false }
    for action in actions {
      guard let call = calls[id]?.branches[branch] else { return false }
      switch action {
      case .call(let way):
        guard let target = call.route[way] else { continue }
        let leg = userAgent.newLegID()
        legs[leg] = CallLeg(call: id, part: .branch(branch, target))
        calls[id]?.branches[branch]?.add(leg, on: way)
        note(.branchCalled(id, branch, target: "\(target)"))
        emit(.openMedia(leg, target.target.flow))
      case .cancel(let way):
        guard let leg = call.leg(on: way) else { continue }
        calls[id]?.branches[branch]?.remove(leg)
        release(leg, .answeredElsewhere)
      case .silent(let way):
        if let target = call.route[way] { gotNoAnswer(target, at: now) }
        note(.branchSilent(id, branch, target: call.route[way]?.description ?? ""))
      case .stuck(let way):
        if let target = call.route[way] { gotNoAnswer(target, at: now) }
        note(.branchStuck(id, branch, target: call.route[way]?.description ?? ""))
      case .over: return true
      }
    }
    return false
  }

  /// Some host has been silent for too long.
  mutating func branchTimersDue(_ id: CallID, at now: Moment) {
    for branch in calls[id]?.branches.keys.sorted() ?? [] {
      guard let deadline = calls[id]?.branches[branch]?.attempts.nextDeadline, deadline <= now.instant else { continue }
      attempt(id, branch, .timersDue, at: now)
    }
  }

  /// The leg's ports are there: the INVITE can go.
  mutating func callBranch(_ leg: LegID, _ branch: BranchID, _ target: BranchTarget, at now: Moment) {
    guard let id = legs[leg]?.call, let call = calls[id], var audio = legs[leg]?.audio else { return }
    let offer = audio.makeOffer()
    legs[leg]?.audio = audio
    later(
      .userAgent(
        .invite(
          leg,
          OutgoingCall(
            target: target.target, from: target.from, headers: target.headers, offer: offer,
            credentials: target.credentials, maxForwards: call.maxForwards))))
  }

  mutating func branchEvent(_ leg: LegID, _ branch: BranchID, _ event: LegEvent, at now: Moment) {
    guard let id = legs[leg]?.call else { return }
    if case .branch(_, let target) = legs[leg]?.part, event.isSignOfLife { showedLife(target, at: now) }
    switch event {
    case .provisional(let status, _):
      if let way = calls[id]?.branches[branch]?.way(of: leg) {
        attempt(id, branch, status == 100 ? .provisional(way) : .ringing(way), at: now)
      }
      // The branch's own early media is never heard: nobody knows whether it is ringing or an announcement.
      if status == 180 || status == 183 { hunt(id, .branchRinging(branch), at: now) }
    case .answered(let body): answered(id, leg, branch, body, at: now)
    case .refused(let status, let cause, let contacts):
      branchLegRefused(leg, branch, status: status, failure(status, contacts), cause, at: now)
    case .digit(let digit, let milliseconds): pressedByInfo(leg, digit, milliseconds: milliseconds, at: now)
    case .digitRefused(let digit, let milliseconds): digitRefused(leg, digit, milliseconds: milliseconds)
    case .offered(let offer): offered(leg, offer, at: now)
    case .offerAnswered(let answer): offerAnswered(leg, answer)
    case .ended(let cause):
      forget(leg)
      branchOver(id, branch, .unreachable, cause, at: now)
    case .incoming, .established, .alive, .offerRefused: break
    }
  }

  private func failure(_ status: Int, _ contacts: [NameAddress]) -> BranchFailure {
    switch status {
    case 300..<400: .redirected(to: contacts.first.map { "\($0.uri)" } ?? "nowhere")
    case 486, 600: .busy
    case 401, 402, 403, 407, 433, 603, 606, 607, 608: .refused
    default: .unreachable
    }
  }

  private mutating func answered(_ id: CallID, _ leg: LegID, _ branch: BranchID, _ body: [UInt8]?, at now: Moment) {
    guard var audio = legs[leg]?.audio, let way = calls[id]?.branches[branch]?.way(of: leg) else { return }
    attempt(id, branch, .answered(way), at: now)
    do throws(SDPError) {
      let negotiated = try audio.accept(body ?? [])
      legs[leg]?.audio = audio
      legs[leg]?.isAnswered = true
      emit(.describe(leg, negotiated))
    } catch {
      note(.mediaFault(id, leg, error))
      release(leg, .normalClearing)  // it has answered
      return branchOver(id, branch, .refused, .bearerCapabilityNotImplemented, at: now)
    }
    if case .plain = calls[id]?.stage {
      connectPlain(id, branch, leg, at: now)
    } else {
      hunt(id, .branchAnswered(branch), at: now)
    }
  }

  /// One way to a phone has come to its end before an answer: another one, if there is one left.
  private mutating func branchLegRefused(
    _ leg: LegID, _ branch: BranchID, status: Int, _ failure: BranchFailure, _ cause: Cause, at now: Moment
  ) {
    guard let id = legs[leg]?.call, let call = calls[id]?.branches[branch], let way = call.way(of: leg) else { return }
    note(.branchWayFailed(id, branch, target: call.route[way]?.description ?? "", status: status))
    wayEnded(id, branch, leg, way, status: status, failure, cause, at: now)
  }

  /// No RTP port can be had for this way. Perhaps for the next one; the ways that are under way go on.
  mutating func branchHasNoPort(_ leg: LegID, _ branch: BranchID, at now: Moment) {
    guard let id = legs[leg]?.call, let way = calls[id]?.branches[branch]?.way(of: leg) else { return }
    note(.branchHasNoPort(id, branch))
    wayEnded(id, branch, leg, way, status: 503, .unreachable, .congestion, at: now)
  }

  private mutating func wayEnded(
    _ id: CallID, _ branch: BranchID, _ leg: LegID, _ way: Way, status: Int, _ failure: BranchFailure, _ cause: Cause,
    at now: Moment
  ) {
    forget(leg)
    calls[id]?.branches[branch]?.remove(leg)
    if attempt(id, branch, .refused(way, status: status), at: now) { branchOver(id, branch, failure, cause, at: now) }
  }

  /// A branch is over: the phone cannot be reached, or has hung up.
  mutating func branchOver(
    _ id: CallID, _ branch: BranchID, _ failure: BranchFailure, _ cause: Cause, at now: Moment
  ) {
    guard let call = calls[id] else { return }
    calls[id]?.branches[branch] = nil
    switch call.stage {
    case .hunt:
      // Told later, so that a step is never within a step. Whether the phone had answered, the hunt knows.
      later(.hunt(id, .branchFailed(branch, failure, cause)))
    case .plain:
      if call.connected == branch || calls[id]?.branches.isEmpty == true { endWithoutTicket(id, cause, at: now) }
    case .opening, .queue, .ended: break
    }
  }

  /// Stops ringing a phone, or hangs it up.
  mutating func releaseBranch(_ id: CallID, _ branch: BranchID, _ cause: Cause) {
    for (_, leg) in calls[id]?.branches.removeValue(forKey: branch)?.legs ?? [] { release(leg, cause) }
  }

  /// The leg of a phone that has answered.
  func answeredLeg(_ id: CallID, _ branch: BranchID) -> LegID? {
    calls[id]?.branches[branch]?.legs.first { legs[$0.leg]?.isAnswered == true }?.leg
  }
}

extension BranchID {
  /// The n-th further phone of this branch; 0 is itself.
  fileprivate func phone(_ index: Int) -> BranchID { BranchID(hop: hop, index: self.index, phone: index) }
}
