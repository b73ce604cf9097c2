import NetworkIO
import PikettTesting
import SIPMessage
import Telephony
import Testing

/// What is made of a name server's answers (RFC 3263 §4, RFC 2782).
@Suite(.timeLimit(.minutes(1))) final class NameLookupTests {
  private let server: NameServer
  private let lookup: NameLookup

  init() throws {
    server = try NameServer()
    var lookup = NameLookup(server: server.endpoint)
    lookup.hostsFile = "/dev/null"
    self.lookup = lookup
  }

  deinit { server.stop() }

  private func ask(_ question: NameQuestion, _ families: AddressFamilies = .init(ipv6: false), seed: UInt64 = 1)
    -> NameAnswer
  {
    lookup.answer(question, families, random: .seeded(seed))
  }

  private func service(_ transport: Transport = .udp, seed: UInt64 = 1) -> [String] {
    ask(.service("example.net", transport), seed: seed).places.map { "\($0.endpoint)" }
  }

  private func set(_ services: [(UInt16, UInt16, UInt16, String)], by prefix: String = "_sip._udp", ttl: UInt32 = 300) {
    server.set(
      "SRV", prefix + ".example.net",
      .records(
        services.map { .init(.service(priority: $0.0, weight: $0.1, port: $0.2, target: $0.3), ttl: ttl) }))
  }

  private func set(_ name: String, _ addresses: [String], ttl: UInt32 = 300) {
    server.set("A", name, .records(addresses.map { .init(.address($0), ttl: ttl) }))
  }

  // MARK: Services

  @Test func `services are tried by priority, each at all its addresses`() {
    set([(20, 0, 5070, "c.example.net"), (10, 0, 5080, "a.example.net"), (15, 0, 5090, "b.example.net")])
    set("a.example.net", ["192.0.2.1"])
    set("b.example.net", ["192.0.2.2", "192.0.2.3"])
    set("c.example.net", ["192.0.2.4"])
    #expect(service() == ["192.0.2.1:5080", "192.0.2.2:5090", "192.0.2.3:5090", "192.0.2.4:5070"])
    #expect(
      ask(.service("example.net", .udp)).places.map(\.priority) == [10, 15, 15, 20])
  }

  @Test(arguments: [(Transport.udp, "_sip._udp"), (.tcp, "_sip._tcp"), (.tls, "_sips._tcp")])
  func `the transport says which service is meant`(_ transport: Transport, _ prefix: String) {
    set([(1, 1, 5075, "a.example.net")], by: prefix)
    set("a.example.net", ["192.0.2.1"])
    #expect(service(transport) == ["192.0.2.1:5075"])
    #expect(server.asked.first == .init("SRV", prefix + ".example.net"))
  }

  @Test(arguments: [(Transport.udp, 5060), (.tcp, 5060), (.tls, 5061)])
  func `without a service the name itself is meant, at the usual port`(_ transport: Transport, _ port: Int) {
    set("example.net", ["192.0.2.1", "192.0.2.2"])
    #expect(service(transport) == ["192.0.2.1:\(port)", "192.0.2.2:\(port)"])
  }

  @Test func `a name with a port is asked for its addresses alone`() {
    set([(1, 1, 5075, "a.example.net")])
    set("example.net", ["192.0.2.9"])
    #expect(ask(.addresses("example.net")).places.map(\.endpoint.address) == [IPAddress("192.0.2.9")])
    #expect(server.asked == [.init("A", "example.net")])
  }

  @Test func `a service that is decidedly not offered is not looked for elsewhere`() {
    set([(0, 0, 0, "")])
    set("example.net", ["192.0.2.9"])
    #expect(ask(.service("example.net", .udp)).outcome == .none)
    #expect(server.asked.count == 1)
  }

  @Test func `a machine without an address is passed over`() {
    set([(10, 0, 5060, "gone.example.net"), (20, 0, 5060, "b.example.net")])
    set("b.example.net", ["192.0.2.2"])
    #expect(service() == ["192.0.2.2:5060"])
  }

  @Test func `a machine whose name server is away is passed over, and asked for again soon`() {
    set([(10, 0, 5060, "a.example.net"), (20, 0, 5060, "b.example.net")], ttl: 3000)
    server.set("A", "a.example.net", .fault)
    set("b.example.net", ["192.0.2.2"], ttl: 3000)
    let answer = ask(.service("example.net", .udp))
    #expect(answer.outcome == .found && answer.places.map { "\($0.endpoint)" } == ["192.0.2.2:5060"])
    #expect(answer.life == NameLookup.lifeOfNothing)
  }

  @Test func `IPv4 comes before IPv6, and what is of no use is not asked for`() {
    set("example.net", ["192.0.2.1"])
    server.set("AAAA", "example.net", .records([.init(.address("2001:db8::1"))]))
    let places = ask(.service("example.net", .udp), .init()).places.map { "\($0.endpoint)" }
    #expect(places == ["192.0.2.1:5060", "[2001:db8::1]:5060"])
    let only = ask(.service("example.net", .udp), .init(ipv4: false)).places.map { "\($0.endpoint)" }
    #expect(only == ["[2001:db8::1]:5060"])
    #expect(server.asked.count { $0.type == "A" } == 1)
  }

  // MARK: Time

  @Test(arguments: [(0, 5), (1, 5), (77, 77), (86_400, 3600), (UInt32.max, 3600)] as [(UInt32, Int)])
  func `an answer counts for its TTL, within bounds`(_ ttl: UInt32, _ life: Int) {
    set("example.net", ["192.0.2.1"], ttl: ttl)
    #expect(ask(.addresses("example.net")).life == .seconds(life))
  }

  @Test func `the least TTL on the way counts`() {
    set([(10, 0, 5060, "a.example.net")], ttl: 200)
    server.set(
      "A", "a.example.net",
      .records([.init(.alias("real.example.net"), ttl: 40), .init(.address("192.0.2.1"), ttl: 900)]))
    #expect(ask(.service("example.net", .udp)).life == .seconds(40))
  }

  @Test func `what does not exist is not asked for again at once`() {
    let answer = ask(.service("example.net", .udp))
    #expect(answer == NameAnswer(.none, life: NameLookup.lifeOfNothing))
    server.set("A", "example.net", .nothing)
    #expect(ask(.addresses("example.net")).outcome == .none)
  }

  // MARK: Faults

  @Test func `silence is a failure, and is not waited for in each family`() {
    server.set("A", "example.net", .silence)
    let answer = ask(.addresses("example.net"), .init())
    #expect(answer == NameAnswer(.failed, life: NameLookup.lifeOfFailure))
    #expect(server.asked.allSatisfy { $0.type == "A" })
  }

  /// Some small routers' name servers know no SRV.
  @Test func `where nobody says anything of services, the name's own addresses are a guess`() {
    server.set("SRV", "_sip._udp.example.net", .fault)
    set("example.net", ["192.0.2.1"])
    let answer = ask(.service("example.net", .udp))
    #expect(answer.outcome == .guessed && answer.places.map { "\($0.endpoint)" } == ["192.0.2.1:5060"])
    #expect(answer.life == NameLookup.lifeOfNothing)
  }

  @Test func `a server's fault is a failure`() {
    server.set("SRV", "_sip._udp.example.net", .fault)
    server.set("A", "example.net", .fault)
    #expect(ask(.service("example.net", .udp)).outcome == .failed)
  }

  @Test func `an answer too long for a datagram comes by TCP`() {
    let names = (0..<20).map { "machine-with-a-long-name-\($0).example.net" }
    server.set(
      "SRV", "_sip._udp.example.net",
      .truncated(names.map { .init(.service(priority: 1, weight: 1, port: 5060, target: $0)) }))
    for (index, name) in names.enumerated() { set(name, ["192.0.2.\(index)"]) }
    #expect(Set(service()) == Set((0..<20).map { "192.0.2.\($0):5060" }))
  }

  /// Nothing that a name server says may harm us.
  @Test(arguments: 0..<300) func `garbage is no answer`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let question: [UInt8] =
      [4] + Array("_sip".utf8) + [4] + Array("_udp".utf8) + [7] + Array("example".utf8) + [3]
      + Array("net".utf8) + [0, 0, 33, 0, 1]
    let noise = (0..<Int.random(in: 0...60, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator)
    }
    // A head that fits, and one answer whose length, name and data are anything.
    let head: [UInt8] = [0x81, 0x80, 0, 1, 0, UInt8.random(in: 1...3, using: &generator), 0, 0, 0, 0]
    let record: [UInt8] = [0xC0, seed % 3 == 0 ? 0x0C : noise.first ?? 0, 0, 33, 0, 1, 0, 0, 0, 60, 0]
    server.set("SRV", "_sip._udp.example.net", .bytes(head + question + record + noise))
    let answer = ask(.service("example.net", .udp))
    #expect(answer.places.isEmpty)
  }

  @Test(
    arguments: [[], [0, 1, 0, 1, 19], [0, 1, 0, 1, 19, 0xC4, 0xC0, 0xFF], [0, 1, 0, 1, 19, 0xC4, 3, 97]] as [[UInt8]])
  func `damaged services and addresses are none`(_ data: [UInt8]) {
    server.set("SRV", "_sip._udp.example.net", .records([.init(.raw(data))]))
    #expect(ask(.service("example.net", .udp)).outcome == .failed)
    set("example.net", ["192.0.2.1"])
    #expect(ask(.service("example.net", .udp)).outcome == .guessed)
    server.set("A", "example.net", .records([.init(.raw(data))]))
    #expect(ask(.addresses("example.net")).outcome == .failed)
  }

  // MARK: The machine's own names

  @Test func `what the owner has written down needs no name server`() throws {
    let directory = TemporaryDirectory()
    let text = "# ours\n192.0.2.77  PBX.example.net pbx # old\n\n2001:db8::77 pbx\nnonsense\n1.2.3 x\n"
    var lookup = lookup
    lookup.hostsFile = try directory.write("hosts", Array(text.utf8))
    let found = lookup.answer(.service("pbx.Example.net", .udp), .init(), random: .seeded(1))
    #expect(found.places.map { "\($0.endpoint)" } == ["192.0.2.77:5060"])
    let short = lookup.answer(.addresses("pbx"), .init(), random: .seeded(1))
    #expect(short.places.map(\.endpoint.address.description) == ["192.0.2.77", "2001:db8::77"])
    #expect(server.asked.isEmpty)
  }
}
