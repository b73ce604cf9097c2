import SIPMessage
import Telephony

/// Who a request comes from: trunks by the network they call from, users and registering gateways by their password.
struct PeerDirectory: Sendable {
  private var users: [String: Redacted<String>] = [:]
  private var logins: [String: (trunk: String, password: Redacted<String>)] = [:]
  /// By name, so that the first of several is the same in each run.
  private let trunks: [TrunkPeer]

  init(_ settings: UserAgentSettings) {
    for user in settings.users { users[user.number] = user.password }
    trunks = settings.trunks.sorted { $0.name < $1.name }
    for trunk in trunks {
      if let login = trunk.login, logins[login.user] == nil { logins[login.user] = (trunk.name, login.password) }
    }
  }

  /// The password of a digest user name; nil if nobody has it.
  func password(of name: String) -> Redacted<String>? { users[name] ?? logins[name]?.password }

  /// Who has this digest user name; users before trunks.
  func identity(of name: String) -> PeerIdentity? {
    if users[name] != nil { return .user(name) }
    return logins[name].map { .trunk($0.trunk) }
  }

  /// What answers the trunk's challenges.
  func credentials(ofTrunk name: String) -> Credentials? { trunks.first { $0.name == name }?.credentials }

  func isKnown(_ name: String) -> Bool { users[name] != nil || logins[name] != nil }

  /// True if a trunk calls from this address.
  func hasTrunk(at address: IPAddress) -> Bool {
    trunks.contains { $0.addresses.contains { $0.contains(address) } }
  }

  /// True if a trunk's own port at this address is this one; SIP's where none is named.
  func hasTrunk(at endpoint: Endpoint) -> Bool {
    trunks.contains { ($0.port ?? 5060) == endpoint.port && $0.addresses.contains { $0.contains(endpoint.address) } }
  }

  /// The trunks that call from this address, the likeliest first: the one at whose registrar this Contact of ours
  /// stands, then the one whose port it is, then by name.
  ///
  /// - Returns: their names, and whether nothing but the name put the first one first.
  func trunks(callingFrom source: Endpoint, to uri: SIPURI) -> (names: [String], isAmbiguous: Bool) {
    let ranked = trunks.filter { $0.addresses.contains { $0.contains(source.address) } }.map { trunk in
      (
        trunk: trunk,
        rank: (trunk.contactUser != nil && trunk.contactUser == uri.user ? 0 : 2) + (trunk.port == source.port ? 0 : 1)
      )
    }.sorted { ($0.rank, $0.trunk.name) < ($1.rank, $1.trunk.name) }
    let isAmbiguous = ranked.count > 1 && ranked[0].rank == ranked[1].rank
    return (ranked.map(\.trunk.name), isAmbiguous)
  }
}
