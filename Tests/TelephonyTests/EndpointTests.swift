import Telephony
import Testing

@Suite struct EndpointTests {
  @Test(arguments: [
    ("192.0.2.1:5060", "192.0.2.1:5060"), ("192.0.2.1:0", "192.0.2.1:0"), ("192.0.2.1:65535", "192.0.2.1:65535"),
    ("[2001:db8::1]:5060", "[2001:db8::1]:5060"), ("[::]:1", "[::]:1"), ("[::ffff:192.0.2.1]:9", "[::ffff:c000:201]:9"),
  ])
  func withItsPort(_ text: String, _ written: String) throws {
    let endpoint = try #require(Endpoint(text))
    #expect(endpoint.description == written)
    #expect(Endpoint(text, defaultPort: 1) == endpoint)
    #expect(Endpoint(written) == endpoint)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.1:5060"), ("[2001:db8::1]", "[2001:db8::1]:5060"), ("2001:db8::1", "[2001:db8::1]:5060"),
    ("::1:5060", "[::1:5060]:5060"), ("::", "[::]:5060"),
  ])
  func withoutAPort(_ text: String, _ written: String) {
    #expect(Endpoint(text, defaultPort: 5060)?.description == written)
    #expect(Endpoint(text) == nil)
  }

  @Test(arguments: [
    "", ":", ":5060", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1: 5060", "192.0.2.1:x",
    "192.0.2.1:5060:5060", "192.0.2.1:99999999999999999999", "localhost", "localhost:5060", "[192.0.2.1]:5060",
    "[::1]5060", "[::1]:", "[::1]:65536", "[::1]:5060]", "[[::1]]:5060", "[]:5060", "::1]:5060", "[::1:5060",
    "192.0.2.1:５060", "192.0.2.1:5060\u{301}", "[fe80::1%eth0]:5060", "[::1]\u{301}:5060",
  ])
  func anythingElseIsNone(_ text: String) {
    #expect(Endpoint(text) == nil)
    #expect(Endpoint(text, defaultPort: 5060) == nil)
  }
}
