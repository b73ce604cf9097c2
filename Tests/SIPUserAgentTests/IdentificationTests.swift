import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

/// Who calls: our Contact, digest, a registration, source address and port, called number, name.
@Suite struct IdentificationTests {
  private static let gateway = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("203.0.113.20:5064"))

  private func bed(_ trunks: [TrunkPeer], users: [UserPeer] = TestBed.settings.users) -> TestBed {
    var settings = TestBed.settings
    settings.trunks = trunks
    settings.users = users
    return TestBed(settings)
  }

  private func gateway(_ name: String, _ account: String, authUser: String? = nil) -> TrunkPeer {
    TrunkPeer(
      name: name, addresses: [], account: account,
      credentials: Credentials(user: authUser ?? account, password: Redacted("zug")))
  }

  /// Who a call comes from; nil if it is challenged.
  private func identity(
    _ bed: inout TestBed, _ uri: String = "sip:799@192.0.2.1", to: String = "<sip:799@192.0.2.1>", on flow: Flow
  ) throws -> PeerIdentity? {
    let unique = bed.agent.random.token(8)
    let actions = try bed.receive(
      TestBed.request("INVITE", uri, branch: unique, to: to, callID: unique), sdp, on: flow)
    for case .leg(_, .incoming(let call)) in actions { return call.identity }
    #expect(actions.statuses == [401])
    return nil
  }

  // MARK: Gateways that register

  @Test func `a gateway calls without a password from where it has registered, and from nowhere else`() throws {
    var bed = bed([gateway("GSM", "gsm")])
    #expect(try identity(&bed, on: Self.gateway) == nil)
    #expect(
      try bed.authenticate("REGISTER", user: "gsm", password: "zug", to: "gsm", on: Self.gateway).statuses == [200])
    #expect(try identity(&bed, on: Self.gateway) == .trunk("GSM"))
    var otherPort = Self.gateway
    otherPort.remote.port = 5065
    #expect(try identity(&bed, on: otherPort) == nil)
    #expect(try identity(&bed, on: bed.stranger) == nil)
    _ = bed.pass(.seconds(3601))
    #expect(try identity(&bed, on: Self.gateway) == nil)
  }

  @Test func `a gateway calls with its password from anywhere`() throws {
    var bed = bed([gateway("GSM", "gsm")])
    let call = try bed.authenticate("INVITE", user: "gsm", password: "zug", body: sdp, on: Self.gateway)
    guard case .leg(_, .incoming(let incoming))? = call.first(where: { if case .leg = $0 { true } else { false } })
    else {
      Issue.record("no call")
      return
    }
    #expect(incoming.identity == .trunk("GSM"))
    #expect(!incoming.request.headers.has("Authorization"))
  }

  @Test func `a gateway with another digest name registers its login and nothing else`() throws {
    var bed = bed([gateway("GSM", "gsm", authUser: "gsm-auth")])
    func register(_ bed: inout TestBed, _ to: String) throws -> [Int] {
      try bed.authenticate("REGISTER", user: "gsm-auth", password: "zug", to: to, on: Self.gateway).statuses
    }
    #expect(try register(&bed, "gsm-auth") == [403])
    #expect(try register(&bed, "731") == [403])
    #expect(try register(&bed, "gsm") == [200])
    #expect(bed.agent.contacts(of: "gsm", at: bed.now.instant).count == 1)
    #expect(try identity(&bed, on: Self.gateway) == .trunk("GSM"))
    // Gone from the site, its registration is gone too.
    _ = bed.agent.apply(TestBed.settings)
    #expect(bed.agent.contacts(of: "gsm", at: bed.now.instant).isEmpty)
    #expect(try identity(&bed, on: Self.gateway) == nil)
  }

  @Test func `a user's number is never a gateway's`() throws {
    var bed = bed([gateway("GSM", "731", authUser: "gsm-auth")])
    #expect(
      try bed.authenticate("REGISTER", user: "gsm-auth", password: "zug", to: "731", on: Self.gateway).statuses == [403]
    )
    #expect(
      try bed.authenticate("REGISTER", user: "731", password: "geheim", to: "731", on: Self.gateway).statuses == [200])
    #expect(try identity(&bed, on: Self.gateway) == nil)
  }

  @Test func `two gateways, or a gateway and a phone, behind one socket must tell by password`() throws {
    for other in [("isdn", "zug"), ("731", "geheim")] {
      var bed = bed([gateway("GSM", "gsm"), gateway("ISDN", "isdn")])
      #expect(
        try bed.authenticate("REGISTER", user: "gsm", password: "zug", to: "gsm", on: Self.gateway).statuses == [200])
      #expect(
        try bed.authenticate("REGISTER", user: other.0, password: other.1, to: other.0, on: Self.gateway).statuses
          == [200])
      #expect(try identity(&bed, on: Self.gateway) == nil)
      let call = try bed.authenticate("INVITE", user: "gsm", password: "zug", body: sdp, on: Self.gateway)
      #expect(call.legs.count == 1)
    }
  }

  // MARK: Our Contact

  @Test func `who names our Contact is the trunk at which we registered it, from wherever`() throws {
    let one = TrunkPeer(name: "A", addresses: [Network(endpoint("192.0.2.9:1").address)], contactUser: "ptokena")
    let other = TrunkPeer(name: "B", addresses: one.addresses, contactUser: "ptokenb")
    var bed = bed([one, other])
    #expect(try identity(&bed, "sip:ptokenb@192.0.2.1", on: bed.trunk) == .trunk("B"))
    #expect(try identity(&bed, "sip:ptokenb@192.0.2.1", on: bed.stranger) == .trunk("B"))
    #expect(try identity(&bed, "sip:ptokenb;x=1@192.0.2.1:5060", on: bed.stranger) == nil)
    #expect(try identity(&bed, "sip:ptokenc@192.0.2.1", on: bed.stranger) == nil)
    #expect(try identity(&bed, "sip:192.0.2.1", on: bed.stranger) == nil)
    // A password in a REGISTER is asked for all the same.
    let register = try bed.receive(
      TestBed.request("REGISTER", "sip:ptokenb@192.0.2.1", branch: "r", callID: "r"), on: bed.stranger)
    #expect(register.statuses == [401])
  }

  // MARK: Several at one address

  @Test func `at one address port, own number, then name decide, and the log hears of a guess once`() throws {
    let address = [Network(endpoint("192.0.2.9:1").address)]
    var bed = bed([
      TrunkPeer(name: "A", addresses: address, ports: [5060], numbers: ["0445550001"]),
      TrunkPeer(name: "B", addresses: address, ports: [5060], numbers: ["+41 44 555 00 02"]),
      TrunkPeer(name: "C", addresses: address, ports: [5080]),
    ])
    var high = bed.trunk
    high.remote.port = 5080
    #expect(try identity(&bed, on: high) == .trunk("C"))
    #expect(try identity(&bed, "sip:0041445550002@192.0.2.1", on: bed.trunk) == .trunk("B"))
    #expect(try identity(&bed, to: "<sip:0445550001@x.example>", on: bed.trunk) == .trunk("A"))
    var notes: [UserAgentNote] = []
    for call in 1...3 {
      notes += try bed.receive(TestBed.request("INVITE", branch: "g\(call)", callID: "g\(call)"), sdp).notes
    }
    #expect(notes == [.ambiguousTrunk(names: ["A", "B", "C"], source: bed.trunk.remote)])
  }
}
