import Telephony

/// Which of a trunk's places live.
///
/// A place lives until it is known to be silent, and again when anything comes from it. Those that never answered OPTIONS
/// are not judged by them: many a provider drops them.
struct TrunkLife: Sendable {
  private enum Silence: Hashable, Sendable {
    /// Until it shows life: something keeps asking it.
    case untilLife
    /// A call got no answer in its time: left aside for a while.
    case until(Instant)
  }

  private struct Place: Sendable {
    var lastLife: Instant?
    var answersProbes = false
    var silence: Silence?
  }

  /// How a place was found to be silent.
  enum Sign: Hashable, Sendable {
    /// OPTIONS sent at this instant.
    case probe(since: Instant)
    /// REGISTER, which is sent again and again.
    case registration
    /// INVITE. It has waited for some seconds only, so that it tells less than the others.
    case call
  }

  private var places: [Endpoint: Place] = [:]

  /// How long a place is left aside after a call in vain.
  static let rest = Duration.seconds(30)

  /// Forgets all other places.
  mutating func keep(_ endpoints: [Endpoint]) { places = places.filter { endpoints.contains($0.key) } }

  func isAlive(_ endpoint: Endpoint, at now: Instant) -> Bool {
    switch places[endpoint]?.silence {
    case nil: true
    case .untilLife: false
    case .until(let end): now >= end
    }
  }

  /// True if something has ever come from there.
  func hasShownLife(_ endpoint: Endpoint) -> Bool { places[endpoint]?.lastLife != nil }

  /// Something came from there.
  /// - Returns: true if it had been silent.
  mutating func showedLife(_ endpoint: Endpoint, byProbe: Bool = false, at now: Instant) -> Bool {
    let wasSilent = places[endpoint]?.silence == .untilLife
    places[endpoint, default: Place()].lastLife = now
    places[endpoint]?.silence = nil
    if byProbe { places[endpoint]?.answersProbes = true }
    return wasSilent
  }

  /// Nothing came from there.
  /// - Parameter isProbed: OPTIONS are sent there.
  /// - Returns: true if it had lived until now, and will be silent until it shows life.
  mutating func wasSilent(_ endpoint: Endpoint, _ sign: Sign, isProbed: Bool, at now: Instant) -> Bool {
    var place = places[endpoint] ?? Place()
    let isJudgedByProbes = isProbed && place.answersProbes
    let before = place.silence
    switch sign {
    case .probe(let since):
      guard isJudgedByProbes, place.lastLife.map({ $0 < since }) ?? true else { return false }
      place.silence = .untilLife
    case .registration:
      if isJudgedByProbes { return false }
      place.silence = .untilLife
    case .call:
      guard place.silence != .untilLife else { return false }
      place.silence = .until(now + Self.rest)
    }
    places[endpoint] = place
    return place.silence == .untilLife && before != .untilLife
  }
}
