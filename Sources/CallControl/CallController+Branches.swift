import Hunting
import Media
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// The phones that are rung, each on one leg or (where a user has registered several) on several.
extension CallController {
  /// The branch of a call to a plain number.
  static var plainBranch: BranchID { BranchID(hop: .first, index: 0) }

  /// How long a plain number may ring: no chain goes on behind it, and an INVITE that rings has no timer of its own.
  static var plainRinging: Duration { .seconds(180) }

  /// Calls one of a user's phones.
  mutating func ring(_ id: CallID, _ branch: BranchID, _ phone: Branch, at now: Moment) {
    guard let call = calls[id] else { return }
    let targets = directions(call.site, at: now).targets(
      phone.phone, of: phone.user, calling: .init(caller: call.caller, dialled: call.dialled))
    open(id, branch, targets)
    if targets.isEmpty { branchOver(id, branch, .unreachable, .noRouteToDestination, at: now) }
  }

  /// Calls a number that is neither a queue nor in the hunt: bridged without ticket or recording.
  mutating func callPlain(_ id: CallID, _ number: PhoneNumber, at now: Moment) {
    guard let call = calls[id], let leg = call.callerLeg else { return }
    emit(.detectTones(leg, false))
    play(.waiting(queue: call.queue), to: leg)
    calls[id]?.stage = .plain(ringsUntil: now.instant + Self.plainRinging)
    calls[id]?.user = number.digits
    let directions = directions(call.site, at: now)
    let calling = Directions.Calling(caller: call.caller, dialled: call.dialled)
    let targets: [BranchTarget]
    if call.site.user(number.digits) != nil {
      targets = directions.targets(.desk, of: number.digits, calling: calling)
    } else {
      let trunk = call.site.internalTrunks.lazy.compactMap { call.site.trunk($0) }.first
      targets = trunk.map { directions.through($0, number: number.digits, calling) } ?? []
    }
    open(id, Self.plainBranch, targets)
    if targets.isEmpty { endWithoutTicket(id, .noRouteToDestination, at: now) }
  }

  /// The ways to the phones of a site as they are now.
  func directions(_ site: SiteSnapshot, at now: Moment) -> Directions {
    Directions(
      site: site, hosts: hosts, route: route, advertised: advertised,
      contacts: { userAgent.contacts(of: $0, at: now.instant) })
  }

  private mutating func open(_ id: CallID, _ branch: BranchID, _ targets: [BranchTarget]) {
    for target in targets {
      let leg = userAgent.newLegID()
      legs[leg] = CallLeg(call: id, part: .branch(branch, target))
      calls[id]?.branches[branch, default: []].append(leg)
      note(.branchCalled(id, branch, target: "\(target.target.uri)"))
      emit(.openMedia(leg, target.target.flow))
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
    switch event {
    case .provisional(let status, let body):
      if let body { legs[leg]?.earlyAnswer = body }
      // The branch's own early media is never heard: nobody knows whether it is ringing or an announcement.
      if status == 180 || status == 183 { hunt(id, .branchRinging(branch), at: now) }
    case .answered(let body): answered(id, leg, branch, body, at: now)
    case .refused(let status, let cause, let contacts):
      branchLegOver(leg, branch, failure(status, contacts), cause, at: now)
    case .digit(let digit, _): pressedByInfo(leg, digit, at: now)
    case .offered(let offer): offered(leg, offer, at: now)
    case .offerAnswered(let answer): offerAnswered(leg, answer)
    case .ended(let cause): branchLegOver(leg, branch, .unreachable, cause, at: now)
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
    guard var audio = legs[leg]?.audio else { return }
    do throws(SDPError) {
      // Some gateways answer the offer in their 183 and leave it out of the 200.
      let negotiated = try audio.accept(body ?? legs[leg]?.earlyAnswer ?? [])
      legs[leg]?.earlyAnswer = nil
      legs[leg]?.audio = audio
      legs[leg]?.isAnswered = true
      emit(.describe(leg, negotiated))
    } catch {
      note(.mediaFault(id, leg, error))
      release(leg, .normalClearing)  // it has answered
      return branchLegOver(leg, branch, .refused, .bearerCapabilityNotImplemented, in: id, at: now)
    }
    // The same user's other phones on this branch stop ringing; the first answer is the branch's.
    for other in calls[id]?.branches[branch] ?? [] where other != leg { release(other, .answeredElsewhere) }
    calls[id]?.branches[branch] = [leg]
    if case .plain = calls[id]?.stage {
      connectPlain(id, leg, at: now)
    } else {
      hunt(id, .branchAnswered(branch), at: now)
    }
  }

  private mutating func connectPlain(_ id: CallID, _ leg: LegID, at now: Moment) {
    guard let caller = calls[id]?.callerLeg else { return }
    calls[id]?.stage = .plain(ringsUntil: nil)
    calls[id]?.connected = Self.plainBranch
    calls[id]?.answeredAt = now.wall
    silence(caller)
    emit(.bridge(caller, leg))
  }

  /// One leg of a branch is over by the peer's doing.
  mutating func branchLegOver(
    _ leg: LegID, _ branch: BranchID, _ failure: BranchFailure, _ cause: Cause, at now: Moment
  ) {
    guard let id = legs[leg]?.call else { return }
    forget(leg)
    branchLegOver(leg, branch, failure, cause, in: id, at: now)
  }

  private mutating func branchLegOver(
    _ leg: LegID, _ branch: BranchID, _ failure: BranchFailure, _ cause: Cause, in id: CallID, at now: Moment
  ) {
    guard var left = calls[id]?.branches[branch] else { return }
    left.removeAll { $0 == leg }
    calls[id]?.branches[branch] = left.isEmpty ? nil : left
    if left.isEmpty { branchOver(id, branch, failure, cause, at: now) }
  }

  /// A branch is over: no leg of it is left.
  private mutating func branchOver(
    _ id: CallID, _ branch: BranchID, _ failure: BranchFailure, _ cause: Cause, at now: Moment
  ) {
    guard let call = calls[id] else { return }
    switch call.stage {
    case .hunt:
      // Told later, so that a step is never within a step. Whether the phone had answered, the hunt knows.
      later(.hunt(id, .branchFailed(branch, failure, cause)))
    case .plain: endWithoutTicket(id, cause, at: now)
    case .opening, .queue, .ended: break
    }
  }

  /// Stops ringing a phone, or hangs it up.
  mutating func releaseBranch(_ id: CallID, _ branch: BranchID, _ cause: Cause) {
    for leg in calls[id]?.branches.removeValue(forKey: branch) ?? [] { release(leg, cause) }
  }

  /// The leg of a phone that has answered.
  func answeredLeg(_ id: CallID, _ branch: BranchID) -> LegID? {
    calls[id]?.branches[branch]?.first { legs[$0]?.isAnswered == true }
  }
}
