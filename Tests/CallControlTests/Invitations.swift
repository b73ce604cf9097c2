import SIPMessage
import Telephony

/// Every INVITE that began a dialog as the wire shows it, sent or taken, and whether it has come to its end there: by a
/// refusal, a CANCEL that no answer crossed, or a BYE.
struct Invitations {
  private struct Invitation {
    var name: String
    var isOurs: Bool
    var number: UInt32
    var sentAt: Instant
    /// Something has come back: only then may a CANCEL be sent (RFC 3261 §9.1).
    var hasResponse = false
    var isCancelled = false
    var isAnswered = false
    var isRefused = false
    var hasBye = false

    var isOver: Bool { isRefused || hasBye || (isCancelled && !isAnswered) || (isOurs && !hasResponse) }
  }

  private var all: [String: Invitation] = [:]

  /// - Parameter isOurs: Pikett has sent it; else it has come.
  mutating func saw(_ message: Message, isOurs: Bool, at now: Moment) {
    guard let id = message.headers.callID, let cseq = try? message.headers.cseq() else { return }
    switch message {
    case .request(let request):
      let isFirst = (try? request.headers.to())?.tag == nil
      switch request.method {
      case .invite where isFirst:
        // With a higher number: once more with a password, after a challenge.
        if let known = all[id], known.number >= cseq.number { return }
        all[id] = Invitation(
          name: "INVITE \(request.uri)", isOurs: isOurs, number: cseq.number, sentAt: now.instant)
      case .cancel: all[id]?.isCancelled = true
      case .bye: all[id]?.hasBye = true
      default: return
      }
    case .response(let response):
      guard let invitation = all[id], invitation.isOurs == !isOurs, cseq.method == .invite else { return }
      // After Timer B nobody waits for it any more: a phone that rings then is beyond our reach.
      if !invitation.hasResponse, response.isProvisional, now.instant - invitation.sentAt > .seconds(32) { return }
      all[id]?.hasResponse = true
      if (200..<300).contains(response.status) { all[id]?.isAnswered = true }
      if response.status >= 300, all[id]?.isAnswered == false { all[id]?.isRefused = true }
    }
  }

  /// Those that have not ended.
  var open: [String] { all.values.filter { !$0.isOver }.map { "\($0.name) has not ended on the wire" }.sorted() }
}
