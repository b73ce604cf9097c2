import SIPMessage
import SIPTransaction
import Telephony

/// Our 2xx to an INVITE until its ACK comes (RFC 3261 §13.3.1.4): repeated after T1, doubling up to T2, given up after
/// 64*T1. Over reliable transports too, as a hop further on may be an unreliable one.
struct PendingAnswer: Hashable, Sendable {
  enum Due: Hashable, Sendable {
    case `repeat`(next: Instant)
    /// 64*T1 have passed.
    case givenUp
  }

  let response: Response
  let transaction: ServerTransactionID
  /// The INVITE's number, which the ACK must bear.
  let number: UInt32
  /// True if our 2xx carries an offer, so that the ACK must carry its answer.
  let carriesOffer: Bool
  private var interval: Duration
  private let giveUpAt: Instant
  private let longest: Duration

  init(
    _ response: Response, transaction: ServerTransactionID, number: UInt32, carriesOffer: Bool, timers: TimerValues,
    at now: Instant
  ) {
    self.response = response
    self.transaction = transaction
    self.number = number
    self.carriesOffer = carriesOffer
    interval = timers.t1
    longest = timers.t2
    giveUpAt = now + timers.lifetime
    firstRepeat = now + timers.t1
  }

  /// When the first repetition is due.
  let firstRepeat: Instant

  /// The timer fired.
  mutating func timerDue(at now: Instant) -> Due {
    guard now < giveUpAt else { return .givenUp }
    interval = min(interval * 2, longest)
    return .repeat(next: min(now + interval, giveUpAt))
  }
}
