import NetworkIO
import Telephony
import Testing

@Suite struct LocalRoutesTests {
  private static let now = Instant(nanoseconds: 0)

  @Test func loopbackIsReachedFromLoopback() throws {
    var routes = LocalRoutes()
    let loopback = try #require(IPAddress("127.0.0.1"))
    #expect(routes.localAddress(toward: loopback, at: Self.now) == loopback)
    #expect(routes.localAddress(toward: loopback, at: Self.now) == loopback)
    #expect(routes.count == 1)
  }

  /// Multicast needs a choice of interface that nobody has made; a broadcast address needs a permission. Whatever the
  /// kernel says of them, the question must end.
  @Test(arguments: ["0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "::", "ff02::1", "fe80::1", "2001:db8::1"])
  func anyAddressMayBeAskedFor(_ text: String) throws {
    var routes = LocalRoutes()
    let remote = try #require(IPAddress(text))
    if let address = routes.localAddress(toward: remote, at: Self.now) {
      #expect(address.isIPv6 == remote.isIPv6)
      #expect(!address.isUnspecified)
    }
  }

  @Test func anAnswerIsAskedForAgainInTime() throws {
    var routes = LocalRoutes()
    let loopback = try #require(IPAddress("127.0.0.1"))
    for second in [0, 9, 10, 11, 1000] {
      #expect(routes.localAddress(toward: loopback, at: Self.now + .seconds(second)) == loopback)
    }
    #expect(routes.count == 1)
  }

  @Test func strangersCannotMakeItGrow() throws {
    var routes = LocalRoutes()
    for index in 0..<2500 {
      let remote = try #require(IPAddress(bytes: [127, 1, UInt8(index / 256), UInt8(index % 256)]))
      #expect(routes.localAddress(toward: remote, at: Self.now) != nil)
      #expect(routes.count <= LocalRoutes.capacity)
    }
  }
}
