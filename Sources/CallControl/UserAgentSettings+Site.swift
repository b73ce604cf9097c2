package import SIPMessage
package import SIPUserAgent
package import Site
package import Telephony

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
          IPAddress(host.host).map { [$0] } ?? hosts[host.host.asciiLowercased] ?? []
        }
        return TrunkPeer(
          name: trunk.name, addresses: named.map { Network($0) } + trunk.networks,
          port: trunk.hosts.first?.port)
      },
      advertised: advertised)
  }
}
