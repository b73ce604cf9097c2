import PikettTesting
import SIPMessage
import Telephony
import Testing

@Suite struct SimulatedNetworkTests {
  /// Remembers what comes, and when.
  final class Listener: SimulatedParty {
    var heard: [(time: Instant, body: String, flow: Flow)] = []
    var failures: [Flow] = []
    var deadlines: [Instant] = []
    var rings: [Instant] = []
    var isStuck = false

    func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
      heard.append((now.instant, String(decoding: message.body, as: UTF8.self), flow))
      return []
    }
    func timersDue(at now: Moment) -> [Transmission] {
      rings.append(now.instant)
      if !isStuck { deadlines.removeAll { $0 <= now.instant } }
      return []
    }
    func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission] {
      failures.append(flow)
      return []
    }
    var nextDeadline: Instant? { deadlines.min() }
    var bodies: [String] { heard.map(\.body) }
  }

  let a = Listener()
  let b = Listener()
  let addressA: Endpoint
  let addressB: Endpoint

  init() throws {
    addressA = try #require(Endpoint("192.0.2.1:5060"))
    addressB = try #require(Endpoint("192.0.2.2:5060"))
  }

  private func network(
    seed: UInt64 = 1, _ conditions: LinkConditions = .perfect, throughBytes: Bool = false
  ) -> SimulatedNetwork {
    let network = SimulatedNetwork(seed: seed, conditions: conditions, throughBytes: throughBytes)
    network.add(a, name: "A", at: addressA)
    network.add(b, name: "B", at: addressB)
    return network
  }

  private func message(_ text: String, over transport: Transport = .udp, to remote: Endpoint? = nil) -> Transmission {
    let request = Request(
      .message, SIPURI(user: "b", host: "192.0.2.2"),
      headers: Headers([
        ("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"), ("From", "<sip:a@192.0.2.1>;tag=1"),
        ("To", "<sip:b@192.0.2.2>"), ("Call-ID", "1"), ("CSeq", "1 MESSAGE"), ("Max-Forwards", "70"),
        ("Content-Type", "text/plain"),
      ]), body: Array(text.utf8))
    return Transmission(.request(request), Flow(transport, local: addressA, remote: remote ?? addressB))
  }

  @Test func aMessageArrivesAfterItsDelayWithTheFlowTurnedRound() throws {
    let network = network(.local)
    network.send([message("hello")], from: "A")
    try network.runUntilQuiet(within: .seconds(1))
    #expect(b.bodies == ["hello"])
    #expect(b.heard[0].time.nanoseconds == 10_000_000)
    #expect(b.heard[0].flow == Flow(.udp, local: addressB, remote: addressA))
    #expect(network.ladder.lines == ["0.000  A → B  MESSAGE sip:b@192.0.2.2 + text/plain"])
  }

  @Test func lossDuplicationAndReorderingFollowTheirProbabilities() throws {
    let conditions = LinkConditions(
      loss: 0.25, duplication: 0.2, reordering: 0.1, delay: .milliseconds(1) ... .milliseconds(1))
    let network = network(conditions)
    for index in 0..<2000 {
      network.at(.milliseconds(Int64(index) * 5)) { network.send([message(padded(index, 4))], from: "A") }
    }
    try network.runUntilQuiet(within: .seconds(100))
    let counts = Dictionary(grouping: b.bodies, by: \.self).mapValues(\.count)
    #expect((1400...1600).contains(counts.count))
    #expect((240...360).contains(counts.values.count { $0 == 2 }))
    var overtaken = 0
    for (earlier, later) in zip(b.bodies, b.bodies.dropFirst()) where later < earlier { overtaken += 1 }
    #expect((80...260).contains(overtaken))
  }

  @Test func tcpLosesAndReordersNothing() throws {
    let network = network(seed: 3, .rough)
    for index in 0..<200 {
      network.at(.milliseconds(Int64(index))) { network.send([message(padded(index, 3), over: .tcp)], from: "A") }
    }
    try network.runUntilQuiet(within: .seconds(10))
    #expect(b.bodies == (0..<200).map { padded($0, 3) })
  }

  @Test func aSeedGivesOneCourseOfEvents() throws {
    func ladder(_ seed: UInt64) throws -> Ladder {
      let network = network(seed: seed, .rough)
      for index in 0..<50 {
        network.at(.milliseconds(Int64(index))) { network.send([message("\(index)")], from: "A") }
      }
      try network.runUntilQuiet(within: .seconds(10))
      return network.ladder
    }
    #expect(try ladder(1) == ladder(1))
    #expect(try ladder(1) != ladder(2))
  }

  @Test func theOtherDirectionHasItsOwnWeather() throws {
    let network = network(.dead)
    network.setConditions(.perfect, from: "A", to: "B")
    network.send([message("there")], from: "A")
    network.send([Transmission(message("back").message, Flow(.udp, local: addressB, remote: addressA))], from: "B")
    try network.runUntilQuiet(within: .seconds(1))
    #expect(b.bodies == ["there"])
    #expect(a.bodies == [])
    #expect(network.ladder.lines.last?.contains("B ↛ A") == true)
  }

  @Test func aRefusedMessageIsReportedToItsSender() throws {
    let network = network(.refused)
    network.send([message("x")], from: "A")
    try network.runUntilQuiet(within: .seconds(1))
    #expect(a.failures == [Flow(.udp, local: addressA, remote: addressB)])
    #expect(network.ladder.lines == ["0.000  A ⊣ B  MESSAGE sip:b@192.0.2.2 + text/plain"])
  }

  @Test func whatGoesToNobodyIsLost() throws {
    let network = network()
    let nobody = Endpoint("203.0.113.9:5060")
    #expect(nobody != nil)
    network.send([message("x", to: nobody)], from: "A")
    try network.runUntilQuiet(within: .seconds(1))
    #expect(network.ladder.lines == ["0.000  A ↛ 203.0.113.9:5060  MESSAGE sip:b@192.0.2.2 + text/plain"])
  }

  @Test func timersFireInTheirVeryNanosecond() throws {
    let network = network()
    a.deadlines = [Instant(nanoseconds: 7), Instant(nanoseconds: 3_600_000_000_001)]
    try network.runUntilQuiet(within: .seconds(4000))
    #expect(a.rings.map(\.nanoseconds) == [7, 3_600_000_000_001])
    #expect(network.now.wall == Moment.testStart.wall + .seconds(3600))
  }

  @Test func aPartyWhoseTimerNeverMovesIsNamed() throws {
    let network = network()
    b.isStuck = true
    b.deadlines = [Instant(nanoseconds: 5_000_000)]
    #expect(throws: SimulationError.stuck(party: "B", at: .milliseconds(5))) {
      try network.run(until: .seconds(1))
    }
  }

  @Test func twoPartiesThatNeverEndAreStopped() throws {
    let network = SimulatedNetwork(conditions: .local)
    network.stepLimit = 100
    let echo: (Message, Flow, Moment) -> [Transmission] = { message, flow, _ in [Transmission(message, flow)] }
    network.add(ClosureParty(receive: echo), name: "A", at: addressA)
    network.add(ClosureParty(receive: echo), name: "B", at: addressB)
    network.send([message("x")], from: "A")
    #expect(throws: SimulationError.tooManySteps(101)) { try network.runUntilQuiet(within: .seconds(3600)) }
  }

  @Test func runningStopsWhereItIsTold() throws {
    let network = network(.local)
    network.at(.seconds(2)) { network.send([message("x")], from: "A") }
    try network.run(until: .seconds(1))
    #expect(network.elapsed == .seconds(1))
    try network.run(within: .seconds(10)) { !b.heard.isEmpty }
    #expect(network.elapsed == .milliseconds(2010))
    #expect(throws: SimulationError.notReached(at: .milliseconds(2010))) {
      try network.run(within: .seconds(10)) { b.heard.count == 2 }
    }
    try network.run(for: .seconds(1))
    #expect(network.elapsed == .milliseconds(3010))
  }

  @Test func messagesMayGoAsBytes() throws {
    let network = network(throughBytes: true)
    var steps = 0
    network.afterEachStep = { steps += 1 }
    network.send([message("x")], from: "A")
    network.send(
      [Transmission(.request(Request(.options, SIPURI(host: "b"))), Flow(.udp, local: addressA, remote: addressB))],
      from: "A")
    try network.runUntilQuiet(within: .seconds(1))
    #expect(b.bodies == ["x"])
    #expect(network.ladder.lines.count == 2)
    #expect(network.ladder.lines[1].hasPrefix("0.000  -- cannot be parsed: OPTIONS sip:b"))
    #expect(steps == 1)
  }

  @Test func aSenderNobodyKnowsIsNoted() {
    let network = network()
    network.send([message("x")], from: "C")
    #expect(network.ladder.lines == ["0.000  -- C is not on the network"])
  }
}
