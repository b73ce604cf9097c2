import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// Registrations as a file.
@Suite struct RegistrationTextTests {
  private static func stored(
    _ user: String, _ uri: String, _ transport: Transport = .udp, remote: String = "203.0.113.7:40000",
    agent: String? = nil, isCalledAtContact: Bool = false
  ) throws -> StoredRegistration {
    var contact = RegisteredContact(
      uri: try SIPURI(uri), flow: Flow(transport, local: endpoint("192.0.2.1:5060"), remote: endpoint(remote)),
      preference: 700, expiresAt: Instant(nanoseconds: 0), expiresAtWall: WallTime(microseconds: 1_350_043_200_000_000),
      registeredAt: WallTime(microseconds: 1_350_043_100_123_456), callID: "a b\n%=ü", cseq: 4_294_967_295,
      userAgent: agent)
    contact.isCalledAtContact = isCalledAtContact
    return StoredRegistration(user: user, contact: contact)
  }

  private static func samples() throws -> [StoredRegistration] {
    var behindProxy = try stored("732", "sip:732@10.0.0.9")
    behindProxy.contact.path = [
      try NameAddress("<sip:abc@edge.example;lr>"), try NameAddress("<sip:home.example;lr>"),
    ]
    return [
      try stored("731", "sip:731@10.0.0.7:5060;line=a%20b"),
      try stored("731", "sip:731@[2001:db8::7]", .tcp, remote: "[2001:db8::7]:40000", agent: "Yealink SIP-T46S 66.85"),
      try stored("gw 1=%", "sip:a@10.0.0.8;transport=tcp", .tcp, agent: "x\u{0}\r\n", isCalledAtContact: true),
      behindProxy,
    ]
  }

  @Test func `what is written is read back`() throws {
    let samples = try Self.samples()
    let (found, faults) = RegistrationText.read(RegistrationText.bytes(samples))
    #expect(found == samples)
    #expect(faults == [])
    let (none, noFaults) = RegistrationText.read(RegistrationText.bytes([]))
    #expect(none.isEmpty && noFaults.isEmpty)
  }

  @Test func `how it looks`() throws {
    let text = String(decoding: RegistrationText.bytes([try Self.samples()[1]]), as: UTF8.self)
    #expect(
      text == """
        pikett-registrations 1
        user=731 contact=sip:731@[2001:db8::7] by=TCP local=192.0.2.1:5060 remote=[2001:db8::7]:40000 q=700 \
        expires=1350043200000000 registered=1350043100123456 call-id=a%20b%0A%25=%C3%BC cseq=4294967295 \
        agent=Yealink%20SIP-T46S%2066.85

        """)
  }

  @Test func `another version, or none, is not guessed at`() throws {
    let good = String(decoding: RegistrationText.bytes(try Self.samples()), as: UTF8.self)
    for text in ["", "\n", good.replacing("registrations 1", with: "registrations 2"), "\u{0}\u{FF}"] {
      let (found, faults) = RegistrationText.read(Array(text.utf8))
      #expect(found.isEmpty)
      #expect(faults == ["line 1: expected 'pikett-registrations 1'"])
    }
  }

  /// What is wrong with one line costs that one only.
  @Test(arguments: [
    ("user=731", "user="), ("user=731 ", ""), ("sip:731@10.0.0.7:5060", "tel:731"), ("by=UDP", "by=SCTP"),
    ("203.0.113.7:40000", "203.0.113.7"), ("q=700", "q=1001"), ("cseq=4294967295", "cseq=4294967296"),
    ("expires=1", "expires=99999999999999999999"), ("a%20b%0A", "a%2"), ("a%20b%0A", "a%xy"),
    ("cseq=", "cseq=1 cseq="), ("q=700", "q"), ("q=700", "q=700=7"),
  ])
  func `a damaged line`(_ good: String, _ bad: String) throws {
    let samples = try Self.samples()
    let lines = String(decoding: RegistrationText.bytes(samples), as: UTF8.self).split(separator: "\n")
    let text = ([lines[0], lines[1].replacing(good, with: bad)[...]] + lines[2...]).map { $0 + "\n" }.joined()
    #expect(text.contains(bad))
    let (found, faults) = RegistrationText.read(Array(text.utf8))
    #expect(found == Array(samples[1...]))
    #expect(faults == ["line 2: no registration can be read in it"])
  }

  /// A file that was cut at any byte gives the lines that are whole, and no other.
  @Test func `a file that ends early`() throws {
    let samples = try Self.samples()
    let bytes = RegistrationText.bytes(samples)
    for length in 0..<bytes.count {
      let (found, faults) = RegistrationText.read(Array(bytes[..<length]))
      let whole = max(bytes[..<length].count { $0 == 0x0A } - 1, 0)
      #expect(found == Array(samples.prefix(whole)), "cut at \(length)")
      #expect(faults.count <= 1)
    }
  }

  @Test func `any bytes can be read`() throws {
    let bytes = RegistrationText.bytes(try Self.samples())
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<5000 {
      var damaged = bytes
      for _ in 0...Int.random(in: 0...4, using: &generator) {
        damaged[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      let (found, faults) = RegistrationText.read(damaged)
      #expect(found.count <= 4 && faults.count <= 9)
      // What was read can be taken, at the ends of both clocks too.
      for wall in [Int64.min, 0, Int64.max] {
        var registrar = Registrar()
        registrar.restore(
          found, longest: .seconds(3600),
          at: Moment(instant: Instant(nanoseconds: .max - 5), wall: WallTime(microseconds: wall)))
      }
    }
  }
}
