import NIOCore
import NetworkIO
package import RTPEngine
import SDP
import SIPMessage
import SIPUserAgent
import Switchboard
import Telephony

/// What a number of a PBX does when it is called.
package enum PhoneScript: Sendable {
  /// Nothing, not even 100: as if nobody were there.
  case silence
  case refuse(Int)
  /// 302 to another number.
  case redirect(to: String)
  /// 180, and nothing more.
  case ring
  /// 183 with sound, and nothing more: an announcement of the network.
  case announce(Sound)
  /// 180, and 200 after a while; then presses these keys.
  case answer(after: Duration = .zero, pressing: String = "")
  /// 200, and BYE when the ACK has come.
  case answerAndHangUp
  /// 403 to every caller but this one, whom it answers, and presses these keys: a network that lets out its subscribers'
  /// own numbers only.
  case answerOnly(String, pressing: String)
  /// 180, and 200 in the moment in which the CANCEL comes.
  case answerTheCancel
  /// 180, and the PBX's own call forward on no response: a new call of the same caller to this number, which says (or
  /// does not say) that it is diverted. If it is refused, so is the first one.
  case forward(to: String, saysDiversion: Bool)
}

/// How a phone that is a PBX plays its scripts.
extension Phone {
  /// Says what these numbers do from now on.
  package func plays(_ scripts: [String: PhoneScript]) {
    self.scripts.merge(scripts) { $1 }
  }

  /// What no user agent does by itself.
  /// - Returns: true if the request goes no further.
  func isScripted(_ request: Request, on flow: Flow) -> Bool {
    guard let number = request.uri.user, let script = scripts[number] else { return false }
    switch (script, request.method) {
    case (.silence, .invite), (.silence, .cancel): return true
    case (.redirect(let other), .invite):
      var response = request.response(302, toTag: "phone\(number)")
      response.headers.add("Contact", "<sip:\(other)@\(address.uriText)>")
      sockets?.send(.response(response), on: flow)
      return true
    case (.redirect, .ack): return true
    case (.answerTheCancel, .cancel):
      // The 200 to the INVITE goes out before the CANCEL is looked at.
      for (leg, call) in calls {
        if case .answerTheCancel = call.script { try? answer(leg) }
      }
      return false
    default: return false
    }
  }

  /// A number with a script is called.
  func play(_ script: PhoneScript, of number: String, calledBy caller: String, on leg: LegID) {
    calls[leg]?.script = script
    switch script {
    case .silence, .redirect: break
    case .refuse(let status): refuse(leg, status: status)
    case .ring, .answerTheCancel: run(.progress(leg, status: 180, body: nil))
    case .announce(let sound): announce(sound, on: leg)
    case .answerAndHangUp: try? answer(leg)
    case .answerOnly(let subscriber, _):
      if caller == subscriber { try? answer(leg) } else { refuse(leg, status: 403) }
    case .answer(let pause, _):
      run(.progress(leg, status: 180, body: nil))
      loop.scheduleTask(in: .nanoseconds(pause.nanoseconds)) { [weak self] in
        self?.assumeIsolated { try? $0.answer(leg) }
      }
    case .forward(let target, let saysDiversion):
      run(.progress(leg, status: 180, body: nil))
      guard let second = try? call(target, from: caller, diversion: saysDiversion ? number : nil) else { return }
      calls[second]?.forwarded = leg
    }
  }

  /// The call's ACK has come.
  func goOn(_ leg: LegID) {
    switch calls[leg]?.script {
    case .answerAndHangUp: hangUp(leg)
    case .answer(_, let keys), .answerOnly(_, let keys): for key in keys { press(key, on: leg) }
    case .silence, .refuse, .redirect, .ring, .announce, .answerTheCancel, .forward, nil: break
    }
  }

  func refuse(_ leg: LegID, status: Int) {
    run(.release(leg, Cause(sipStatus: status), status: status))
    over(leg)
  }

  private func announce(_ sound: Sound, on leg: LegID) {
    guard var call = calls[leg], let offer = call.offer,
      let (sdp, audio) = try? call.negotiation.answer(offer, local: Endpoint(address, call.port))
    else { return }
    calls[leg] = call
    engine.send(.describe(call.leg, LegMedia(audio)))
    run(.progress(leg, status: 183, body: sdp))
    say(sound, on: leg)
  }
}
