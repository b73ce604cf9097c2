package import Telephony

/// Where the host names of a site lead, as far as that has been looked up. Names are in lower case.
package struct KnownHosts: Hashable, Sendable {
  /// A name that stands without a port: by how it is called, another machine may answer (RFC 3263 §4.2).
  package struct Service: Hashable, Sendable {
    package var name: String
    package var transport: SignallingTransport

    package init(_ name: String, _ transport: SignallingTransport) {
      self.name = name.asciiLowercased
      self.transport = transport
    }
  }

  /// The addresses of names.
  package var addresses: [String: [IPAddress]]
  /// The places of names without a port, in the order in which they are tried.
  package var services: [Service: [Endpoint]]

  package init(addresses: [String: [IPAddress]] = [:], services: [Service: [Endpoint]] = [:]) {
    self.addresses = addresses
    self.services = services
  }

  /// Where SIP is spoken for a host, in the order in which it is tried; empty if that is not known.
  package func endpoints(of host: PeerHost, _ transport: SignallingTransport) -> [Endpoint] {
    if host.address == nil, host.port == nil, let places = services[Service(host.host, transport)] { return places }
    return addresses(of: host).map { Endpoint($0, host.port ?? transport.defaultPort) }
  }

  /// The addresses of a host; empty if none is known.
  package func addresses(of host: PeerHost) -> [IPAddress] {
    host.address.map { [$0] } ?? addresses[host.host.asciiLowercased] ?? []
  }
}

extension SiteSnapshot {
  /// Every name of the site whose services are asked for, and every one whose addresses are: with the port that stands
  /// beside it, or because only an address is of use.
  package var namesToResolve: (services: Set<KnownHosts.Service>, addresses: Set<String>) {
    var services: Set<KnownHosts.Service> = []
    var addresses: Set<String> = []
    var hosts = trunks.flatMap { trunk in (trunk.hosts + (trunk.proxy.map { [$0] } ?? [])).map { ($0, trunk.transport) }
    }
    hosts += users.compactMap { $0.contact.map { ($0.host, $0.transport) } }
    for (host, transport) in hosts where host.address == nil {
      if host.port == nil {
        services.insert(KnownHosts.Service(host.host, transport))
      } else {
        addresses.insert(host.host.asciiLowercased)
      }
    }
    if let shown = address, shown.address == nil { addresses.insert(shown.host.asciiLowercased) }
    return (services, addresses)
  }
}
