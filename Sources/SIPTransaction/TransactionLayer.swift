package import SIPMessage
package import Telephony

/// All transactions of one daemon: finds the one a message belongs to, builds what belongs to the hop (Via, ACK for a
/// refusal, CANCEL, 100), and keeps every timer in one queue.
///
/// The owner calls `timersDue` at `nextDeadline`, and performs the actions in their order.
package struct TransactionLayer: Sendable {
  /// A host and port as they stand in our Via (sent-by).
  package struct SentBy: Hashable, Sendable {
    /// A name or an address, IPv6 in brackets.
    package var host: String
    package var port: UInt16?
    package init(host: String, port: UInt16?) {
      self.host = host
      self.port = port
    }
  }

  struct TimerKey: Hashable, Sendable {
    enum Owner: Hashable, Sendable {
      case client(ClientTransactionID)
      case server(ServerTransactionID)
    }
    var owner: Owner
    var timer: TransactionTimer
  }

  let random: RandomSource
  let values: TimerValues
  /// With this many transactions living, new requests are refused.
  package var limit: Int
  /// Keyed into the To tags of stateless answers, so that a stranger cannot tell them in advance.
  let salt: UInt64

  var timers = TimerQueue<TimerKey>()
  var clients: [ClientTransactionID: ClientEntry] = [:]
  var clientKeys: [ClientKey: ClientTransactionID] = [:]
  var servers: [ServerTransactionID: ServerEntry] = [:]
  var serverKeys: [ServerKey: ServerTransactionID] = [:]
  var mergeKeys: [MergeKey: ServerTransactionID] = [:]
  /// How many server transactions live, by their request's source.
  var openServers: [IPAddress: Int] = [:]
  private var lastNumber: UInt64 = 0

  /// - Parameters:
  ///   - random: for branches, and To tags of our own answers.
  ///   - timers: T1, T2, T4.
  ///   - limit: with this many transactions living, a new request gets 503 without a transaction. Requests inside a
  ///     dialog (with a To tag) may use as many again, so that calls can still be ended. Our own requests and CANCELs
  ///     are never refused.
  package init(random: RandomSource, timers: TimerValues = .rfc3261, limit: Int = 2000) {
    self.random = random
    values = timers
    self.limit = limit
    salt = random.next()
  }

  /// Tables do not shrink by themselves: after a rush, those that are empty give back their memory.
  mutating func shrink() {
    if clients.isEmpty { (clients, clientKeys) = ([:], [:]) }
    if servers.isEmpty { (servers, serverKeys, mergeKeys, openServers) = ([:], [:], [:], [:]) }
  }

  /// When `timersDue` must be called next; nil if no timer runs.
  package var nextDeadline: Instant? { timers.nextDeadline }

  /// How many transactions live.
  package var count: Int { clients.count + servers.count }

  /// Takes a message from the transport.
  package mutating func receive(_ message: Message, on flow: Flow, at now: Moment) -> [TransactionAction] {
    switch message {
    case .request(let request): receive(request, on: flow, at: now)
    case .response(let response): receive(response, on: flow, at: now)
    }
  }

  /// Handles every timer whose time has come, in the order of their deadlines.
  package mutating func timersDue(at now: Moment) -> [TransactionAction] {
    var actions: [TransactionAction] = []
    while let key = timers.popDue(at: now.instant) {
      switch key.owner {
      case .client(let id): actions += handle(.timer(key.timer), client: id, at: now)
      case .server(let id): actions += handle(.timer(key.timer), server: id, at: now)
      }
    }
    return actions
  }

  /// The transport could not send on `flow`, or the flow's connection has broken.
  ///
  /// A response whose connection broke is tried once more on a new one (RFC 3261 §18.2.2).
  package mutating func transportFailed(_ flow: Flow, at now: Moment) -> [TransactionAction] {
    var actions: [TransactionAction] = []
    for id in clients.values.filter({ $0.flow == flow }).map(\.id).sorted() {
      actions += handle(.transportError, client: id, at: now)
    }
    for id in servers.values.filter({ $0.flow == flow }).map(\.id).sorted() {
      if servers[id]?.reconnect() == true {
        actions += handle(.retransmission, server: id, at: now)
      } else {
        actions += handle(.transportError, server: id, at: now)
      }
    }
    return actions
  }

  mutating func nextNumber() -> UInt64 {
    lastNumber &+= 1
    return lastNumber
  }
}
