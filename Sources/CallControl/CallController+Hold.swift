import Hunting
import Media
import SDP
import SIPUserAgent
import Telephony

/// Hold (RFC 3264 §8.4): one side of a talk wants nothing to hear for a while, and the other one must hear that it is still
/// there. Each leg's offers are answered here, so that hold never goes through to the other leg's signalling.
extension CallController {
  /// Whoever is held hears the hold sound; whoever holds, nothing, also if both do. To be called after each new agreement
  /// and as soon as two legs are joined.
  mutating func updateHold(_ id: CallID) {
    guard let (caller, phone) = talkingLegs(id) else { return }
    hold(caller, in: id, by: phone)
    hold(phone, in: id, by: caller)
  }

  private mutating func hold(_ leg: LegID, in id: CallID, by other: LegID) {
    let isHeld = isHolding(other) && !isHolding(leg)
    switch legs[leg]?.audio?.sound {
    case .hold?:
      if !isHeld { silence(leg) }
    case nil:
      if isHeld { play(.hold(queue: calls[id]?.queue), to: leg) }
    case .announcement, .waiting, .confirmPrompt, .busyTone: break
    }
  }

  /// The caller's leg and that of the phone he speaks with.
  func talkingLegs(_ id: CallID) -> (caller: LegID, phone: LegID)? {
    guard let call = calls[id], let caller = call.callerLeg, let branch = call.connected,
      let phone = answeredLeg(id, branch)
    else { return nil }
    return (caller, phone)
  }

  /// True while the leg's peer wants nothing from us.
  func isHolding(_ leg: LegID) -> Bool { legs[leg]?.audio?.negotiated?.isHeld == true }

  /// True while silence on the leg means nothing: it holds, or is held.
  func isOnHold(_ leg: LegID, in id: CallID) -> Bool {
    if isHolding(leg) { return true }
    guard let (caller, phone) = talkingLegs(id) else { return false }
    return isHolding(caller) || isHolding(phone)
  }

  /// The leg's media have been agreed on.
  mutating func agreed(_ leg: LegID, wasHolding: Bool) {
    guard let id = legs[leg]?.call, calls[id] != nil else { return }
    let holds = isHolding(leg)
    if holds != wasHolding { note(holds ? .held(id, by: leg) : .resumed(id, by: leg)) }
    updateHold(id)
    listenForDoubles(id)
  }
}
