import Hunting
package import SIPMessage
package import SIPUserAgent
import Site
import Telephony

/// Where one phone is called, and as whom.
package struct BranchTarget: Hashable, Sendable {
  /// The Request-URI and the way.
  package var target: Target
  /// The trunk it goes by; nil for a phone that is registered or has a Contact of its own.
  package var trunk: String?
  package var from: NameAddress
  /// P-Asserted-Identity, Diversion, Remote-Party-ID.
  package var headers: Headers
  package var credentials: Credentials?
}

/// Finds the ways to a user's phones, as section "Trunk" of the site's user files says: Contact, registration, trunk.
struct Directions {
  let site: SiteSnapshot
  let hosts: [String: [IPAddress]]
  let route: @Sendable (Endpoint, Transport) -> Flow?
  let advertised: @Sendable (Flow) -> (host: String, port: UInt16)
  let contacts: (String) -> [RegisteredContact]

  /// The number the called party is to see: the caller's, and what he dialled.
  struct Calling {
    var caller: CallerName
    var dialled: String
  }

  /// Every place where `phone` of the user `number` is to be called; none if it cannot be.
  func targets(_ phone: Branch.Phone, of number: String, calling: Calling) -> [BranchTarget] {
    switch phone {
    case .fork(let external):
      guard let trunk = site.externalTrunks.lazy.compactMap({ site.trunk($0) }).first else { return [] }
      return PhoneNumber(external).map { through(trunk, number: trunk.dialled($0), calling) } ?? []
    case .desk:
      guard let user = site.user(number) else { return [] }
      switch user.deskPhone {
      case .contact(let contact, let trunk): return direct(contact, trunk, calling)
      case .registration: return contacts(number).map { place($0.target, calling) }
      case .trunk(let names):
        guard let trunk = names.lazy.compactMap({ site.trunk($0) }).first else { return [] }
        return through(trunk, number: number, calling)
      case .none: return []
      }
    }
  }

  /// A number on a trunk's host.
  func through(_ trunk: Trunk, number: String, _ calling: Calling) -> [BranchTarget] {
    guard let host = trunk.hosts.first, let flow = flow(trunk.proxy ?? host, trunk.transport) else { return [] }
    let domain = trunk.domain ?? host.host
    let uri = SIPURI(user: number, host: uriText(domain), port: domain == host.host ? host.port : nil)
    var target = place(Target(uri: uri, flow: flow), calling, trunk: trunk)
    target.trunk = trunk.name
    target.credentials = trunk.credentials
    return [target]
  }

  /// A phone's fixed address. At a trunk's host the trunk's password answers for us.
  private func direct(_ contact: ContactAddress, _ trunk: String?, _ calling: Calling) -> [BranchTarget] {
    guard let uri = try? SIPURI(contact.uri), let flow = flow(contact.host, contact.transport) else { return [] }
    let trunk = trunk.flatMap { site.trunk($0) }
    var target = place(Target(uri: uri, flow: flow), calling, trunk: trunk)
    target.credentials = trunk?.credentials
    return [target]
  }

  private func place(_ target: Target, _ calling: Calling, trunk: Trunk? = nil) -> BranchTarget {
    let (host, port) = advertised(target.flow)
    let caller = NameAddress(SIPURI(user: calling.caller.text, host: host, port: port == 5060 ? nil : port))
    var headers = Headers()
    var from = caller
    if let trunk {
      switch trunk.callerID {
      case .from:
        headers.add("P-Asserted-Identity", caller.description)
        let line = NameAddress(SIPURI(user: calling.dialled, host: host))
        headers.add("Diversion", line.description + ";reason=unconditional")
      case .pai:
        from.uri.user = trunk.login ?? calling.caller.text
        from.uri.host = trunk.domain.map(uriText) ?? host
        headers.add("P-Asserted-Identity", caller.description)
      case .rpid:
        from.uri.user = trunk.login ?? calling.caller.text
        from.uri.host = trunk.domain.map(uriText) ?? host
        headers.add("Remote-Party-ID", caller.description + ";party=calling;privacy=off;screen=no")
      case .own:
        from.uri.user = trunk.from ?? trunk.login ?? calling.dialled
        from.uri.host = trunk.domain.map(uriText) ?? host
        headers.add("P-Asserted-Identity", from.description)
      }
    }
    return BranchTarget(target: target, trunk: nil, from: from, headers: headers, credentials: nil)
  }

  private func flow(_ host: PeerHost, _ transport: SignallingTransport) -> Flow? {
    guard let address = host.address ?? hosts[host.host.asciiLowercased]?.first else { return nil }
    return route(Endpoint(address, host.port ?? transport.defaultPort), Transport(transport))
  }

  /// A host as it stands in a URI: IPv6 in brackets.
  private func uriText(_ host: String) -> String { IPAddress(host)?.uriText ?? host }
}

extension Transport {
  /// What a site's file asks for.
  init(_ wanted: SignallingTransport) {
    self =
      switch wanted {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      }
  }
}
