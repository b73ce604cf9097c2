import SIPMessage
import Telephony

/// Key presses that we send by INFO (`application/dtmf-relay`), one after the other, so that none overtakes another.
extension UserAgent {
  /// How many presses may wait for the answers of those before them.
  private static let maxPresses = 32

  /// True if the leg's peer has said in an Allow that it takes INFO.
  package func takesInfo(_ id: LegID) -> Bool { legs[id]?.allowsInfo == true }

  mutating func press(_ id: LegID, _ digit: InfoDigit, at now: Moment) {
    guard let leg = legs[id], case .talking = leg.phase, leg.presses.count < Self.maxPresses else { return }
    legs[id]?.presses.append(digit)
    if leg.presses.isEmpty { sendPress(id, at: now) }
  }

  private mutating func sendPress(_ id: LegID, at now: Moment) {
    guard let leg = legs[id], let digit = leg.presses.first, var request = legs[id]?.dialog?.request(.info),
      let dialog = leg.dialog
    else { return }
    request.headers.add("Content-Type", "application/dtmf-relay")
    request.headers.add("User-Agent", settings.userAgentName)
    if let sessionID = leg.sessionID { request.headers.add("Session-ID", sessionID) }
    request.body = digit.relayBody
    if leg.authentication.hasAnswers {
      legs[id]?.authentication.authorize(&request, functions: functions, random: random)
    }
    send(request, on: dialog.flow, for: .press(id), at: now)
  }

  mutating func pressAnswered(_ id: LegID, _ response: Response, at now: Moment) {
    guard response.isFinal, var leg = legs[id], let digit = leg.presses.first else { return }
    if response.status == 401 || response.status == 407, leg.authentication.take(response) == nil {
      legs[id] = leg
      return sendPress(id, at: now)
    }
    if response.isSuccess { legs[id]?.authentication.accepted() }
    pressDone(id, digit, isTaken: response.isSuccess, at: now)
  }

  /// Silence is no reason to end a talk: there are peers that pass over what they do not understand.
  mutating func pressLost(_ id: LegID, at now: Moment) {
    if let digit = legs[id]?.presses.first { pressDone(id, digit, isTaken: false, at: now) }
  }

  private mutating func pressDone(_ id: LegID, _ digit: InfoDigit, isTaken: Bool, at now: Moment) {
    legs[id]?.presses.removeFirst()
    if !isTaken { actions.append(.leg(id, .digitRefused(digit.digit, milliseconds: digit.milliseconds))) }
    sendPress(id, at: now)
  }
}

extension InfoDigit {
  /// The body of type `application/dtmf-relay`.
  var relayBody: [UInt8] {
    Array("Signal=\(digit)\r\nDuration=\(milliseconds ?? 100)\r\n".utf8)
  }
}
