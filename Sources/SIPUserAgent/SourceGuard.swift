import Telephony

/// Counts what strangers ask, and silences a source that scans or guesses passwords: no answer at all, for a time that
/// doubles with each relapse. The owner exempts whom it knows.
///
/// It remembers a fixed number of sources. Who is silenced gives his place to nobody, and of the others the one goes that
/// has done least: to be forgotten costs a guesser as much as being silenced, for each of some other thousand sources.
struct SourceGuard: Sendable {
  /// What counts as one source: an IPv4 address; of IPv6 the network that anybody gets from his provider, /64. Over a
  /// connection it is another one, as nobody opens one under a forged address: so nobody is kept from connecting by
  /// datagrams that bear his.
  struct Source: Hashable, Sendable {
    private let bits: UInt64
    private let kind: UInt8

    init(_ address: IPAddress, isConnected: Bool) {
      bits = address.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
      kind = (address.isIPv6 ? 1 : 0) | (isConnected ? 2 : 0)
    }
  }

  enum Offence: Hashable, Sendable {
    /// A request without a password, a message that is none, a connection.
    case request
    /// A wrong password.
    case failure
  }

  enum Verdict: Hashable, Sendable {
    case tolerated
    /// It gets no answer, now and until its silence is over.
    case silent
    /// It is silenced by this very offence, for so long. `isNew`: it has not been told of it since it was last heard.
    case silenced(Duration, isNew: Bool)
  }

  private struct Entry: Sendable {
    var source: Source
    var requests = RateGauge()
    var failures = RateGauge()
    /// The end of the last silence.
    var silentUntil = Instant(nanoseconds: .min)
    /// How long the last silence was, and so how bad the source is; zero: it never was silenced.
    var silence = Duration.zero
    var isTold = false

    func isSilenced(at now: Instant) -> Bool { silentUntil > now }

    /// What it has on its account; the least is forgotten first.
    func guilt(at now: Instant) -> Duration {
      let sins = now - silentUntil < SourceGuard.longestSilence ? silence : .zero
      let used = max(requests.level(at: now).nanoseconds &* 60, failures.level(at: now).nanoseconds)
      return .nanoseconds(max(used, 0)) + sins * 60
    }
  }

  /// No silence is longer; and after so long without a relapse the next one begins as the first.
  static let longestSilence = Duration.seconds(86_400)
  /// Of a silence that was so long, the end is told too.
  static let longSilence = Duration.seconds(3600)
  /// How many places are looked at to find one for a newcomer.
  private static let glance = 16
  /// All who find no place share one account, so many times as large.
  private static let crowd = 10

  var limits: SourceLimits {
    didSet { if limits != oldValue { self = SourceGuard(limits) } }
  }
  private var entries: [Entry] = []
  private var places: [Source: Int] = [:]
  private var hand = 0
  private var others = RateGauge()
  private var datagrams = RateGauge()
  private var connections = RateGauge()

  init(_ limits: SourceLimits = SourceLimits()) { self.limits = limits }

  /// How many sources are remembered.
  var count: Int { entries.count }

  func remembers(_ source: Source) -> Bool { places[source] != nil }

  func isSilenced(_ source: Source, at now: Instant) -> Bool {
    places[source].map { entries[$0].isSilenced(at: now) } ?? false
  }

  /// True if one more of strangers' messages can be taken at all.
  mutating func hasRoom(isConnected: Bool, at now: Instant) -> Bool {
    guard let strangers = limits.strangers else { return true }
    return isConnected
      ? connections.take(of: strangers, in: .seconds(1), at: now)
      : datagrams.take(of: strangers, in: .seconds(1), at: now)
  }

  /// Counts against a source.
  mutating func count(_ offence: Offence, against source: Source, at now: Instant) -> Verdict {
    guard let place = place(of: source, at: now) else {
      guard let requests = limits.requests else { return .tolerated }
      let (share, overflow) = requests.multipliedReportingOverflow(by: Self.crowd)
      return overflow || others.take(of: share, in: .seconds(60), at: now) ? .tolerated : .silent
    }
    if entries[place].isSilenced(at: now) { return .silent }
    let isTolerable =
      switch offence {
      case .request: limits.requests.map { entries[place].requests.take(of: $0, in: .seconds(60), at: now) } ?? true
      case .failure: limits.failures.map { entries[place].failures.take(of: $0, in: .seconds(3600), at: now) } ?? true
      }
    guard !isTolerable, let first = limits.silence else { return .tolerated }
    if now - entries[place].silentUntil >= Self.longestSilence {
      entries[place].silence = .zero
      entries[place].isTold = false
    }
    let last = entries[place].silence
    let silence = last == .zero ? first : min(last * 2, max(Self.longestSilence, first))
    entries[place].silence = silence
    entries[place].silentUntil = now + silence
    defer { entries[place].isTold = true }
    return .silenced(silence, isNew: !entries[place].isTold)
  }

  /// A message of this source is read.
  /// - Returns: how long it was silenced, if that was long and it is heard again for the first time.
  mutating func heard(_ source: Source, at now: Instant) -> Duration? {
    guard let place = places[source], entries[place].isTold, !entries[place].isSilenced(at: now),
      entries[place].silence >= Self.longSilence
    else { return nil }
    entries[place].isTold = false
    return entries[place].silence
  }

  /// It has shown a right password: what it did before is forgiven.
  mutating func forgive(_ source: Source) {
    guard let place = places.removeValue(forKey: source) else { return }
    entries.swapAt(place, entries.count - 1)
    entries.removeLast()
    if place < entries.count { places[entries[place].source] = place }
  }

  /// The source's place; a newcomer takes that of the least guilty of some who are not silenced.
  private mutating func place(of source: Source, at now: Instant) -> Int? {
    if let place = places[source] { return place }
    if entries.count < limits.sources {
      entries.append(Entry(source: source))
      places[source] = entries.count - 1
      return entries.count - 1
    }
    var least: (place: Int, guilt: Duration)?
    for _ in 0..<min(Self.glance, entries.count) {
      hand = (hand + 1) % entries.count
      guard !entries[hand].isSilenced(at: now) else { continue }
      let guilt = entries[hand].guilt(at: now)
      if least.map({ guilt < $0.guilt }) ?? true { least = (hand, guilt) }
    }
    guard let place = least?.place else { return nil }
    places[entries[place].source] = nil
    entries[place] = Entry(source: source)
    places[source] = place
    return place
  }
}
