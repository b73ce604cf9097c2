package import Telephony

/// The ways a key press can reach us; gateways negotiate one and send another, so all are listened to at once.
package enum DigitWay: Hashable, Sendable {
  /// An RTP telephone-event (RFC 4733).
  case event
  /// A SIP INFO (`application/dtmf-relay`, `application/dtmf`).
  case info
  /// Tones in the audio.
  case tone
}

/// Makes one key press of what arrives by several ways: the same digit by two ways within 300 ms counts once.
package struct DigitCollector: Sendable {
  /// How long after a press the same digit by another way is taken for the same press.
  package static let window: Duration = .milliseconds(300)

  private struct Press: Sendable {
    var digit: Character
    var at: Instant
    var ways: [DigitWay]
  }

  /// The presses of the last ``window``, oldest first; several, as a dialler may press faster than tones are told.
  private var recent: [Press] = []

  package init() {}

  /// - Returns: true if this is a press of its own, false if it is the echo of one that has been counted.
  package mutating func counts(_ digit: Character, by way: DigitWay, at now: Instant) -> Bool {
    recent.removeAll { now - $0.at >= Self.window }
    if let index = recent.firstIndex(where: { $0.digit == digit && !$0.ways.contains(way) }) {
      recent[index].ways.append(way)
      return false
    }
    // Nobody presses faster than this.
    if recent.count >= 16 { recent.removeFirst() }
    recent.append(Press(digit: digit, at: now, ways: [way]))
    return true
  }
}
