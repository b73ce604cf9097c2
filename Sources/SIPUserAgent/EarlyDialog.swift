import SIPMessage
import SIPTransaction

/// A dialog that provisional responses to our INVITE have opened (RFC 3261 §13.2.2.1). Each fork has its own, with its own
/// route set, its own row of reliable responses (RFC 3262 §4), and its own answer.
struct EarlyDialog: Sendable {
  enum Order: Hashable, Sendable {
    /// To be acknowledged by PRACK.
    case next
    /// "Retransmissions of that response MUST be discarded", and one whose RSeq "is not one higher than the value of the
    /// sequence number […] MUST NOT be acknowledged with a PRACK, and MUST NOT be processed further" (RFC 3262 §4).
    case discard
  }

  var dialog: Dialog
  /// The newest session description from there.
  var answer: [UInt8]?
  /// True if it came reliably, so that offer and answer are exchanged.
  var isAnswerReliable = false
  private var lastReliable: UInt32?

  init(_ dialog: Dialog) { self.dialog = dialog }

  /// Takes a reliable response's RSeq.
  mutating func take(_ number: UInt32) -> Order {
    if let lastReliable, number != lastReliable &+ 1 { return .discard }
    lastReliable = number
    return .next
  }
}

/// The peer's offer within an early dialog: an UPDATE, or a PRACK (RFC 3311 §5.2, RFC 3262 §5).
struct EarlyOffer: Sendable {
  let transaction: ServerTransactionID
  let request: Request
}
