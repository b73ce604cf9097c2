import Hunting
import Media
import SIPUserAgent
import Site
import Telephony

/// Calls that are none for the hunt: bridged without ticket or recording.
extension CallController {
  /// The branch of a call to a plain number.
  static var plainBranch: BranchID { BranchID(hop: .first, index: 0) }

  /// How long a plain number may ring: no chain goes on behind it, and an INVITE that rings has no timer of its own.
  static var plainRinging: Duration { .seconds(180) }

  /// Calls a number that is neither a queue nor in the hunt: a user's phone; a number with `+` by the external trunk; any
  /// other, as it stands, by the internal one, where the PBX knows it.
  mutating func callPlain(_ id: CallID, _ number: PhoneNumber, at now: Moment) {
    guard let call = calls[id] else { return }
    let directions = directions(call.site, at: now)
    let calling = Directions.Calling(caller: call.caller, dialled: call.dialled)
    if call.site.user(number.digits) != nil {
      let routes = directions.routes(to: .desk, of: number.digits, calling: calling)
      return callPlain(id, number.digits, routes, otherwise: .noUserResponding, at: now)
    }
    let routes =
      number.isInternational
      ? directions.routes(toExternal: number, calling: calling)
      : directions.routes(toInternal: number.digits, calling: calling)
    callPlain(id, number.digits, routes, otherwise: .noRouteToDestination, at: now)
  }

  /// A user calls the caller of a ticket back: by the external trunk, under the trunk's own number. Where it has none
  /// (the PBX's trunk) the user's number is shown, which the PBX knows.
  mutating func callBack(_ id: CallID, _ number: PhoneNumber, at now: Moment) {
    guard let call = calls[id] else { return }
    let calling = Directions.Calling(caller: call.caller, dialled: call.caller.text, kind: .callback)
    let routes = directions(call.site, at: now).routes(toTicketCaller: number, calling: calling)
    callPlain(id, number.digits, routes, otherwise: .noRouteToDestination, at: now)
  }

  private mutating func callPlain(
    _ id: CallID, _ called: String, _ routes: [PhoneRoute], otherwise cause: Cause, at now: Moment
  ) {
    guard let call = calls[id], let leg = call.callerLeg else { return }
    emit(.detectTones(leg, false))
    play(.waiting(queue: call.queue), to: leg)
    calls[id]?.stage = .plain(ringsUntil: now.instant + Self.plainRinging)
    calls[id]?.user = called
    open(id, Self.plainBranch, routes, at: now)
    if routes.isEmpty { endWithoutTicket(id, cause, at: now) }
  }

  /// The number has answered; the first of several phones is the one.
  mutating func connectPlain(_ id: CallID, _ branch: BranchID, _ leg: LegID, at now: Moment) {
    guard let caller = calls[id]?.callerLeg else { return }
    for other in calls[id]?.branches.keys.sorted() ?? [] where other != branch {
      releaseBranch(id, other, .answeredElsewhere)
    }
    calls[id]?.stage = .plain(ringsUntil: nil)
    calls[id]?.connected = branch
    calls[id]?.answeredAt = now.wall
    answerCaller(id)
    silence(caller)
    emit(.bridge(caller, leg))
    updateHold(id)
    listenForDoubles(id)
  }
}
