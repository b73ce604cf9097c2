import Telephony
import Testing

@Suite struct IPAddressTests {
  /// What is read, and how it is written (RFC 5952 §4).
  private static let readable: [(String, String)] = [
    ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ("010.001.000.009", "10.1.0.9"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("[::1]", "::1"),
    ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
    ("2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:FFFF", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"),
    // One group of zeros is not shortened, and of several runs the longest is, the first of equal ones.
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:0:0:0:0:0:0:0", "1::"),
    ("::ffff:192.0.2.1", "::ffff:c000:201"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
    ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"), ("fe80::1", "fe80::1"),
  ]

  @Test(arguments: readable) func readAndWritten(_ text: String, _ written: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == written)
    #expect(IPAddress(written) == address)
    #expect(address.isIPv6 == written.contains(":"))
    #expect(address.uriText == (address.isIPv6 ? "[\(written)]" : written))
    #expect(IPAddress(address.uriText) == address)
    #expect(IPAddress(bytes: address.bytes) == address)
    #expect(IPAddress("<\(text)>".dropFirst().dropLast()) == address)
  }

  @Test(arguments: [
    "", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.0.0.1", "1.2.3.0004", "1.2.3.-4", "+1.2.3.4",
    "1.2.3.4 ", " 1.2.3.4", "0x7f.0.0.1", "1.2.3.4:5060", "１.2.3.4", "1.2.3.4\u{301}", "localhost", "[1.2.3.4]", "[]",
    "[", "]", "[[::1]]", "[::1", "::1]", "[::1]:5060", ":", ":::", "1:::2", "1::2::3", ":1", "1:", "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", "::-1", "::+1", "fe80::1%eth0",
    "1.2.3.4::", "1.2.3.4::1", "::1.2.3.4:5", "::1.2.3", "::1.2.3.4.5", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.256",
    "::\u{301}1", "[\u{301}::1]", "::1\0", "1:2:3:4:5:6:7:8:", "１::",
  ])
  func anythingElseIsNoAddress(_ text: String) {
    #expect(IPAddress(text) == nil)
  }

  @Test func onlyFourOrSixteenBytesAreAnAddress() {
    for count in 0...20 {
      #expect((IPAddress(bytes: [UInt8](repeating: 1, count: count)) != nil) == (count == 4 || count == 16))
    }
  }

  @Test(arguments: [
    ("0.0.0.0", true, false), ("::", true, false), ("127.0.0.1", false, true), ("127.255.0.9", false, true),
    ("::1", false, true), ("128.0.0.1", false, false), ("::2", false, false), ("1::1", false, false),
    ("::ffff:127.0.0.1", false, false), ("0.0.0.1", false, false),
  ])
  func kinds(_ text: String, _ isUnspecified: Bool, _ isLoopback: Bool) throws {
    let address = try #require(IPAddress(text))
    #expect(address.isUnspecified == isUnspecified)
    #expect(address.isLoopback == isLoopback)
  }

  @Test(arguments: [
    ("192.0.2.1", "192.0.2.0", 24, true), ("192.0.3.1", "192.0.2.0", 24, false), ("192.0.3.1", "192.0.2.0", 23, true),
    ("192.0.2.1", "192.0.2.99", 24, true), ("192.0.2.1", "192.0.2.1", 32, true), ("192.0.2.1", "192.0.2.0", 32, false),
    ("192.0.2.1", "10.0.0.0", 0, true), ("10.0.0.129", "10.0.0.128", 25, true), ("10.0.0.127", "10.0.0.128", 25, false),
    ("192.0.2.1", "192.0.2.1", 33, false), ("192.0.2.1", "192.0.2.1", -1, false),
    ("192.0.2.1", "192.0.2.1", Int.max, false), ("192.0.2.1", "192.0.2.1", Int.min, false),
    ("2001:db8::1", "2001:db8::", 32, true), ("2001:db9::1", "2001:db8::", 32, false),
    ("2001:db9::1", "2001:db8::", 31, true), ("fe80::1", "fe80::", 10, true), ("fec0::1", "fe80::", 10, false),
    ("::1", "::1", 128, true), ("::1", "::", 128, false), ("::1", "::", 129, false),
    ("0.0.0.0", "::", 0, false), ("::ffff:192.0.2.1", "192.0.2.1", 32, false),
  ])
  func networks(_ address: String, _ network: String, _ length: Int, _ isWithin: Bool) throws {
    let network = try #require(IPAddress(network))
    #expect(try #require(IPAddress(address)).isWithin(network, prefixLength: length) == isWithin)
  }

  @Test(arguments: 1...20) func anyAddressIsReadAsItIsWritten(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<300 {
      // Many zeros, so that there is something to shorten.
      let bytes = (0..<(Bool.random(using: &random) ? 4 : 16)).map { _ in
        Int.random(in: 0..<3, using: &random) > 0 ? 0 : UInt8.random(in: 0...255, using: &random)
      }
      let address = IPAddress(bytes: bytes)
      #expect(address != nil)
      #expect(address.flatMap { IPAddress($0.description) } == address)
      #expect(address.flatMap { IPAddress($0.uriText) } == address)
    }
  }

  /// Damaged texts are refused or read, and what is read can be written and read again.
  @Test(arguments: 1...20) func damagedTextsDoNotTrap(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "", ":", "::", ".", "[", "]", "0", "ffff", "1", "255", "256", "%", "\0", "é", "\u{301}", "-", " ", "99999",
    ]
    for _ in 0..<500 {
      var scalars = Array((Self.readable.randomElement(using: &random)?.0 ?? "").unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...scalars.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: scalars.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").unicodeScalars, at: place)
        case 1: scalars.removeSubrange(place..<min(place + Int.random(in: 0...3, using: &random), scalars.count))
        default: scalars.append(contentsOf: scalars.prefix(place))
        }
      }
      let text = String(String.UnicodeScalarView(scalars))
      if let address = IPAddress(text) { #expect(IPAddress(address.description) == address) }
      if let endpoint = Endpoint(text, defaultPort: 5060) { #expect(Endpoint(endpoint.description) == endpoint) }
    }
  }

  @Test func aVeryLongTextIsNoAddress() {
    for piece in ["1", ".", ":", "::", "1.", "1:", "["] {
      let text = String(repeating: piece, count: 50_000)
      #expect(IPAddress(text) == nil)
      #expect(Endpoint(text, defaultPort: 5060) == nil)
    }
  }
}
