package import SIPMessage
package import Telephony

/// RFC 3261 §17.2.2: answers a request other than INVITE and ACK, and repeats the answer when the request comes again.
///
///     Trying ──1xx──▶ Proceeding ──200-699──▶ Completed ──J──▶ Terminated
///       └──200-699──▶ Completed
package struct NonInviteServerTransaction: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    case trying
    /// `last` is the most recent provisional response.
    case proceeding(last: Response)
    case completed(Response)
    case terminated
  }

  /// The timers this machine sets.
  static let timers: [TransactionTimer] = [.j, .unanswered]

  package private(set) var state: State
  /// The request as it came, its top Via completed by `received` and `rport`.
  package let request: Request
  private let isReliable: Bool
  private let timers: TimerValues

  /// Begins with the request, which the owner passes to the TU.
  ///
  /// The RFC lets an unanswered transaction live for ever; its client gives up after 64*T1 (timer F), and "an element
  /// that cannot respond before the transaction expires will not send a final response at all" (RFC 4320 §4.2).
  package static func start(_ request: Request, isReliable: Bool, timers: TimerValues, at now: Moment)
    -> (Self, [ServerTransactionAction])
  {
    let machine = Self(state: .trying, request: request, isReliable: isReliable, timers: timers)
    return (machine, [.set(.unanswered, at: now.instant + timers.lifetime)])
  }

  package mutating func handle(_ input: ServerTransactionInput, at now: Moment) -> [ServerTransactionAction] {
    switch state {
    case .trying:
      switch input {
      case .respond(let response): return respond(response, at: now)
      case .timer(.unanswered): return terminate()
      case .retransmission, .ack, .timer, .transportError:
        // "Once in the "Trying" state, any further request retransmissions are discarded."
        return []
      }
    case .proceeding(let last):
      switch input {
      case .respond(let response):
        return respond(response, at: now)
      case .retransmission:
        // "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
        // provisional response MUST be passed to the transport layer for retransmission."
        return [.send(last)]
      case .timer(.unanswered):
        return terminate()
      case .transportError:
        return fail()
      case .ack, .timer:
        return []
      }
    case .completed(let response):
      switch input {
      case .retransmission:
        // "While in the "Completed" state, the server transaction MUST pass the final response to the transport layer
        // for retransmission whenever a retransmission of the request is received."
        return [.send(response)]
      case .timer(.j):
        // "The server transaction remains in this state until Timer J fires, at which point it MUST transition to the
        // "Terminated" state."
        return terminate()
      case .transportError:
        return fail()
      case .respond, .ack, .timer:
        // "Any other final responses passed by the TU to the server transaction MUST be discarded while in the
        // "Completed" state."
        return []
      }
    case .terminated:
      return []
    }
  }

  private mutating func respond(_ response: Response, at now: Moment) -> [ServerTransactionAction] {
    if response.isProvisional {
      // "While in the "Trying" state, if the TU passes a provisional response to the server transaction, the server
      // transaction MUST enter the "Proceeding" state. The response MUST be passed to the transport layer"
      state = .proceeding(last: response)
      return [.send(response)]
    }
    // "When the server transaction enters the "Completed" state, it MUST set Timer J to fire in 64*T1 seconds for
    // unreliable transports, and zero seconds for reliable transports."
    guard !isReliable else { return [.stop(.unanswered), .send(response)] + terminate() }
    state = .completed(response)
    return [.stop(.unanswered), .send(response), .set(.j, at: now.instant + timers.lifetime)]
  }

  private mutating func terminate() -> [ServerTransactionAction] {
    state = .terminated
    return [.terminated]
  }

  private mutating func fail() -> [ServerTransactionAction] {
    // "If a transport error occurs […] the server transaction SHOULD inform the TU […] and MUST transition to the
    // "Terminated" state" (§17.2.4)
    state = .terminated
    return [.transportError, .terminated]
  }
}
