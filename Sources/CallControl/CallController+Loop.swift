import Hunting
import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// Calls that are none: a PBX that still has the original's CFNR (731 → 799732) sends our own branch back to us, and the
/// hunt would go on within the hunt.
extension CallController {
  /// The user whose branch this INVITE is; nil if it is a call of its own.
  ///
  /// Known by the branch's Call-ID (a proxy sent it back), by its Session-ID, or by its caller: if Diversion or
  /// History-Info name the user who is being rung, or if the PBX that rings him dials the hunt's next hop.
  func userSentBack(_ incoming: IncomingCall, _ caller: CallerName, _ entry: Call.Entry) -> String? {
    let callID = incoming.request.headers.callID
    let sessions = sessionIDs(incoming.request)
    let diverting = CallHistory(incoming.request).stations.map(\.user)
    for id in calls.keys.sorted() {
      guard let call = calls[id], case .hunt(let hunt) = call.stage, let user = hunt.currentUser?.number else {
        continue
      }
      if callID.map({ dialogs[$0] == id && $0 != call.callerCallID }) == true { return user }
      if sessions.contains(call.session.caller) { return user }
      guard isSame(caller, call.caller) else { continue }
      // Callers who withhold their number are not one caller: each of them may need help.
      if diverting.contains(user), caller != .anonymous || rings(call, incoming.flow.remote.address) { return user }
      if caller != .anonymous, let next = hunt.nextUser?.number, entry == .hunt(.at(next)),
        rings(call, incoming.flow.remote.address)
      {
        return user
      }
    }
    return nil
  }

  /// One of the call's phones is rung at this address.
  private func rings(_ call: Call, _ address: IPAddress) -> Bool {
    call.branchLegs.contains { leg in
      guard case .branch(_, let target) = legs[leg]?.part else { return false }
      return target.target.flow.remote.address == address
    }
  }

  /// The same number, perhaps with a prefix that the PBX has put before it.
  private func isSame(_ a: CallerName, _ b: CallerName) -> Bool {
    let (short, long) = a.text.utf8.count < b.text.utf8.count ? (a.text, b.text) : (b.text, a.text)
    if short == long { return true }
    let digits = short.drop { $0 == "+" }
    return digits.utf8.count >= 6 && digits.isDigits && long.hasSuffix(digits)
  }

  private func sessionIDs(_ request: Request) -> [String] {
    guard let header = request.headers["Session-ID"] else { return [] }
    return header.split(separator: ";").map { part in
      let text = part.trimmed
      return text.hasPrefix("remote=") ? String(text.dropFirst(7)) : text
    }
  }
}
