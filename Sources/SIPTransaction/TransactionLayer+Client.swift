package import SIPMessage
package import Telephony

/// One client transaction and what the layer knows of it.
struct ClientEntry: Sendable {
  enum Machine: Sendable {
    case invite(InviteClientTransaction)
    case other(NonInviteClientTransaction)

    /// The timers it may have set.
    var timers: [TransactionTimer] {
      switch self {
      case .invite: InviteClientTransaction.timers
      case .other: NonInviteClientTransaction.timers
      }
    }

    mutating func handle(_ input: ClientTransactionInput, at now: Moment) -> [ClientTransactionAction] {
      switch self {
      case .invite(var machine):
        defer { self = .invite(machine) }
        return machine.handle(input, at: now)
      case .other(var machine):
        defer { self = .other(machine) }
        return machine.handle(input, at: now)
      }
    }
  }

  let id: ClientTransactionID
  let key: ClientKey
  let flow: Flow
  /// True of a CANCEL, whose fate interests nobody: the INVITE's own response tells how it ended.
  let isCancel: Bool
  var machine: Machine
}

extension TransactionLayer {
  /// Sends a request in a new client transaction.
  ///
  /// Puts our Via on top: a fresh branch, and rport (RFC 3581) so that the answer comes back through a NAT. For the ACK
  /// of a 2xx use `stamp`, for a CANCEL `cancel`.
  /// - Parameter viaHost: the sent-by our peer is to see; the flow's own address if nil.
  package mutating func send(_ request: Request, on flow: Flow, at now: Moment, viaHost: SentBy? = nil)
    -> (id: ClientTransactionID, actions: [TransactionAction])
  {
    let branch = newBranch()
    return start(
      stamp(request, branch: branch, on: flow, viaHost: viaHost), branch: branch, on: flow, isCancel: false, at: now)
  }

  /// The request with our Via on top and no transaction: for the ACK of a 2xx, which the TU transmits itself, the same
  /// again for each retransmission of the 2xx (RFC 3261 §13.2.2.4).
  package func stamp(_ request: Request, on flow: Flow, viaHost: SentBy? = nil) -> Request {
    stamp(request, branch: newBranch(), on: flow, viaHost: viaHost)
  }

  /// Cancels an INVITE of ours (RFC 3261 §9.1): at once if a provisional response has come, else as soon as one comes.
  /// Nothing happens when it has its final response already, or is no INVITE.
  ///
  /// The INVITE still ends with its own final response (487, or the 2xx that crossed the CANCEL) or `timedOut`.
  /// - Parameter reason: the value of the CANCEL's Reason header (RFC 3326); nil for none.
  package mutating func cancel(_ id: ClientTransactionID, reason: String?, at now: Moment) -> [TransactionAction] {
    handle(.cancel(reason: reason), client: id, at: now)
  }

  mutating func receive(_ response: Response, on flow: Flow, at now: Moment) -> [TransactionAction] {
    // "If more than one Via header field value is present in a response, the UAC SHOULD discard the message." (§8.1.3.3)
    guard let key = ClientKey(response), (try? response.headers.vias())?.count == 1 else { return [] }
    guard let id = clientKeys[key] else { return [.strayResponse(response, flow)] }
    return handle(.response(response), client: id, at: now).map { action in
      if case .strayResponse(let response, _) = action { .strayResponse(response, flow) } else { action }
    }
  }

  mutating func handle(_ input: ClientTransactionInput, client id: ClientTransactionID, at now: Moment)
    -> [TransactionAction]
  {
    guard let actions = clients[id]?.machine.handle(input, at: now) else { return [] }
    return perform(actions, client: id, at: now)
  }

  private mutating func start(
    _ request: Request, branch: String, on flow: Flow, isCancel: Bool, at now: Moment
  ) -> (id: ClientTransactionID, actions: [TransactionAction]) {
    let id = ClientTransactionID(rawValue: nextNumber())
    let machine: ClientEntry.Machine
    let actions: [ClientTransactionAction]
    if request.method == .invite {
      let (invite, first) = InviteClientTransaction.start(
        request, isReliable: flow.transport.isReliable, timers: values, at: now)
      (machine, actions) = (.invite(invite), first)
    } else {
      let (other, first) = NonInviteClientTransaction.start(
        request, isReliable: flow.transport.isReliable, timers: values, at: now)
      (machine, actions) = (.other(other), first)
    }
    let key = ClientKey(branch: branch, method: request.method)
    clients[id] = ClientEntry(id: id, key: key, flow: flow, isCancel: isCancel, machine: machine)
    clientKeys[key] = id
    return (id, perform(actions, client: id, at: now))
  }

  private mutating func perform(_ actions: [ClientTransactionAction], client id: ClientTransactionID, at now: Moment)
    -> [TransactionAction]
  {
    guard let entry = clients[id] else { return [] }
    var results: [TransactionAction] = []
    for action in actions {
      switch action {
      case .send(let request):
        results.append(.transmit(.request(request), entry.flow))
      case .sendCancel(let request):
        results += start(request, branch: entry.key.branch, on: entry.flow, isCancel: true, at: now).actions
      case .set(let timer, let deadline):
        timers.set(TimerKey(owner: .client(id), timer: timer), at: deadline)
      case .stop(let timer):
        timers.cancel(TimerKey(owner: .client(id), timer: timer))
      case .pass(let response):
        if !entry.isCancel { results.append(.response(response, id)) }
      case .passStray(let response):
        results.append(.strayResponse(response, entry.flow))
      case .timedOut:
        if !entry.isCancel { results.append(.timedOut(id)) }
      case .transportError:
        if !entry.isCancel { results.append(.transportError(id)) }
      case .terminated:
        clients[id] = nil
        clientKeys[entry.key] = nil
        for timer in entry.machine.timers { timers.cancel(TimerKey(owner: .client(id), timer: timer)) }
        shrink()
        if !entry.isCancel { results.append(.clientTerminated(id)) }
      }
    }
    return results
  }

  private func newBranch() -> String { magicCookie + random.token(16) }

  private func stamp(_ request: Request, branch: String, on flow: Flow, viaHost: SentBy?) -> Request {
    let sentBy = viaHost ?? SentBy(host: flow.local.address.uriText, port: flow.local.port)
    var via = Via(transport: flow.transport.rawValue, host: sentBy.host, port: sentBy.port)
    via.parameters.set("branch", branch)
    via.parameters.set("rport", nil)
    var request = request
    request.headers.prepend("Via", via.description)
    return request
  }
}
