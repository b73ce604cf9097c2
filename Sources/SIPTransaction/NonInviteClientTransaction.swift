package import SIPMessage
package import Telephony

/// RFC 3261 §17.1.2: sends a request other than INVITE and ACK until its final response is there.
///
///     Trying ──1xx──▶ Proceeding ──200-699──▶ Completed ──K──▶ Terminated
///       ├──200-699──▶ Completed    └──F, transport error──▶ Terminated
///       └──F, transport error──▶ Terminated
package struct NonInviteClientTransaction: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// `interval` is the one that led to the running timer E.
    case trying(interval: Duration)
    case proceeding
    case completed
    case terminated
  }

  /// The timers this machine sets.
  static let timers: [TransactionTimer] = [.e, .f, .k]

  package private(set) var state: State
  /// The request as it went out, with our Via.
  package let request: Request
  private let isReliable: Bool
  private let timers: TimerValues

  /// Sends the request.
  ///
  /// "The "Trying" state is entered when the TU initiates a new client transaction with a request. When entering this
  /// state, the client transaction SHOULD set timer F to fire in 64*T1 seconds. […] If an unreliable transport is in
  /// use, the client transaction MUST set timer E to fire in T1 seconds." (§17.1.2.2)
  package static func start(_ request: Request, isReliable: Bool, timers: TimerValues, at now: Moment)
    -> (Self, [ClientTransactionAction])
  {
    let machine = Self(
      state: .trying(interval: timers.t1), request: request, isReliable: isReliable, timers: timers)
    var actions: [ClientTransactionAction] = [.send(request)]
    if !isReliable { actions.append(.set(.e, at: now.instant + timers.t1)) }
    actions.append(.set(.f, at: now.instant + timers.lifetime))
    return (machine, actions)
  }

  package mutating func handle(_ input: ClientTransactionInput, at now: Moment) -> [ClientTransactionAction] {
    switch state {
    case .trying(let interval):
      switch input {
      case .response(let response) where response.isProvisional:
        // "If a provisional response is received while in the "Trying" state, the response MUST be passed to the TU, and
        // then the client transaction SHOULD move to the "Proceeding" state."
        state = .proceeding
        return [.pass(response)]
      case .response(let response):
        return finish(with: response, at: now)
      case .timer(.e):
        // "When the timer fires, the timer is reset with a value of MIN(2*T1, T2). This process continues so that
        // retransmissions occur with an exponentially increasing interval that caps at T2."
        let next = timers.doubled(interval)
        state = .trying(interval: next)
        return [.send(request), .set(.e, at: now.instant + next)]
      case .timer(.f):
        return timeOut()
      case .timer, .cancel:
        return []
      case .transportError:
        return fail()
      }
    case .proceeding:
      switch input {
      case .response(let response) where response.isProvisional:
        return [.pass(response)]
      case .response(let response):
        return finish(with: response, at: now)
      case .timer(.e):
        // "If Timer E fires while in the "Proceeding" state, the request MUST be passed to the transport layer for
        // retransmission, and Timer E MUST be reset with a value of T2 seconds."
        return [.send(request), .set(.e, at: now.instant + timers.t2)]
      case .timer(.f):
        return timeOut()
      case .timer, .cancel:
        return []
      case .transportError:
        return fail()
      }
    case .completed:
      switch input {
      case .timer(.k):
        // "If Timer K fires while in this state, the client transaction MUST transition to the "Terminated" state."
        state = .terminated
        return [.terminated]
      case .response, .timer, .cancel, .transportError:
        // "The "Completed" state exists to buffer any additional response retransmissions that may be received"
        return []
      }
    case .terminated:
      return []
    }
  }

  private mutating func finish(with response: Response, at now: Moment) -> [ClientTransactionAction] {
    // "Once the client transaction enters the "Completed" state, it MUST set Timer K to fire in T4 seconds for
    // unreliable transports, and zero seconds for reliable transports."
    let passing: [ClientTransactionAction] = [.stop(.e), .stop(.f), .pass(response)]
    guard !isReliable else {
      state = .terminated
      return passing + [.terminated]
    }
    state = .completed
    return passing + [.set(.k, at: now.instant + timers.t4)]
  }

  private mutating func timeOut() -> [ClientTransactionAction] {
    // "If Timer F fires while the client transaction is still in the "Trying" state, the client transaction SHOULD
    // inform the TU about the timeout, and then it SHOULD enter the "Terminated" state." Likewise in Proceeding.
    state = .terminated
    return [.timedOut, .terminated]
  }

  private mutating func fail() -> [ClientTransactionAction] {
    state = .terminated
    return [.transportError, .terminated]
  }
}
