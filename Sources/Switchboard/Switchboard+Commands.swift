import CallControl
import NetworkIO
import RTPEngine
import Telephony

/// Performs what the core commands.
extension Switchboard {
  func perform(_ command: CallCommand, at now: Moment) {
    switch command {
    case .transmit(let message, let flow): sockets.send(message, on: flow)
    case .openMedia(let leg, let flow): openMedia(leg, flow)
    case .describe(let leg, let audio): describe(leg, audio)
    case .play(let leg, let sound, let token): play(leg, sound, token: token)
    case .silence(let leg):
      if let place = media[leg] { engine.send(.stop(place.leg)) }
    case .detectTones(let leg, let isOn):
      if let place = media[leg] { engine.send(.detectTones(place.leg, isOn)) }
    case .sendDigit(let leg, let digit, let milliseconds):
      if let place = media[leg] { engine.send(.sendDigit(place.leg, digit, milliseconds: milliseconds)) }
    case .bridge(let a, let b):
      if let a = media[a], let b = media[b] { engine.send(.bridge(a.leg, b.leg)) }
    case .closeMedia(let leg): closeMedia(leg)
    case .startRecording(let call, let caller, let frames): startRecording(call, caller, frames, at: now)
    case .nameRecording(let call, let ticket): nameRecording(call, ticket)
    case .recordSIP(let call, let frame):
      if let recording = recordings[call] { record(frame, in: recording.id) }
    case .tap(let call, let leg): tap(call, leg)
    case .untap(let leg):
      if let place = media[leg] { engine.send(.untap(place.leg)) }
    case .stopRecording(let call): stopRecording(call)
    case .openTicket(let call, let opening): openTicket(call, opening)
    case .numberTicket(let call, let hop): numberTicket(call, hop)
    case .endCall(let call, let ending): endCall(call, ending)
    case .messageDone(let name, let status): messages.done(name, status: status)
    case .registrationsChanged(let user):
      registrations.changed()
      messages.phonesChanged(of: user)
    case .event(let event):
      log.write(event)
      settings.onEvent?(event, now)
    }
  }
}
