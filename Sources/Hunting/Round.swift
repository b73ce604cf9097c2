/// How the hunt goes round its chain: who has had his turn in this round, and whether anybody could be rung.
struct Round: Sendable {
  /// The number of the round, from 1.
  private(set) var number = 1
  /// The users of this round.
  private var visited: [String] = []
  /// Somebody could be rung in this round.
  private var hasRung = false
  /// How many rounds have passed, one after the other, in which nobody could be rung.
  private var fruitless = 0

  /// The shortest and the longest wait before a new round after one in which nobody could be rung.
  static let shortestPause = Duration.seconds(5)
  static let longestPause = Duration.seconds(60)

  /// What comes before the next hop.
  enum Step: Equatable {
    /// The next hop belongs to the same round.
    case goOn
    /// A new round begins; after a wait if nobody could be rung in the last one.
    case newRound(after: Duration)
  }

  /// A hop of this user begins.
  mutating func enter(_ user: User) { visited.append(user.number) }

  /// Somebody's phone rang long enough to be heard.
  mutating func didRing() { hasRung = true }

  /// `user` would be rung next. The round is full when it would come to somebody for the second time.
  mutating func step(to user: User) -> Step {
    guard visited.contains(user.number) else { return .goOn }
    fruitless = hasRung ? 0 : fruitless + 1
    number += 1
    visited = []
    hasRung = false
    guard fruitless > 0 else { return .newRound(after: .zero) }
    // 5 s, 10 s, 20 s, 40 s, 60 s, 60 s, …
    let pause = Round.shortestPause * (1 << min(fruitless - 1, 4))
    return .newRound(after: min(pause, Round.longestPause))
  }
}
