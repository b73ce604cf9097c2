import Hunting
import SIPMessage
import SIPUserAgent
import Telephony

/// Which requests carry a message, and whether one of its phones has taken it.
struct PendingMessages: Sendable {
  private struct Delivery: Sendable {
    var open: Int
    var status: Int?
  }

  private var nextRequest: UInt64 = 1
  private var names: [RequestID: String] = [:]
  private var deliveries: [String: Delivery] = [:]

  /// A request for one more phone of the message `name`.
  mutating func begin(_ name: String) -> RequestID {
    defer { nextRequest &+= 1 }
    let request = RequestID(rawValue: nextRequest)
    names[request] = name
    deliveries[name, default: Delivery(open: 0, status: nil)].open += 1
    return request
  }

  /// A phone has answered.
  /// - Returns: the message and its outcome once all its phones have; one that took it makes it delivered.
  mutating func end(_ request: RequestID, status: Int) -> (name: String, status: Int)? {
    guard let name = names.removeValue(forKey: request), var delivery = deliveries[name] else { return nil }
    delivery.open -= 1
    if delivery.status.map({ $0 >= 300 }) ?? true { delivery.status = status }
    deliveries[name] = delivery.open > 0 ? delivery : nil
    return delivery.open > 0 ? nil : (name, delivery.status ?? status)
  }
}

/// Instant messages (RFC 3428) to the phones of the user who took the call.
extension CallController {
  /// From is the caller, so that lifting the receiver calls him back.
  mutating func send(_ message: InstantMessage, at now: Moment) {
    let directions = directions(site, at: now)
    let targets = directions.targets(
      .desk, of: message.user, calling: .init(caller: CallerName(message.caller), dialled: message.user))
    if targets.isEmpty {
      note(.messageUndeliverable(name: message.name, user: message.user))
      return emit(.messageDone(message.name, status: 480))
    }
    for target in targets {
      var from = target.from
      from.uri.user = message.caller
      let outgoing = OutgoingMessage(
        target: target.target, from: from, contentType: "text/plain", body: Array(message.text.utf8),
        credentials: target.credentials)
      later(.userAgent(.sendMessage(messages.begin(message.name), outgoing)))
    }
  }

  mutating func messageDone(_ request: RequestID, status: Int) {
    guard let (name, outcome) = messages.end(request, status: status) else { return }
    emit(.messageDone(name, status: outcome))
  }
}
