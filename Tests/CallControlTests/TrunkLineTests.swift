import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// One trunk's line with a script in place of user agent and network.
private struct LineBed {
  var line: TrunkLine
  var now = Instant(nanoseconds: 0)
  let account = TrunkRegistration.Account(
    login: "line", credentials: Credentials(user: "line", password: Redacted("geheim")), expires: 300,
    contactUser: "token")
  private(set) var sent: [(at: Duration, action: TrunkLine.Action)] = []

  static let a = endpoint("192.0.2.50:5060")
  static let b = endpoint("192.0.2.51:5060")

  init(hosts: [String] = ["192.0.2.50"], registers: Bool = true, qualify: Duration? = nil, seed: UInt64 = 1) {
    var trunk = Trunk(name: "PROVIDER")
    trunk.hosts = hosts.map { PeerHost(host: $0, port: nil) }
    trunk.qualify = qualify
    trunk.login = registers ? "line" : nil
    line = TrunkLine(trunk, trunk.places(KnownHosts()), registers ? account : nil, random: .seeded(seed))
    take(.start)
  }

  var elapsed: Duration { now - Instant(nanoseconds: 0) }

  @discardableResult
  mutating func take(_ input: TrunkLine.Input) -> [TrunkLine.Action] {
    let actions = line.handle(input, at: now)
    sent += actions.map { (elapsed, $0) }
    return actions
  }

  mutating func pass(_ duration: Duration) {
    let end = now + duration
    while let deadline = line.nextDeadline, deadline <= end {
      now = max(now, deadline)
      take(.timersDue)
      #expect(line.nextDeadline.map { $0 > now } ?? true, "a deadline stands still")
    }
    now = end
  }

  /// Takes out what was said since.
  mutating func take() -> [(at: Duration, action: TrunkLine.Action)] {
    defer { sent = [] }
    return sent
  }

  /// The REGISTERs since the last time: when, where, for how long.
  mutating func registers() -> [(at: Duration, attempt: UInt64, place: Endpoint, expires: Int)] {
    take().compactMap { at, action in
      guard case .register(let attempt, let place, _, let expires) = action else { return nil }
      return (at, attempt, place.endpoint, expires)
    }
  }

  var notes: [TrunkNote] { sent.compactMap { if case .note(let note) = $0.action { note } else { nil } } }
  var probed: [Endpoint] { sent.compactMap { if case .probe(let place) = $0.action { place.endpoint } else { nil } } }

  mutating func answer(
    _ attempt: UInt64, _ status: Int, expires: Int? = nil, minExpires: Int? = nil, retryAfter: Int? = nil,
    serviceRoute: [NameAddress] = []
  ) {
    take(
      .registered(
        attempt: attempt,
        .answered(
          RegistrationAnswer(
            status: status, reason: reasonPhrase(status), expires: expires, minExpires: minExpires,
            retryAfter: retryAfter, serviceRoute: serviceRoute))))
  }

  /// The number of the newest REGISTER.
  private(set) var lastAttempt: UInt64 = 0

  /// Runs until one more OPTIONS goes out.
  mutating func untilProbe(_ location: SourceLocation = #_sourceLocation) throws {
    let count = probed.count
    while probed.count == count {
      now = try #require(line.nextDeadline, sourceLocation: location)
      take(.timersDue)
    }
  }

  /// The next REGISTER, which must come within `limit`.
  mutating func next(within limit: Duration = .seconds(4000), _ location: SourceLocation = #_sourceLocation) throws
    -> (after: Duration, attempt: UInt64, place: Endpoint, expires: Int)
  {
    let start = elapsed
    let end = now + limit
    while true {
      if let index = sent.firstIndex(where: { if case .register = $0.action { true } else { false } }),
        case .register(let attempt, let place, _, let expires) = sent[index].action
      {
        let at = sent[index].at
        sent.remove(at: index)
        lastAttempt = attempt
        return (at - start, attempt, place.endpoint, expires)
      }
      let deadline = try #require(line.nextDeadline, sourceLocation: location)
      try #require(deadline <= end, sourceLocation: location)
      now = max(now, deadline)
      take(.timersDue)
    }
  }
}

@Suite struct TrunkLineTests {
  // MARK: Registration

  @Test(arguments: [
    (300, 240.0...270.0), (3600, 240.0...270.0), (60, 48.0...54.0), (30, 24.0...25.0), (12, 7.0...7.0),
    (8, 4.0...4.0), (1, 1.0...1.0),
  ])
  func `refreshed before it ends`(granted: Int, expected: ClosedRange<Double>) throws {
    for seed in 1...20 {
      var bed = LineBed(seed: UInt64(seed))
      let first = try bed.next()
      #expect(first.after == .zero && first.place == LineBed.a && first.expires == 300)
      bed.answer(first.attempt, 200, expires: granted)
      #expect(bed.notes == [.registered(at: LineBed.a, seconds: granted)])
      #expect(bed.line.registered(at: bed.now)?.endpoint == LineBed.a)
      let refresh = try bed.next()
      #expect(expected.contains(refresh.after.inSeconds), "\(refresh.after)")
      // The log hears of the first one only.
      bed.answer(refresh.attempt, 200, expires: granted)
      #expect(bed.notes == [.registered(at: LineBed.a, seconds: granted)])
    }
  }

  @Test func `the registrar's proxies are the way of our calls for as long as we are registered there`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    let route = try NameAddress("<sip:edge.provider.example;lr>")
    bed.answer(try bed.next().attempt, 200, expires: 300, serviceRoute: [route])
    #expect(bed.line.serviceRoute(to: LineBed.a, at: bed.now) == [route])
    #expect(bed.line.serviceRoute(to: LineBed.b, at: bed.now) == [])
    // A refresh that names none takes them away (RFC 3608 §6.1).
    bed.answer(try bed.next().attempt, 200, expires: 300)
    #expect(bed.line.serviceRoute(to: LineBed.a, at: bed.now) == [])
    bed.answer(try bed.next().attempt, 200, expires: 300, serviceRoute: [route])
    bed.now = bed.now + .seconds(301)
    #expect(bed.line.serviceRoute(to: LineBed.a, at: bed.now) == [])
  }

  @Test func `refreshes of many lines spread`() throws {
    let times = try (UInt64(1)...50).map { seed in
      var bed = LineBed(seed: seed)
      bed.answer(try bed.next().attempt, 200, expires: 300)
      return try bed.next().after
    }
    #expect(Set(times.map { $0.milliseconds / 1000 }).count > 10)
  }

  @Test func `a 423 is obeyed at once, a second one is a refusal`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 423, minExpires: 900)
    let second = try bed.next()
    #expect(second.after == .zero && second.expires == 900)
    bed.answer(second.attempt, 423, minExpires: 900)
    #expect(bed.notes == [.registrationRefused(status: 423, reason: "Interval Too Brief", at: LineBed.a)])
    let third = try bed.next()
    #expect((15...30).contains(third.after.inSeconds) && third.expires == 900)
    bed.answer(third.attempt, 200, expires: 900)
    let refresh = try bed.next()
    #expect((720...810).contains(refresh.after.inSeconds) && refresh.expires == 900)
  }

  @Test(arguments: [nil, 100, 100_000, -5, 300])
  func `a 423 that asks for nothing sensible is a refusal`(minimum: Int?) throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 423, minExpires: minimum)
    #expect(bed.notes.count == 1)
    #expect(try bed.next().after >= .seconds(15))
  }

  @Test(arguments: [401, 403, 404, 407, 486, 301, 600])
  func `a refusal pauses long, doubling to half an hour, and is said once`(status: Int) throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, status)
    var bound = 30.0
    for _ in 0..<10 {
      let next = try bed.next()
      #expect((bound / 2...bound).contains(next.after.inSeconds), "\(next.after) of \(bound)")
      bed.answer(next.attempt, status)
      bound = min(bound * 2, 1800)
    }
    #expect(bed.notes == [.registrationRefused(status: status, reason: reasonPhrase(status), at: LineBed.a)])
    bed.answer(try bed.next().attempt, 200, expires: 300)
    #expect(bed.notes.last == .registered(at: LineBed.a, seconds: 300))
  }

  @Test(arguments: [408, 500, 503, 504, nil, 0])
  func `silence and 5xx pause shortly, doubling to five minutes`(status: Int?) throws {
    var bed = LineBed()
    func fail(_ bed: inout LineBed, _ attempt: UInt64) {
      switch status {
      case nil: bed.take(.registered(attempt: attempt, .silence))
      case 0: bed.take(.registered(attempt: attempt, .transportFailed))
      case let status?: bed.answer(attempt, status)
      }
    }
    fail(&bed, try bed.next().attempt)
    var bound = 5.0
    for _ in 0..<10 {
      let next = try bed.next()
      #expect((bound / 2...bound).contains(next.after.inSeconds), "\(next.after) of \(bound)")
      fail(&bed, next.attempt)
      bound = min(bound * 2, 300)
    }
    #expect(bed.notes.count == 1)
    bed.answer(try bed.next().attempt, 200, expires: 300)
    #expect(bed.notes.last == .registered(at: LineBed.a, seconds: 300))
  }

  @Test(arguments: [(60, 60.0), (3, 2.5), (100_000, 1800.0), (0, 2.5), (-1, 2.5)])
  func `Retry-After is honoured within bounds`(seconds: Int, least: Double) throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 503, retryAfter: seconds)
    let next = try bed.next()
    #expect(next.after.inSeconds >= least && next.after.inSeconds <= max(least, 5))
  }

  @Test func `a host that is silent or broken leads to the next`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    let first = try bed.next()
    let second = try bed.next()
    #expect(first.place == LineBed.a && second.place == LineBed.b && second.after == .seconds(5))
    bed.answer(second.attempt, 503)
    let third = try bed.next()
    // The first one was left in silence, so it is not asked first.
    #expect(third.place == LineBed.b && (2.5...5).contains(third.after.inSeconds))
    bed.answer(third.attempt, 500)
    let fourth = try bed.next()
    #expect(fourth.place == LineBed.a && fourth.after == .zero)
    bed.answer(fourth.attempt, 200, expires: 60)
    #expect(bed.notes.last == .registered(at: LineBed.a, seconds: 60))
  }

  @Test func `a refusal is the trunk's, whatever host says it`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    bed.answer(try bed.next().attempt, 403)
    #expect(try bed.next().after >= .seconds(15))
  }

  @Test func `a host that wants rest does not hold up the other`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    bed.answer(try bed.next().attempt, 503, retryAfter: 600)
    let second = try bed.next()
    bed.take(.registered(attempt: second.attempt, .transportFailed))
    for _ in 0..<3 {
      let next = try bed.next(within: .seconds(40))
      #expect(next.place == LineBed.b)
      bed.take(.registered(attempt: next.attempt, .transportFailed))
    }
  }

  @Test func `a slow answer counts although another host has been asked since`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    let first = try bed.next()
    let second = try bed.next()
    bed.answer(first.attempt, 200, expires: 300)
    bed.take(.registered(attempt: second.attempt, .transportFailed))
    #expect(bed.line.registered(at: bed.now)?.endpoint == LineBed.a)
    // What the registrar holds is taken back at the end.
    bed.take(.leave)
    let last = try bed.next()
    #expect(last.place == LineBed.a && last.expires == 0)
  }

  @Test func `the first host is gone back to when it lives again`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"])
    _ = try bed.next()
    bed.answer(try bed.next().attempt, 200, expires: 300)
    bed.take(.showedLife(LineBed.a))
    let next = try bed.next()
    #expect(next.place == LineBed.a && next.after <= .seconds(1))
    bed.answer(next.attempt, 200, expires: 300)
    #expect(
      bed.notes == [
        .registered(at: LineBed.b, seconds: 300), .back(LineBed.a), .registered(at: LineBed.a, seconds: 300),
      ])
  }

  @Test func `life after silence ends the pause`() throws {
    var bed = LineBed()
    for _ in 0..<8 { bed.take(.registered(attempt: try bed.next().attempt, .silence)) }
    #expect(!bed.line.isAlive(at: bed.now))
    bed.take(.showedLife(endpoint("192.0.2.50:33000")))
    #expect(bed.line.isAlive(at: bed.now))
    #expect(try bed.next().after <= .seconds(1))
  }

  @Test func `over a connection that is gone it registers soon, and not again and again`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 200, expires: 300)
    bed.take(.connectionLost(LineBed.b))
    bed.pass(.seconds(5))
    #expect(bed.registers().isEmpty)
    bed.take(.connectionLost(LineBed.a))
    let next = try bed.next()
    #expect(next.after <= .seconds(1))
    // Nobody listens there any more: each attempt loses its connection too.
    for bound in [5.0, 10, 20, 40] {
      bed.take(.registered(attempt: bed.lastAttempt, .transportFailed))
      bed.take(.connectionLost(LineBed.a))
      #expect((bound / 2...bound).contains(try bed.next().after.inSeconds))
    }
  }

  @Test func `a registrar that closes every connection is left in peace`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 200, expires: 300)
    bed.pass(.seconds(60))
    bed.take(.connectionLost(LineBed.b))
    bed.pass(.seconds(40))
    #expect(bed.registers().isEmpty)
    bed.take(.connectionLost(LineBed.a))
    bed.take(.connectionLost(LineBed.a))
    let again = try bed.next()
    #expect(again.after <= .seconds(1) && again.place == LineBed.a && again.expires == 300)
    // Its own end is told by the request that goes over it.
    bed.take(.connectionLost(LineBed.a))
    bed.answer(again.attempt, 200, expires: 300)
    bed.take(.connectionLost(LineBed.a))
    #expect(try bed.next().after == TrunkRegistration.calm)
  }

  @Test func `where we are not registered a lost connection ends no pause`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 403)
    bed.take(.connectionLost(LineBed.a))
    #expect(try bed.next().after >= .seconds(15))
    bed.take(.shutdown)
    bed.take(.connectionLost(LineBed.a))
    #expect(bed.line.nextDeadline == nil)
  }

  @Test func `a 200 that grants nothing is a refusal`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 200, expires: 0)
    #expect(bed.notes == [.registrationRefused(status: 200, reason: "OK", at: LineBed.a)])
    #expect(bed.line.registered(at: bed.now) == nil)
  }

  // MARK: Changes

  @Test func `an address that moves is registered at once`() throws {
    var bed = LineBed(hosts: ["sip.example.net"])
    #expect(bed.sent.isEmpty)
    bed.take(.resolved(bed.line.trunk.places(KnownHosts(addresses: ["sip.example.net": [LineBed.a.address]]))))
    bed.answer(try bed.next().attempt, 200, expires: 300)
    // More addresses, or another order, change nothing.
    bed.take(
      .resolved(
        bed.line.trunk.places(KnownHosts(addresses: ["sip.example.net": [LineBed.b.address, LineBed.a.address]]))))
    #expect(bed.registers().isEmpty)
    bed.take(.resolved(bed.line.trunk.places(KnownHosts(addresses: ["sip.example.net": [LineBed.b.address]]))))
    let next = try bed.next()
    #expect(next.after == .zero && next.place == LineBed.b)
  }

  @Test func `a name without address is said once`() throws {
    var bed = LineBed(hosts: ["sip.example.net"])
    bed.pass(.seconds(600))
    #expect(bed.notes == [.unresolved(["sip.example.net"])])
    bed.take(.resolved([]))
    bed.pass(.seconds(600))
    #expect(bed.notes.count == 1)
  }

  @Test func `another password is tried at once, the same one only if it was in vain`() throws {
    var bed = LineBed()
    var account = bed.account
    bed.answer(try bed.next().attempt, 200, expires: 300)
    bed.take(.reread(bed.line.trunk, bed.line.places, account))
    #expect(bed.registers().isEmpty)
    account.credentials = Credentials(user: "line", password: Redacted("neu"))
    bed.take(.reread(bed.line.trunk, bed.line.places, account))
    let changed = try bed.next()
    #expect(changed.after == .zero)
    bed.answer(changed.attempt, 403)
    bed.pass(.seconds(5))
    bed.take(.reread(bed.line.trunk, bed.line.places, account))
    #expect(try bed.next().after == .zero)
  }

  @Test func `leaving takes the registration back, also one under way`() throws {
    for outcome in [200, 401, 503] {
      var bed = LineBed()
      let first = try bed.next()
      bed.take(.leave)
      #expect(!bed.line.isOver && bed.registers().isEmpty)
      bed.answer(first.attempt, outcome, expires: 300)
      guard outcome == 200 else {
        #expect(bed.line.isOver)
        continue
      }
      let last = try bed.next()
      #expect(last.expires == 0)
      bed.answer(last.attempt, 200, expires: 0)
      #expect(bed.line.isOver && bed.notes == [.unregistered(at: LineBed.a)])
      #expect(bed.line.nextDeadline == nil)
    }
  }

  @Test func `leaving waits for no silent registrar`() throws {
    var bed = LineBed()
    bed.answer(try bed.next().attempt, 200, expires: 300)
    bed.take(.leave)
    #expect(try bed.next().expires == 0)
    bed.pass(.seconds(41))
    #expect(bed.line.isOver && bed.registers().isEmpty)
  }

  @Test func `at shutdown it is taken back without waiting`() throws {
    var registered = LineBed()
    registered.answer(try registered.next().attempt, 200, expires: 300)
    registered.take(.shutdown)
    #expect(registered.registers().map(\.expires) == [0])
    var asking = LineBed()
    _ = try asking.next()
    asking.take(.shutdown)
    #expect(asking.registers().map(\.expires) == [0])
    var failed = LineBed()
    failed.answer(try failed.next().attempt, 403)
    failed.take(.shutdown)
    #expect(failed.registers().isEmpty)
    for line in [registered.line, asking.line, failed.line] { #expect(line.isOver && line.nextDeadline == nil) }
  }

  // MARK: OPTIONS and life

  @Test func `each place is asked in turn, and not all at once`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"], registers: false, qualify: .seconds(25))
    var times: [Endpoint: [Double]] = [:]
    var seen = 0
    while bed.elapsed < .seconds(200) {
      bed.pass(.milliseconds(50))
      for (at, action) in bed.sent[seen...] {
        guard case .probe(let place) = action else { continue }
        times[place.endpoint, default: []].append(at.inSeconds)
        bed.take(.probed(place.endpoint, isAnswered: true))
      }
      seen = bed.sent.count
    }
    let (a, b) = (times[LineBed.a] ?? [], times[LineBed.b] ?? [])
    #expect(a.count > 6 && b.count > 6)
    for times in [a, b] {
      #expect(times[0] <= 2)
      for (one, next) in zip(times, times.dropFirst()) { #expect((22.5...27.6).contains(next - one)) }
    }
    #expect(a[0] != b[0])
    #expect(bed.notes.isEmpty)
  }

  @Test func `one that never answered OPTIONS is not judged by them`() throws {
    var bed = LineBed(registers: false, qualify: .seconds(25))
    bed.pass(.seconds(2))
    for _ in 0..<5 {
      bed.pass(.seconds(32))
      bed.take(.probed(LineBed.a, isAnswered: false))
      #expect(bed.line.isAlive(at: bed.now))
    }
    // The owner is told once: the address may be wrong.
    #expect(bed.notes == [.unheard(LineBed.a)])
    bed.take(.showedLife(LineBed.a))
    bed.pass(.seconds(100))
    #expect(bed.notes == [.unheard(LineBed.a), .back(LineBed.a)])
  }

  @Test func `one that answered and no longer does is silent until it shows life`() throws {
    var bed = LineBed(registers: false, qualify: .seconds(25))
    try bed.untilProbe()
    bed.take(.probed(LineBed.a, isAnswered: true))
    try bed.untilProbe()
    bed.pass(.seconds(4))
    #expect(bed.probed.count == 2 && bed.line.isAlive(at: bed.now))
    bed.pass(.seconds(1))
    #expect(!bed.line.isAlive(at: bed.now) && !bed.line.isAlive(LineBed.a, at: bed.now))
    // The user agent gives up after 32 s; then it is asked again, one question at a time.
    #expect(bed.probed.count == 2)
    bed.pass(.seconds(27))
    bed.take(.probed(LineBed.a, isAnswered: false))
    bed.pass(.seconds(1))
    #expect(bed.probed.count == 3 && bed.notes == [.silent(LineBed.a)])
    bed.take(.probed(LineBed.a, isAnswered: true))
    #expect(bed.line.isAlive(at: bed.now) && bed.notes == [.silent(LineBed.a), .back(LineBed.a)])
  }

  @Test func `life from elsewhere counts while OPTIONS are unanswered`() throws {
    var bed = LineBed(registers: false, qualify: .seconds(25))
    try bed.untilProbe()
    bed.take(.probed(LineBed.a, isAnswered: true))
    try bed.untilProbe()
    // A call comes between the question and the end of its patience.
    bed.take(.showedLife(LineBed.a))
    bed.pass(.seconds(6))
    #expect(bed.line.isAlive(at: bed.now) && bed.notes.isEmpty)
    bed.pass(.seconds(25))
    bed.take(.probed(LineBed.a, isAnswered: false))
    bed.pass(.seconds(10))
    #expect(!bed.line.isAlive(at: bed.now))
    // A call from another machine of the provider's.
    bed.take(.showedLife(endpoint("198.51.100.99:5060")))
    #expect(bed.line.isAlive(at: bed.now) && !bed.line.isAlive(LineBed.a, at: bed.now))
    bed.pass(.seconds(60))
    #expect(!bed.line.isAlive(at: bed.now))
  }

  @Test func `a call in vain leaves a place aside for a while`() throws {
    var bed = LineBed(hosts: ["192.0.2.50", "192.0.2.51"], registers: false)
    bed.take(.gotNoAnswer(LineBed.a))
    #expect(!bed.line.isAlive(LineBed.a, at: bed.now) && bed.line.isAlive(LineBed.b, at: bed.now))
    #expect(bed.line.isAlive(at: bed.now))
    bed.take(.gotNoAnswer(LineBed.b))
    #expect(!bed.line.isAlive(at: bed.now))
    bed.take(.showedLife(LineBed.b))
    #expect(bed.line.isAlive(LineBed.b, at: bed.now) && !bed.line.isAlive(LineBed.a, at: bed.now))
    bed.pass(.seconds(30))
    #expect(bed.line.isAlive(LineBed.a, at: bed.now))
    #expect(bed.notes.isEmpty)
  }

  @Test func `without Qualify nothing is asked`() throws {
    var bed = LineBed(registers: false)
    bed.pass(.seconds(1000))
    #expect(bed.sent.isEmpty)
    var trunk = bed.line.trunk
    trunk.qualify = .seconds(25)
    bed.take(.reread(trunk, bed.line.places, nil))
    bed.pass(.seconds(2))
    #expect(bed.probed == [LineBed.a])
    trunk.qualify = nil
    bed.take(.reread(trunk, bed.line.places, nil))
    bed.pass(.seconds(100))
    #expect(bed.probed.count == 1 && bed.line.nextDeadline == nil)
  }

  // MARK: Places

  @Test func `places are hosts and their addresses, or the proxy`() throws {
    let hosts = KnownHosts(addresses: ["sip.example.net": [LineBed.a.address, LineBed.b.address]])
    var trunk = Trunk(name: "T")
    trunk.hosts = [PeerHost(host: "SIP.example.net", port: nil), PeerHost(host: "2001:db8::1", port: 5070)]
    trunk.domain = "SIP.example.net"
    #expect(
      trunk.places(hosts).map { "\($0.endpoint) \($0.uri(user: "7"))" } == [
        "192.0.2.50:5060 sip:7@SIP.example.net", "192.0.2.51:5060 sip:7@SIP.example.net",
        "[2001:db8::1]:5070 sip:7@[2001:db8::1]:5070",
      ])
    trunk.domain = "example.net"
    #expect(Set(trunk.places(hosts).map { "\($0.uri())" }) == ["sip:example.net"])
    trunk.proxy = PeerHost(host: "192.0.2.99", port: 5080)
    #expect(trunk.places(hosts).map { "\($0.endpoint) \($0.uri())" } == ["192.0.2.99:5080 sip:example.net"])
    trunk.transport = .tls
    trunk.proxy = PeerHost(host: "sip.example.net", port: nil)
    #expect(trunk.places(hosts).map { "\($0.endpoint)" } == ["192.0.2.50:5061", "192.0.2.51:5061"])
    trunk.hosts = []
    #expect(trunk.places(hosts).isEmpty)
  }
}
