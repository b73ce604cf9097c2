import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// What becomes of phones and calls when a TCP connection is gone.
@Suite struct ConnectionTests {
  private static let local = endpoint("192.0.2.1:5060")
  /// The connection of a phone at 198.51.100.7.
  private static let connection = Flow(.tcp, local: local, remote: endpoint("198.51.100.7:50000"))
  /// The connection of the trunk GW14.
  private static let trunk = Flow(.tcp, local: local, remote: endpoint("192.0.2.9:50000"))
  private static let trunkListening = Flow(.tcp, local: local, remote: endpoint("192.0.2.9:5060"))

  // MARK: Phones

  private func register(_ bed: inout TestBed, _ contact: String, on flow: Flow = connection) throws {
    let challenge = try bed.challenge("REGISTER", on: flow)
    let actions = try bed.answer(
      challenge, "REGISTER", user: "731", password: "geheim", contact: "<\(contact)>", on: flow)
    #expect(actions.statuses == [200])
  }

  private func remotes(_ bed: TestBed) -> [String] {
    bed.agent.contacts(of: "731", at: bed.now.instant).map { "\($0.flow.transport.rawValue) \($0.flow.remote)" }
  }

  @Test func `a phone that listens is called at its Contact when its connection is gone`() throws {
    var bed = TestBed()
    try register(&bed, "sip:731@198.51.100.7:5080;transport=tcp")
    #expect(remotes(bed) == ["TCP 198.51.100.7:50000"])
    let lost = bed.handle(.transportFailed(Self.connection))
    #expect(remotes(bed) == ["TCP 198.51.100.7:5080"])
    #expect(lost.contains(.registrationsChanged(user: "731")))
    #expect(lost.notes == [])
    // It may just be starting anew: an attempt that fails takes nothing away.
    let again = bed.handle(.transportFailed(Flow(.tcp, local: Self.local, remote: endpoint("198.51.100.7:5080"))))
    #expect(remotes(bed) == ["TCP 198.51.100.7:5080"])
    #expect(again == [])
    // It comes back on another connection.
    let next = Flow(.tcp, local: Self.local, remote: endpoint("198.51.100.7:50001"))
    try register(&bed, "sip:731@198.51.100.7:5080;transport=tcp", on: next)
    #expect(remotes(bed) == ["TCP 198.51.100.7:50001"])
  }

  @Test(arguments: [
    // Behind a NAT.
    "sip:731@10.0.0.7:5080;transport=tcp",
    // The connection's own port: nobody listens there.
    "sip:731@198.51.100.7:50000;transport=tcp",
    // It does not say that it listens for TCP.
    "sip:731@198.51.100.7:5080", "sip:731@198.51.100.7:5080;transport=udp", "sips:731@198.51.100.7:5080;transport=tcp",
    "sip:731@phone.example.net;transport=tcp",
  ])
  func `a phone to which only the connection led is gone with it`(_ contact: String) throws {
    var bed = TestBed()
    try register(&bed, contact)
    let stored = bed.agent.registrations(at: bed.now.instant)
    let lost = bed.handle(.transportFailed(Self.connection))
    #expect(remotes(bed) == [])
    #expect(lost.filter { $0 == .registrationsChanged(user: "731") }.count == 1)
    #expect(lost.notes == [.unregistered(user: "731", contact: contact)])
    var restarted = TestBed()
    restarted.agent.restore(stored, at: restarted.now)
    #expect(remotes(restarted) == [])
  }

  @Test func `other connections keep their phones`() throws {
    var bed = TestBed()
    try register(&bed, "sip:731@10.0.0.7:5080;transport=tcp")
    let other = Flow(.tcp, local: Self.local, remote: endpoint("198.51.100.7:50001"))
    #expect(bed.handle(.transportFailed(other)) == [])
    #expect(remotes(bed) == ["TCP 198.51.100.7:50000"])
  }

  @Test func `a phone that listens survives a restart, also as a file, also twice`() throws {
    var bed = TestBed()
    try register(&bed, "sip:731@198.51.100.7:5080;transport=tcp")
    for _ in 0..<2 {
      let stored = RegistrationText.read(RegistrationText.bytes(bed.agent.registrations(at: bed.now.instant)))
      #expect(stored.faults == [])
      var restarted = TestBed()
      restarted.now = Moment(instant: Instant(nanoseconds: 77), wall: bed.now.wall + .seconds(10))
      restarted.agent.restore(stored.registrations, at: restarted.now)
      #expect(remotes(restarted) == ["TCP 198.51.100.7:5080"])
      bed = restarted
    }
    #expect(bed.pass(.seconds(3579)).isEmpty)
    #expect(bed.pass(.seconds(2)).contains(.registrationsChanged(user: "731")))
  }

  /// A machine without a clock of its own starts in 1970; one whose clock was wrong before starts far ahead.
  @Test func `a store read under another clock`() throws {
    var bed = TestBed()
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    let stored = bed.agent.registrations(at: bed.now.instant)
    var before = TestBed()
    before.now.wall = WallTime(microseconds: 0)
    before.agent.restore(stored, at: before.now)
    #expect(before.agent.contacts(of: "731", at: before.now.instant).count == 1)
    _ = before.pass(.seconds(3600))
    #expect(before.agent.contacts(of: "731", at: before.now.instant).isEmpty)
    var after = TestBed()
    after.now.wall = bed.now.wall + .seconds(3600)
    after.agent.restore(stored, at: after.now)
    #expect(after.agent.contacts(of: "731", at: after.now.instant).isEmpty)
    #expect(after.agent.nextDeadline == nil)
  }

  // MARK: Calls

  private func overTCP(_ text: String) -> String { text.replacing("SIP/2.0/UDP", with: "SIP/2.0/TCP") }

  /// A call from the trunk over its connection, answered and acknowledged.
  private func talking(_ bed: inout TestBed, contact: String = "sip:gw@192.0.2.9:5060") throws -> LegID {
    let contact = { (text: String) in
      self.overTCP(text).replacing("Contact: <sip:gw@192.0.2.9:5060>", with: "Contact: <\(contact)>")
    }
    let actions = try bed.receive(contact(TestBed.request("INVITE", branch: "inv")), sdp, on: Self.trunk)
    let leg = try #require(actions.legs.first)
    let answered = bed.handle(.answer(leg, sdp: otherSDP))
    #expect(answered.flows == [Self.trunk])
    #expect(try answered.responses[0].headers.contacts().first?.uri.parameters["transport"] == "tcp")
    let to = try #require(answered.responses.last?.headers["To"])
    let ack = try bed.receive(contact(TestBed.request("ACK", branch: "ack", to: to)), on: Self.trunk)
    #expect(ack.events(of: leg) == [.established])
    return leg
  }

  /// Many proxies close a connection on which nothing was said for two minutes.
  @Test(arguments: ["sip:gw@192.0.2.9:5060", "sip:gw@192.0.2.9;transport=tcp", "sip:gw@pbx.example.net"])
  func `a call whose connection is gone is ended over another`(_ contact: String) throws {
    var bed = TestBed()
    let leg = try talking(&bed, contact: contact)
    #expect(bed.handle(.transportFailed(Self.trunk)).filter { if case .leg = $0 { true } else { false } } == [])
    let end = bed.handle(.release(leg, .normalClearing))
    #expect(end.methods == [.bye])
    #expect(end.flows == [Self.trunkListening])
    #expect(end.requests[0].headers["Via"]?.hasPrefix("SIP/2.0/TCP 192.0.2.1:5060") == true)
    _ = bed.receive(.response(end.requests[0].response(200, toTag: nil)), on: Self.trunkListening)
    bed.expectClean()
  }

  @Test func `a BYE that was lost with its connection is sent once more`() throws {
    var bed = TestBed()
    let leg = try talking(&bed)
    let first = bed.handle(.release(leg, .normalClearing))
    #expect(first.flows == [Self.trunk])
    let second = bed.handle(.transportFailed(Self.trunk))
    #expect(second.methods == [.bye])
    #expect(second.flows == [Self.trunkListening])
    #expect(try second.requests[0].headers.cseq().number == first.requests[0].headers.cseq().number + 1)
    #expect(bed.handle(.transportFailed(Self.trunkListening)).methods == [])
    bed.expectClean()
  }

  @Test func `the peer's own new connection is used from its next request on`() throws {
    var bed = TestBed()
    let leg = try talking(&bed)
    _ = bed.handle(.transportFailed(Self.trunk))
    let next = Flow(.tcp, local: Self.local, remote: endpoint("192.0.2.9:50001"))
    let to = try #require(bed.agent.legs[leg]?.dialog.map { "<sip:799@192.0.2.1>;tag=\($0.id.localTag)" })
    let options = try bed.receive(overTCP(TestBed.request("OPTIONS", branch: "o", to: to, cseq: 2)), on: next)
    #expect(options.statuses == [200] && options.flows == [next])
    #expect(bed.handle(.release(leg, .normalClearing)).flows == [next])
  }

  @Test func `where the peer signals from is told anew with each of its requests`() throws {
    var bed = TestBed()
    let (leg, to) = try bed.establishedIncoming()
    #expect(bed.agent.flow(of: leg) == bed.trunk)
    let options = try bed.receive(TestBed.request("OPTIONS", branch: "o", to: to, cseq: 2), on: bed.phone)
    #expect(options.statuses == [200])
    #expect(bed.agent.flow(of: leg) == bed.phone)
    // One that comes out of order tells nothing.
    _ = try bed.receive(TestBed.request("OPTIONS", branch: "p", to: to, cseq: 1), on: bed.stranger)
    #expect(bed.agent.flow(of: leg) == bed.phone)
    _ = bed.handle(.release(leg, .normalClearing))
    #expect(bed.agent.flow(of: LegID(rawValue: 9999)) == nil)
  }

  /// A peer that can be reached no more is as one that does not answer.
  @Test func `a dead peer is asked over another connection, and given up`() throws {
    var bed = TestBed()
    let leg = try talking(&bed)
    #expect(bed.handle(.ask(leg)).flows == [Self.trunk])
    #expect(bed.handle(.transportFailed(Self.trunk)).events(of: leg) == [])
    #expect(bed.handle(.ask(leg)).flows == [Self.trunkListening])
    let lost = bed.handle(.transportFailed(Self.trunkListening))
    #expect(lost.events(of: leg).count == 1)
    guard case .ended? = lost.events(of: leg).first else {
      Issue.record("\(lost)")
      return
    }
    _ = bed.handle(.transportFailed(Self.trunkListening))
    bed.expectClean()
  }

  /// A call of ours to the trunk, or to a phone.
  private func calls(_ bed: inout TestBed, on flow: Flow = trunkListening) throws -> (LegID, Request) {
    let leg = bed.agent.newLegID()
    let call = OutgoingCall(
      target: Target(uri: try SIPURI("sip:731@192.0.2.9"), flow: flow),
      from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: sdp)
    return (leg, try #require(bed.handle(.invite(leg, call)).requests.first))
  }

  /// The peer would wait for it for 64*T1, and then end the call.
  @Test func `an ACK that was perhaps lost with its connection is sent once more`() throws {
    var bed = TestBed()
    let (leg, invite) = try calls(&bed)
    let ok = TestBed.response(200, to: invite, body: otherSDP)
    let ack = try #require(bed.receive(.response(ok), on: Self.trunkListening).requests.first)
    #expect(ack.method == .ack)
    let again = bed.handle(.transportFailed(Self.trunkListening))
    #expect(again.requests == [ack])
    #expect(bed.handle(.transportFailed(Self.trunkListening)).requests == [])
    #expect(bed.agent.legs[leg] != nil)
    // His repetition of the 200 gets it all the same.
    #expect(bed.receive(.response(ok), on: Self.trunkListening).requests == [ack])
    var late = TestBed()
    let (_, second) = try calls(&late)
    _ = late.receive(.response(TestBed.response(200, to: second, body: otherSDP)), on: Self.trunkListening)
    _ = late.pass(.seconds(33))
    #expect(late.handle(.transportFailed(Self.trunkListening)).requests == [])
  }

  /// The peer has started anew since the connection was used last: it is the INVITE that finds out.
  @Test func `an INVITE that finds its connection dead goes out over a new one`() throws {
    var bed = TestBed()
    let (leg, first) = try calls(&bed)
    let again = bed.handle(.transportFailed(Self.trunkListening))
    let second = try #require(again.requests.first)
    #expect(again.methods == [.invite] && again.flows == [Self.trunkListening])
    #expect(again.events(of: leg).isEmpty)
    // The same request: a peer that had it after all answers 482 and is not rung twice (RFC 3261 §8.2.2.2).
    for name: HeaderName in ["Call-ID", "CSeq", "From", "Contact"] {
      #expect(second.headers[name] == first.headers[name])
    }
    #expect(try second.headers.vias().first?.branch != first.headers.vias().first?.branch)
    let answer = TestBed.response(200, to: second, body: otherSDP)
    let answered = bed.receive(.response(answer), on: Self.trunkListening)
    #expect(answered.events(of: leg) == [.answered(body: otherSDP)])
    #expect(answered.methods == [.ack])
  }

  @Test func `one that was heard, or is no longer wanted, does not`() throws {
    var bed = TestBed()
    let (heard, invite) = try calls(&bed)
    _ = bed.receive(.response(TestBed.response(100, to: invite, tag: nil)), on: Self.trunkListening)
    let lost = bed.handle(.transportFailed(Self.trunkListening))
    #expect(lost.methods == [] && lost.events(of: heard) == [])
    var other = TestBed()
    let (leg, _) = try calls(&other)
    _ = other.handle(.release(leg, .answeredElsewhere))
    let ended = other.handle(.transportFailed(Self.trunkListening))
    #expect(ended.methods == [] && ended.events(of: leg) == [.ended(.answeredElsewhere)])
    other.expectClean()
  }

  @Test(arguments: [true, false]) func `to a phone it goes to where the phone listens, if it does`(listens: Bool) throws
  {
    var bed = TestBed()
    try register(&bed, listens ? "sip:731@198.51.100.7:5080;transport=tcp" : "sip:731@10.0.0.7:5080;transport=tcp")
    let (leg, _) = try calls(&bed, on: Self.connection)
    let again = bed.handle(.transportFailed(Self.connection))
    if listens {
      let there = Flow(.tcp, local: Self.local, remote: endpoint("198.51.100.7:5080"))
      #expect(again.methods == [.invite] && again.flows == [there])
      #expect(bed.handle(.transportFailed(there)).events(of: leg).count == 1)
    } else {
      // Behind a NAT nobody can be connected to.
      #expect(again.methods == [] && again.events(of: leg).count == 1)
    }
    #expect(bed.agent.legCount == 0)
  }

  @Test func `a call of ours over TCP says so`() throws {
    var bed = TestBed()
    let leg = bed.agent.newLegID()
    let call = OutgoingCall(
      target: Target(uri: try SIPURI("sip:731@192.0.2.9"), flow: Self.trunkListening),
      from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: sdp)
    let actions = bed.handle(.invite(leg, call))
    let invite = try #require(actions.requests.first)
    #expect(actions.flows == [Self.trunkListening])
    #expect(invite.headers["Via"]?.hasPrefix("SIP/2.0/TCP 192.0.2.1:5060;") == true)
    #expect(try invite.headers.contacts().first?.uri.parameters["transport"] == "tcp")
    // No timer repeats it.
    #expect(bed.pass(.seconds(31)).methods == [])
    #expect(bed.handle(.transportFailed(Self.trunkListening)).methods == [.invite])
    let failed = bed.handle(.transportFailed(Self.trunkListening))
    #expect(
      failed.events(of: leg) == [.refused(status: 503, cause: Cause(sipStatus: 503), contacts: [])])
    bed.expectClean()
  }
}
