/// What a leg is to hear, by its meaning; the shell turns it into samples (site's files, built-in prompts, tones).
package enum Sound: Hashable, Sendable {
  /// A queue's announcement.
  case announcement(queue: String)
  /// What a caller hears while technicians are rung: the queue's `Hold.wav`, else the country's ringing tone.
  case waiting(queue: String?)
  /// What the held party hears: the queue's `Hold.wav`, else a gentle tone now and then.
  case hold(queue: String?)
  /// "Emergency call, ticket 1234, press 1."
  case confirmPrompt(ticket: UInt64, key: Character)
  /// The busy tone, for trunks without automatic hang-up.
  case busyTone

  /// True for a sound that goes on until it is stopped.
  package var loops: Bool {
    switch self {
    case .announcement, .confirmPrompt: false
    case .waiting, .hold, .busyTone: true
    }
  }
}
