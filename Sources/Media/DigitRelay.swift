package import Telephony

/// Passes the key presses of one side of a talk on to the other, each once, in the way the other side understands.
///
/// Gateways tell one press in several ways: as an event and as tones, as tones and by INFO. Where the other side takes
/// events, the RTP engine has passed them on already; where it has nothing but its ears, tones that are in the audio are
/// enough. Everything else is sent anew, when the press is over and its length is known.
package struct DigitRelay: Sendable {
  /// What the other side understands, best first.
  package enum Target: Hashable, Sendable {
    /// Telephone-events (RFC 4733).
    case events
    /// SIP INFO.
    case info
    /// Tones in the audio.
    case tones
  }

  package enum Input: Hashable, Sendable {
    /// The first packet of an event, and its last.
    case eventBegan(Character)
    case eventEnded(Character, milliseconds: Int)
    case info(Character, milliseconds: Int?)
    /// A tone was heard in the audio, which goes to the other side as it is.
    case tone(Character)
    case timersDue
  }

  /// A press to be sent to the other side, as it understands it.
  package struct Press: Hashable, Sendable {
    package var digit: Character
    package var milliseconds: Int

    package init(_ digit: Character, milliseconds: Int) {
      self.digit = digit
      self.milliseconds = milliseconds
    }
  }

  /// How long the same press may take to come by another way.
  package static let window = DigitCollector.window
  /// How much later than the end of its event a tone may be told.
  package static let lateTone: Duration = .milliseconds(100)
  /// The length of a press that does not tell its own.
  package static let usualLength = 100
  private static let capacity = 16

  private struct Sign: Sendable {
    var digit: Character
    var at: Instant
  }

  private struct Waiting: Sendable {
    var press: Press
    var until: Instant
    var isEvent: Bool
  }

  /// The event that is being pressed; `passes` unless it began before the two sides were joined.
  private var open: (sign: Sign, passes: Bool)?
  /// Events that are over, and tones, until they can no longer be told again.
  private var events: [Sign] = []
  private var tones: [Sign] = []
  private var waiting: [Waiting] = []

  package init() {}

  /// When a press has waited long enough for its other ways.
  package var nextDeadline: Instant? { waiting.map(\.until).min() }

  /// - Parameters:
  ///   - target: what the other side understands; nil while there is none: what comes is only remembered.
  ///   - sendsEvents: whether this side may send events.
  /// - Returns: what is to be sent now.
  package mutating func handle(_ input: Input, to target: Target?, sendsEvents: Bool, at now: Instant) -> [Press] {
    switch input {
    case .eventBegan(let digit):
      open = (Sign(digit: digit, at: now), target != nil)
      // It came by INFO before.
      forget(digit) { !$0.isEvent }
      return []
    case .eventEnded(let digit, let milliseconds):
      guard let (sign, passes) = open, sign.digit == digit else { return [] }
      open = nil
      remember(digit, at: now, in: \.events)
      guard passes, let target else { return [] }
      let press = Press(digit, milliseconds: milliseconds)
      switch target {
      case .events: return []
      case .info: return [press]
      case .tones:
        if wasHeard(digit, since: sign.at + (.zero - Self.window)) { return [] }
        wait(press, for: Self.lateTone, isEvent: true, at: now)
        return []
      }
    case .info(let digit, let milliseconds):
      let press = Press(digit, milliseconds: milliseconds ?? Self.usualLength)
      let earliest = now + (.milliseconds(-press.milliseconds) - Self.window)
      guard let target, open?.sign.digit != digit,
        !events.contains(where: { $0.digit == digit && now - $0.at < Self.window }),
        target != .tones || !wasHeard(digit, since: earliest)
      else { return [] }
      // Nothing else can tell the same press: it need not wait.
      guard sendsEvents || target == .tones else { return [press] }
      wait(press, for: Self.window, isEvent: false, at: now)
      return []
    case .tone(let digit):
      remember(digit, at: now, in: \.tones)
      if target == .tones { forget(digit) { _ in true } }
      return []
    case .timersDue:
      let due = waiting.filter { $0.until <= now }.map(\.press)
      waiting.removeAll { $0.until <= now }
      return target == nil ? [] : due
    }
  }

  private func wasHeard(_ digit: Character, since: Instant) -> Bool {
    tones.contains { $0.digit == digit && $0.at >= since }
  }

  private mutating func wait(_ press: Press, for time: Duration, isEvent: Bool, at now: Instant) {
    guard waiting.count < Self.capacity else { return }
    waiting.append(Waiting(press: press, until: now + time, isEvent: isEvent))
  }

  private mutating func forget(_ digit: Character, where isMeant: (Waiting) -> Bool) {
    guard let index = waiting.firstIndex(where: { $0.press.digit == digit && isMeant($0) }) else { return }
    waiting.remove(at: index)
  }

  private mutating func remember(_ digit: Character, at now: Instant, in list: WritableKeyPath<DigitRelay, [Sign]>) {
    self[keyPath: list].append(Sign(digit: digit, at: now))
    if self[keyPath: list].count > Self.capacity { self[keyPath: list].removeFirst() }
  }
}
