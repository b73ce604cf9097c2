package import Site
package import Telephony

/// The waiting queue (the seed's WQ): announcement, one digit, and the digit's map says where the call goes.
///
/// The key counts from the first millisecond and stops the announcement. A wrong key repeats the announcement,
/// ``wrongKeys`` times at most, then counts as silence. Silence repeats it `Repeat.txt` times, then does what
/// `OnSilence.txt` says. An announcement whose end nobody tells is taken as heard after ``announcementLimit``, so that no
/// caller waits for ever.
package struct WaitingQueue: Sendable {
  /// How often a wrong key repeats the announcement.
  package static let wrongKeys = 10
  /// No announcement takes longer.
  package static let announcementLimit = Duration.seconds(300)

  package enum Input: Sendable {
    /// The caller is there: the first announcement begins.
    case start
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
    case entered
    case announcing(until: Instant)
    case listening(until: Instant)
    case left
  }

  private let queue: Queue
  private var state = State.entered
  private var silences = 0
  private var wrong = 0

  /// A caller is to enter `queue`.
  package init(_ queue: Queue) { self.queue = queue }

  /// When the silence is over, or the announcement at the latest.
  package var nextDeadline: Instant? {
    switch state {
    case .announcing(let until), .listening(let until): until
    case .entered, .left: nil
    }
  }

  package mutating func handle(_ input: Input, at now: Moment) -> [Action] {
    switch (state, input) {
    case (.left, _): return []
    case (.entered, .start): return announce(at: now)
    case (.announcing, .key(let key)), (.listening, .key(let key)): return press(key, at: now)
    case (.announcing, .announcementEnded): return listen(at: now)
    case (.announcing(let until), .timersDue): return now.instant >= until ? listen(at: now) : []
    case (.listening(let until), .timersDue): return now.instant >= until ? silence(at: now) : []
    case (.entered, _), (.announcing, .start), (.listening, .start), (.listening, .announcementEnded): return []
    }
  }

  private mutating func announce(at now: Moment) -> [Action] {
    state = .announcing(until: now.instant + Self.announcementLimit)
    return [.announce]
  }

  private mutating func listen(at now: Moment) -> [Action] {
    state = .listening(until: now.instant + queue.timeout)
    return []
  }

  private mutating func press(_ key: Character, at now: Moment) -> [Action] {
    if let destination = queue.destination(of: key) {
      state = .left
      return [.proceed(destination, key: key)]
    }
    wrong += 1
    guard wrong <= Self.wrongKeys else {
      // Somebody leaning on the keypad is no reason to begin anew each time: wait as if he had said nothing.
      if case .announcing = state { return listen(at: now) }
      return []
    }
    return announce(at: now)
  }

  private mutating func silence(at now: Moment) -> [Action] {
    silences += 1
    if silences <= queue.repeats { return announce(at: now) }
    state = .left
    guard let destination = queue.destinationOnSilence else { return [.hangUp] }
    return [.proceed(destination, key: nil)]
  }
}
