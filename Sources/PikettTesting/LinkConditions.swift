/// How one direction of a simulated link treats what is sent over it.
///
/// Loss, duplication and reordering befall datagrams only; over a reliable transport everything comes once and in order,
/// late at most.
package struct LinkConditions: Hashable, Sendable {
  /// The probability, 0 to 1, that a datagram is lost.
  package var loss: Double
  /// The probability, 0 to 1, that a datagram comes twice.
  package var duplication: Double
  /// The probability, 0 to 1, that a datagram is held back for `holding`, so that later ones overtake it.
  package var reordering: Double
  /// How long a held-back datagram stays.
  package var holding: Duration
  /// The time under way, drawn evenly for each message.
  package var delay: ClosedRange<Duration>
  /// True where the sender is told at once that nothing gets through (ICMP unreachable, connection refused).
  package var isRefused: Bool

  package init(
    loss: Double = 0, duplication: Double = 0, reordering: Double = 0, holding: Duration = .milliseconds(300),
    delay: ClosedRange<Duration> = .zero ... .zero, isRefused: Bool = false
  ) {
    self.loss = loss
    self.duplication = duplication
    self.reordering = reordering
    self.holding = holding
    self.delay = delay
    self.isRefused = isRefused
  }

  /// Everything arrives in the instant in which it is sent.
  package static let perfect = LinkConditions()
  /// Everything arrives, 10 ms later.
  package static let local = LinkConditions(delay: .milliseconds(10) ... .milliseconds(10))
  /// A bad mobile network: a fifth lost, a tenth doubled, a tenth overtaken, 10 to 200 ms under way.
  package static let rough = LinkConditions(
    loss: 0.2, duplication: 0.1, reordering: 0.1, delay: .milliseconds(10) ... .milliseconds(200))
  /// A cut cable: nothing arrives, and nobody is told.
  package static let dead = LinkConditions(loss: 1)
  /// Nothing listens there: the sender is told at once.
  package static let refused = LinkConditions(isRefused: true)
}
