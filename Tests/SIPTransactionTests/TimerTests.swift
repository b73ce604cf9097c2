import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// The timers in virtual time: each message and each report in the very nanosecond.
@Suite struct TimerTests {
  @Test func timersAAndB() throws {
    let pair = Pair(.dead)
    let id = pair.send(Sample.bare())
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.times(of: "INVITE") == ["0.000", "0.500", "1.500", "3.500", "7.500", "15.500", "31.500"])
    // It stays as long again, so that a phone which rings only then gets its CANCEL.
    #expect(pair.pikett.events.map(\.time.nanoseconds) == [32_000_000_000, 64_000_000_000])
    #expect(pair.pikett.story == ["timedOut \(id)", "terminated \(id)"])
    #expect(pair.pikett.layer.count == 0)
    #expect(pair.pikett.layer.nextDeadline == nil)
  }

  @Test func timersEAndF() throws {
    let pair = Pair(.dead)
    let id = pair.send(Sample.bare(.bye))
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(
      pair.times(of: "BYE") == [
        "0.000", "0.500", "1.500", "3.500", "7.500", "11.500", "15.500", "19.500", "23.500", "27.500", "31.500",
      ])
    #expect(pair.pikett.events.map(\.time.nanoseconds) == [32_000_000_000, 32_000_000_000])
    #expect(pair.pikett.story == ["timedOut \(id)", "terminated \(id)"])
  }

  @Test func timerEIsT2OnceAProvisionalIsThere() throws {
    let pair = Pair { action, party, now in
      guard case .request(let request, let id, _) = action else { return [] }
      return party.layer.respond(request.response(100, toTag: nil), to: id, at: now)
    }
    pair.send(Sample.bare(.bye))
    try pair.network.run(until: .seconds(14))
    #expect(pair.times(of: "BYE sip:") == ["0.000", "0.500", "4.500", "8.500", "12.500"])
  }

  @Test(arguments: [Transport.tcp, .tls]) func reliableTransportsRepeatNothing(transport: Transport) throws {
    let pair = Pair()
    pair.send(Sample.bare(callID: "a"), over: transport)
    pair.send(Sample.bare(.options, callID: "b"), over: transport)
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.times(of: "INVITE sip:") == ["0.000"])
    #expect(pair.times(of: "OPTIONS sip:") == ["0.000"])
    #expect(pair.times(of: "100 Trying") == ["0.200"])
    #expect(pair.pikett.story.contains("timedOut c2"))
    // The INVITE got its 100 and waits for as long as the phone rings.
    #expect(pair.pikett.layer.count == 1)
  }

  @Test func the100ComesAfter200Milliseconds() throws {
    let pair = Pair()
    pair.send(Sample.bare())
    try pair.network.run(until: .seconds(10))
    #expect(pair.times(of: "100 Trying") == ["0.200"])
    #expect(pair.times(of: "INVITE sip:") == ["0.000"])
  }

  @Test(arguments: [180, 200, 486]) func no100OnceTheUserHasAnswered(status: Int) throws {
    let pair = Pair(phone: answering(status))
    pair.send(Sample.bare())
    try pair.network.run(until: .seconds(1))
    #expect(pair.times(of: "100 Trying") == [])
  }

  @Test func timersGAndH() throws {
    let pair = Pair(phone: answering(486))
    pair.network.setConditions(.dead, from: "Pikett", to: "Phone")
    // The INVITE comes through, nothing after it does.
    let invite = Sample.incoming(via: "192.0.2.1:5060")
    let flow = Flow(.udp, local: Sample.peer, remote: Sample.us)
    pair.network.send(pair.phone.receive(.request(invite), on: flow, at: pair.network.now), from: "Phone")
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(
      pair.times(of: "486 Busy Here") == [
        "0.000", "0.500", "1.500", "3.500", "7.500", "11.500", "15.500", "19.500", "23.500", "27.500", "31.500",
      ])
    #expect(pair.phone.story == ["request INVITE s1", "ackMissing s1", "terminated s1"])
    #expect(pair.phone.events.last?.time.nanoseconds == 32_000_000_000)
  }

  /// Timers D and I over UDP: 32 s at the client, 5 s at the server.
  @Test func timersDAndI() throws {
    let pair = Pair(phone: answering(486))
    pair.send(Sample.bare())
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.times(of: "ACK") == ["0.000"])
    #expect(pair.pikett.story == ["response 486 c1", "terminated c1"])
    #expect(pair.pikett.events.last?.time.nanoseconds == 32_000_000_000)
    #expect(pair.phone.story == ["request INVITE s1", "terminated s1"])
    #expect(pair.phone.events.last?.time.nanoseconds == 5_000_000_000)
  }

  /// Timers D and I over TCP: nothing waits.
  @Test func overTCPTheRefusedInviteIsGoneAtOnce() throws {
    let pair = Pair(phone: answering(486))
    pair.send(Sample.bare(), over: .tcp)
    try pair.network.run(until: .zero)
    #expect(pair.pikett.layer.count == 0)
    #expect(pair.phone.layer.count == 0)
    #expect(pair.pikett.layer.nextDeadline == nil)
    #expect(pair.phone.layer.nextDeadline == nil)
  }

  /// Timers J and K: 32 s at the server, 5 s at the client.
  @Test func timersJAndK() throws {
    let pair = Pair(phone: answering(200))
    pair.send(Sample.bare(.options))
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.pikett.events.last?.time.nanoseconds == 5_000_000_000)
    #expect(pair.phone.events.last?.time.nanoseconds == 32_000_000_000)
  }

  /// Timers L and M: 64*T1 on every transport.
  @Test(arguments: [Transport.udp, .tcp]) func timersLAndM(transport: Transport) throws {
    let pair = Pair(phone: answering(200))
    pair.send(Sample.bare(), over: transport)
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.pikett.story == ["response 200 c1", "terminated c1"])
    #expect(pair.pikett.events.last?.time.nanoseconds == 32_000_000_000)
    #expect(pair.phone.story == ["request INVITE s1", "terminated s1"])
    #expect(pair.phone.events.last?.time.nanoseconds == 32_000_000_000)
  }

  @Test func aRequestNobodyAnswersIsForgottenWhenItsClientHasGivenUp() throws {
    let pair = Pair()
    pair.send(Sample.bare(.options))
    try pair.network.runUntilQuiet(within: .seconds(100))
    #expect(pair.phone.story == ["request OPTIONS s1", "terminated s1"])
    #expect(pair.phone.layer.count == 0)
  }

  @Test func otherBaseValuesScaleEverything() throws {
    var layer = TransactionLayer(
      random: .seeded(1), timers: TimerValues(t1: .milliseconds(100), t2: .milliseconds(200)))
    _ = layer.send(Sample.bare(.bye), on: Sample.flow(), at: Sample.moment(0))
    var deadlines: [Int64] = []
    while let next = layer.nextDeadline {
      deadlines.append(next.nanoseconds / 1_000_000)
      _ = layer.timersDue(at: Moment(instant: next, wall: Moment.testStart.wall))
    }
    #expect(deadlines.prefix(4) == [100, 300, 500, 700])
    #expect(deadlines.last == 6400)
  }

  /// A daemon that slept handles what has come due once, and does not catch up message by message.
  @Test func aLateWakeUpSendsOnce() {
    var layer = Sample.layer()
    _ = layer.send(Sample.bare(), on: Sample.flow(), at: Sample.moment(0))
    let actions = layer.timersDue(at: Sample.moment(20))
    #expect(brief(actions) == ["transmit INVITE"])
    #expect(layer.nextDeadline == Sample.moment(21).instant)
  }
}
