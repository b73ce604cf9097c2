package import SIPMessage
package import SIPUserAgent
package import Site
package import Telephony

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
  ///   - hosts: the addresses of host names, as far as they are known.
  ///   - contactUsers: by the trunk's name, the user of the Contact with which we registered there.
  package init(
    site: SiteSnapshot, hosts: [String: [IPAddress]], contactUsers: [String: String] = [:],
    advertised: @escaping @Sendable (Flow) -> (host: String, port: UInt16)
  ) {
    self.init(
      users: site.users.compactMap { user in
        user.password.map { UserPeer(number: user.number, password: $0) }
      },
      trunks: site.trunks.map { TrunkPeer($0, hosts: hosts, contactUser: contactUsers[$0.name]) },
      advertised: advertised)
  }
}

extension TrunkPeer {
  /// It may call from each of its hosts, from its proxy, and from the addresses that are named besides.
  fileprivate init(_ trunk: Trunk, hosts: [String: [IPAddress]], contactUser: String?) {
    let peers = trunk.hosts + (trunk.proxy.map { [$0] } ?? [])
    let known = peers.flatMap { $0.address.map { [$0] } ?? hosts[$0.host.asciiLowercased] ?? [] }
    let ranges = trunk.addresses.map { Network($0.address, prefixLength: $0.prefixLength) }
    self.init(
      name: trunk.name, addresses: known.map { Network($0) } + ranges,
      ports: peers.map { $0.port ?? trunk.transport.defaultPort },
      account: trunk.isRegistrant ? trunk.login : nil,
      credentials: trunk.credentials, numbers: [trunk.login, trunk.from].compactMap { $0 }, contactUser: contactUser)
  }
}
