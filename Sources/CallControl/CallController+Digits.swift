import Media
import SDP
import SIPMessage
import SIPUserAgent
import Telephony

/// Key presses after the bridge: relayed to whatever the other side understands, once. Before it they are for the queue
/// and for the technician's confirmation.
extension CallController {
  /// The other side of the talk.
  func partner(of leg: LegID) -> LegID? {
    guard let id = legs[leg]?.call, let (caller, phone) = talkingLegs(id) else { return nil }
    return leg == caller ? phone : leg == phone ? caller : nil
  }

  /// Tells the leg's relay what came and sends what it says.
  mutating func relay(_ input: DigitRelay.Input, from leg: LegID, at now: Moment) {
    guard let audio = legs[leg]?.audio?.negotiated else { return }
    let other = partner(of: leg)
    let target = other.map { understanding(of: $0) }
    let presses = legs[leg]?.digits.handle(
      input, to: target, sendsEvents: audio.telephoneEventReceive != nil, at: now.instant)
    if let deadline = legs[leg]?.digits.nextDeadline {
      digitTimers.set(leg, at: deadline)
    } else {
      digitTimers.cancel(leg)
    }
    guard let other else { return }
    for press in presses ?? [] { send(press, to: other) }
  }

  /// Presses that have waited for their other ways.
  mutating func digitsDue(at now: Moment) {
    while let leg = digitTimers.popDue(at: now.instant) { relay(.timersDue, from: leg, at: now) }
  }

  /// The peer does not take our INFO, whatever its Allow said: it hears tones from now on, and this press as well.
  mutating func digitRefused(_ leg: LegID, _ digit: Character, milliseconds: Int?) {
    legs[leg]?.refusesInfo = true
    guard let id = legs[leg]?.call, partner(of: leg) != nil else { return }
    emit(.sendDigit(leg, digit, milliseconds: milliseconds ?? DigitRelay.usualLength))
    listenForDoubles(id)
  }

  /// Tones are listened for in a talk only where a press might be told twice to a side that has nothing but its ears.
  mutating func listenForDoubles(_ id: CallID) {
    guard let (caller, phone) = talkingLegs(id) else { return }
    for (leg, other) in [(caller, phone), (phone, caller)] {
      let sendsOtherwise =
        legs[leg]?.audio?.negotiated?.telephoneEventReceive != nil || userAgent.takesInfo(leg)
      let isWanted = understanding(of: other) == .tones && sendsOtherwise
      guard isWanted != legs[leg]?.listensForDoubles else { continue }
      legs[leg]?.listensForDoubles = isWanted
      emit(.detectTones(leg, isWanted))
    }
  }

  private func understanding(of leg: LegID) -> DigitRelay.Target {
    if legs[leg]?.audio?.negotiated?.telephoneEventSend != nil { return .events }
    return userAgent.takesInfo(leg) && legs[leg]?.refusesInfo != true ? .info : .tones
  }

  private mutating func send(_ press: DigitRelay.Press, to leg: LegID) {
    switch understanding(of: leg) {
    case .events, .tones: emit(.sendDigit(leg, press.digit, milliseconds: press.milliseconds))
    case .info:
      later(.userAgent(.press(leg, InfoDigit(digit: press.digit, milliseconds: press.milliseconds))))
    }
  }
}
