package import SIPMessage
package import Telephony

/// Requests that get no transaction (RFC 3261 §8.2.7): an answer to a stranger leaves nothing behind.
extension TransactionLayer {
  /// True if a request belongs to a living transaction: a copy of what began it, its ACK, or its CANCEL.
  package func matches(_ request: Request, from source: IPAddress) -> Bool {
    guard let via = try? request.headers.topVia(), let cseq = try? request.headers.cseq() else { return false }
    let own = serverKeys[ServerKey(request, via: via, cseq: cseq, as: request.method)]
    let invite =
      request.method == .ack || request.method == .cancel
      ? serverKeys[ServerKey(request, via: via, cseq: cseq, as: .invite)] : nil
    return [own, invite].contains { $0.flatMap { servers[$0]?.source } == source }
  }

  /// True if a response answers a living request of ours.
  package func matches(_ response: Response) -> Bool {
    ClientKey(response).map { clientKeys[$0] != nil } ?? false
  }

  /// A request as its receiver completes it, and the way of its answer.
  /// - Returns: nil if nobody could be answered.
  package func completed(_ received: Request, on flow: Flow) -> (request: Request, answer: Flow)? {
    guard let via = try? received.headers.topVia(), (try? received.headers.cseq())?.method == received.method else {
      return nil
    }
    var request = received
    request.headers.replaceTopVia(via.completed(from: flow.remote))
    return (request, via.responseFlow(on: flow))
  }

  /// How many transactions this source has begun that still live.
  package func openTransactions(of source: IPAddress) -> Int { openServers[source, default: 0] }
}
