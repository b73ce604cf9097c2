import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// Every trunk's line, kept in step with the site.
struct TrunkLines: Sendable {
  /// One line through its whole life; a trunk that is changed from the ground up gets a new one.
  struct LineID: Hashable, Comparable, Sendable {
    var rawValue: UInt64
    static func < (a: LineID, b: LineID) -> Bool { a.rawValue < b.rawValue }
  }

  /// What a request was sent for.
  enum Purpose: Hashable, Sendable {
    case registration(LineID, attempt: UInt64)
    case probe(LineID, Endpoint)
  }

  struct Action: Hashable, Sendable {
    var line: LineID
    var trunk: String
    var action: TrunkLine.Action
  }

  private struct Entry: Sendable {
    var line: TrunkLine
    var isLeaving = false
  }

  private let random: RandomSource
  private let contactKey: [UInt8]
  private let digest: DigestFunctions
  private var entries: [LineID: Entry] = [:]
  private var lastLine: UInt64 = 0
  private var isStarted = false

  /// - Parameter contactKey: the secret from which the users of our Contacts are made. Kept over a restart, a registrar
  ///   sees the same Contact again, not one more.
  init(_ site: SiteSnapshot, contactKey: [UInt8], digest: DigestFunctions, random: RandomSource) {
    self.random = random
    self.contactKey = contactKey
    self.digest = digest
    for trunk in site.trunks { add(trunk, KnownHosts()) }
  }

  var nextDeadline: Instant? { entries.values.compactMap(\.line.nextDeadline).min() }

  /// The Contact user of each trunk that registers, by the trunk's name.
  var contactUsers: [String: String] {
    var users: [String: String] = [:]
    for entry in entries.values where !entry.isLeaving {
      users[entry.line.trunk.name] = entry.line.account?.contactUser
    }
    return users
  }

  /// The user part of the Contact with which we register at the trunk.
  func contactUser(of trunk: String) -> String? { line(trunk)?.account?.contactUser }

  // MARK: - Who lives

  /// Where the trunk is reached, in order of failover.
  func places(of trunk: String) -> [TrunkPlace] { line(trunk)?.places ?? [] }

  /// True if anything of the trunk lives. One that registers with us is known by its contacts, not here.
  func isAlive(_ trunk: String, at now: Instant) -> Bool { line(trunk)?.isAlive(at: now) ?? false }

  /// True if this place of the trunk lives, or nothing is known against it.
  func isAlive(_ trunk: String, _ endpoint: Endpoint, at now: Instant) -> Bool {
    line(trunk)?.isAlive(endpoint, at: now) ?? false
  }

  /// Where we are registered at the trunk.
  func registered(_ trunk: String, at now: Instant) -> TrunkPlace? { line(trunk)?.registered(at: now) }

  /// The proxies through which requests to this place of the trunk go (Service-Route).
  func serviceRoute(_ trunk: String, _ endpoint: Endpoint, at now: Instant) -> [NameAddress] {
    line(trunk)?.serviceRoute(to: endpoint, at: now) ?? []
  }

  /// Something came from the trunk: a call, or any answer to one of ours.
  mutating func showedLife(_ trunk: String, _ source: Endpoint, at now: Instant) -> [Action] {
    tell(trunk, .showedLife(source), at: now)
  }

  /// A call to this place of the trunk got no answer at all.
  mutating func gotNoAnswer(_ trunk: String, _ endpoint: Endpoint, at now: Instant) -> [Action] {
    tell(trunk, .gotNoAnswer(endpoint), at: now)
  }

  /// A connection is gone, perhaps one over which we had registered.
  mutating func connectionLost(_ flow: Flow, at now: Instant) -> [Action] {
    ids.flatMap { id -> [Action] in
      guard let line = entries[id]?.line, Transport(line.trunk.transport) == flow.transport else { return [] }
      return handle(id, .connectionLost(flow.remote), at: now)
    }
  }

  // MARK: - Inputs

  mutating func start(at now: Instant) -> [Action] {
    isStarted = true
    return ids.flatMap { handle($0, .start, at: now) }
  }

  mutating func timersDue(at now: Instant) -> [Action] {
    ids.flatMap { id in
      entries[id]?.line.nextDeadline.map { $0 <= now } == true ? handle(id, .timersDue, at: now) : []
    }
  }

  /// A request is over.
  mutating func registered(_ purpose: Purpose, _ outcome: RegistrationOutcome, at now: Instant) -> [Action] {
    guard case .registration(let id, let attempt) = purpose else { return [] }
    return handle(id, .registered(attempt: attempt, outcome), at: now)
  }

  /// A request is over.
  mutating func probed(_ purpose: Purpose, isAnswered: Bool, at now: Instant) -> [Action] {
    guard case .probe(let id, let endpoint) = purpose else { return [] }
    return handle(id, .probed(endpoint, isAnswered: isAnswered), at: now)
  }

  /// The site has been read anew. A trunk that leads elsewhere now, or to another account, is left and begun anew; of all
  /// others the change is taken over.
  mutating func reread(_ site: SiteSnapshot, _ hosts: KnownHosts, at now: Instant) -> [Action] {
    var actions: [Action] = []
    for id in ids where entries[id]?.isLeaving == false {
      guard let line = entries[id]?.line else { continue }
      if let trunk = site.trunks.first(where: { $0.name == line.trunk.name }), isSameLine(trunk, line) {
        actions += handle(id, .reread(trunk, trunk.places(hosts), account(trunk)), at: now)
      } else {
        entries[id]?.isLeaving = true
        actions += handle(id, .leave, at: now)
      }
    }
    for trunk in site.trunks where line(trunk.name) == nil {
      let id = add(trunk, hosts)
      if isStarted { actions += handle(id, .start, at: now) }
    }
    return actions
  }

  mutating func resolved(_ hosts: KnownHosts, at now: Instant) -> [Action] {
    ids.flatMap { id -> [Action] in
      guard let entry = entries[id], !entry.isLeaving else { return [] }
      return handle(id, .resolved(entry.line.trunk.places(hosts)), at: now)
    }
  }

  mutating func shutdown(at now: Instant) -> [Action] {
    isStarted = false
    return ids.flatMap { handle($0, .shutdown, at: now) }
  }

  // MARK: - Lines

  private var ids: [LineID] { entries.keys.sorted() }

  private func line(_ trunk: String) -> TrunkLine? { id(trunk).flatMap { entries[$0]?.line } }

  private func id(_ trunk: String) -> LineID? {
    ids.first { entries[$0]?.isLeaving == false && entries[$0]?.line.trunk.name.equalsIgnoringCase(trunk) == true }
  }

  private mutating func tell(_ trunk: String, _ input: TrunkLine.Input, at now: Instant) -> [Action] {
    id(trunk).map { handle($0, input, at: now) } ?? []
  }

  private mutating func handle(_ id: LineID, _ input: TrunkLine.Input, at now: Instant) -> [Action] {
    guard var entry = entries[id] else { return [] }
    let asked = entry.line.handle(input, at: now)
    entries[id] = entry.isLeaving && entry.line.isOver ? nil : entry
    return asked.map { Action(line: id, trunk: entry.line.trunk.name, action: $0) }
  }

  @discardableResult
  private mutating func add(_ trunk: Trunk, _ hosts: KnownHosts) -> LineID {
    lastLine += 1
    let id = LineID(rawValue: lastLine)
    entries[id] = Entry(line: TrunkLine(trunk, trunk.places(hosts), account(trunk), random: random))
    return id
  }

  private func isSameLine(_ trunk: Trunk, _ line: TrunkLine) -> Bool {
    trunk.hosts == line.trunk.hosts && trunk.proxy == line.trunk.proxy && trunk.transport == line.trunk.transport
      && trunk.domain == line.trunk.domain && account(trunk)?.contactUser == line.account?.contactUser
  }

  private func account(_ trunk: Trunk) -> TrunkRegistration.Account? {
    guard trunk.registers, !trunk.hosts.isEmpty, let login = trunk.login else { return nil }
    return TrunkRegistration.Account(
      login: login, credentials: trunk.credentials, expires: Int(trunk.expires.inSeconds),
      contactUser: contactUser(trunk, login))
  }

  /// Wide enough that nobody guesses it, since whoever names it is taken for the trunk. It changes with what it is
  /// registered for, so that taking back an old registration never harms a new one.
  private func contactUser(_ trunk: Trunk, _ login: String) -> String {
    let hosts = trunk.hosts.map(\.description).joined(separator: ",")
    let words = [
      trunk.name, login, trunk.domain ?? "", hosts, trunk.proxy?.description ?? "", trunk.transport.rawValue,
    ]
    let text = words.map { "\($0.utf8.count):\($0)" }.joined()
    let hash = digest.sha256(contactKey + Array(text.utf8))
    // It begins with a letter, so that it is never taken for a number.
    return "p"
      + hash.prefix(16).map { byte in
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0" + digits : digits
      }.joined()
  }
}
