import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// Addresses, messages and times that the tests of this target share.
enum Sample {
  static let us = endpoint("192.0.2.1:5060")
  static let peer = endpoint("198.51.100.7:5060")

  static func flow(_ transport: Transport = .udp, from remote: Endpoint = peer) -> Flow {
    Flow(transport, local: us, remote: remote)
  }

  static func moment(_ seconds: Double) -> Moment { .testStart + .nanoseconds(Int64(seconds * 1e9)) }

  static let timers = TimerValues.rfc3261

  static func layer(seed: UInt64 = 7, limit: Int = 2000) -> TransactionLayer {
    TransactionLayer(random: .seeded(seed), limit: limit)
  }

  /// A request as a TU makes it, without a Via.
  static func bare(
    _ method: Method = .invite, callID: String = "a84b4c76e66710", number: UInt32 = 1, toTag: String? = nil
  ) -> Request {
    let to = "<sip:731@198.51.100.7>" + (toTag.map { ";tag=\($0)" } ?? "")
    return Request(
      method, SIPURI(user: "731", host: "198.51.100.7"),
      headers: Headers([
        ("Max-Forwards", "70"), ("From", "<sip:799@192.0.2.1>;tag=1928301774"), ("To", to), ("Call-ID", callID),
        ("CSeq", "\(number) \(method)"),
      ]))
  }

  /// A request as it comes from the peer.
  static func incoming(
    _ method: Method = .invite, branch: String? = "z9hG4bKnashds8", via: String = "198.51.100.7:5060",
    parameters: String = ";rport", callID: String = "a84b4c76e66710", number: UInt32 = 1, toTag: String? = nil
  ) -> Request {
    var request = bare(method, callID: callID, number: number, toTag: toTag)
    let branch = branch.map { ";branch=\($0)" } ?? ""
    request.headers.prepend("Via", "SIP/2.0/UDP \(via)\(branch)\(parameters)")
    return request
  }

  private static func endpoint(_ text: String) -> Endpoint {
    Endpoint(text) ?? Endpoint(IPAddress(bytes: [0, 0, 0, 0]) ?? fallback, 0)
  }

  private static var fallback: IPAddress { preconditionFailure("four bytes are an address") }
}

/// Everything a test may want to say about an action in a few words.
func brief(_ action: TransactionAction) -> String {
  switch action {
  case .transmit(let message, _): "transmit " + brief(message)
  case .request(let request, let id, _): "request \(request.method) \(id)"
  case .cancelled(let id, _): "cancelled \(id)"
  case .ack: "ack"
  case .response(let response, let id): "response \(response.status) \(id)"
  case .strayResponse(let response, _): "stray \(response.status)"
  case .timedOut(let id): "timedOut \(id)"
  case .transportError(let id): "transportError \(id)"
  case .responseFailed(let id): "responseFailed \(id)"
  case .ackMissing(let id): "ackMissing \(id)"
  case .clientTerminated(let id): "terminated \(id)"
  case .serverTerminated(let id): "terminated \(id)"
  }
}

func brief(_ message: Message) -> String {
  switch message {
  case .request(let request): request.method.token
  case .response(let response): "\(response.status)"
  }
}

func brief(_ actions: [TransactionAction]) -> [String] { actions.map { brief($0) } }

extension [TransactionAction] {
  /// The messages to be sent, in order.
  var transmitted: [(message: Message, flow: Flow)] {
    compactMap { action in
      if case .transmit(let message, let flow) = action { (message, flow) } else { nil }
    }
  }

  var firstRequest: Request? {
    transmitted.lazy.compactMap { if case .request(let request) = $0.message { request } else { nil } }.first
  }

  var firstResponse: Response? {
    transmitted.lazy.compactMap { if case .response(let response) = $0.message { response } else { nil } }.first
  }

  /// The number of the new server transaction.
  var serverID: ServerTransactionID? {
    for action in self { if case .request(_, let id, _) = action { return id } }
    return nil
  }
}
