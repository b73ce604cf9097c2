package import SIPMessage
package import Telephony

/// RFC 3261 §17.1.1 with RFC 6026 §7.2: sends an INVITE until something answers.
///
///     Calling ──1xx──▶ Proceeding ──2xx──▶ Accepted ──M──▶ Terminated
///        │                 └────300-699──▶ Completed ──D──▶ Terminated
///        ├──2xx──▶ Accepted        └── each final response again: ACK again
///        ├──300-699──▶ Completed
///        ├──transport error──▶ Terminated
///        └──B──▶ Forsaken ──64*T1──▶ Terminated
///                    └──1xx──▶ Proceeding, with a CANCEL
package struct InviteClientTransaction: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// `interval` is the one that led to the running timer A.
    case calling(interval: Duration)
    case proceeding
    case completed(ack: Request)
    case accepted
    /// Timer B has been told. The INVITE may still have reached a phone that rings only now, and which nothing but our
    /// CANCEL would silence: "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather,
    /// the client MUST wait for the arrival of a provisional response before sending the request" (§9.1).
    case forsaken
    case terminated
  }

  /// Whether the TU wants the INVITE cancelled (§9.1).
  package enum Cancellation: Hashable, Sendable {
    case none
    /// Wanted, but no provisional response has come yet, so that no CANCEL may be sent.
    case waiting(reason: String?)
    case sent
  }

  /// The timers this machine sets.
  static let timers: [TransactionTimer] = [.a, .b, .d, .m, .cancelled, .forsaken]

  package private(set) var state: State
  package private(set) var cancellation = Cancellation.none
  /// The INVITE as it went out, with our Via.
  package let request: Request
  private let isReliable: Bool
  private let timers: TimerValues
  /// The TU has been told that nobody answers: of what still comes, only a 2xx concerns it.
  private var isTold = false

  /// Sends the INVITE.
  ///
  /// "The initial state, "calling", MUST be entered when the TU initiates a new client transaction with an INVITE
  /// request." (§17.1.1.2)
  package static func start(_ request: Request, isReliable: Bool, timers: TimerValues, at now: Moment)
    -> (Self, [ClientTransactionAction])
  {
    let machine = Self(
      state: .calling(interval: timers.t1), request: request, isReliable: isReliable, timers: timers)
    var actions: [ClientTransactionAction] = [.send(request)]
    // "If an unreliable transport is being used, the client transaction MUST start timer A with a value of T1."
    if !isReliable { actions.append(.set(.a, at: now.instant + timers.t1)) }
    // "For any transport, the client transaction MUST start timer B with a value of 64*T1 seconds."
    actions.append(.set(.b, at: now.instant + timers.lifetime))
    return (machine, actions)
  }

  private init(state: State, request: Request, isReliable: Bool, timers: TimerValues) {
    self.state = state
    self.request = request
    self.isReliable = isReliable
    self.timers = timers
  }

  package mutating func handle(_ input: ClientTransactionInput, at now: Moment) -> [ClientTransactionAction] {
    switch state {
    case .calling(let interval): handleCalling(input, interval: interval, at: now)
    case .proceeding: handleProceeding(input, at: now)
    case .completed(let ack): handleCompleted(input, ack: ack)
    case .accepted: handleAccepted(input)
    case .forsaken: handleForsaken(input, at: now)
    case .terminated: []
    }
  }

  private mutating func handleCalling(_ input: ClientTransactionInput, interval: Duration, at now: Moment)
    -> [ClientTransactionAction]
  {
    switch input {
    case .response(let response) where response.isProvisional:
      // "If the client transaction receives a provisional response while in the "Calling" state, it transitions to the
      // "Proceeding" state. In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any
      // longer. Furthermore, the provisional response MUST be passed to the TU."
      state = .proceeding
      var actions: [ClientTransactionAction] = [.stop(.a), .stop(.b), .pass(response)]
      // "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather, the client MUST
      // wait for the arrival of a provisional response before sending the request." (§9.1)
      if case .waiting(let reason) = cancellation { actions += sendCancel(reason: reason, at: now) }
      return actions
    case .response(let response):
      return [.stop(.a), .stop(.b)] + finish(with: response, at: now)
    case .timer(.a):
      // "When timer A fires, the client transaction MUST retransmit the request […] and MUST reset the timer with a
      // value of 2*T1. […] When timer A fires 2*T1 seconds later, the request MUST be retransmitted again […]. This
      // process MUST continue so that the request is retransmitted with intervals that double."
      let next = interval * 2
      state = .calling(interval: next)
      return [.send(request), .set(.a, at: now.instant + next)]
    case .timer(.b):
      // "If the client transaction is still in the "Calling" state when timer B fires, the client transaction SHOULD
      // inform the TU that a timeout has occurred."
      state = .forsaken
      isTold = true
      return [.stop(.a), .timedOut, .set(.forsaken, at: now.instant + timers.lifetime)]
    case .timer:
      return []
    case .transportError:
      // "If a transport error occurs, the client transaction SHOULD inform the TU […] transition directly to the
      // "Terminated" state." (§17.1.4)
      state = .terminated
      return [.transportError, .terminated]
    case .cancel(let reason):
      if cancellation == .none { cancellation = .waiting(reason: reason) }
      return []
    }
  }

  private mutating func handleProceeding(_ input: ClientTransactionInput, at now: Moment)
    -> [ClientTransactionAction]
  {
    switch input {
    case .response(let response) where response.isProvisional:
      // "Any further provisional responses MUST be passed up to the TU while in the "Proceeding" state."
      return isTold ? [] : [.pass(response)]
    case .response(let response):
      return finish(with: response, at: now)
    case .timer(.cancelled):
      // "If there is no final response for the original request in 64*T1 seconds […] the client SHOULD then consider
      // the original transaction cancelled and SHOULD destroy the client transaction" (§9.1)
      state = .terminated
      return isTold ? [.terminated] : [.timedOut, .terminated]
    case .timer:
      return []
    case .transportError:
      // Nothing of ours is being sent in this state, and the answer may come another way: a server whose connection
      // broke opens a new one (§18.2.2).
      return []
    case .cancel(let reason):
      return cancellation == .none ? sendCancel(reason: reason, at: now) : []
    }
  }

  private mutating func handleCompleted(_ input: ClientTransactionInput, ack: Request) -> [ClientTransactionAction] {
    switch input {
    case .response(let response) where response.isSuccess:
      // A proxy must forward a 2xx even after another final response (§16.7 point 5): that phone has been answered.
      return [.passStray(response)]
    case .response(let response) where response.isFinal:
      // "Any retransmissions of the final response that are received while in the "Completed" state MUST cause the ACK
      // to be re-passed to the transport layer for retransmission, but the newly received response MUST NOT be passed
      // up to the TU."
      return [.send(ack)]
    case .response:
      return []
    case .timer(.d):
      // "If timer D fires while the client transaction is in the "Completed" state, the client transaction MUST move
      // to the terminated state."
      state = .terminated
      return [.terminated]
    case .timer:
      return []
    case .transportError:
      state = .terminated
      return [.transportError, .terminated]
    case .cancel:
      return []
    }
  }

  private mutating func handleAccepted(_ input: ClientTransactionInput) -> [ClientTransactionAction] {
    switch input {
    case .response(let response) where response.isSuccess:
      // Accepted exists for this: each further 2xx, repeated or of another fork, goes to the TU (RFC 6026 §7.2).
      return [.pass(response)]
    case .response:
      return []
    case .timer(.m):
      // After 64*T1 no retransmission of a 2xx is under way any more (RFC 6026 §7.2).
      state = .terminated
      return [.terminated]
    case .timer:
      return []
    case .transportError:
      // The ACK of a 2xx is the TU's, not this transaction's.
      return []
    case .cancel:
      // "CANCEL has no effect on a request to which a UAS has already given a final response." (§9.1)
      return []
    }
  }

  private mutating func handleForsaken(_ input: ClientTransactionInput, at now: Moment) -> [ClientTransactionAction] {
    switch input {
    case .response(let response) where response.isProvisional:
      state = .proceeding
      let reason: String? = if case .waiting(let reason) = cancellation { reason } else { Self.nobodyAnswered }
      return [.stop(.forsaken)] + sendCancel(reason: reason, at: now)
    case .response(let response):
      return [.stop(.forsaken)] + finish(with: response, at: now)
    case .timer(.forsaken), .transportError:
      state = .terminated
      return [.terminated]
    case .timer:
      return []
    case .cancel(let reason):
      if cancellation == .none { cancellation = .waiting(reason: reason) }
      return []
    }
  }

  /// RFC 3326 §2: the status that we took the silence for.
  private static let nobodyAnswered = "SIP;cause=408;text=\"Request Timeout\""

  /// Takes the first final response.
  private mutating func finish(with response: Response, at now: Moment) -> [ClientTransactionAction] {
    let stopping: [ClientTransactionAction] = cancellation == .sent ? [.stop(.cancelled)] : []
    if response.isSuccess {
      // "When a 2xx response is received while in either the "Calling" or "Proceeding" states, the client transaction
      // MUST transition to the "Accepted" state […]. The 2xx response MUST be passed up to the TU. The client
      // transaction MUST NOT generate an ACK to the 2xx response" (RFC 6026 §8.4)
      state = .accepted
      return stopping + [.set(.m, at: now.instant + timers.lifetime), .pass(response)]
    }
    // "reception of a response with status code from 300-699 MUST cause the client transaction to transition to
    // "Completed". The client transaction MUST pass the received response up to the TU, and the client transaction MUST
    // generate an ACK request, even if the transport is reliable"
    let ack = request.acknowledging(response)
    let passing: [ClientTransactionAction] = isTold ? [] : [.pass(response)]
    // "The client transaction SHOULD start timer D when it enters the "Completed" state, with a value of at least 32
    // seconds for unreliable transports, and a value of zero seconds for reliable transports."
    guard !isReliable else {
      state = .terminated
      return stopping + [.send(ack)] + passing + [.terminated]
    }
    state = .completed(ack: ack)
    return stopping + [.send(ack), .set(.d, at: now.instant + timers.lifetime)] + passing
  }

  private mutating func sendCancel(reason: String?, at now: Moment) -> [ClientTransactionAction] {
    cancellation = .sent
    return [.sendCancel(request.cancelling(reason: reason)), .set(.cancelled, at: now.instant + timers.lifetime)]
  }
}
