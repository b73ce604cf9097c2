import Hunting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Where a user's phones are called, and as whom.
@Suite struct DirectionsTests {
  private static let phone = RegisteredContact(
    uri: SIPURI(user: "abc", host: "198.51.100.31", port: 5062), flow: Places.flow(to: endpoint("203.0.113.7:1234")),
    expiresAt: Instant(nanoseconds: 0), expiresAtWall: WallTime(microseconds: 0),
    registeredAt: WallTime(microseconds: 0), callID: "x", cseq: 1)

  private func targets(
    _ phone: Branch.Phone, of user: String, _ changes: [String: String?] = [:], caller: String = "0347",
    hosts: [String: [IPAddress]] = [:], isReachable: Bool = true
  ) -> [BranchTarget] {
    Directions(
      site: SceneSite.read(changes), hosts: hosts,
      route: { isReachable ? Flow($1, local: Places.pikett, remote: $0) : nil },
      advertised: { ($0.local.address.uriText, $0.local.port) }, contacts: { $0 == "731" ? [Self.phone] : [] }
    ).routes(to: phone, of: user, calling: .init(caller: CallerName(caller), dialled: "799*731"))
      .flatMap { $0.lines.flatMap(\.hosts) }
  }

  private func lines(_ target: BranchTarget?) -> [String] {
    target.map { target in
      ["\(target.target.uri)", "\(target.target.flow.remote)", "From: \(target.from)"]
        + target.headers.fields.map { "\($0.name): \($0.value)" }
    } ?? []
  }

  // MARK: The desk phone

  @Test func `a registered phone is called where it registered from`() {
    let found = targets(.desk, of: "731")
    #expect(found.count == 1)
    #expect(
      lines(found.first) == ["sip:abc@198.51.100.31:5062", "203.0.113.7:1234", "From: <sip:0347@192.0.2.1>"])
    #expect(found.first?.trunk == nil)
    #expect(found.first?.credentials == nil)
  }

  @Test func `a password and no registration: nowhere`() {
    #expect(targets(.desk, of: "732").isEmpty)
  }

  @Test func `a Contact comes before the registration`() {
    let found = targets(.desk, of: "731", ["731/Contact.txt": "sip:door@198.51.100.77:5070"])
    #expect(lines(found.first).prefix(2) == ["sip:door@198.51.100.77:5070", "198.51.100.77:5070"])
  }

  @Test func `a Contact at a trunk's host uses its password`() {
    let found = targets(
      .desk, of: "731",
      [
        "731/Contact.txt": "sip:731@192.0.2.5", "trunks/PBX/Login.txt": "pikett", "trunks/PBX/Password.txt": "x",
        "trunks/PBX/CallerID.txt": "from",
      ])
    #expect(found.first?.credentials == Credentials(user: "pikett", password: Redacted("x")))
  }

  @Test func `neither Contact nor password: by the internal trunk`() {
    let found = targets(.desk, of: "731", ["731/Password.txt": nil])
    #expect(lines(found.first).prefix(2) == ["sip:731@192.0.2.5", "192.0.2.5:5060"])
    #expect(found.first?.trunk == "PBX")
  }

  @Test func `a trunk of the user's own`() {
    let found = targets(.desk, of: "731", ["731/Password.txt": nil, "731/Trunk.txt": "GW14"])
    #expect(found.first?.trunk == "GW14")
  }

  @Test func `an unknown user has no phone`() {
    #expect(targets(.desk, of: "999").isEmpty)
  }

  @Test func `no way there`() {
    #expect(targets(.desk, of: "733", isReachable: false).isEmpty)
    #expect(targets(.fork("0347"), of: "731", isReachable: false).isEmpty)
  }

  @Test func `a host's name must be known`() {
    let changes = ["733/Contact.txt": "sip:733@Phones.Example.net"]
    #expect(targets(.desk, of: "733", changes).isEmpty)
    let found = targets(
      .desk, of: "733", changes, hosts: ["phones.example.net": [endpoint("198.51.100.9:1").address]])
    #expect(lines(found.first).prefix(2) == ["sip:733@Phones.Example.net", "198.51.100.9:5060"])
  }

  struct Way: Sendable, CustomTestStringConvertible {
    var file: String
    var text: String
    var way: String
    var testDescription: String { "\(file) \(text)" }
  }

  static let ways: [Way] = [
    Way(file: "733/Contact.txt", text: "sip:7@192.0.2.9", way: "UDP 192.0.2.9:5060"),
    Way(file: "733/Contact.txt", text: "sip:7@192.0.2.9;transport=tcp", way: "TCP 192.0.2.9:5060"),
    Way(file: "733/Contact.txt", text: "sip:7@192.0.2.9:5070;ob;Transport=TCP", way: "TCP 192.0.2.9:5070"),
    Way(file: "733/Contact.txt", text: "sip:7@192.0.2.9;transport=udp", way: "UDP 192.0.2.9:5060"),
    Way(file: "733/Contact.txt", text: "sips:7@192.0.2.9", way: "TLS 192.0.2.9:5061"),
    Way(file: "trunks/MOBILE/Transport.txt", text: "tcp", way: "TCP 192.0.2.20:5060"),
    Way(file: "trunks/MOBILE/Transport.txt", text: "udp", way: "UDP 192.0.2.20:5060"),
  ]

  @Test(arguments: ways) func `the way depends on the transport`(_ way: Way) {
    let phone: Branch.Phone = way.file.hasPrefix("733") ? .desk : .fork("347")
    let flow = targets(phone, of: "733", [way.file: way.text]).first?.target.flow
    #expect(flow.map { "\($0.transport.rawValue) \($0.remote)" } == way.way)
  }

  // MARK: Forks

  struct Dialled: Sendable, CustomTestStringConvertible {
    var fork: String
    var files: [String: String]
    var uri: String
    var testDescription: String { "\(fork) \(files.values.sorted())" }
  }

  static let dialled: [Dialled] = [
    Dialled(fork: "3472619287", files: [:], uri: "sip:03472619287@192.0.2.20"),
    Dialled(fork: "+393472619287", files: [:], uri: "sip:000393472619287@192.0.2.20"),
    Dialled(
      fork: "+39347", files: ["International.txt": "none", "Prefix.txt": ""], uri: "sip:+39347@192.0.2.20"),
    Dialled(fork: "+39347", files: ["International.txt": "011"], uri: "sip:001139347@192.0.2.20"),
    Dialled(fork: "347 261-92.87", files: [:], uri: "sip:03472619287@192.0.2.20"),
    Dialled(fork: "347", files: ["Host.txt": "192.0.2.20:5070"], uri: "sip:0347@192.0.2.20:5070"),
    Dialled(fork: "347", files: ["Domain.txt": "voip.example.net"], uri: "sip:0347@voip.example.net"),
    Dialled(fork: "347", files: ["Host.txt": "[2001:db8::20]:5080"], uri: "sip:0347@[2001:db8::20]:5080"),
    Dialled(fork: "347", files: ["Host.txt": "2001:db8::20"], uri: "sip:0347@[2001:db8::20]"),
  ]

  @Test(arguments: dialled) func `what is dialled for a fork`(story: Dialled) {
    var changes: [String: String?] = [:]
    for (file, text) in story.files { changes["trunks/MOBILE/\(file)"] = text }
    #expect(lines(targets(.fork(story.fork), of: "731", changes).first).first == story.uri)
  }

  @Test func `an outbound proxy gets the call, the Request-URI stays`() {
    let found = targets(.fork("347"), of: "731", ["trunks/MOBILE/Proxy.txt": "192.0.2.30:5090"])
    #expect(lines(found.first).prefix(2) == ["sip:0347@192.0.2.20", "192.0.2.30:5090"])
  }

  @Test func `no number, no trunk: nowhere`() {
    #expect(targets(.fork("anna@example.net"), of: "731").isEmpty)
    #expect(targets(.fork("347"), of: "731", ["ExternalTrunk.txt": "none"]).isEmpty)
  }

  // MARK: As whom

  struct Shown: Sendable, CustomTestStringConvertible {
    var files: [String: String]
    var lines: [String]
    var testDescription: String { "\(files.values.sorted())" }
  }

  static let shown: [Shown] = [
    Shown(
      files: [:],
      lines: [
        "From: <sip:0347@192.0.2.1>", "P-Asserted-Identity: <sip:0347@192.0.2.1>",
        "Diversion: <sip:799*731@192.0.2.1>;reason=unconditional",
      ]),
    Shown(
      files: ["Login.txt": "4711", "Password.txt": "x"],
      lines: ["From: <sip:4711@192.0.2.20>", "P-Asserted-Identity: <sip:0347@192.0.2.1>"]),
    Shown(
      files: ["Login.txt": "4711", "Password.txt": "x", "Domain.txt": "example.net"],
      lines: ["From: <sip:4711@example.net>", "P-Asserted-Identity: <sip:0347@192.0.2.1>"]),
    Shown(
      files: ["Login.txt": "4711", "CallerID.txt": "rpid"],
      lines: [
        "From: <sip:4711@192.0.2.20>", "Remote-Party-ID: <sip:0347@192.0.2.1>;party=calling;privacy=off;screen=no",
      ]),
    Shown(
      files: ["CallerID.txt": "own", "From.txt": "0471999"],
      lines: ["From: <sip:0471999@192.0.2.20>", "P-Asserted-Identity: <sip:0471999@192.0.2.20>"]),
    Shown(
      files: ["CallerID.txt": "own", "Host.txt": "2001:db8::20"],
      lines: ["From: <sip:799*731@[2001:db8::20]>", "P-Asserted-Identity: <sip:799*731@[2001:db8::20]>"]),
  ]

  @Test(arguments: shown) func `as whom a fork is called`(story: Shown) {
    var changes: [String: String?] = [:]
    for (file, text) in story.files { changes["trunks/MOBILE/\(file)"] = text }
    let found = targets(.fork("347"), of: "731", changes)
    #expect(Array(lines(found.first).dropFirst(2)) == story.lines)
  }

  @Test func `the login answers a challenge`() {
    let found = targets(
      .fork("347"), of: "731",
      ["trunks/MOBILE/Login.txt": "4711", "trunks/MOBILE/AuthUser.txt": "auth", "trunks/MOBILE/Password.txt": "x"])
    #expect(found.first?.credentials == Credentials(user: "auth", password: Redacted("x")))
  }
}
