import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

/// Two user agents over a bad network, in virtual time, all of it following from one seed.
struct Simulation {
  enum Node: Int, CaseIterable, Hashable { case a, b }

  struct Network {
    /// Of a hundred datagrams.
    var lost = 0
    var doubled = 0
    var longestDelay = Duration.milliseconds(5)
    /// One talk in four goes on for up to 2 hours, so that its session timer matters.
    var hasLongTalks = false
  }

  private enum Due {
    case deliver(Node, Message, Flow)
    case act(Node, LegID)
  }

  private struct Entry {
    var at: Instant
    var order: Int
    var due: Due
  }

  let network: Network
  private let random: RandomSource
  private var agents: [UserAgent]
  private var queue: [Entry] = []
  private var order = 0
  private(set) var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 0))
  /// Living legs; each is over after exactly one `refused` or `ended`.
  private var living: [Set<LegID>] = [[], []]
  private var over: [Set<LegID>] = [[], []]
  private(set) var faults: [String] = []
  private(set) var ladder: [String] = []
  private(set) var events: [String: Int] = [:]
  /// How often each method was sent.
  private(set) var methods: [Method: Int] = [:]
  private var calls = 0

  init(seed: UInt64, network: Network) {
    self.network = network
    random = .seeded(seed)
    agents = Node.allCases.map { node in
      UserAgent(
        settings: UserAgentSettings(trunks: [
          TrunkPeer(name: "peer", addresses: [SIPUserAgent.Network(Self.address(node == .a ? .b : .a).address)])
        ]), digest: ReferenceHashes.functions, random: .seeded(seed &* 31 &+ UInt64(node.rawValue)))
    }
  }

  private static func address(_ node: Node) -> Endpoint { endpoint(node == .a ? "192.0.2.1:5060" : "192.0.2.2:5060") }

  private func flow(of node: Node) -> Flow {
    Flow(.udp, local: Self.address(node), remote: Self.address(node == .a ? .b : .a))
  }

  /// Makes `count` calls at random moments, lets both sides do what comes to their mind, hangs up, and waits.
  mutating func run(calls count: Int) throws {
    let uri = try SIPURI("sip:731@192.0.2.2")
    while calls < count || !queue.isEmpty || agents.contains(where: { $0.nextDeadline != nil }) {
      if calls < count, random.next(in: 0...3) == 0 {
        calls += 1
        let node = Node.allCases[Int(random.next(in: 0...1))]
        let leg = agents[node.rawValue].newLegID()
        living[node.rawValue].insert(leg)
        var headers = Headers()
        if random.next(in: 0...2) == 0 { headers.add("Require", "100rel") }
        handle(
          .invite(
            leg,
            OutgoingCall(
              target: Target(uri: uri, flow: flow(of: node)), from: NameAddress(uri), headers: headers, offer: sdp)),
          node)
        plan(node, leg)
      }
      _ = step()
      if now.instant.nanoseconds > 36_000_000_000_000 {
        faults.append("it never ends")
        break
      }
    }
    for node in Node.allCases {
      let agent = agents[node.rawValue]
      if !agent.legs.isEmpty { faults.append("\(node): legs \(agent.legs.keys.sorted())") }
      if !agent.dialogs.isEmpty { faults.append("\(node): dialogs") }
      if agent.transactions.count != 0 { faults.append("\(node): transactions") }
      if !agent.invitations.isEmpty || !agent.purposes.isEmpty || !agent.invitesOfPeers.isEmpty {
        faults.append("\(node): records")
      }
      if !living[node.rawValue].isEmpty { faults.append("\(node): never told of \(living[node.rawValue])") }
    }
  }

  /// The next delivery, act or timer.
  private mutating func step() -> Bool {
    let next = queue.indices.min { (queue[$0].at, queue[$0].order) < (queue[$1].at, queue[$1].order) }
    let timers = Node.allCases.compactMap { node in agents[node.rawValue].nextDeadline.map { (node, $0) } }
      .min { $0.1 < $1.1 }
    if let timers, next.map({ timers.1 <= queue[$0].at }) ?? true {
      advance(to: timers.1)
      handle(.timersDue, timers.0)
      if let again = agents[timers.0.rawValue].nextDeadline, again <= now.instant {
        faults.append("a timer stands still")
      }
      return true
    }
    guard let next else { return false }
    let entry = queue.remove(at: next)
    advance(to: entry.at)
    switch entry.due {
    case .deliver(let node, let message, let flow): handle(.received(message, flow), node)
    case .act(let node, let leg): act(node, leg)
    }
    return true
  }

  private mutating func advance(to instant: Instant) {
    if instant > now.instant { now = now + (instant - now.instant) }
  }

  private mutating func enqueue(_ due: Due, after delay: Duration) {
    order += 1
    queue.append(Entry(at: now.instant + delay, order: order, due: due))
  }

  private mutating func plan(_ node: Node, _ leg: LegID) {
    enqueue(.act(node, leg), after: .milliseconds(Int64(random.next(in: 0...4000))))
  }

  /// Somebody does something, sensible or not.
  private mutating func act(_ node: Node, _ leg: LegID) {
    guard living[node.rawValue].contains(leg) else { return }
    switch random.next(in: 0...15) {
    case 0: handle(.progress(leg, status: 180, body: nil), node)
    case 1: handle(.progress(leg, status: 183, body: otherSDP), node)
    case 2, 3, 4: handle(.answer(leg, sdp: otherSDP), node)
    case 5, 6: handle(.offer(leg, sdp: sdp), node)
    case 7: handle(.ask(leg), node)
    case 8: handle(.answerOffer(leg, sdp: otherSDP), node)
    case 9: handle(.refuseOffer(leg, status: 488), node)
    case 10, 11: handle(.release(leg, random.next(in: 0...1) == 0 ? .normalClearing : .answeredElsewhere), node)
    case 12 where network.hasLongTalks:
      // Nobody does anything; only the session timer does.
      return enqueue(.act(node, leg), after: .seconds(Int64(random.next(in: 600...7200))))
    default: break
    }
    plan(node, leg)
  }

  private mutating func handle(_ input: UserAgentInput, _ node: Node) {
    for action in agents[node.rawValue].handle(input, at: now) {
      switch action {
      case .transmit(let message, let flow): transmit(message, flow, from: node)
      case .leg(let leg, let event): note(event, leg, node)
      case .messageDone, .registrationDone, .probeDone, .registrationsChanged, .log: continue
      }
    }
  }

  private mutating func transmit(_ message: Message, _ flow: Flow, from node: Node) {
    if case .request(let request) = message { methods[request.method, default: 0] += 1 }
    ladder.append("\(now.instant.nanoseconds / 1_000_000) \(node) \(Self.name(message))")
    guard let peer = Node.allCases.first(where: { Self.address($0) == flow.remote }) else {
      faults.append("\(node) sends to \(flow.remote)")
      return
    }
    var copies = random.next(in: 0...99) < UInt64(network.lost) ? 0 : 1
    if copies > 0, random.next(in: 0...99) < UInt64(network.doubled) { copies += 1 }
    var message = message
    // Every other dialog's peers do not know UPDATE.
    if message.headers.callID?.utf8.first.map({ $0 % 2 == 0 }) ?? false, message.headers.has("Allow") {
      message.headers["Allow"] = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK"
    }
    for _ in 0..<copies {
      let bytes = message.serialized()
      guard let parsed = try? parseMessage(bytes) else {
        faults.append("cannot be parsed: \(String(decoding: bytes, as: UTF8.self))")
        return
      }
      let delay = Duration.nanoseconds(Int64(random.next(in: 1...UInt64(network.longestDelay.nanoseconds))))
      enqueue(.deliver(peer, parsed, Flow(.udp, local: flow.remote, remote: flow.local)), after: delay)
    }
  }

  private mutating func note(_ event: LegEvent, _ leg: LegID, _ node: Node) {
    if over[node.rawValue].contains(leg) { faults.append("\(node) \(leg): \(event) after its end") }
    events[String("\(event)".prefix { $0 != "(" }), default: 0] += 1
    // On a network that loses nothing nobody is left alone.
    if network.lost == 0, case .ended(.recoveryOnTimerExpiry) = event { faults.append("\(node) \(leg) timed out") }
    switch event {
    case .incoming:
      if !living[node.rawValue].insert(leg).inserted { faults.append("\(node) \(leg) comes in twice") }
      plan(node, leg)
    case .refused, .ended:
      living[node.rawValue].remove(leg)
      over[node.rawValue].insert(leg)
    case .offered:
      switch random.next(in: 0...3) {
      // Left alone, but not for the hours in which nobody does anything.
      case 0 where !network.hasLongTalks: break
      case 1: handle(.refuseOffer(leg, status: 488), node)
      default: handle(.answerOffer(leg, sdp: otherSDP), node)
      }
    case .provisional, .answered, .established, .offerAnswered, .offerRefused, .digit, .digitRefused, .alive: return
    }
  }

  private static func name(_ message: Message) -> String {
    switch message {
    case .request(let request): "\(request.method) \(request.headers["CSeq"] ?? "")"
    case .response(let response): "\(response.status) \(response.headers["CSeq"] ?? "")"
    }
  }
}

@Suite struct SimulationTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `every leg ends and nothing is left, on a good network`(seed: UInt64) throws {
    var simulation = Simulation(seed: seed, network: .init())
    try simulation.run(calls: 10)
    #expect(simulation.faults == [])
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func `every leg ends and nothing is left, on a bad network`(seed: UInt64) throws {
    var simulation = Simulation(
      seed: seed, network: .init(lost: 20, doubled: 10, longestDelay: .milliseconds(1500)))
    try simulation.run(calls: 10)
    #expect(simulation.faults == [])
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>, [0, 20])
  func `long talks are refreshed and end when they are to`(seed: UInt64, lost: Int) throws {
    var simulation = Simulation(
      seed: seed, network: .init(lost: lost, doubled: lost / 2, longestDelay: .milliseconds(200), hasLongTalks: true))
    try simulation.run(calls: 10)
    #expect(simulation.faults == [])
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func `every leg ends and nothing is left, when nearly all is lost`(seed: UInt64) throws {
    var simulation = Simulation(seed: seed, network: .init(lost: 80, doubled: 5, longestDelay: .seconds(3)))
    try simulation.run(calls: 10)
    #expect(simulation.faults == [])
  }

  @Test func `the simulation does reach what it is for`() throws {
    var reached: [String: Int] = [:]
    for seed in UInt64(1)...30 {
      var simulation = Simulation(seed: seed, network: .init(lost: 10, doubled: 10, longestDelay: .milliseconds(800)))
      try simulation.run(calls: 10)
      reached.merge(simulation.events) { $0 + $1 }
      for (method, count) in simulation.methods { reached[method.token, default: 0] += count }
    }
    var long = Simulation(seed: 1, network: .init(lost: 5, hasLongTalks: true))
    try long.run(calls: 100)
    reached["UPDATE"] = long.methods[.update]
    for event in [
      "incoming", "provisional", "answered", "refused", "established", "offered", "offerAnswered", "offerRefused",
      "alive", "ended", "PRACK", "UPDATE", "INVITE", "CANCEL",
    ] {
      #expect(reached[event, default: 0] > 10, "\(event)")
    }
  }

  @Test func `the same seed gives the same ladder`() throws {
    func ladder(_ seed: UInt64) throws -> [String] {
      var simulation = Simulation(seed: seed, network: .init(lost: 10, doubled: 10, longestDelay: .milliseconds(500)))
      try simulation.run(calls: 10)
      return simulation.ladder
    }
    #expect(try ladder(5) == ladder(5))
    #expect(try ladder(5) != ladder(6))
  }
}
