import Hunting
import SDP
package import SIPMessage
import SIPUserAgent
package import Site
import Telephony

/// Finds the ways to a user's phones, as section "Trunk" of the site's user files says: Contact, registration, trunk.
struct Directions {
  let site: SiteSnapshot
  let hosts: KnownHosts
  let route: @Sendable (Endpoint, Transport) -> Flow?
  let advertised: @Sendable (Flow) -> (host: String, port: UInt16)
  let contacts: (String) -> [RegisteredContact]
  /// False for a trunk that is silent.
  var isAlive: (Trunk) -> Bool = { _ in true }
  /// False for one of a trunk's places that is silent.
  var isPlaceAlive: (Trunk, TrunkPlace) -> Bool = { _, _ in true }
  /// Through which proxies one of a trunk's places is reached.
  var serviceRoute: (Trunk, TrunkPlace) -> [NameAddress] = { _, _ in [] }

  /// The number the called party is to see: the caller's, and what he dialled.
  struct Calling: Hashable, Sendable {
    var caller: CallerName
    var dialled: String
    var kind = Kind.call

    enum Kind: Hashable, Sendable {
      case call
      /// The caller's number at the phone's own registrar, so that lifting the receiver calls him back.
      case message
      /// A user's call to a ticket's caller, who sees the trunk's own number; `dialled` is what he sees where it has none.
      case callback
    }
  }

  /// Every phone that is to be called for `phone` of the user `number`, each with its ways; none if it cannot be.
  func routes(to phone: Branch.Phone, of number: String, calling: Calling) -> [PhoneRoute] {
    switch phone {
    case .fork(let external):
      guard let external = PhoneNumber(external) else { return [] }
      return through(site.externalTrunks, calling, retriesAsOwn: true) { $0.dialled(external) }
    case .desk:
      guard let user = site.user(number) else { return [] }
      return routes(toDeskPhoneOf: user, calling).map { $0.protected(MediaSecurity(user.secure)) }
    }
  }

  private func routes(toDeskPhoneOf user: SiteUser, _ calling: Calling) -> [PhoneRoute] {
    switch user.deskPhone {
    case .contact(let contact, let trunk): return direct(contact, trunk, calling)
    case .registration:
      return contacts(user.number).map { PhoneRoute(lines: [.init(hosts: [place($0.target, calling)])]) }
    case .trunk(let names): return through(names, calling, retriesAsOwn: calling.kind == .message) { _ in user.number }
    case .none: return []
    }
  }

  /// An internal number that is no user of the site, by the internal trunks.
  func routes(toInternal number: String, calling: Calling) -> [PhoneRoute] {
    through(site.internalTrunks, calling, retriesAsOwn: false) { _ in number }
  }

  /// A number outside, by the external trunks, as a fork is dialled.
  func routes(toExternal number: PhoneNumber, calling: Calling) -> [PhoneRoute] {
    through(site.externalTrunks, calling, retriesAsOwn: true) { $0.dialled(number) }
  }

  /// The caller of a ticket, by the external trunks.
  func routes(toTicketCaller number: PhoneNumber, calling: Calling) -> [PhoneRoute] {
    through(site.externalTrunks, calling, retriesAsOwn: false) { $0.dialledBack(number) }
  }

  // MARK: Trunks

  /// A number behind these trunks: one route, or none if no trunk leads anywhere. Dead ones are passed over while another
  /// lives.
  private func through(
    _ names: [String], _ calling: Calling, retriesAsOwn: Bool, number: (Trunk) -> String
  ) -> [PhoneRoute] {
    let ways = names.compactMap { site.trunk($0) }
      .map { (trunk: $0, line: line($0, number: number($0), calling, retriesAsOwn)) }
      .filter { !$0.line.hosts.isEmpty }
    let living = ways.filter { isAlive($0.trunk) }
    let lines = (living.isEmpty ? ways : living).map(\.line)
    return lines.isEmpty ? [] : [PhoneRoute(lines: lines)]
  }

  private func line(_ trunk: Trunk, number: String, _ calling: Calling, _ retriesAsOwn: Bool) -> PhoneRoute.Line {
    let targets = targets(trunk, number: number)
    let own = retriesAsOwn && trunk.callerID != .own ? targets.map { place($0, calling, trunk, mode: .own) } : []
    let mode = calling.kind == .callback ? .own : trunk.callerID
    return PhoneRoute.Line(trunk: trunk.name, hosts: targets.map { place($0, calling, trunk, mode: mode) }, own: own)
  }

  /// The hosts of a trunk, each with the number as its Request-URI: at the trunk's domain, else at the host itself.
  private func targets(_ trunk: Trunk, number: String) -> [Target] {
    if trunk.isRegistrant { return registered(trunk, number: number) }
    let places = trunk.places(hosts)
    // A host that is known to be silent would cost the call its 2 s.
    let ordered = places.filter { isPlaceAlive(trunk, $0) } + places.filter { !isPlaceAlive(trunk, $0) }
    return distinct(
      ordered.compactMap { place in
        route(place.endpoint, place.transport).map {
          Target(uri: place.uri(user: number), flow: $0, routes: serviceRoute(trunk, place))
        }
      })
  }

  /// A gateway that has registered with us: the number at each of its Contacts.
  private func registered(_ trunk: Trunk, number: String) -> [Target] {
    let contacts = trunk.login.map(self.contacts) ?? []
    return distinct(
      contacts.map { contact in
        var uri = contact.uri
        uri.user = number
        uri.password = nil
        uri.headers = nil
        return Target(uri: uri, flow: contact.flow)
      })
  }

  /// Two names of one host are one host: it is not asked twice.
  private func distinct(_ targets: [Target]) -> [Target] {
    var known: Set<Flow> = []
    return targets.filter { known.insert($0.flow).inserted }
  }

  // MARK: Phones

  /// A phone's fixed address. At a trunk's host the trunk's password answers for us.
  private func direct(_ contact: ContactAddress, _ trunk: String?, _ calling: Calling) -> [PhoneRoute] {
    guard let uri = try? SIPURI(contact.uri) else { return [] }
    let trunk = trunk.flatMap { site.trunk($0) }
    let hosts = flows(contact.host, contact.transport).map { flow in
      var target = place(Target(uri: uri, flow: flow), calling, trunk, mode: trunk?.callerID)
      target.trunk = nil
      return target
    }
    return hosts.isEmpty ? [] : [PhoneRoute(lines: [.init(hosts: hosts)])]
  }

  private func place(
    _ target: Target, _ calling: Calling, _ trunk: Trunk? = nil, mode: Trunk.CallerID? = nil
  ) -> BranchTarget {
    let shown = presentation(calling, trunk, mode: mode, on: target.flow)
    return BranchTarget(
      target: target, trunk: trunk?.name, from: shown.from, headers: shown.headers, credentials: trunk?.credentials,
      security: trunk.map { MediaSecurity($0.secure) } ?? .accepted)
  }

  /// The ways to a host, one for each of its places.
  private func flows(_ host: PeerHost, _ transport: SignallingTransport) -> [Flow] {
    hosts.endpoints(of: host, transport).compactMap { route($0, Transport(transport)) }
  }

  /// A host as it stands in a URI: IPv6 in brackets.
  func uriText(_ host: String) -> String { IPAddress(host)?.uriText ?? host }
}

extension Transport {
  /// What a site's file asks for.
  package init(_ wanted: SignallingTransport) {
    self =
      switch wanted {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      }
  }
}
