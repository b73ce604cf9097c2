import NetworkIO
import PikettTesting
import SIPMessage
import Telephony
import Testing

/// The thread that asks, and what it finds on this machine.
@Suite(.timeLimit(.minutes(1))) struct ResolverTests {
  private static func resolver() -> Resolver { Resolver(random: .seeded(1)) }

  private static func addresses(of name: String, by resolver: Resolver = resolver()) async -> [IPAddress] {
    await withCheckedContinuation { continuation in
      resolver.resolve(.addresses(name)) { continuation.resume(returning: $0.places.map(\.endpoint.address)) }
    }
  }

  @Test func aKnownNameHasItsAddresses() async {
    let found = await Self.addresses(of: "localhost")
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { $0.isLoopback })
    #expect(Set(found).count == found.count)
  }

  @Test func anAddressIsItsOwn() async {
    #expect(await Self.addresses(of: "192.0.2.7") == [IPAddress("192.0.2.7")])
    #expect(await Self.addresses(of: "2001:db8::7") == [IPAddress("2001:db8::7")])
  }

  /// RFC 6761 §6.4: nothing under `invalid` exists.
  @Test(arguments: ["", " ", "a b", "pikett.invalid", "-", "..", String(repeating: "x", count: 5000), "a\0b", "\u{FF}"])
  func anUnknownNameHasNone(_ name: String) async {
    #expect(await Self.addresses(of: name).isEmpty)
  }

  @Test func eachOfManyQuestionsIsAnsweredOnce() async {
    let resolver = Self.resolver()
    let answered = await withTaskGroup(of: Void.self) { group in
      for _ in 0..<2000 {
        group.addTask { _ = await Self.addresses(of: "127.0.0.1", by: resolver) }
      }
      return await group.reduce(0) { count, _ in count + 1 }
    }
    #expect(answered == 2000)
    #expect(await Self.addresses(of: "127.0.0.1", by: resolver) == [IPAddress("127.0.0.1")])
  }

  /// The thread ends when nothing is left to answer, and the next question starts another.
  @Test func itCanBeAskedAgainAndAgain() async {
    let resolver = Self.resolver()
    for _ in 0..<20 { #expect(await Self.addresses(of: "127.0.0.1", by: resolver) == [IPAddress("127.0.0.1")]) }
  }
}
