import SIPMessage
import SIPUserAgent
import Telephony

/// Our registration at a trunk: asked for, refreshed before it expires, tried again after failures, taken back at the end.
///
/// It is asked for at one place at a time, those that live first. Silence and 5xx lead to the next place at once; when all
/// have been tried it pauses, shortly where nobody answers and long where it is refused (RFC 5626 §4.5).
struct TrunkRegistration: Sendable {
  /// Whom it registers.
  struct Account: Hashable, Sendable {
    var login: String
    var credentials: Credentials?
    /// Seconds asked for.
    var expires: Int
    /// The user part of our Contact, which nobody else has.
    var contactUser: String
  }

  enum Input: Sendable {
    /// Ask at once: the places or the account have changed, or there is reason to hope.
    case ask
    /// A place lives again.
    case back(Endpoint)
    /// The connection to a place is gone. Where a NAT stands between, calls came over nothing else.
    case connectionLost(Endpoint)
    case timersDue
    case answered(attempt: UInt64, RegistrationOutcome)
    /// Take it back, also what an attempt under way may still bring.
    case leave
    /// Take it back now; nobody waits for an answer.
    case shutdown
  }

  enum Action: Hashable, Sendable {
    case send(attempt: UInt64, TrunkPlace, Account, expires: Int)
    case note(TrunkNote)
    /// Any answer is a sign of life.
    case showedLife(Endpoint)
    case wasSilent(Endpoint)
  }

  private enum State: Hashable, Sendable {
    /// Until `due`, if there is one.
    case waiting
    case asking(TrunkPlace)
    /// The last REGISTER is under way, which takes the registration back.
    case leaving(TrunkPlace)
    case over
  }

  private enum Failure: Hashable, Sendable {
    case refused
    case unanswered
  }

  /// What was said last, so that it is said once.
  private enum Said: Hashable, Sendable {
    case nothing
    case registered(Endpoint)
    case failed(Failure, status: Int?)
  }

  var account: Account
  private let random: RandomSource
  private var state = State.waiting
  private var attempt: UInt64 = 0
  private var due: Instant?
  /// Where we are registered, and until when.
  private var binding: (place: TrunkPlace, until: Instant)?
  /// Through which proxies our requests go from there (RFC 3608).
  private var serviceRoute: [NameAddress] = []
  /// When it was renewed last because its connection was gone.
  private var renewedAt: Instant?
  /// Seconds that a 423 has asked for.
  private var minimum = 0
  /// Attempts that have not been answered yet.
  private var open: [UInt64: TrunkPlace] = [:]
  /// Asked in vain in this round.
  private var tried: [Endpoint] = []
  /// Places that want to be left alone, and until when.
  private var resting: [Endpoint: Instant] = [:]
  private var failures = 0
  private var lastFailure: Failure?
  private var said = Said.nothing
  private var isLeaving = false

  /// How long a place may be silent before the next one is asked; the request itself goes on.
  static let patience = Duration.seconds(5)
  /// No request lives longer than this.
  private static let limit = Duration.seconds(40)
  /// A registrar that closes every connection is asked again because of it no more often than this.
  static let calm = Duration.seconds(30)
  static let longestRest = 1800
  static let longestExpires = 86_400

  init(_ account: Account, random: RandomSource) {
    self.account = account
    self.random = random
  }

  var nextDeadline: Instant? { due }

  var isOver: Bool { state == .over }

  /// True while the last attempt was in vain.
  var isFailing: Bool { lastFailure != nil }

  /// Where we are registered at this moment.
  func registered(at now: Instant) -> TrunkPlace? {
    binding.flatMap { $0.until > now ? $0.place : nil }
  }

  /// The proxies through which requests to this place go, where we are registered there.
  func serviceRoute(to endpoint: Endpoint, at now: Instant) -> [NameAddress] {
    registered(at: now)?.endpoint == endpoint ? serviceRoute : []
  }

  /// - Parameter places: where it may be asked for, the best first.
  mutating func handle(_ input: Input, _ places: [TrunkPlace], at now: Instant) -> [Action] {
    switch (input, state) {
    case (_, .over): return []
    case (.shutdown, _): return shutDown(at: now)
    case (.leave, .asking):
      isLeaving = true
      return []
    case (.leave, .waiting): return takeBack(at: now)
    case (.leave, .leaving): return []
    case (.answered(let number, let outcome), _):
      guard let place = open.removeValue(forKey: number) else { return [] }
      return answered(number, outcome, place, places, at: now)
    case (.ask, .asking), (.ask, .waiting):
      guard !isLeaving else { return [] }
      (tried, resting, failures, lastFailure) = ([], [:], 0, nil)
      return ask(places, at: now)
    case (.back(let endpoint), .waiting):
      hope(endpoint, places, at: now)
      return []
    case (.connectionLost(let endpoint), .waiting):
      renew(endpoint, at: now)
      return []
    case (.ask, .leaving), (.back, .asking), (.back, .leaving), (.connectionLost, .asking), (.connectionLost, .leaving):
      return []
    case (.timersDue, _):
      guard let due, due <= now else { return [] }
      self.due = nil
      switch state {
      case .waiting:
        tried = []
        return ask(places, at: now)
      case .asking(let place):
        // Its answer may still come.
        return [.wasSilent(place.endpoint)] + failed(.unanswered, nil, place, places, at: now)
      case .leaving, .over: return end()
      }
    }
  }

  // MARK: - Asking

  private mutating func ask(_ places: [TrunkPlace], at now: Instant) -> [Action] {
    resting = resting.filter { $0.value > now }
    guard let place = places.first(where: isLeft) else {
      state = .waiting
      // Without any place it waits for names to be resolved.
      due = places.isEmpty ? nil : now + pause(places, at: now)
      return []
    }
    tried.append(place.endpoint)
    return send(place, places, at: now)
  }

  /// May be asked in this round.
  private func isLeft(_ place: TrunkPlace) -> Bool {
    !tried.contains(place.endpoint) && resting[place.endpoint] == nil
  }

  private mutating func send(_ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant) -> [Action] {
    attempt += 1
    open[attempt] = place
    state = .asking(place)
    due = now + (places.contains(where: isLeft) ? Self.patience : Self.limit)
    return [.send(attempt: attempt, place, account, expires: max(account.expires, minimum))]
  }

  private mutating func answered(
    _ number: UInt64, _ outcome: RegistrationOutcome, _ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant
  ) -> [Action] {
    guard case .answered(let answer) = outcome else {
      guard number == attempt else { return [] }
      switch state {
      case .leaving: return end()
      case .waiting, .over: return []
      case .asking: due = nil
      }
      return [.wasSilent(place.endpoint)] + failed(.unanswered, nil, place, places, at: now)
    }
    return [.showedLife(place.endpoint)] + answered(number, answer, place, places, at: now)
  }

  private mutating func answered(
    _ number: UInt64, _ answer: RegistrationAnswer, _ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant
  ) -> [Action] {
    switch state {
    case .leaving:
      guard number == attempt else { return [] }
      return (answer.isSuccess ? [.note(.unregistered(at: place.endpoint))] : []) + end()
    case .asking where number != attempt:
      // Slow, and another place has been asked since; it must be taken back if that one fails.
      if answer.isSuccess, let seconds = answer.expires, seconds > 0 {
        binding = (place, now + .seconds(seconds))
        serviceRoute = answer.serviceRoute
      }
      return []
    case .waiting where !answer.isSuccess: return []
    case .asking, .waiting:
      due = nil
      return answer.isSuccess
        ? granted(answer, place, places, at: now) : refused(answer, place, places, at: now)
    case .over: return []
    }
  }

  private mutating func granted(
    _ answer: RegistrationAnswer, _ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant
  ) -> [Action] {
    let seconds = min(answer.expires ?? account.expires, Self.longestExpires)
    // A 200 that lists our Contact without any time has taken it away.
    guard seconds > 0 else { return failed(.refused, answer, place, places, at: now) }
    binding = (place, now + .seconds(seconds))
    serviceRoute = answer.serviceRoute
    (tried, failures, lastFailure, state) = ([], 0, nil, .waiting)
    if isLeaving { return takeBack(at: now) }
    due = now + refresh(after: min(seconds, max(account.expires, minimum)))
    return say(.registered(place.endpoint), .registered(at: place.endpoint, seconds: seconds))
  }

  private mutating func refused(
    _ answer: RegistrationAnswer, _ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant
  ) -> [Action] {
    switch answer.status {
    case 423:
      if let wanted = answer.minExpires, wanted > max(account.expires, minimum), wanted <= Self.longestExpires {
        minimum = wanted
        return isLeaving ? takeBack(at: now) : send(place, places, at: now)
      }
      return failed(.refused, answer, place, places, at: now)
    case 408, 500..<600: return failed(.unanswered, answer, place, places, at: now)
    default: return failed(.refused, answer, place, places, at: now)
    }
  }

  private mutating func failed(
    _ failure: Failure, _ answer: RegistrationAnswer?, _ place: TrunkPlace, _ places: [TrunkPlace], at now: Instant
  ) -> [Action] {
    if isLeaving { return takeBack(at: now) }
    if let rest = answer?.retryAfter, rest > 0 {
      resting[place.endpoint] = now + .seconds(min(rest, Self.longestRest))
    }
    if failure == .unanswered, places.contains(where: isLeft) {
      return ask(places, at: now)
    }
    failures = failure == lastFailure ? failures + 1 : 1
    lastFailure = failure
    state = .waiting
    due = now + pause(places, at: now)
    switch failure {
    case .refused:
      let status = answer?.status ?? 0
      return say(
        .failed(.refused, status: status),
        .registrationRefused(status: status, reason: String((answer?.reason ?? "").prefix(64)), at: place.endpoint))
    case .unanswered:
      return say(
        .failed(.unanswered, status: nil), .registrationUnanswered(at: place.endpoint, status: answer?.status))
    }
  }

  private mutating func say(_ what: Said, _ note: TrunkNote) -> [Action] {
    guard said != what else { return [] }
    said = what
    return [.note(note)]
  }

  // MARK: - Times

  /// At 0.8 to 0.9 of the granted time, so that many lines do not refresh at once, and no later than 5 s before its end;
  /// of a very short one at its half.
  private func refresh(after seconds: Int) -> Duration {
    let granted = Duration.seconds(seconds)
    let wanted = granted * Int(random.next(in: 800...900)) / 1000
    return max(min(wanted, granted - .seconds(5)), granted / 2, .seconds(1))
  }

  /// "The device should wait an amount of time computed by choosing a uniform random time between 50 and 100% of the
  /// upper-bound wait time" (RFC 5626 §4.5); not before the first place may be asked again, where all want to be left alone.
  private func pause(_ places: [TrunkPlace], at now: Instant) -> Duration {
    let (base, longest) = lastFailure == .refused ? (30, 1800) : (5, 300)
    let bound = min(base << min(max(failures - 1, 0), 10), longest)
    let chosen = Duration.milliseconds(Int64(random.next(in: UInt64(bound * 500)...UInt64(bound * 1000))))
    let free = places.map { resting[$0.endpoint] ?? now }.min() ?? now
    return max(chosen, free - now)
  }

  /// There is reason to ask soon: the place that we would rather be registered at lives again, or any after failures; or
  /// the one where we are, for a registrar that was away may have come back without its memory.
  private mutating func hope(_ endpoint: Endpoint, _ places: [TrunkPlace], at now: Instant) {
    let isAsGood =
      binding.map { held in
        let rank = { (wanted: Endpoint) in places.firstIndex { $0.endpoint == wanted } ?? places.count }
        return rank(endpoint) <= rank(held.place.endpoint)
      } ?? true
    guard lastFailure == .unanswered || (lastFailure == nil && isAsGood), resting[endpoint] == nil else { return }
    let soon = now + .milliseconds(Int64(random.next(in: 100...1000)))
    due = min(due ?? soon, soon)
  }

  /// We are registered over a connection that is gone: calls came by it, and the registrar may have dropped our Contact
  /// with it (RFC 5626 §4.2.2). It is asked for anew soon.
  private mutating func renew(_ endpoint: Endpoint, at now: Instant) {
    guard let binding, binding.place.endpoint == endpoint, binding.until > now, lastFailure == nil else { return }
    var soon = now + .milliseconds(Int64(random.next(in: 100...1000)))
    if let renewedAt { soon = max(soon, renewedAt + Self.calm) }
    guard due.map({ soon < $0 }) ?? true else { return }
    renewedAt = soon
    due = soon
  }

  // MARK: - The end

  private mutating func takeBack(at now: Instant) -> [Action] {
    due = nil
    guard let binding, binding.until > now else { return end() }
    attempt += 1
    open[attempt] = binding.place
    state = .leaving(binding.place)
    due = now + Self.limit
    return [.send(attempt: attempt, binding.place, account, expires: 0)]
  }

  private mutating func shutDown(at now: Instant) -> [Action] {
    var actions: [Action] = []
    switch state {
    case .asking(let place):
      attempt += 1
      actions = [.send(attempt: attempt, place, account, expires: 0)]
    case .waiting: actions = takeBack(at: now)
    case .leaving, .over: break
    }
    return actions + end()
  }

  private mutating func end() -> [Action] {
    state = .over
    due = nil
    return []
  }
}
