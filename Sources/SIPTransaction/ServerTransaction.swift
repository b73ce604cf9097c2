package import SIPMessage
package import Telephony

/// What happens to a server transaction (RFC 3261 §17.2).
package enum ServerTransactionInput: Hashable, Sendable {
  /// The request came once more.
  case retransmission
  /// An ACK that matches the INVITE (§17.2.3).
  case ack(Request)
  /// The TU's answer.
  case respond(Response)
  case timer(TransactionTimer)
  /// The transport could not send what the transaction gave it.
  case transportError
}

/// What a server transaction asks for.
package enum ServerTransactionAction: Hashable, Sendable {
  case send(Response)
  case set(TransactionTimer, at: Instant)
  case stop(TransactionTimer)
  /// Pass the ACK for a 2xx to the TU.
  case passACK(Request)
  case ackMissing
  case transportError
  /// The transaction is over and may be destroyed.
  case terminated
}
