import Logging
import NIOCore
import NIOPosix
import NetworkIO
import PikettTesting
import Site
import Synchronization
import Telephony
import Testing

@testable import Switchboard

/// What the site's names lead to while name servers come and go.
@Suite(.timeLimit(.minutes(1))) final class HostTableTests {
  private let server: NameServer
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

  init() throws { server = try NameServer() }

  deinit { server.stop() }

  private static let service = KnownHosts.Service("sip.example.net", .udp)

  private func site(_ host: String = "sip.example.net") -> SiteSnapshot {
    SiteReading(files: ["trunks/P/Host.txt": Array(host.utf8), "731/": []]).snapshot
  }

  /// Runs a table until `isDone`, and gives everything it has said.
  private func follow(
    _ known: KnownHosts = KnownHosts(), until isDone: @escaping @Sendable ([KnownHosts]) -> Bool
  ) async throws -> [KnownHosts] {
    let loop = group.next()
    let (server, site) = (server, site())
    let done = loop.makePromise(of: [KnownHosts].self)
    let said = Mutex<[KnownHosts]>([])
    let take: @Sendable (KnownHosts) -> Void = { known in
      let all = said.withLock { said in
        said.append(known)
        return said
      }
      if isDone(all) { done.succeed(all) }
    }
    let table = try await loop.submit {
      var lookup = NameLookup(server: server.endpoint)
      lookup.hostsFile = "/dev/null"
      let table = HostTable(
        loop: loop, resolver: Resolver(lookup, random: .seeded(1)), known: known, logger: Logger(label: "test"),
        changed: take)
      table.follow(site, AddressFamilies(ipv6: false))
      return NIOLoopBound(table, eventLoop: loop)
    }.get()
    defer { loop.execute { _ = table.value } }
    return try await done.futureResult.get()
  }

  private func set(_ port: UInt16, ttl: UInt32 = 300) {
    server.set(
      "SRV", "_sip._udp.sip.example.net",
      .records([.init(.service(priority: 1, weight: 1, port: port, target: "a.example.net"), ttl: ttl)]))
    server.set("A", "a.example.net", .records([.init(.address("192.0.2.1"), ttl: ttl)]))
  }

  @Test func `a provider that moves is followed when the TTL is over`() async throws {
    set(5061, ttl: 1)
    let server = server
    let began = ContinuousClock.now
    let said = try await follow { all in
      server.set(
        "SRV", "_sip._udp.sip.example.net",
        .records([.init(.service(priority: 1, weight: 1, port: 5062, target: "a.example.net"))]))
      return all.count == 2
    }
    #expect(said.map { $0.services[Self.service]?.map { "\($0)" } } == [["192.0.2.1:5061"], ["192.0.2.1:5062"]])
    #expect(ContinuousClock.now - began >= NameLookup.shortestLife)
  }

  @Test func `what the last run knew counts at once, and until the name server says otherwise`() async throws {
    let old = [Endpoint(try #require(IPAddress("192.0.2.9")), 5060)]
    let before = KnownHosts(
      addresses: ["gone.example.net": old.map(\.address)], services: [Self.service: old])
    set(5061)
    let said = try await follow(before) { $0.count == 2 }
    #expect(said.first == KnownHosts(services: [Self.service: old]), "names that have left the site are forgotten")
    #expect(said.last?.services[Self.service]?.map { "\($0)" } == ["192.0.2.1:5061"])
  }

  /// A guess counts only where nothing better is known.
  @Test func `addresses of a name whose services nobody tells`() async throws {
    server.set("SRV", "_sip._udp.sip.example.net", .fault)
    server.set("A", "sip.example.net", .records([.init(.address("192.0.2.3"))]))
    let said = try await follow { $0.count == 1 }
    #expect(said.last?.services[Self.service]?.map { "\($0)" } == ["192.0.2.3:5060"])
  }

  @Test func `what is known reads back as it was written, and damage costs only its line`() throws {
    let address = try #require(IPAddress("2001:db8::1"))
    let known = KnownHosts(
      addresses: ["pbx": [address, try #require(IPAddress("192.0.2.1"))]],
      services: [
        Self.service: [Endpoint(address, 5070), Endpoint(try #require(IPAddress("192.0.2.1")), 1)],
        .init("x", .tls): [],
      ])
    let bytes = AddressText.bytes(known)
    #expect(AddressText.read(bytes).addresses == known.addresses)
    #expect(AddressText.read(bytes).services == [Self.service: known.services[Self.service] ?? []])
    #expect(AddressText.read(Array(bytes.dropLast(3))).services.isEmpty == false)
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(AddressText.read(Array(text.replacing("192.0.2.1:1", with: "192.0.2.300:1").utf8)).services.isEmpty)
    #expect(
      AddressText.read([]) == KnownHosts() && AddressText.read(Array("pikett-addresses 2\n".utf8)) == KnownHosts())
    for cut in bytes.indices { _ = AddressText.read(Array(bytes[..<cut])) }
  }
}
