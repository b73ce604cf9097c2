import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// One address at which a trunk is reached: a host of `Host.txt`, or the proxy that stands before all of them.
struct TrunkPlace: Hashable, Sendable {
  /// The next hop: where requests are sent.
  var endpoint: Endpoint
  var transport: Transport
  /// The host of Request-URIs and of the address of record, as it stands in a URI.
  var domain: String
  /// The port of Request-URIs; nil: none is written.
  var port: UInt16?

  /// A Request-URI there; without a user the place itself, as REGISTER and OPTIONS name it.
  func uri(user: String? = nil) -> SIPURI { SIPURI(user: user, host: domain, port: port) }

  /// An address of record or a From there; it never has a port.
  func address(of user: String) -> NameAddress { NameAddress(SIPURI(user: user, host: domain)) }
}

extension Trunk {
  /// Where the trunk is reached, in order of failover: host by host, and of each host every place it is known to have.
  ///
  /// With a proxy everything goes to the proxy's addresses, and the Request-URI names the domain. Without `Domain.txt` the
  /// domain of each host is the host itself, so that a second PBX is not asked for the first one's users.
  ///
  /// - Parameter hosts: where host names lead, as far as that is known.
  func places(_ hosts: KnownHosts) -> [TrunkPlace] {
    guard let first = self.hosts.first else { return [] }
    var found: [TrunkPlace] = []
    for host in proxy.map({ [$0] }) ?? self.hosts {
      let named = proxy == nil ? host : first
      let ownDomain = domain.flatMap { $0.equalsIgnoringCase(first.host) ? nil : $0 }
      for endpoint in hosts.endpoints(of: host, transport) {
        let place = TrunkPlace(
          endpoint: endpoint, transport: Transport(transport),
          domain: uriText(ownDomain ?? named.host), port: ownDomain == nil ? named.port : nil)
        if !found.contains(where: { $0.endpoint == place.endpoint }) { found.append(place) }
      }
    }
    return found
  }

  /// A host as it stands in a URI: IPv6 in brackets.
  private func uriText(_ host: String) -> String { IPAddress(host)?.uriText ?? host }
}
