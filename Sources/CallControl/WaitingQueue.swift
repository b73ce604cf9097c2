package import Site
package import Telephony

/// The waiting queue (the seed's WQ): announcement, one digit, and the digit's map says where the call goes.
///
/// The key counts from the first millisecond and stops the announcement. A wrong key repeats the announcement,
/// ``wrongKeys`` times at most, then counts as silence. Silence repeats it `Repeat.txt` times, then does what
/// `OnSilence.txt` says.
package struct WaitingQueue: Sendable {
  /// How often a wrong key repeats the announcement.
  package static let wrongKeys = 10

  package enum Input: Sendable {
    /// The announcement has been heard to its end.
    case announcementEnded
    case key(Character)
    case timersDue
  }

  package enum Action: Hashable, Sendable {
    /// Play the announcement from its beginning.
    case announce
    /// The caller chose (or silence chose for him) this number.
    case proceed(PhoneNumber, key: Character?)
    /// Nobody pressed a key, and the queue hangs up on silence.
    case hangUp
  }

  private enum State: Sendable {
    case announcing
    case listening(until: Instant)
    case left
  }

  private let queue: Queue
  private var state = State.announcing
  private var silences = 0
  private var wrong = 0

  /// A caller enters `queue`: the first action is always the announcement.
  package init(_ queue: Queue) { self.queue = queue }

  /// When the silence is over; nil while the announcement plays.
  package var nextDeadline: Instant? {
    switch state {
    case .listening(let until): until
    case .announcing, .left: nil
    }
  }

  package mutating func handle(_ input: Input, at now: Moment) -> [Action] {
    switch (state, input) {
    case (.left, _): return []
    case (_, .key(let key)): return press(key, at: now)
    case (.announcing, .announcementEnded):
      state = .listening(until: now.instant + queue.timeout)
      return []
    case (.listening(let until), .timersDue): return now.instant >= until ? silence() : []
    case (.announcing, .timersDue), (.listening, .announcementEnded): return []
    }
  }

  private mutating func press(_ key: Character, at now: Moment) -> [Action] {
    if let destination = queue.destination(of: key) {
      state = .left
      return [.proceed(destination, key: key)]
    }
    wrong += 1
    guard wrong <= Self.wrongKeys else {
      // Somebody leaning on the keypad is no reason to begin anew each time: wait as if he had said nothing.
      if case .announcing = state { state = .listening(until: now.instant + queue.timeout) }
      return []
    }
    state = .announcing
    return [.announce]
  }

  private mutating func silence() -> [Action] {
    silences += 1
    if silences <= queue.repeats {
      state = .announcing
      return [.announce]
    }
    state = .left
    guard let destination = queue.destinationOnSilence else { return [.hangUp] }
    return [.proceed(destination, key: nil)]
  }
}
