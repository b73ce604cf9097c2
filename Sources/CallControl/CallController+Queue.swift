import Hunting
import Media
import SIPUserAgent
import Site
import Telephony

/// The waiting queue, and where its keys lead.
extension CallController {
  mutating func enterQueue(_ id: CallID, _ name: String, at now: Moment) {
    guard let call = calls[id], let leg = call.callerLeg, let queue = call.site.queue(name) else { return }
    calls[id]?.queue = name
    calls[id]?.stage = .queue(WaitingQueue(queue))
    note(.queueEntered(id, queue: name))
    emit(.detectTones(leg, true))
    self.queue(id, .start, at: now)
  }

  mutating func queue(_ id: CallID, _ input: WaitingQueue.Input, at now: Moment) {
    guard let call = calls[id], case .queue(var queue) = call.stage else { return }
    let actions = queue.handle(input, at: now)
    calls[id]?.stage = .queue(queue)
    if case .key(let key) = input, actions.first == .announce { note(.wrongKey(id, key)) }
    for action in actions {
      switch action {
      case .announce:
        if let leg = call.callerLeg, let name = call.queue { play(.announcement(queue: name), to: leg) }
      case .proceed(let destination, let key):
        note(.chosen(id, key: key, destination: destination.digits))
        proceed(id, to: destination, bySilence: key == nil, at: now)
      case .hangUp: endWithoutTicket(id, .normalClearing, at: now)
      }
    }
  }

  /// The caller, or his silence, has chosen this number.
  private mutating func proceed(_ id: CallID, to number: PhoneNumber, bySilence: Bool, at now: Moment) {
    guard let call = calls[id], let leg = call.callerLeg else { return }
    silence(leg)
    switch call.site.numberPlan.destination(of: number) {
    case .hunt(let entry): startHunt(id, entry, at: now)
    case .queue(let name):
      if bySilence {
        // Queues whose silence leads from one to the other would keep a caller who is not there for ever.
        guard call.queue != name, !call.queuesBySilence.contains(name) else {
          return endWithoutTicket(id, .normalClearing, at: now)
        }
        calls[id]?.queuesBySilence.append(name)
      }
      enterQueue(id, name, at: now)
    case .reserved: endWithoutTicket(id, .unallocatedNumber, at: now)
    case .user, .incomplete, .unknown: callPlain(id, number, at: now)
    }
  }
}
