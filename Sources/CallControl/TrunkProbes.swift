import Telephony

/// When which place of a trunk is asked by OPTIONS. One question at a time for each place, so that a dead one does not
/// collect transactions; places and rounds are spread, so that not all trunks are asked at once.
struct TrunkProbes: Sendable {
  enum Action: Hashable, Sendable {
    case ask(TrunkPlace)
    /// No answer in time to what was asked at this instant.
    case silent(TrunkPlace, since: Instant)
  }

  private struct Probe: Sendable {
    var place: TrunkPlace
    /// When it is asked next; nil while a question is under way.
    var next: Instant?
    var askedAt: Instant?
    /// The question under way counts as unanswered then; nil once it does.
    var patienceEnds: Instant?
  }

  private let random: RandomSource
  private var probes: [Probe] = []
  private(set) var interval: Duration?

  /// With it four OPTIONS have gone out on UDP (RFC 3261 §17.1.2.2).
  static let patience = Duration.seconds(5)
  /// The first round is spread over this time.
  static let spread = Duration.seconds(2)

  init(random: RandomSource) { self.random = random }

  var nextDeadline: Instant? { probes.compactMap { [$0.next, $0.patienceEnds].compactMap { $0 }.min() }.min() }

  /// These places are asked from now on; those known keep their time.
  mutating func set(_ places: [TrunkPlace], every interval: Duration?, at now: Instant) {
    let isSameRhythm = interval == self.interval
    self.interval = interval
    guard let interval else {
      probes = []
      return
    }
    probes = places.map { place in
      if isSameRhythm, let known = probes.first(where: { $0.place == place }) { return known }
      return Probe(place: place, next: now + share(of: min(Self.spread, interval), 0...1000))
    }
  }

  mutating func stop() { (probes, interval) = ([], nil) }

  mutating func timersDue(at now: Instant) -> [Action] {
    var actions: [Action] = []
    for index in probes.indices {
      if let next = probes[index].next, next <= now {
        probes[index].next = nil
        probes[index].askedAt = now
        probes[index].patienceEnds = now + Self.patience
        actions.append(.ask(probes[index].place))
      } else if let end = probes[index].patienceEnds, end <= now {
        probes[index].patienceEnds = nil
        actions.append(.silent(probes[index].place, since: probes[index].askedAt ?? now))
      }
    }
    return actions
  }

  /// The question is over: answered, or given up by the user agent.
  mutating func done(_ endpoint: Endpoint, isAnswered: Bool, at now: Instant) -> [Action] {
    guard let interval, let index = probes.firstIndex(where: { $0.place.endpoint == endpoint }),
      let askedAt = probes[index].askedAt
    else { return [] }
    let wasPatient = probes[index].patienceEnds != nil
    probes[index].askedAt = nil
    probes[index].patienceEnds = nil
    probes[index].next = max(askedAt + share(of: interval, 900...1100), now + min(interval, .seconds(1)))
    return !isAnswered && wasPatient ? [.silent(probes[index].place, since: askedAt)] : []
  }

  /// So many thousandths of a time.
  private func share(of time: Duration, _ thousandths: ClosedRange<UInt64>) -> Duration {
    time * Int(random.next(in: thousandths)) / 1000
  }
}
