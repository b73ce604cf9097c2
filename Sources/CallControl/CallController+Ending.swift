import Hunting
import SIPUserAgent
import Telephony

/// A call ends: nothing rings on, every port goes back, everything is written.
extension CallController {
  /// Ends a call that is not in the hunt: no ticket, no message, but a CDR line.
  mutating func endWithoutTicket(_ id: CallID, _ cause: Cause, at now: Moment) {
    guard let call = calls[id] else { return }
    calls[id]?.cause = call.cause ?? (call.answeredAt != nil ? .normalClearing : cause)
    for branch in call.branches.keys.sorted() { releaseBranch(id, branch, whyHeGaveUp(id) ?? .normalClearing) }
    releaseCaller(id, cause, at: now)
    end(id, at: now)
  }

  /// The call is over and all its legs are released.
  mutating func end(_ id: CallID, at now: Moment) {
    guard let call = calls[id] else { return }
    let detail = CallDetail(
      origin: call.origin.name, ring: call.arrived.wall, answer: call.answeredAt, hangUp: now.wall,
      answeredExtension: call.answeredAt == nil ? "" : call.user ?? "", dialled: call.dialled, caller: call.caller,
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
    guard let call = calls.removeValue(forKey: id) else { return }
    if case .running = call.recording { emit(.stopRecording(id)) }
    forgetDialogs(of: call)
  }

  /// Messages of this Call-ID belong to this call from now on.
  mutating func assign(_ callID: String, to id: CallID) {
    guard var callIDs = calls[id]?.callIDs else { return }
    // Whoever uses a Call-ID a second time does not take the first call's messages away from it.
    if let owner = dialogs[callID], calls[owner]?.isOver == false { return }
    dialogs[callID] = id
    callIDs.append(callID)
    // A chain that loops for ever must not fill the memory: branches that were cancelled long ago are forgotten.
    if callIDs.count > Self.rememberedDialogs {
      let oldest = callIDs.remove(at: min(1, callIDs.count - 1))
      if dialogs[oldest] == id { dialogs[oldest] = nil }
    }
    calls[id]?.callIDs = callIDs
  }

  /// How many dialogs of one call are known by their Call-ID, the caller's and the newest branches'.
  static var rememberedDialogs: Int { 200 }

  mutating func forgetDialogs(of call: Call) {
    for callID in call.callIDs where dialogs[callID] == call.id { dialogs[callID] = nil }
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
