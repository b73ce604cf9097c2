import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

/// Who is silenced, and who never is.
@Suite struct SilencedTests {
  private func bed(_ limits: SourceLimits, moreUsers: [String] = []) -> TestBed {
    var settings = TestBed.settings
    settings.limits = limits
    settings.users += moreUsers.map { UserPeer(number: $0, password: Redacted("geheim")) }
    return TestBed(settings)
  }

  private func guess(_ bed: inout TestBed, _ count: Int, on flow: Flow) throws -> [UserAgentAction] {
    try (0..<count).flatMap { _ in try bed.authenticate("REGISTER", user: "731", password: "falsch", on: flow) }
  }

  private func admits(_ bed: inout TestBed, _ flow: Flow) -> Bool {
    bed.agent.admits(flow.remote, .udp, at: bed.now.instant)
  }

  private func answersGarbage(_ bed: inout TestBed, _ flow: Flow) -> Bool {
    bed.agent.answersGarbage(from: flow.remote, .udp, at: bed.now.instant)
  }

  private func silenced(_ actions: [UserAgentAction]) -> [UserAgentNote] {
    actions.notes.filter { if case .silenced = $0 { true } else { false } }
  }

  @Test func `a guesser is silenced before he is read, longer each time, and it is said once`() throws {
    var bed = TestBed()
    let flow = bed.stranger
    let first = try guess(&bed, 40, on: flow)
    #expect(first.statuses.allSatisfy { $0 == 401 } && first.statuses.count < 62)
    #expect(silenced(first) == [.silenced(flow.remote, .guessing, .seconds(60))])
    #expect(!admits(&bed, flow))
    #expect(try bed.receive(TestBed.request("OPTIONS", branch: "o"), on: flow) == [])
    #expect(!answersGarbage(&bed, flow))
    // By a connection nobody pretends to be another: that is not his yet.
    let isConnected = bed.agent.admitsConnection(from: flow.remote, .tcp, at: bed.now.instant)
    #expect(isConnected)
    _ = bed.pass(.seconds(60))
    #expect(admits(&bed, flow))
    let second = try guess(&bed, 40, on: flow)
    #expect(silenced(second) == [])
    _ = bed.pass(.seconds(119))
    #expect(!admits(&bed, flow))
    _ = bed.pass(.seconds(1))
    #expect(admits(&bed, flow))
  }

  @Test(arguments: ["INVITE", "OPTIONS", "BYE", "REGISTER", "FOO"])
  func `a scanner is silenced`(method: String) throws {
    var bed = TestBed()
    var all: [UserAgentAction] = []
    for number in 0..<200 {
      all += try bed.receive(
        TestBed.request(method, "sip:\(number)@192.0.2.1", branch: "n\(number)", callID: "n\(number)"),
        on: bed.stranger)
    }
    #expect(all.statuses.count <= 60)
    #expect(silenced(all) == [.silenced(bed.stranger.remote, .scanning, .seconds(60))])
    // Others notice nothing of it.
    #expect(try bed.receive(TestBed.request("INVITE", branch: "p", callID: "p"), on: bed.phone).statuses == [401])
  }

  @Test func `a password that is put right ends the silence; anything else does not`() throws {
    var bed = bed(SourceLimits())
    let flow = bed.stranger
    _ = try guess(&bed, 40, on: flow)
    #expect(!admits(&bed, flow))
    var settings = bed.agent.settings
    settings.realm = "elsewhere"
    _ = bed.agent.apply(settings)
    #expect(!admits(&bed, flow))
    settings.users[0].password = Redacted("falsch")
    _ = bed.agent.apply(settings)
    #expect(admits(&bed, flow))
  }

  @Test func `a flood does not keep out an address that has shown a right password`() throws {
    var bed = bed(SourceLimits(strangers: 10))
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    _ = bed.pass(.seconds(7200))
    #expect(!bed.agent.isKnown(bed.phone.remote, at: bed.now.instant))
    let flood = bed.stranger
    for _ in 0..<100 { _ = admits(&bed, flood) }
    #expect(!admits(&bed, flood))
    let phone = bed.phone
    #expect(admits(&bed, phone))
    _ = bed.pass(.seconds(86_400))
    for _ in 0..<100 { _ = admits(&bed, flood) }
    #expect(!admits(&bed, phone))
  }

  @Test func `nobody can have a phone silenced by forging its address while its registration has run out`() throws {
    var bed = bed(SourceLimits(requests: 10))
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    _ = bed.pass(.seconds(7200))
    for _ in 0..<100 { _ = bed.agent.answersGarbage(from: bed.phone.remote, .udp, at: bed.now.instant) }
    let phone = bed.phone
    #expect(admits(&bed, phone))
  }

  @Test func `what is asked without proof from a trunk's address leaves nothing that others need`() throws {
    var bed = TestBed()
    for index in 0..<100 {
      let answers = try bed.receive(TestBed.request("OPTIONS", branch: "o\(index)"), on: bed.trunk)
      #expect(answers.statuses == [200])
      let lost = try bed.receive(TestBed.request("BYE", branch: "b\(index)", to: "<sip:a@b>;tag=x"), on: bed.trunk)
      #expect(lost.statuses == [481])
      let cancel = try bed.receive(TestBed.request("CANCEL", branch: "c\(index)"), on: bed.trunk)
      #expect(cancel.statuses == [481])
    }
    #expect(bed.agent.transactionCount == 0)
  }

  @Test func `garbage and connections count too`() {
    var bed = TestBed()
    let source = bed.stranger.remote
    let now = bed.now.instant
    #expect((0..<200).count { _ in bed.agent.answersGarbage(from: source, .udp, at: now) } == 60)
    #expect((0..<200).count { _ in bed.agent.admitsConnection(from: source, .tcp, at: now) } == 60)
    // It is told with whatever is done next.
    #expect(
      silenced(bed.handle(.timersDue)) == [
        .silenced(source, .scanning, .seconds(60)), .silenced(source, .scanning, .seconds(60)),
      ])
  }

  @Test func `a long silence's end is told`() throws {
    var bed = bed(SourceLimits(requests: 1, silence: .seconds(7200)))
    _ = bed.agent.answersGarbage(from: bed.stranger.remote, .udp, at: bed.now.instant)
    #expect(!answersGarbage(&bed, TestBed().stranger))
    _ = bed.pass(.seconds(7200))
    let heard = try bed.receive(TestBed.request("OPTIONS", branch: "o"), on: bed.stranger)
    #expect(heard.notes.last == .heardAgain(bed.stranger.remote, after: .seconds(7200)))
  }

  // MARK: - Who is known

  @Test func `a trunk is never silenced, whoever bears its address`() throws {
    var bed = TestBed()
    let guesses = try guess(&bed, 200, on: bed.trunk)
    #expect(guesses.statuses == Array(repeating: 401, count: 200))
    #expect(silenced(guesses) == [])
    for _ in 0..<500 { #expect(answersGarbage(&bed, TestBed().trunk)) }
    #expect(admits(&bed, TestBed().trunk))
    #expect(try bed.receive(TestBed.request("INVITE", branch: "t", callID: "t"), sdp).legs.count == 1)
  }

  @Test func `behind one address a phone with a wrong password silences none that has registered, nor the next`() throws
  {
    var bed = bed(SourceLimits(), moreUsers: ["732", "733"])
    let nat = { (port: UInt16) in
      Flow(.udp, local: bed.trunk.local, remote: Endpoint(bed.phone.remote.address, port))
    }
    let (good, bad, late) = (nat(1000), nat(2000), nat(3000))
    #expect(try bed.authenticate("REGISTER", user: "732", password: "geheim", to: "732", on: good).statuses == [200])
    let guesses = try guess(&bed, 300, on: bad)
    #expect(guesses.statuses == Array(repeating: 401, count: 300))
    #expect(silenced(guesses) == [])
    #expect(try bed.authenticate("REGISTER", user: "733", password: "geheim", to: "733", on: late).statuses == [200])
    #expect(try bed.authenticate("INVITE", user: "732", password: "geheim", body: sdp, on: good).legs.count == 1)
    // The log is not filled either.
    #expect(guesses.notes.count <= 30)
    // When the last registration is over, the count begins there and then.
    _ = bed.handle(.transportFailed(good))
    _ = bed.pass(.seconds(3601))
    #expect(admits(&bed, bad))
  }

  @Test func `a right password forgives`() throws {
    var bed = TestBed()
    _ = try guess(&bed, 15, on: bed.phone)
    #expect(try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone).statuses == [200])
    #expect(bed.agent.sources.count == 0)
  }

  @Test func `the source of a call is heard while it lives, and for a day`() throws {
    var bed = TestBed()
    var settings = TestBed.settings
    settings.trunks[0].contactUser = "pour"
    _ = bed.agent.apply(settings)
    // A provider that calls from an address we have never heard of.
    let call = try bed.receive(TestBed.request("INVITE", "sip:pour@192.0.2.1", branch: "i"), sdp, on: bed.stranger)
    let leg = try #require(call.legs.first)
    #expect(silenced(try guess(&bed, 100, on: bed.stranger)) == [])
    #expect(admits(&bed, TestBed().stranger))
    _ = bed.handle(.release(leg, .normalClearing))
    _ = bed.pass(.seconds(86_400))
    #expect(silenced(try guess(&bed, 100, on: bed.stranger)).count == 1)
  }

  @Test func `what the owner allows is never silenced, and no less a stranger`() throws {
    var bed = bed(SourceLimits(allowed: [Network(endpoint("203.0.113.0:1").address, prefixLength: 24)]))
    let guesses = try guess(&bed, 100, on: bed.stranger)
    #expect(guesses.statuses == Array(repeating: 401, count: 100))
    #expect(silenced(guesses) == [])
    #expect(try bed.receive(TestBed.request("BYE", branch: "b"), on: bed.stranger) == [])
  }

  // MARK: - Shares

  @Test func `strangers have a share of each second, known sources have no limit`() throws {
    var bed = TestBed()
    #expect(try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone).statuses == [200])
    let now = bed.now.instant
    let taken = (0..<10_000).count { index in
      bed.agent.admits(endpoint("198.18.\(index / 250).\(index % 250):5060"), .udp, at: now)
    }
    #expect(taken == 500)
    #expect((0..<10_000).allSatisfy { _ in bed.agent.admits(bed.trunk.remote, .udp, at: now) })
    #expect((0..<10_000).allSatisfy { _ in bed.agent.admits(bed.phone.remote, .udp, at: now) })
  }

  @Test func `no stranger holds a transaction, a phone holds so many, a trunk what it needs`() throws {
    var bed = bed(SourceLimits(transactions: 5))
    let forged =
      "Authorization: Digest username=\"731\", realm=\"pikett\", nonce=\"x\", uri=\"sip:799@192.0.2.1\", response=\"00\""
    for index in 0..<20 {
      _ = try bed.receive(
        TestBed.request("INVITE", branch: "s\(index)", callID: "same", extra: index.isMultiple(of: 2) ? [forged] : []),
        sdp, on: bed.stranger)
    }
    #expect(bed.agent.transactionCount == 0)
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    var statuses: [Int] = []
    for _ in 0..<10 {
      statuses += try bed.authenticate("MESSAGE", user: "731", password: "geheim", on: bed.phone).statuses
    }
    #expect(statuses == Array(repeating: 405, count: 4) + Array(repeating: 503, count: 6))
    for index in 0..<20 {
      #expect(
        try bed.receive(TestBed.request("OPTIONS", branch: "t\(index)", callID: "t\(index)")).statuses == [200])
    }
    _ = bed.pass(.seconds(33))
    #expect(try bed.receive(TestBed.request("OPTIONS", branch: "z", callID: "z"), on: bed.phone).statuses == [200])
    _ = bed.pass(.seconds(4000))
    #expect(bed.agent.transactionCount == 0)
  }
}
