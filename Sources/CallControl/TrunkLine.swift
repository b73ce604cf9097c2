import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// The life of one trunk: registered there if it is to be, asked by OPTIONS from time to time, living or silent.
struct TrunkLine: Sendable {
  enum Input: Sendable {
    case start
    /// Its files have been read anew, perhaps because the owner wants us to try again.
    case reread(Trunk, [TrunkPlace], TrunkRegistration.Account?)
    /// The addresses of its names have been looked up.
    case resolved([TrunkPlace])
    case timersDue
    case registered(attempt: UInt64, RegistrationOutcome)
    case probed(Endpoint, isAnswered: Bool)
    /// A call from there, or any answer to a call. It need not be one of its places: providers call from many machines.
    case showedLife(Endpoint)
    /// A call there got no answer.
    case gotNoAnswer(Endpoint)
    /// The connection there is gone.
    case connectionLost(Endpoint)
    /// The trunk has left the site, or is to be another one.
    case leave
    case shutdown
  }

  enum Action: Hashable, Sendable {
    /// REGISTER; answered by `registered`.
    case register(attempt: UInt64, TrunkPlace, TrunkRegistration.Account, expires: Int)
    /// OPTIONS; answered by `probed`.
    case probe(TrunkPlace)
    case note(TrunkNote)
  }

  private(set) var trunk: Trunk
  private(set) var places: [TrunkPlace]
  private var life = TrunkLife()
  private var probes: TrunkProbes
  private var registration: TrunkRegistration?
  private var isStarted = false
  /// Places of which it was said that nothing has ever come from there.
  private var unheard: [Endpoint] = []
  /// When something came from the trunk that is none of its places.
  private var lastLifeElsewhere: Instant?
  private static let lifeElsewhere = Duration.seconds(60)
  /// Names without any address, as they were reported.
  private var unresolved: [String] = []
  /// When names that are still unknown are reported: the first look-up takes its time.
  private var nameCheck: Instant?
  private static let lookUpTime = Duration.seconds(10)

  init(_ trunk: Trunk, _ places: [TrunkPlace], _ account: TrunkRegistration.Account?, random: RandomSource) {
    self.trunk = trunk
    self.places = places
    probes = TrunkProbes(random: random)
    registration = account.map { TrunkRegistration($0, random: random) }
  }

  var nextDeadline: Instant? { [registration?.nextDeadline, probes.nextDeadline, nameCheck].compactMap { $0 }.min() }

  var account: TrunkRegistration.Account? { registration?.account }

  /// True once nothing more is to be done after `leave`.
  var isOver: Bool { registration?.isOver ?? true }

  /// Where we are registered.
  func registered(at now: Instant) -> TrunkPlace? { registration?.registered(at: now) }

  /// The proxies through which requests to this place go.
  func serviceRoute(to endpoint: Endpoint, at now: Instant) -> [NameAddress] {
    registration?.serviceRoute(to: endpoint, at: now) ?? []
  }

  /// True if it may be called there: it has not been found silent.
  func isAlive(_ endpoint: Endpoint, at now: Instant) -> Bool { life.isAlive(endpoint, at: now) }

  /// True if any of its places lives, or if it has just called from somewhere else.
  func isAlive(at now: Instant) -> Bool {
    places.contains { life.isAlive($0.endpoint, at: now) }
      || lastLifeElsewhere.map { now < $0 + Self.lifeElsewhere } ?? false
  }

  mutating func handle(_ input: Input, at now: Instant) -> [Action] {
    switch input {
    case .start:
      isStarted = true
      placesChanged(at: now)
      return registering(.ask, at: now)
    case .reread(let trunk, let places, let account): return reread(trunk, places, account, at: now)
    case .resolved(let places): return moved(to: places, at: now)
    case .timersDue: return timersDue(at: now)
    case .registered(let attempt, let outcome): return registering(.answered(attempt: attempt, outcome), at: now)
    case .probed(let endpoint, let isAnswered):
      let asked = probing(probes.done(endpoint, isAnswered: isAnswered, at: now), at: now)
      return asked + (isAnswered ? showedLife(endpoint, byProbe: true, at: now) : [])
    case .showedLife(let source):
      let there = places.filter { $0.endpoint.address == source.address }
      if there.isEmpty { lastLifeElsewhere = now }
      return there.flatMap { showedLife($0.endpoint, at: now) }
    case .gotNoAnswer(let endpoint): return wasSilent(endpoint, .call, at: now)
    case .connectionLost(let endpoint): return registering(.connectionLost(endpoint), at: now)
    case .leave, .shutdown:
      probes.stop()
      nameCheck = nil
      if case .leave = input { return registering(.leave, at: now) }
      return registering(.shutdown, at: now)
    }
  }

  private mutating func timersDue(at now: Instant) -> [Action] {
    var actions = probing(probes.timersDue(at: now), at: now)
    if let due = registration?.nextDeadline, due <= now { actions += registering(.timersDue, at: now) }
    if let check = nameCheck, check <= now {
      nameCheck = nil
      actions += reportNames()
    }
    return actions
  }

  // MARK: - What the site says

  private mutating func reread(
    _ trunk: Trunk, _ places: [TrunkPlace], _ account: TrunkRegistration.Account?, at now: Instant
  ) -> [Action] {
    if trunk.qualify != self.trunk.qualify { life = TrunkLife() }
    self.trunk = trunk
    var actions = moved(to: places, at: now)
    if let account, registration != nil {
      let isOther = registration?.account != account
      registration?.account = account
      // Whoever has written a password wants to see at once whether it is the right one.
      if isOther || registration?.isFailing == true { actions += registering(.ask, at: now) }
    }
    return actions
  }

  private mutating func moved(to places: [TrunkPlace], at now: Instant) -> [Action] {
    let isSame = places == self.places
    self.places = places
    guard isStarted else { return [] }
    placesChanged(at: now)
    guard !isSame, registration != nil else { return [] }
    // Where we are registered is no longer the trunk: calls would never find us there.
    return registration?.registered(at: now).map(places.contains) == true ? [] : registering(.ask, at: now)
  }

  private mutating func placesChanged(at now: Instant) {
    life.keep(places.map(\.endpoint))
    unheard.removeAll { endpoint in !places.contains { $0.endpoint == endpoint } }
    probes.set(places, every: trunk.qualify, at: now)
    if places.isEmpty, !trunk.hosts.isEmpty {
      nameCheck = nameCheck ?? (unresolved.isEmpty ? now + Self.lookUpTime : nil)
    } else {
      nameCheck = nil
      unresolved = []
    }
  }

  private mutating func reportNames() -> [Action] {
    guard places.isEmpty else { return [] }
    let names = (trunk.proxy.map { [$0] } ?? trunk.hosts).filter { $0.address == nil }.map(\.host)
    guard names != unresolved else { return [] }
    unresolved = names
    return [.note(.unresolved(names))]
  }

  // MARK: - Registration and OPTIONS

  /// Those that live first.
  private func ranked(at now: Instant) -> [TrunkPlace] {
    places.filter { life.isAlive($0.endpoint, at: now) } + places.filter { !life.isAlive($0.endpoint, at: now) }
  }

  private mutating func registering(_ input: TrunkRegistration.Input, at now: Instant) -> [Action] {
    let ranked = ranked(at: now)
    let asked = registration?.handle(input, ranked, at: now) ?? []
    var actions: [Action] = []
    for action in asked {
      switch action {
      case .send(let attempt, let place, let account, let expires):
        actions.append(.register(attempt: attempt, place, account, expires: expires))
      case .note(let note): actions.append(.note(note))
      case .showedLife(let endpoint): actions += showedLife(endpoint, at: now)
      case .wasSilent(let endpoint): actions += wasSilent(endpoint, .registration, at: now)
      }
    }
    return actions
  }

  private mutating func probing(_ asked: [TrunkProbes.Action], at now: Instant) -> [Action] {
    var actions: [Action] = []
    for action in asked {
      switch action {
      case .ask(let place): actions.append(.probe(place))
      case .silent(let place, let since): actions += wasSilent(place.endpoint, .probe(since: since), at: now)
      }
    }
    return actions
  }

  // MARK: - Life

  private mutating func showedLife(_ endpoint: Endpoint, byProbe: Bool = false, at now: Instant) -> [Action] {
    guard places.contains(where: { $0.endpoint == endpoint }) else { return [] }
    let wasUnheard = unheard.contains(endpoint)
    unheard.removeAll { $0 == endpoint }
    let isBack = life.showedLife(endpoint, byProbe: byProbe, at: now)
    return (isBack || wasUnheard ? [.note(.back(endpoint))] : [])
      + (isBack ? registering(.back(endpoint), at: now) : [])
  }

  private mutating func wasSilent(_ endpoint: Endpoint, _ sign: TrunkLife.Sign, at now: Instant) -> [Action] {
    guard places.contains(where: { $0.endpoint == endpoint }) else { return [] }
    let isNew = life.wasSilent(endpoint, sign, isProbed: trunk.qualify != nil, at: now)
    // A registration in vain has its own line in the log.
    if isNew, sign != .registration { return [.note(.silent(endpoint))] }
    guard case .probe = sign, registration == nil, !life.hasShownLife(endpoint), !unheard.contains(endpoint) else {
      return []
    }
    unheard.append(endpoint)
    return [.note(.unheard(endpoint))]
  }
}
