package import SIPMessage
import Telephony

/// The message ladder of a scenario: one line a message, with the virtual time at which it was sent.
///
///     0.500  A → B  INVITE sip:799@192.0.2.1 + SDP
///     0.510  B → A  180 Ringing (INVITE)
///     0.600  A ↛ B  BYE sip:799@192.0.2.1        lost
///     0.700  A ⇉ B  BYE sip:799@192.0.2.1        comes twice
///     1.000  -- B answers
package struct Ladder: Hashable, Sendable, CustomStringConvertible {
  /// What became of a message on its way.
  package enum Fate: String, Hashable, Sendable {
    case delivered = "→"
    case lost = "↛"
    case duplicated = "⇉"
    /// The sender was told that nothing gets through.
    case refused = "⊣"
  }

  package private(set) var lines: [String] = []

  package init() {}

  /// Every line, each ended by a line break.
  package var description: String { lines.map { $0 + "\n" }.joined() }

  /// A message sent `time` after the start.
  package mutating func add(
    _ message: Message, from sender: String, to receiver: String, at time: Duration, fate: Fate = .delivered,
    detail: String? = nil
  ) {
    let tail = detail.map { "  \($0)" } ?? ""
    lines.append("\(Ladder.stamp(time))  \(sender) \(fate.rawValue) \(receiver)  \(Ladder.summary(message))\(tail)")
  }

  /// Something that happened without a message.
  package mutating func note(_ text: String, at time: Duration) { lines.append("\(Ladder.stamp(time))  -- \(text)") }

  /// `INVITE sip:799@192.0.2.1 + SDP` or `180 Ringing (INVITE)`.
  package static func summary(_ message: Message) -> String {
    let body: String
    switch (message.body.isEmpty, message.headers.contentType) {
    case (true, _): body = ""
    case (false, "application/sdp"): body = " + SDP"
    case (false, let type): body = " + \(type ?? "body")"
    }
    switch message {
    case .request(let request):
      return "\(request.method) \(request.uri)\(body)"
    case .response(let response):
      let method = (try? response.headers.cseq())?.method.token ?? "?"
      return "\(response.status) \(response.reason) (\(method))\(body)"
    }
  }

  /// Seconds with three decimals; with nine where the time is no whole number of milliseconds.
  package static func stamp(_ time: Duration) -> String {
    let nanoseconds = max(time.nanoseconds, 0)
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest % 1_000_000 == 0 ? "\(seconds).\(padded(rest / 1_000_000, 3))" : "\(seconds).\(padded(rest, 9))"
  }
}
