import Hunting
import SIPUserAgent
import Telephony

/// A call ends: nothing rings on, every port goes back, everything is written.
extension CallController {
  /// Ends a call that is not in the hunt: no ticket, no message, but a CDR line.
  mutating func endWithoutTicket(_ id: CallID, _ cause: Cause, at now: Moment) {
    guard let call = calls[id] else { return }
    calls[id]?.cause = call.cause ?? cause
    for branch in call.branches.keys.sorted() { releaseBranch(id, branch, cause) }
    if let leg = call.callerLeg { release(leg, cause) }
    end(id, at: now)
  }

  /// The call is over and all its legs are released.
  mutating func end(_ id: CallID, at now: Moment) {
    guard let call = calls[id] else { return }
    let detail = CallDetail(
      origin: call.origin.name, ring: call.arrived.wall, answer: call.answeredAt, hangUp: now.wall,
      answeredExtension: call.user ?? "", dialled: call.dialled, caller: call.caller,
      cause: call.cause ?? .normalClearing, ticket: call.ticket)
    note(.ended(id, detail))
    emit(
      .endCall(
        id, CallEnding(caller: call.caller, closing: call.closing, dispatch: call.dispatch, detail: detail)))
    for branch in call.branches.keys.sorted() { releaseBranch(id, branch, .normalClearing) }
    if let leg = call.callerLeg { release(leg, .normalClearing) }
    calls[id]?.callerLeg = nil
    calls[id]?.stage = .ended(forgetAt: now.instant + Self.linger)
  }

  /// The BYEs of the last step and their answers still belong into the recording: so long it stays open.
  static var linger: Duration { .seconds(2) }

  /// Nothing more comes for this call.
  mutating func bury(_ id: CallID) {
    if case .running = calls[id]?.recording { emit(.stopRecording(id)) }
    calls[id] = nil
    dialogs = dialogs.filter { $0.value != id }
  }
}

extension PeerIdentity {
  /// PBX_ID of the CDR: the trunk's name, or `internal`.
  var name: String {
    switch self {
    case .trunk(let name): name
    case .user: "internal"
    }
  }
}
