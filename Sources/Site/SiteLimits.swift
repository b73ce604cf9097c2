/// What strangers may ask, from the files under `limits/`. Whoever is known (a trunk, a living registration or call) is
/// never silenced.
package struct SiteLimits: Hashable, Sendable {
  /// `Requests.txt`: requests a minute from one address; nil: any number.
  package var requests: Int?
  /// `Failures.txt`: wrong passwords an hour from one address; nil: any number.
  package var failures: Int?
  /// `Transactions.txt`: requests that one address, if it is no trunk's, may have in work at once; nil: any number.
  package var transactions: Int?
  /// `Silence.txt`: how long a source is silent at first; each relapse doubles it, up to a day. Nil: nobody is silenced.
  package var silence: Duration?
  /// `Sources.txt`: how many addresses are remembered.
  package var sources: Int
  /// `Strangers.txt`: messages a second from all strangers together; nil: any number.
  package var strangers: Int?
  /// `Allow.txt`: addresses that are never silenced.
  package var allowed: [AddressRange]
}

extension SiteReader {
  /// Reads `limits/`.
  mutating func readLimits() -> SiteLimits {
    SiteLimits(
      requests: count("limits/Requests.txt", 1...1_000_000, canBeOff: true).or(60),
      failures: count("limits/Failures.txt", 1...1_000_000, canBeOff: true).or(20),
      transactions: count("limits/Transactions.txt", 1...1_000_000, canBeOff: true).or(200),
      silence: seconds("limits/Silence.txt", 1...86_400, default: 60, canBeOff: true),
      sources: count("limits/Sources.txt", 16...1_000_000).value ?? 4096,
      strangers: count("limits/Strangers.txt", 1...1_000_000, canBeOff: true).or(500),
      allowed: setting(
        "limits/Allow.txt", "addresses or networks such as 192.0.2.0/24, comma-separated, or none", canBeOff: true
      ) { Values.list($0, of: Values.addressRange) }.value ?? [])
  }
}
