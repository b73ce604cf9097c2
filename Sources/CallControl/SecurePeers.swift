import Site
package import Telephony

/// Who is to be found at an address that is called by TLS.
package struct SecurePeer: Hashable, Sendable {
  package var endpoint: Endpoint
  /// The names and addresses one of which its certificate must bear, as they stand in the site: what the owner wrote down
  /// is whom he wants to reach (RFC 5922 §7.1), not what the DNS made of it.
  package var names: [String]
  /// The trunk; nil: it is the Contact of a user.
  package var trunk: String?
}

extension CallController {
  /// All who may be called by TLS, in the order of the site; of two at one address both are told.
  package var securePeers: [SecurePeer] {
    let trunks = site.trunks.filter { $0.transport == .tls }.flatMap { trunk in
      var names: [String] = []
      for name in (trunk.hosts + [trunk.proxy].compactMap { $0 }).map(\.host) + [trunk.domain].compactMap({ $0 })
      where !names.contains(name) { names.append(name) }
      return trunk.places(hosts).map { SecurePeer(endpoint: $0.endpoint, names: names, trunk: trunk.name) }
    }
    let phones = site.users.compactMap(\.contact).filter { $0.transport == .tls }.flatMap { contact in
      hosts.endpoints(of: contact.host, .tls).map { SecurePeer(endpoint: $0, names: [contact.host.host], trunk: nil) }
    }
    return trunks + phones
  }
}
