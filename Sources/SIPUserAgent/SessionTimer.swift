import SIPMessage
import Telephony

/// A Session-Expires value (RFC 4028 §4).
struct SessionExpires: Hashable, Sendable {
  enum Refresher: String, Hashable, Sendable {
    case uac, uas
  }

  var seconds: Int
  var refresher: Refresher?
}

extension Headers {
  /// Session-Expires; nil if there is none that can be read.
  var sessionExpires: SessionExpires? {
    guard let text = self["Session-Expires"], let seconds = Self.deltaSeconds(text) else { return nil }
    let refresher = text.split(separator: ";").dropFirst().lazy.compactMap { part -> SessionExpires.Refresher? in
      let pair = part.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard pair.count == 2, pair[0].equalsIgnoringCase("refresher") else { return nil }
      return SessionExpires.Refresher(rawValue: pair[1].asciiLowercased)
    }.first
    return SessionExpires(seconds: seconds, refresher: refresher)
  }

  /// Min-SE in seconds (RFC 4028 §5); nil if there is none that can be read.
  var minSessionExpires: Int? { self["Min-SE"].flatMap(Self.deltaSeconds) }

  /// The number before any parameter; what no call will live to see counts as a day.
  private static func deltaSeconds(_ text: String) -> Int? {
    let number = text.prefix { $0 != ";" }.trimmed
    guard !number.isEmpty, number.isDigits else { return nil }
    return min(Int(number) ?? .max, 86_400)
  }
}

/// How long a session lives without being refreshed, and who refreshes it (RFC 4028).
struct SessionTimer: Hashable, Sendable {
  /// Seconds from one 2xx of INVITE or UPDATE to the end of the session.
  var interval: Int
  /// True if the refreshes are ours to send.
  var isRefresher: Bool

  /// What we ask for: "The RECOMMENDED value for the session timer is 1800 seconds" (§4.2).
  static let usual = 1800
  /// "The absolute minimum for the Session-Expires header field is 90 seconds" (§4.1).
  static let minimum = 90

  /// "it is RECOMMENDED that this refresh be sent once half the session interval has elapsed" (§10)
  var refreshAfter: Duration { .milliseconds(interval * 500) }

  /// "the UA SHOULD send a BYE before the session expires. The minimum of 32 seconds and one third of the session
  /// interval is RECOMMENDED" (§10)
  var endAfter: Duration { .seconds(interval - min(32, interval / 3)) }

  /// What we say in a request of ours.
  var request: String { "\(interval);refresher=\(isRefresher ? "uac" : "uas")" }

  /// What we say in our 2xx.
  var response: String { "\(interval);refresher=\(isRefresher ? "uas" : "uac")" }

  /// What the peer's 2xx to our INVITE or UPDATE has settled; nil: the session has no timer (§7.2).
  init?(answer headers: Headers) {
    guard let settled = headers.sessionExpires else { return nil }
    // Less than the RFC's minimum is not ours to refuse here, but a peer that says 1 must not make a flood of us.
    interval = max(settled.seconds, 20)
    isRefresher = settled.refresher != .uas
  }

  /// What we settle for the peer's INVITE or UPDATE (§9, table 2); nil: he knows of no session timers, and nobody on the
  /// way asks for one.
  /// - Parameter current: what holds for the session so far.
  init?(answering request: Headers, current: SessionTimer?) {
    let isSupported = request.lists("timer", in: "Supported")
    let asked = request.sessionExpires
    guard isSupported || asked != nil else { return nil }
    let longest = max(Self.usual, request.minSessionExpires ?? 0)
    let shortest = max(Self.minimum, request.minSessionExpires ?? 0)
    interval = max(min(asked?.seconds ?? current?.interval ?? Self.usual, longest), shortest)
    isRefresher =
      switch asked?.refresher {
      // "If the UAC does not support the session timer, the refresher MUST be the UAS" (§9)
      case _ where !isSupported: true
      case .uas: true
      case .uac: false
      // Whoever asks for the timer may do its work; where only we want it, we do it.
      case nil: current?.isRefresher ?? (asked == nil)
      }
  }

  /// True if the request's Session-Expires must be refused with 422; only who knows of session timers can be (§9).
  static func isTooSmall(_ request: Headers) -> Bool {
    guard let asked = request.sessionExpires, request.lists("timer", in: "Supported") else { return false }
    return asked.seconds < minimum
  }
}
