package import SIPMessage

/// A client transaction of one `TransactionLayer`; never used twice.
package struct ClientTransactionID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package var description: String { "c\(rawValue)" }
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A server transaction of one `TransactionLayer`; never used twice.
package struct ServerTransactionID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
  package var description: String { "s\(rawValue)" }
  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// What the transaction layer asks of the transport, and tells the transaction user (TU).
package enum TransactionAction: Hashable, Sendable {
  /// Put this message on the wire, on this flow.
  case transmit(Message, Flow)
  /// A new request: no retransmission, no ACK, no CANCEL. Its top Via bears `received` and `rport`. The TU answers it
  /// by `respond`, or says by `forget` that it gets no answer.
  case request(Request, ServerTransactionID, Flow)
  /// A CANCEL matched this INVITE, which has no final response yet (§9.2). The CANCEL is answered already; the TU
  /// answers the INVITE with 487.
  case cancelled(ServerTransactionID, cancel: Request)
  /// An ACK that belongs to no refused INVITE, so one for a 2xx (§13.3.1.4). Those for other responses are absorbed.
  case ack(Request, Flow)
  /// A response, provisional or final. A 2xx to an INVITE comes again with each of its retransmissions, so that the TU
  /// repeats its ACK (RFC 6026 §7.2).
  case response(Response, ClientTransactionID)
  /// A response that belongs to no living transaction, or a 2xx after another final response. A 2xx to an INVITE of
  /// ours must be acknowledged and its dialog ended by BYE.
  case strayResponse(Response, Flow)
  /// Timer B or F, or no final response 64*T1 after the CANCEL: to be taken as a 408 (§8.1.3.1).
  case timedOut(ClientTransactionID)
  /// The request or its ACK could not be sent: to be taken as a 503 (§8.1.3.1), unless the final response was there.
  case transportError(ClientTransactionID)
  /// A response could not be sent. An INVITE's transaction lives on (RFC 6026 §8.3), any other is over.
  case responseFailed(ServerTransactionID)
  /// Timer H: no ACK came for a refused INVITE. For information; the transaction is over.
  case ackMissing(ServerTransactionID)
  /// The client transaction is gone; nothing will come under its number any more. Comes after `timedOut` too.
  case clientTerminated(ClientTransactionID)
  /// The server transaction is gone; answers under its number are ignored from now on.
  case serverTerminated(ServerTransactionID)
}
