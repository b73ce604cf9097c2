package import SIPMessage
package import Telephony

/// RFC 3261 §17.2.1 with RFC 6026 §7.1: answers an INVITE, and repeats a refusal until its ACK is there.
///
///     Proceeding ──300-699──▶ Completed ──ACK──▶ Confirmed ──I──▶ Terminated
///         │                      └──H──▶ Terminated
///         └──2xx──▶ Accepted ──L──▶ Terminated
package struct InviteServerTransaction: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// `last` is the most recent provisional response.
    case proceeding(last: Response?)
    /// `interval` is the one that led to the running timer G.
    case completed(Response, interval: Duration)
    case confirmed
    case accepted
    case terminated
  }

  /// The timers this machine sets.
  static let timers: [TransactionTimer] = [.trying, .g, .h, .i, .l]

  package private(set) var state: State
  /// The INVITE as it came, its top Via completed by `received` and `rport`.
  package let request: Request
  private let isReliable: Bool
  private let timers: TimerValues

  /// Begins with the INVITE, which the owner passes to the TU.
  ///
  /// "When a server transaction is constructed for a request, it enters the "Proceeding" state. The server transaction
  /// MUST generate a 100 (Trying) response unless it knows that the TU will generate a provisional or final response
  /// within 200 ms" (§17.2.1)
  package static func start(_ request: Request, isReliable: Bool, timers: TimerValues, at now: Moment)
    -> (Self, [ServerTransactionAction])
  {
    let machine = Self(state: .proceeding(last: nil), request: request, isReliable: isReliable, timers: timers)
    return (machine, [.set(.trying, at: now.instant + timers.trying)])
  }

  package mutating func handle(_ input: ServerTransactionInput, at now: Moment) -> [ServerTransactionAction] {
    switch state {
    case .proceeding(let last): handleProceeding(input, last: last, at: now)
    case .completed(let response, let interval): handleCompleted(input, response, interval: interval, at: now)
    case .confirmed: handleConfirmed(input)
    case .accepted: handleAccepted(input)
    case .terminated: []
    }
  }

  private mutating func handleProceeding(_ input: ServerTransactionInput, last: Response?, at now: Moment)
    -> [ServerTransactionAction]
  {
    switch input {
    case .retransmission:
      // "If a request retransmission is received while in the "Proceeding" state, the most recent provisional response
      // that was received from the TU MUST be passed to the transport layer for retransmission."
      return last.map { [.send($0)] } ?? []
    case .respond(let response) where response.isProvisional:
      state = .proceeding(last: response)
      return [.stop(.trying), .send(response)]
    case .respond(let response) where response.isSuccess:
      // "If, while in the "Proceeding" state, the TU passes a 2xx response to the server transaction, the server
      // transaction MUST pass this response to the transport layer for transmission." (§17.2.1) It goes on to Accepted,
      // with timer L of 64*T1 on every transport (RFC 6026 §7.1).
      state = .accepted
      return [.stop(.trying), .send(response), .set(.l, at: now.instant + timers.lifetime)]
    case .respond(let response):
      // "While in the "Proceeding" state, if the TU passes a response with status code from 300 to 699 to the server
      // transaction, the response MUST be passed to the transport layer for transmission, and the state machine MUST
      // enter the "Completed" state. For unreliable transports, timer G is set to fire in T1 seconds […] When the
      // "Completed" state is entered, timer H MUST be set to fire in 64*T1 seconds for all transports."
      state = .completed(response, interval: timers.t1)
      var actions: [ServerTransactionAction] = [.stop(.trying), .send(response)]
      if !isReliable { actions.append(.set(.g, at: now.instant + timers.t1)) }
      actions.append(.set(.h, at: now.instant + timers.lifetime))
      return actions
    case .timer(.trying) where last == nil:
      let trying = request.response(100, toTag: nil)
      state = .proceeding(last: trying)
      return [.send(trying)]
    case .timer, .ack:
      return []
    case .transportError:
      return remain()
    }
  }

  private mutating func handleCompleted(
    _ input: ServerTransactionInput, _ response: Response, interval: Duration, at now: Moment
  ) -> [ServerTransactionAction] {
    switch input {
    case .retransmission:
      // "while in the "Completed" state, if a request retransmission is received, the server SHOULD pass the response to
      // the transport for retransmission."
      return [.send(response)]
    case .ack:
      // "If an ACK is received while the server transaction is in the "Completed" state, the server transaction MUST
      // transition to the "Confirmed" state. […] timer I is set to fire in T4 seconds for unreliable transports, and
      // zero seconds for reliable transports."
      guard !isReliable else {
        state = .terminated
        return [.stop(.h), .terminated]
      }
      state = .confirmed
      return [.stop(.g), .stop(.h), .set(.i, at: now.instant + timers.t4)]
    case .timer(.g):
      // "If timer G fires, the response is passed to the transport layer once more for retransmission, and timer G is
      // set to fire in MIN(2*T1, T2) seconds. From then on […] timer G is reset with a value that doubles, unless that
      // value exceeds T2, in which case it is reset with the value of T2."
      let next = timers.doubled(interval)
      state = .completed(response, interval: next)
      return [.send(response), .set(.g, at: now.instant + next)]
    case .timer(.h):
      // "If timer H fires while in the "Completed" state, it implies that the ACK was never received. In this case, the
      // server transaction MUST transition to the "Terminated" state, and MUST indicate to the TU that a transaction
      // failure has occurred."
      state = .terminated
      return [.ackMissing, .terminated]
    case .timer:
      return []
    case .respond:
      // "Any other final responses passed by the TU to the server transaction MUST be discarded" (§17.2.2, for all)
      return []
    case .transportError:
      return remain()
    }
  }

  private mutating func handleConfirmed(_ input: ServerTransactionInput) -> [ServerTransactionAction] {
    switch input {
    case .timer(.i):
      // "Once timer I fires, the server MUST transition to the "Terminated" state."
      state = .terminated
      return [.terminated]
    case .ack, .retransmission, .respond, .timer, .transportError:
      // "The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive"
      return []
    }
  }

  private mutating func handleAccepted(_ input: ServerTransactionInput) -> [ServerTransactionAction] {
    switch input {
    case .ack(let ack):
      // "Any ACKs received from the network while in the "Accepted" state MUST be passed directly to the TU and not
      // absorbed." (RFC 6026 §7.1)
      return [.passACK(ack)]
    case .retransmission:
      // "any retransmissions of the INVITE received will match this transaction state machine and will be absorbed by
      // the machine without changing its state." (RFC 6026 §7.1)
      return []
    case .respond(let response) where response.isSuccess:
      // "Any retransmission of the 2xx response passed from the TU to the transaction while in the "Accepted" state
      // MUST be passed to the transport layer for transmission." (RFC 6026 §7.1)
      return [.send(response)]
    case .respond:
      return []
    case .timer(.l):
      // "When Timer L fires and the state machine is in the "Accepted" state, the machine MUST transition to the
      // "Terminated" state." (RFC 6026 §7.1)
      state = .terminated
      return [.terminated]
    case .timer:
      return []
    case .transportError:
      return remain()
    }
  }

  /// "a server transaction MUST NOT discard transaction state based only on encountering a non-recoverable transport
  /// error when sending a response. Instead, the associated INVITE server transaction state machine MUST remain in its
  /// current state." (RFC 6026 §7.1)
  private func remain() -> [ServerTransactionAction] { [.transportError] }
}
