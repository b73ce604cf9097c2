import SIPMessage
import Telephony

/// Who a request comes from: trunks by the network they call from, users and registering gateways by their password.
struct PeerDirectory: Sendable {
  private struct Login: Sendable {
    var trunk: String
    var account: String
    var password: Redacted<String>
  }

  private var users: [String: Redacted<String>] = [:]
  /// By digest user name: the gateways that register with us.
  private var logins: [String: Login] = [:]
  /// By name, so that the first of several is the same in each run.
  private let trunks: [TrunkPeer]

  init(_ settings: UserAgentSettings) {
    for user in settings.users { users[user.number] = user.password }
    trunks = settings.trunks.sorted { $0.name < $1.name }
    for trunk in trunks {
      guard let account = trunk.account, let credentials = trunk.credentials, logins[credentials.user] == nil else {
        continue
      }
      logins[credentials.user] = Login(trunk: trunk.name, account: account, password: credentials.password)
    }
  }

  /// The password of a digest user name; nil if nobody has it.
  func password(of name: String) -> Redacted<String>? { users[name] ?? logins[name]?.password }

  /// Who has this digest user name; users before trunks.
  func identity(of name: String) -> PeerIdentity? {
    if users[name] != nil { return .user(name) }
    return logins[name].map { .trunk($0.trunk) }
  }

  /// The address of record that a peer may register: a user his number, a gateway its login.
  func account(of identity: PeerIdentity) -> String? {
    switch identity {
    case .user(let number): users[number] == nil ? nil : number
    case .trunk(let name):
      trunks.first { $0.name == name }.flatMap { trunk in
        // A number of a user's is his.
        trunk.account.flatMap { users[$0] == nil ? $0 : nil }
      }
    }
  }

  /// The gateway that registers as this user.
  func trunk(ofAccount account: String) -> String? {
    users[account] == nil ? trunks.first { $0.account == account }?.name : nil
  }

  /// What answers the trunk's challenges.
  func credentials(ofTrunk name: String) -> Credentials? {
    trunks.first { $0.name == name && $0.account == nil }?.credentials
  }

  /// True if somebody may register as this user.
  func isKnown(_ account: String) -> Bool { users[account] != nil || trunks.contains { $0.account == account } }

  /// True if a trunk calls from this address.
  func hasTrunk(at address: IPAddress) -> Bool {
    trunks.contains { $0.addresses.contains { $0.contains(address) } }
  }

  /// True if a trunk's own port at this address is this one; SIP's where none is named.
  func hasTrunk(at endpoint: Endpoint) -> Bool {
    trunks.contains { trunk in
      trunk.ports.contains(endpoint.port) || (trunk.ports.isEmpty && endpoint.port == 5060)
        ? trunk.addresses.contains { $0.contains(endpoint.address) } : false
    }
  }

  /// The trunk at which we registered with this Contact user.
  func trunk(ofContact user: String?) -> String? {
    guard let user else { return nil }
    return trunks.first { $0.contactUser.map { equalInConstantTime($0, user) } ?? false }?.name
  }

  /// The trunks that call from this address, the likeliest first: the one whose port it is, then the one whose own number
  /// is called, then by name.
  ///
  /// - Parameter called: the users that may name what was called.
  /// - Returns: their names, and whether nothing but the name put the first one first.
  func trunks(
    callingFrom source: Endpoint, by transport: Transport = .udp, called: [String]
  ) -> (names: [String], isAmbiguous: Bool) {
    let callers = trunks.filter { trunk in
      (transport != .udp || !trunk.isSecure) && trunk.addresses.contains { $0.contains(source.address) }
    }
    let ranked = callers.map { trunk in
      let isCalled = trunk.numbers.contains { own in called.contains { Self.isSame(own, $0) } }
      return (trunk: trunk, rank: (trunk.ports.contains(source.port) ? 0 : 2) + (isCalled ? 0 : 1))
    }.sorted { ($0.rank, $0.trunk.name) < ($1.rank, $1.trunk.name) }
    let isAmbiguous = ranked.count > 1 && ranked[0].rank == ranked[1].rank
    return (ranked.map(\.trunk.name), isAmbiguous)
  }

  private static func isSame(_ a: String, _ b: String) -> Bool {
    if a == b { return true }
    guard let a = PhoneNumber(a), let b = PhoneNumber(b) else { return false }
    return a == b
  }
}
