import Telephony

/// Silences a source that guesses passwords or scans (bounded): after too many failures in a minute it gets no answer
/// at all for ten minutes. The owner exempts sources with a living registration, trunk or call.
struct SourceGuard: Sendable {
  private struct Source: Sendable {
    var windowEnds: Instant
    var weight: Int
    var silentUntil: Instant?
  }

  private var sources: [IPAddress: Source] = [:]
  /// In the order in which they were first seen.
  private var order: [IPAddress] = []
  private let limit: Int

  static let window = Duration.seconds(60)
  static let silence = Duration.seconds(600)
  /// A wrong password weighs as much as ten requests without one: a phone sends those quite regularly.
  static let wrongPassword = 10
  static let unauthenticated = 1
  static let tolerated = 200

  init(limit: Int = 4096) { self.limit = limit }

  /// How many sources are remembered.
  var count: Int { sources.count }

  /// Counts against a source.
  /// - Returns: true if it is silenced by this very count.
  mutating func count(_ weight: Int, against address: IPAddress, at now: Instant) -> Bool {
    if sources[address] == nil {
      if order.count >= limit { sources[order.removeFirst()] = nil }
      order.append(address)
    }
    var source = sources[address] ?? Source(windowEnds: now + Self.window, weight: 0)
    if now >= source.windowEnds {
      source.windowEnds = now + Self.window
      source.weight = 0
    }
    source.weight += weight
    let wasSilent = source.silentUntil.map { $0 > now } ?? false
    let isSilenced = !wasSilent && source.weight > Self.tolerated
    if isSilenced { source.silentUntil = now + Self.silence }
    sources[address] = source
    return isSilenced
  }

  /// It has shown a right password: what it did before is forgiven.
  mutating func forgive(_ address: IPAddress) {
    guard sources.removeValue(forKey: address) != nil else { return }
    order.removeAll { $0 == address }
  }

  func isSilenced(_ address: IPAddress, at now: Instant) -> Bool {
    sources[address]?.silentUntil.map { $0 > now } ?? false
  }
}
