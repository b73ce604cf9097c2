import CallControl
import Hunting
import Telephony

/// The daemon's events as the demo tells them; what the phones do is told by the script.
enum Story {
  /// `  3.2 s  `.
  static func stamp(_ elapsed: Duration) -> String {
    let tenths = elapsed.milliseconds / 100
    let text = "\(tenths / 10).\(tenths % 10) s"
    return String(repeating: " ", count: max(7 - text.utf8.count, 0)) + text + "  "
  }

  /// The event in a sentence; nil for what is not worth one.
  static func line(_ event: CallEvent) -> String? {
    switch event {
    case .queueEntered(_, let queue): "Pikett answers: waiting queue \(queue)"
    case .chosen(_, let key, let destination):
      "Pikett takes the \(key.map { "key \($0)" } ?? "silence"): on to \(destination); from now on the call is recorded"
    case .ticketOpened(_, let ticket, let user): "Ticket \(ticket) is opened; Pikett rings \(user)"
    case .ticketClosed(_, let ticket):
      "Ticket \(ticket.ticket) is closed" + (ticket.isLast ? ": the last of this call (END)" : "")
    case .hunt(_, .noResponse(_, let user)): "\(user) does not respond"
    case .hunt(_, .connected(_, let user)): "\(user) has answered: caller and technician are connected"
    case .dispatched(_, let ticket): "SMS and IM are ordered for \(ticket.user), and for nobody else"
    case .arrived, .refused, .wrongKey, .hunt, .branchCalled, .branchSilent, .branchStuck, .branchWayFailed,
      .branchHasNoWay, .branchHasNoPort, .mediaFault, .deadLeg, .cameThrough, .held, .resumed, .busyTone, .ended,
      .messageUndeliverable, .trunk,
      .userAgent:
      nil
    }
  }
}
