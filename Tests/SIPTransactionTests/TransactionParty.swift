import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony

/// A transaction layer on the simulated network, with a scripted transaction user above it.
final class TransactionParty: SimulatedParty {
  var layer: TransactionLayer
  /// All that came up to the TU, and when.
  private(set) var events: [(time: Instant, action: TransactionAction)] = []
  /// What the TU does with each of them: more actions, such as those of `respond`.
  var react: (TransactionAction, TransactionParty, Moment) -> [TransactionAction]

  init(
    _ layer: TransactionLayer,
    react: @escaping (TransactionAction, TransactionParty, Moment) -> [TransactionAction] = { _, _, _ in [] }
  ) {
    self.layer = layer
    self.react = react
  }

  /// Splits what the layer gave into what goes out and what the TU gets.
  func perform(_ actions: [TransactionAction], at now: Moment) -> [Transmission] {
    var sent: [Transmission] = []
    for action in actions {
      if case .transmit(let message, let flow) = action {
        sent.append(Transmission(message, flow))
      } else {
        events.append((now.instant, action))
        sent += perform(react(action, self, now), at: now)
      }
    }
    return sent
  }

  func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
    perform(layer.receive(message, on: flow, at: now), at: now)
  }

  func timersDue(at now: Moment) -> [Transmission] { perform(layer.timersDue(at: now), at: now) }

  func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission] {
    perform(layer.transportFailed(flow, at: now), at: now)
  }

  var nextDeadline: Instant? { layer.nextDeadline }

  /// The events in words, without times.
  var story: [String] { events.map { brief($0.action) } }
}

/// Two layers on one network: `Pikett` at 192.0.2.1 and `Phone` at 198.51.100.7.
struct Pair {
  let network: SimulatedNetwork
  let pikett: TransactionParty
  let phone: TransactionParty

  init(
    seed: UInt64 = 1, _ conditions: LinkConditions = .perfect,
    phone: @escaping (TransactionAction, TransactionParty, Moment) -> [TransactionAction] = { _, _, _ in [] }
  ) {
    network = SimulatedNetwork(seed: seed, conditions: conditions, throughBytes: true)
    pikett = TransactionParty(Sample.layer(seed: seed &* 2))
    self.phone = TransactionParty(Sample.layer(seed: seed &* 2 &+ 1), react: phone)
    network.add(pikett, name: "Pikett", at: Sample.us)
    network.add(self.phone, name: "Phone", at: Sample.peer)
  }

  /// Pikett's TU sends a request now.
  @discardableResult
  func send(_ request: Request, over transport: Transport = .udp) -> ClientTransactionID {
    let (id, actions) = pikett.layer.send(request, on: Sample.flow(transport), at: network.now)
    network.send(pikett.perform(actions, at: network.now), from: "Pikett")
    return id
  }

  func cancel(_ id: ClientTransactionID) {
    let actions = pikett.layer.cancel(id, reason: nil, at: network.now)
    network.send(pikett.perform(actions, at: network.now), from: "Pikett")
  }

  /// The phone's TU answers now.
  func answer(_ id: ServerTransactionID, _ response: Response) {
    let actions = phone.layer.respond(response, to: id, at: network.now)
    network.send(phone.perform(actions, at: network.now), from: "Phone")
  }

  /// The ladder's lines that hold `text`, as their times.
  func times(of text: String) -> [String] {
    network.ladder.lines.filter { $0.contains(text) }.map { String($0.prefix { $0 != " " }) }
  }
}

/// A phone that answers each request at once with this status.
func answering(_ status: Int) -> (TransactionAction, TransactionParty, Moment) -> [TransactionAction] {
  { action, party, now in
    guard case .request(let request, let id, _) = action else { return [] }
    return party.layer.respond(request.response(status, toTag: "phone"), to: id, at: now)
  }
}
