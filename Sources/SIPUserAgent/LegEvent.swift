package import SIPMessage
package import Telephony

/// What happens on a leg, told to call control. Exactly one of `refused` and `ended` comes for each leg, and nothing
/// after it.
package enum LegEvent: Hashable, Sendable {
  /// The first event of a leg that a peer opened; the 100 comes by itself if no answer follows within 200 ms.
  case incoming(IncomingCall)
  /// 100 to 199 to our INVITE; `body` is SDP, if it brings any.
  case provisional(status: Int, body: [UInt8]?)
  /// 2xx to our INVITE; the ACK has been sent. `body` is the SDP that holds now, also where it came in a provisional
  /// response of the same fork, or by an UPDATE before.
  case answered(body: [UInt8]?)
  /// Our INVITE failed: 300 and above, 408 for silence, 503 for a broken transport. The leg is over.
  case refused(status: Int, cause: Cause, contacts: [NameAddress])
  /// The ACK for our 2xx has come; where our 2xx carried the offer, `offerAnswered` has come just before.
  case established
  /// The peer's re-INVITE or UPDATE: to be answered by `answerOffer` or `refuseOffer`.
  /// nil: a re-INVITE without an offer, to be answered with one of ours.
  case offered([UInt8]?)
  /// The answer to our offer: in the 2xx to our re-INVITE, or in the ACK where our 2xx carried the offer.
  case offerAnswered([UInt8])
  /// Our re-INVITE failed, or was withdrawn; the session goes on as it was.
  case offerRefused(status: Int)
  /// A key, `0-9 * # A-D`, by INFO (already answered).
  case digit(Character, milliseconds: Int?)
  /// The peer did not take our INFO with this key.
  case digitRefused(Character, milliseconds: Int?)
  /// The peer answered our question (`ask`): the dialog lives.
  case alive
  /// BYE, CANCEL, no ACK for 64*T1, 481 or 408 in the dialog, or our own `release`. The leg is over and nothing is left
  /// to send. After a `release` of an unanswered call of ours it comes with the INVITE's own end.
  case ended(Cause)
}
