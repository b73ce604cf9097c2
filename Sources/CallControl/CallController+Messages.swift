import Hunting
import SIPMessage
import SIPUserAgent
import Telephony

/// Which requests carry a message, and whether one of its phones has taken it.
struct PendingMessages: Sendable {
  /// One phone that is to get the message, and the ways to it. They are tried one after the other: a MESSAGE cannot be
  /// cancelled, and nobody wants to read it twice.
  private struct Phone: Sendable {
    var route: PhoneRoute
    var attempts: Attempts
  }

  private struct Delivery: Sendable {
    var message: InstantMessage
    var phones: [Phone]
    /// Phones whose outcome is not known.
    var open: Int
    var status: Int?
  }

  /// A MESSAGE under way.
  private struct Request: Sendable {
    var name: String
    var phone: Int
    var way: Way
  }

  /// What is to be done next.
  enum Step: Sendable {
    case send(RequestID, InstantMessage, BranchTarget)
    /// All phones have answered: the message and its outcome.
    case done(name: String, status: Int)
  }

  private var requests: [RequestID: Request] = [:]
  private var deliveries: [String: Delivery] = [:]

  /// Sends a message to these phones, of which there is at least one. One that is under way is not sent again.
  mutating func begin(
    _ message: InstantMessage, _ routes: [PhoneRoute], _ ids: inout RequestIDs, at now: Instant
  ) -> [Step] {
    guard deliveries[message.name] == nil else { return [] }
    deliveries[message.name] = Delivery(
      message: message, phones: routes.map { Phone(route: $0, attempts: $0.attempts(isParallel: false)) },
      open: routes.count)
    return routes.indices.flatMap { attempt(message.name, $0, .start, status: 480, &ids, at: now) }
  }

  /// A phone, or what stands before it, has answered.
  mutating func end(_ id: RequestID, status: Int, _ ids: inout RequestIDs, at now: Instant) -> [Step] {
    guard let request = requests.removeValue(forKey: id) else { return [] }
    let input: Attempts.Input = status < 300 ? .answered(request.way) : .refused(request.way, status: status)
    return attempt(request.name, request.phone, input, status: status, &ids, at: now)
  }

  /// Where a message has gone.
  func target(of id: RequestID) -> BranchTarget? {
    requests[id].flatMap { deliveries[$0.name]?.phones[$0.phone].route[$0.way] }
  }

  private mutating func attempt(
    _ name: String, _ phone: Int, _ input: Attempts.Input, status: Int, _ ids: inout RequestIDs, at now: Instant
  ) -> [Step] {
    guard let actions = deliveries[name]?.phones[phone].attempts.handle(input, at: now) else { return [] }
    var steps: [Step] = []
    for action in actions {
      guard case .call(let way) = action, let delivery = deliveries[name],
        let target = delivery.phones[phone].route[way]
      else { continue }
      let id = ids.next()
      requests[id] = Request(name: name, phone: phone, way: way)
      steps.append(.send(id, delivery.message, target))
    }
    return steps.isEmpty ? settle(name, status) : steps
  }

  /// One phone's outcome is known.
  private mutating func settle(_ name: String, _ status: Int) -> [Step] {
    guard var delivery = deliveries[name] else { return [] }
    delivery.open -= 1
    // One phone that took it makes it delivered, and one that may still take it leaves hope.
    let rank = { (status: Int) in status < 300 ? 0 : InstantMessage.isRefused(status) ? 2 : 1 }
    if delivery.status.map({ rank(status) < rank($0) }) ?? true { delivery.status = status }
    deliveries[name] = delivery.open > 0 ? delivery : nil
    return delivery.open > 0 ? [] : [.done(name: name, status: delivery.status ?? status)]
  }
}

/// Instant messages (RFC 3428) to the phones of the user who took the call.
extension CallController {
  /// From is the caller, so that lifting the receiver calls him back.
  mutating func send(_ message: InstantMessage, at now: Moment) {
    let routes = directions(site, at: now).routes(
      to: .desk, of: message.user,
      calling: .init(caller: CallerName(message.caller), dialled: message.user, kind: .message))
    if routes.isEmpty {
      note(.messageUndeliverable(name: message.name, user: message.user))
      return emit(.messageDone(message.name, status: 480))
    }
    perform(messages.begin(message, routes, &requests, at: now.instant))
  }

  mutating func messageDone(_ request: RequestID, status: Int, at now: Moment) {
    // 408 and 503 may be our own word for silence.
    if status != 408, status != 503, let target = messages.target(of: request) { showedLife(target, at: now) }
    perform(messages.end(request, status: status, &requests, at: now.instant))
  }

  private mutating func perform(_ steps: [PendingMessages.Step]) {
    for step in steps {
      switch step {
      case .send(let request, let message, let target):
        let outgoing = OutgoingMessage(
          target: target.target, from: target.from, contentType: "text/plain", body: Array(message.text.utf8),
          credentials: target.credentials)
        later(.userAgent(.sendMessage(request, outgoing)))
      case .done(let name, let status): emit(.messageDone(name, status: status))
      }
    }
  }
}
