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
  /// - Parameter hosts: the addresses of host names, as far as they are known.
  package init(
    site: SiteSnapshot, hosts: [String: [IPAddress]],
    advertised: @escaping @Sendable (Flow) -> (host: String, port: UInt16)
  ) {
    self.init(
      users: site.users.compactMap { user in
        user.password.map { UserPeer(number: user.number, password: $0) }
      },
      trunks: site.trunks.map { trunk in
        let named = trunk.hosts.flatMap { host in
          host.address.map { [$0] } ?? hosts[host.host.asciiLowercased] ?? []
        }
        let ranges = trunk.addresses.map { Network($0.address, prefixLength: $0.prefixLength) }
        return TrunkPeer(
          name: trunk.name, addresses: named.map { Network($0) } + ranges, port: trunk.hosts.first?.port,
          login: trunk.isRegistrant ? trunk.credentials : nil,
          credentials: trunk.isRegistrant ? nil : trunk.credentials)
      },
      advertised: advertised)
  }
}
