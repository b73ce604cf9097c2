package import SIPMessage
package import Telephony

/// One server transaction and what the layer knows of it.
struct ServerEntry: Sendable {
  enum Machine: Sendable {
    case invite(InviteServerTransaction)
    case other(NonInviteServerTransaction)

    /// The timers it may have set.
    var timers: [TransactionTimer] {
      switch self {
      case .invite: InviteServerTransaction.timers
      case .other: NonInviteServerTransaction.timers
      }
    }

    mutating func handle(_ input: ServerTransactionInput, at now: Moment) -> [ServerTransactionAction] {
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

  let id: ServerTransactionID
  let key: ServerKey
  let mergeKey: MergeKey?
  /// Where the answers go.
  var flow: Flow
  /// Where they go when that connection is gone.
  let reconnecting: Flow
  /// The request's own source.
  let source: IPAddress
  var acknowledgementKey: ServerKey?
  var hasFinalResponse = false
  /// The To tag of our last answer.
  var toTag: String?
  var machine: Machine

  /// Goes over to a new connection, once.
  /// - Returns: false if there is none to go over to.
  mutating func reconnect() -> Bool {
    guard flow.transport.isReliable, flow != reconnecting else { return false }
    flow = reconnecting
    return true
  }
}

extension TransactionLayer {
  /// Answers a request. A 1xx may be repeated; a 2xx to an INVITE is repeated by the TU until its ACK comes, for 64*T1
  /// (RFC 3261 §13.3.1.4); any other final answer is repeated by the transaction.
  package mutating func respond(_ response: Response, to id: ServerTransactionID, at now: Moment) -> [TransactionAction]
  {
    guard var entry = servers[id] else { return [] }
    if let tag = (try? response.headers.to())?.tag { entry.toTag = tag }
    if response.isFinal, !entry.hasFinalResponse {
      entry.hasFinalResponse = true
      if let key = entry.key.acknowledgement(of: response) {
        entry.acknowledgementKey = key
        serverKeys[key] = id
      }
      // A refused request is no longer ongoing: some clients repeat it with credentials under its old CSeq.
      if !response.isSuccess, let key = entry.mergeKey, mergeKeys[key] == id { mergeKeys[key] = nil }
    }
    servers[id] = entry
    return handle(.respond(response), server: id, at: now)
  }

  /// Answers a request and keeps nothing of it (RFC 3261 §8.2.7), so that a stranger's flood costs no memory: when the
  /// request comes again, it is a new one. An INVITE's ACK then arrives as `ack`.
  ///
  /// "a stateless UAS […] MUST generate the same tag" each time: the To tag must follow from the request (`statelessTag`).
  package mutating func respondStatelessly(_ response: Response, to id: ServerTransactionID) -> [TransactionAction] {
    guard let flow = servers[id]?.flow else { return [] }
    return [.transmit(.response(response), flow)] + forget(id)
  }

  /// The request gets no answer at all.
  package mutating func forget(_ id: ServerTransactionID) -> [TransactionAction] {
    guard servers[id] != nil else { return [] }
    return perform([.terminated], server: id)
  }

  /// A To tag that is the same for each copy of one request, and cannot be known by others.
  package func statelessTag(_ request: Request) -> String {
    // FNV-1a over what a retransmission has in common with its original.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ salt
    for text in [(try? request.headers.topVia())?.branch, request.headers["Call-ID"], request.headers["CSeq"]] {
      for byte in (text ?? "").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01B3
    }
    return String(hash, radix: 16)
  }

  mutating func receive(_ received: Request, on flow: Flow, at now: Moment) -> [TransactionAction] {
    guard let via = try? received.headers.topVia() else { return [] }
    var request = received
    request.headers.replaceTopVia(via.completed(from: flow.remote))
    guard let cseq = try? request.headers.cseq(), cseq.method == request.method else {
      return request.method == .ack ? [] : refuse(request, 400, via: via, on: flow)
    }
    let key = ServerKey(received, via: via, cseq: cseq, as: request.method)
    if request.method == .ack { return receiveACK(request, key: key, on: flow, via: via, cseq: cseq, at: now) }
    // "If a matching server transaction is found, the request is passed to that transaction for processing." (§17.2.3)
    if let id = serverKeys[key] { return handle(.retransmission, server: id, at: now) }
    if request.method == .cancel { return receiveCancel(request, key: key, on: flow, via: via, cseq: cseq, at: now) }

    let mergeKey = MergeKey(request, cseq: cseq)
    guard count < (mergeKey == nil ? limit &* 2 : limit) else { return refuse(request, 503, via: via, on: flow) }
    // "If the request has no tag in the To header field, the UAS core MUST check the request against ongoing
    // transactions. If the From tag, Call-ID, and CSeq exactly match those associated with an ongoing transaction, but
    // the request does not match that transaction […], the UAS core SHOULD generate a 482 (Loop Detected) response"
    // (§8.2.2.2)
    if let mergeKey, mergeKeys[mergeKey] != nil {
      let id = start(request, key: key, mergeKey: nil, via: via, on: flow, at: now)
      return respond(request.response(482, toTag: statelessTag(request)), to: id, at: now)
    }
    let id = start(request, key: key, mergeKey: mergeKey, via: via, on: flow, at: now)
    return [.request(request, id, flow)]
  }

  mutating func handle(_ input: ServerTransactionInput, server id: ServerTransactionID, at now: Moment)
    -> [TransactionAction]
  {
    guard let actions = servers[id]?.machine.handle(input, at: now) else { return [] }
    return perform(actions, server: id)
  }

  private mutating func receiveACK(
    _ ack: Request, key: ServerKey, on flow: Flow, via: Via, cseq: CSeq, at now: Moment
  ) -> [TransactionAction] {
    let inviteKey = ServerKey(ack, via: via, cseq: cseq, as: .invite)
    guard let id = serverKeys[key] ?? serverKeys[inviteKey] else { return [.ack(ack, flow)] }
    return handle(.ack(ack), server: id, at: now).map { action in
      if case .ack(let ack, _) = action { .ack(ack, flow) } else { action }
    }
  }

  private mutating func receiveCancel(
    _ cancel: Request, key: ServerKey, on flow: Flow, via: Via, cseq: CSeq, at now: Moment
  ) -> [TransactionAction] {
    // "The CANCEL method requests that the TU at the server side cancel a pending transaction. The TU determines the
    // transaction to be cancelled by taking the CANCEL request, and then assuming that the request method is anything
    // but CANCEL or ACK and applying the transaction matching procedures" (§9.2). Only an INVITE can still be pending.
    let inviteKey = ServerKey(cancel, via: via, cseq: cseq, as: .invite)
    // "a CANCEL request SHOULD be accepted by a server if it comes from the same hop that sent the request being
    // canceled" (§22.1)
    let cancelled = serverKeys[inviteKey].flatMap { servers[$0] }.flatMap {
      $0.source == flow.remote.address ? $0 : nil
    }
    // "the To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be the
    // same" (§9.2)
    let answer = cancel.response(cancelled == nil ? 481 : 200, toTag: cancelled?.toTag ?? statelessTag(cancel))
    var actions: [TransactionAction]
    // One that cancels nothing leaves nothing behind.
    if cancelled != nil, count < limit &* 2 {
      let id = start(cancel, key: key, mergeKey: nil, via: via, on: flow, at: now)
      actions = respond(answer, to: id, at: now)
    } else {
      actions = [.transmit(.response(answer), via.responseFlow(on: flow))]
    }
    // "If the UAS has already sent a final response for that request, its receipt has no effect" (§9.2)
    if let cancelled, !cancelled.hasFinalResponse { actions.append(.cancelled(cancelled.id, cancel: cancel)) }
    return actions
  }

  /// Answers without a transaction.
  private func refuse(_ request: Request, _ status: Int, via: Via, on flow: Flow) -> [TransactionAction] {
    let response = request.response(status, toTag: statelessTag(request))
    return [.transmit(.response(response), via.responseFlow(on: flow))]
  }

  private mutating func start(
    _ request: Request, key: ServerKey, mergeKey: MergeKey?, via: Via, on flow: Flow, at now: Moment
  ) -> ServerTransactionID {
    let id = ServerTransactionID(rawValue: nextNumber())
    let isReliable = flow.transport.isReliable
    let machine: ServerEntry.Machine
    let actions: [ServerTransactionAction]
    if request.method == .invite {
      let (invite, first) = InviteServerTransaction.start(request, isReliable: isReliable, timers: values, at: now)
      (machine, actions) = (.invite(invite), first)
    } else {
      let (other, first) = NonInviteServerTransaction.start(request, isReliable: isReliable, timers: values, at: now)
      (machine, actions) = (.other(other), first)
    }
    servers[id] = ServerEntry(
      id: id, key: key, mergeKey: mergeKey, flow: via.responseFlow(on: flow),
      reconnecting: via.reconnectingFlow(insteadOf: flow), source: flow.remote.address, machine: machine)
    openServers[flow.remote.address, default: 0] += 1
    serverKeys[key] = id
    if let mergeKey { mergeKeys[mergeKey] = id }
    // A transaction that only begins sends nothing and sets timers: there is nothing to hand on.
    _ = perform(actions, server: id)
    return id
  }

  private mutating func perform(_ actions: [ServerTransactionAction], server id: ServerTransactionID)
    -> [TransactionAction]
  {
    guard let entry = servers[id] else { return [] }
    var results: [TransactionAction] = []
    for action in actions {
      switch action {
      case .send(let response):
        results.append(.transmit(.response(response), entry.flow))
      case .set(let timer, let deadline):
        timers.set(TimerKey(owner: .server(id), timer: timer), at: deadline)
      case .stop(let timer):
        timers.cancel(TimerKey(owner: .server(id), timer: timer))
      case .passACK(let ack):
        results.append(.ack(ack, entry.flow))
      case .ackMissing:
        results.append(.ackMissing(id))
      case .transportError:
        results.append(.responseFailed(id))
      case .terminated:
        servers[id] = nil
        let open = openServers[entry.source, default: 1] - 1
        openServers[entry.source] = open > 0 ? open : nil
        for key in [entry.key, entry.acknowledgementKey] {
          if let key, serverKeys[key] == id { serverKeys[key] = nil }
        }
        if let key = entry.mergeKey, mergeKeys[key] == id { mergeKeys[key] = nil }
        for timer in entry.machine.timers { timers.cancel(TimerKey(owner: .server(id), timer: timer)) }
        shrink()
        results.append(.serverTerminated(id))
      }
    }
    return results
  }
}
