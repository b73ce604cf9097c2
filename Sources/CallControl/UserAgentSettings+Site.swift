package import SIPMessage
package import SIPUserAgent
package import Site
import Telephony

extension Trunk {
  /// What answers a challenge of the trunk, or what it answers ours with; nil without a password.
  var credentials: Credentials? {
    guard let user = authUser ?? login, let password else { return nil }
    return Credentials(user: user, password: password)
  }
}

extension UserAgentSettings {
  /// What the user agent must know of a site: who may register, and from which addresses trunks call.
  ///
  /// - Parameters:
  ///   - hosts: where host names lead, as far as that is known.
  ///   - contactUsers: by the trunk's name, the user of the Contact with which we registered there.
  package init(
    site: SiteSnapshot, hosts: KnownHosts, contactUsers: [String: String] = [:],
    advertised: @escaping @Sendable (Flow) -> (host: String, port: UInt16)
  ) {
    self.init(
      users: site.users.compactMap { user in
        user.password.map { UserPeer(number: user.number, password: $0) }
      },
      trunks: site.trunks.map { TrunkPeer($0, hosts: hosts, contactUser: contactUsers[$0.name]) },
      challengeAlgorithms: site.digest == .sha256 ? [.sha256, .md5] : [.md5],
      // A call of a second leaves four transactions, which live for a hundred seconds together (timers J, K, L, M): so
      // many calls at once may follow each other at that pace.
      maxLegs: site.maxCalls * Self.legsPerCall, maxTransactions: max(2000, 100 * site.maxCalls),
      limits: SourceLimits(site.limits), advertised: advertised)
  }

  /// A caller, and each contact and fork of a user with several; some that ring are already being replaced by the next.
  private static let legsPerCall = 40
}

extension SourceLimits {
  fileprivate init(_ limits: SiteLimits) {
    self.init(
      requests: limits.requests, failures: limits.failures, transactions: limits.transactions,
      silence: limits.silence, sources: limits.sources, strangers: limits.strangers,
      allowed: limits.allowed.map { Network($0.address, prefixLength: $0.prefixLength) })
  }
}

extension TrunkPeer {
  /// It may call from each of its hosts, from its proxy, and from the addresses that are named besides.
  fileprivate init(_ trunk: Trunk, hosts: KnownHosts, contactUser: String?) {
    let peers = trunk.hosts + (trunk.proxy.map { [$0] } ?? [])
    let known = peers.flatMap { hosts.endpoints(of: $0, trunk.transport) }
    let ranges = trunk.addresses.map { Network($0.address, prefixLength: $0.prefixLength) }
    self.init(
      name: trunk.name, addresses: distinct(known.map(\.address)).map { Network($0) } + ranges,
      ports: distinct(known.map(\.port)),
      account: trunk.isRegistrant ? trunk.login : nil,
      credentials: trunk.credentials, numbers: [trunk.login, trunk.from].compactMap { $0 }, contactUser: contactUser,
      isSecure: trunk.transport == .tls)
  }
}

private func distinct<Value: Hashable>(_ values: [Value]) -> [Value] {
  var known: Set<Value> = []
  return values.filter { known.insert($0).inserted }
}
