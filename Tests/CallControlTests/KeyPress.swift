import SIPMessage
import Telephony

@testable import SIPUserAgent

extension UserAgent {
  /// A key press by SIP INFO, within the leg's dialog.
  mutating func press(_ key: Character, on leg: LegID, at now: Moment) -> [UserAgentAction] {
    guard var request = legs[leg]?.dialog?.request(.info), let flow = legs[leg]?.dialog?.flow else { return [] }
    request.headers.add("Content-Type", "application/dtmf-relay")
    request.body = Array("Signal=\(key)\r\nDuration=160\r\n".utf8)
    send(request, on: flow, for: .ask(leg), at: now)
    defer { actions = [] }
    return actions
  }
}
