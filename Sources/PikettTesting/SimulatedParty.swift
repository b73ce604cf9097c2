package import SIPMessage
package import Telephony

/// A message and the way its sender wants it to go: what a `SimulatedParty` hands to its network.
package struct Transmission: Hashable, Sendable {
  package var message: Message
  /// As the sender sees it: `local` is his own address.
  package var flow: Flow

  package init(_ message: Message, _ flow: Flow) {
    self.message = message
    self.flow = flow
  }
}

/// Anything pure that speaks SIP: a transaction layer, a user agent, a whole call controller, a scripted phone.
package protocol SimulatedParty: AnyObject {
  /// A message arrived; `flow` is as the receiver sees it.
  func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission]
  /// `nextDeadline` has come.
  func timersDue(at now: Moment) -> [Transmission]
  /// What was sent on `flow` was refused there and then.
  func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission]
  /// When `timersDue` is to be called next; nil if no timer runs. Must move on when the timers have been handled.
  var nextDeadline: Instant? { get }
}

extension SimulatedParty {
  package func timersDue(at now: Moment) -> [Transmission] { [] }
  package func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission] { [] }
  package var nextDeadline: Instant? { nil }
}

/// A party made of closures, for a peer that only answers.
package final class ClosureParty: SimulatedParty {
  private let onReceive: (Message, Flow, Moment) -> [Transmission]
  private let onTimers: (Moment) -> [Transmission]
  private let deadline: () -> Instant?

  package init(
    receive: @escaping (Message, Flow, Moment) -> [Transmission] = { _, _, _ in [] },
    timersDue: @escaping (Moment) -> [Transmission] = { _ in [] }, nextDeadline: @escaping () -> Instant? = { nil }
  ) {
    onReceive = receive
    onTimers = timersDue
    deadline = nextDeadline
  }

  package func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
    onReceive(message, flow, now)
  }
  package func timersDue(at now: Moment) -> [Transmission] { onTimers(now) }
  package var nextDeadline: Instant? { deadline() }
}
