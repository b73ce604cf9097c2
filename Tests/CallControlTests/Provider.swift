import PikettTesting
import SIPMessage
import Telephony

@testable import SIPUserAgent

/// A provider's registrar and proxy on the simulated network: it wants a password for REGISTER, calls the Contacts that
/// are registered with it, and takes our calls.
final class Provider: SimulatedParty {
  let name: String
  let address: Endpoint
  private(set) var agent: UserAgent
  private unowned let network: SimulatedNetwork
  /// Hears but says nothing.
  var isDead = false
  /// The status with which it answers this request, instead of what is right.
  var answers: (Request) -> Int? = { _ in nil }
  /// Lines of its answers by that.
  var lines: [(HeaderName, String)] = []
  private(set) var requests: [(at: Duration, request: Request)] = []
  private(set) var events: [LegID: [LegEvent]] = [:]
  private(set) var calls: [LegID] = []

  init(
    _ name: String, at address: Endpoint, on network: SimulatedNetwork, users: [String: String] = [:],
    limits: RegistrarLimits = RegistrarLimits(), seed: UInt64 = 7
  ) {
    self.name = name
    self.address = address
    self.network = network
    agent = UserAgent(
      settings: UserAgentSettings(
        userAgentName: name,
        users: users.sorted { $0.key < $1.key }.map { UserPeer(number: $0.key, password: Redacted($0.value)) },
        trunks: [TrunkPeer(name: "Pikett", addresses: [Network(Places.pikett.address)])], registrar: limits),
      digest: standInDigest, random: .seeded(seed))
    network.add(self, name: name, at: address)
  }

  /// Requests of this method since the beginning.
  func requests(_ method: Method) -> [Request] { requests.map(\.request).filter { $0.method == method } }

  /// The Contacts that it holds.
  func contacts(of user: String) -> [RegisteredContact] { agent.contacts(of: user, at: network.now.instant) }

  /// All nonces that it has given out are forgotten.
  func restart(seed: UInt64) {
    agent = UserAgent(settings: agent.settings, digest: standInDigest, random: .seeded(seed))
  }

  /// Changes the password of a user.
  func sets(_ password: String, of user: String) {
    var settings = agent.settings
    settings.users = settings.users.map { peer in
      peer.number == user ? UserPeer(number: user, password: Redacted(password)) : peer
    }
    perform(agent.apply(settings))
  }

  // MARK: Calls

  /// Calls this URI for the number `dialled`, as it stands in To.
  @discardableResult
  func call(_ uri: SIPURI, for dialled: NameAddress, from caller: String = "+41791112233", headers: Headers = Headers())
    -> LegID
  {
    let leg = agent.newLegID()
    calls.append(leg)
    perform(
      agent.handle(
        .invite(
          leg,
          OutgoingCall(
            target: Target(uri: uri, flow: Flow(.udp, local: address, remote: Places.pikett)),
            from: NameAddress(SIPURI(user: caller, host: "provider.example")), to: dialled, headers: headers,
            offer: sdp(Endpoint(address.address, 7000)))), at: network.now))
    return leg
  }

  /// Presses a key by SIP INFO.
  func press(_ key: Character, _ leg: LegID) {
    perform(agent.press(key, on: leg, at: network.now))
  }

  func hangUp() {
    for leg in calls { perform(agent.handle(.release(leg, .normalClearing), at: network.now)) }
  }

  /// What became of its call: 200 if it was answered.
  func status(_ leg: LegID) -> Int? {
    for event in events[leg] ?? [] {
      switch event {
      case .answered: return 200
      case .refused(let status, _, _): return status
      default: continue
      }
    }
    return nil
  }

  // MARK: On the network

  func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
    if case .request(let request) = message {
      requests.append((network.elapsed, request))
      if !isDead, let status = answers(request) {
        var response = request.response(status, toTag: "o")
        for (name, value) in lines { response.headers.add(name, value) }
        return [Transmission(.response(response), flow)]
      }
    }
    if !isDead { perform(agent.handle(.received(message, flow), at: now)) }
    return []
  }

  func timersDue(at now: Moment) -> [Transmission] {
    perform(agent.handle(.timersDue, at: now))
    return []
  }

  var nextDeadline: Instant? { agent.nextDeadline }

  private func perform(_ actions: [UserAgentAction]) {
    for action in actions {
      switch action {
      case .transmit(let message, let flow):
        if !isDead { network.send([Transmission(message, flow)], from: name) }
      case .leg(let leg, .incoming(let call)):
        calls.append(leg)
        events[leg] = [.incoming(call)]
        perform(agent.handle(.answer(leg, sdp: sdp(Endpoint(address.address, 7002))), at: network.now))
      case .leg(let leg, let event): events[leg, default: []].append(event)
      case .messageDone, .registrationDone, .probeDone, .registrationsChanged, .log: break
      }
    }
  }
}
