package import SIPMessage
package import Telephony

/// What happens to a client transaction (RFC 3261 §17.1).
package enum ClientTransactionInput: Hashable, Sendable {
  /// A response that matches (§17.1.3).
  case response(Response)
  case timer(TransactionTimer)
  /// The transport could not send what the transaction gave it.
  case transportError
  /// The TU does not want the INVITE any longer (§9.1); `reason` is the value of the CANCEL's Reason header (RFC 3326).
  case cancel(reason: String?)
}

/// What a client transaction asks for.
package enum ClientTransactionAction: Hashable, Sendable {
  /// Send the request, or the ACK for its final response, on the transaction's flow.
  case send(Request)
  /// Begin a client transaction of its own for this CANCEL, on the same flow.
  case sendCancel(Request)
  case set(TransactionTimer, at: Instant)
  case stop(TransactionTimer)
  /// Pass the response to the TU.
  case pass(Response)
  /// Pass a 2xx to the TU that came after another final response.
  case passStray(Response)
  case timedOut
  case transportError
  /// The transaction is over and may be destroyed.
  case terminated
}
