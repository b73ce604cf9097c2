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
    hosts: KnownHosts = KnownHosts(), isReachable: Bool = true
  ) -> [BranchTarget] {
    routes(phone, of: user, changes, caller: caller, hosts: hosts, isReachable: isReachable)
      .flatMap { $0.lines.flatMap(\.hosts) }
  }

  private func routes(
    _ phone: Branch.Phone, of user: String, _ changes: [String: String?] = [:], caller: String = "0347",
    dialled: String = "799*731", kind: Directions.Calling.Kind = .call, hosts: KnownHosts = KnownHosts(),
    isReachable: Bool = true
  ) -> [PhoneRoute] {
    Directions(
      site: SceneSite.read(changes), hosts: hosts,
      route: { isReachable ? Flow($1, local: Places.pikett, remote: $0) : nil },
      advertised: { ($0.local.address.uriText, $0.local.port) }, contacts: { $0 == "731" ? [Self.phone] : [] }
    ).routes(to: phone, of: user, calling: .init(caller: CallerName(caller), dialled: dialled, kind: kind))
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
      .desk, of: "733", changes,
      hosts: KnownHosts(addresses: ["phones.example.net": [endpoint("198.51.100.9:1").address]]))
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

  /// A caller who withholds his number.
  static let hidden: [Shown] = [
    Shown(
      files: [:],
      lines: [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:799*731@192.0.2.1>",
        "Diversion: <sip:799*731@192.0.2.1>;reason=unconditional", "Privacy: id",
      ]),
    Shown(
      files: ["From.txt": "+39 0471 999720".filter { $0 != " " }],
      lines: [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:+390471999720@192.0.2.1>",
        "Diversion: <sip:+390471999720@192.0.2.1>;reason=unconditional", "Privacy: id",
      ]),
    Shown(
      files: ["Login.txt": "4711"],
      lines: [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:4711@192.0.2.20>",
        "Privacy: id",
      ]),
    Shown(
      files: ["Login.txt": "4711", "From.txt": "0471999", "Domain.txt": "example.net"],
      lines: [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>", "P-Asserted-Identity: <sip:0471999@example.net>",
        "Privacy: id",
      ]),
    Shown(
      files: ["Login.txt": "4711", "CallerID.txt": "rpid"],
      lines: [
        "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>",
        "Remote-Party-ID: <sip:4711@192.0.2.20>;party=calling;privacy=full;screen=no", "Privacy: id",
      ]),
    Shown(
      files: ["CallerID.txt": "own", "From.txt": "0471999"],
      lines: ["From: <sip:0471999@192.0.2.20>", "P-Asserted-Identity: <sip:0471999@192.0.2.20>"]),
  ]

  @Test(arguments: hidden) func `as whom a fork is called for a caller who withholds his number`(story: Shown) {
    var changes: [String: String?] = [:]
    for (file, text) in story.files { changes["trunks/MOBILE/\(file)"] = text }
    let found = targets(.fork("347"), of: "731", changes, caller: "anonymous")
    #expect(Array(lines(found.first).dropFirst(2)) == story.lines)
  }

  @Test func `a registered phone of an anonymous caller`() {
    #expect(
      lines(targets(.desk, of: "731", caller: "").first).dropFirst(2)
        == ["From: \"Anonymous\" <sip:anonymous@anonymous.invalid>"])
  }

  @Test func `an international caller is shown as delivered`() {
    #expect(
      lines(targets(.fork("347"), of: "731", caller: "+393472619287").first).dropFirst(2)
        == [
          "From: <sip:+393472619287@192.0.2.1>", "P-Asserted-Identity: <sip:+393472619287@192.0.2.1>",
          "Diversion: <sip:799*731@192.0.2.1>;reason=unconditional",
        ])
  }

  @Test func `the line that is named is the number without what surrounds it`() {
    let found = routes(.fork("347"), of: "731", dialled: "%2B39%200471-999720;phone-context=x").first?.lines.first
    #expect(found?.hosts.first?.headers["Diversion"] == "<sip:+390471999720@192.0.2.1>;reason=unconditional")
  }

  // MARK: Several ways

  private func remotes(_ routes: [PhoneRoute]) -> [String] {
    routes.map { route in
      route.lines.map { line in
        "\(line.trunk ?? "-"): "
          + line.hosts.map { "\($0.target.uri) \($0.target.flow.remote)" }.joined(separator: ", ")
      }.joined(separator: "; ")
    }
  }

  @Test func `hosts in their order, each with its addresses; trunks in theirs`() {
    let found = routes(
      .fork("347"), of: "731",
      [
        "ExternalTrunk.txt": "MOBILE,PBX",
        "trunks/MOBILE/Host.txt": "gw.example.net,192.0.2.21:5070,nowhere.example.net",
      ],
      hosts: KnownHosts(addresses: [
        "gw.example.net": [endpoint("192.0.2.30:1").address, endpoint("192.0.2.31:1").address]
      ]))
    #expect(
      remotes(found) == [
        "MOBILE: sip:0347@gw.example.net 192.0.2.30:5060, sip:0347@gw.example.net 192.0.2.31:5060, "
          + "sip:0347@192.0.2.21:5070 192.0.2.21:5070; PBX: sip:347@192.0.2.5 192.0.2.5:5060"
      ])
  }

  @Test func `two names of one host are one`() {
    let found = routes(
      .fork("347"), of: "731", ["trunks/MOBILE/Host.txt": "a.example.net,b.example.net,192.0.2.20"],
      hosts: KnownHosts(addresses: ["a.example.net": [Places.mobile.address], "b.example.net": [Places.mobile.address]])
    )
    #expect(remotes(found) == ["MOBILE: sip:0347@a.example.net 192.0.2.20:5060"])
  }

  @Test func `a domain of its own is the Request-URI's at every host; a proxy stands before them all`() {
    var changes: [String: String?] = [
      "trunks/MOBILE/Host.txt": "192.0.2.20:5070,192.0.2.21", "trunks/MOBILE/Domain.txt": "voip.example.net",
    ]
    #expect(
      remotes(routes(.fork("347"), of: "731", changes)) == [
        "MOBILE: sip:0347@voip.example.net 192.0.2.20:5070, sip:0347@voip.example.net 192.0.2.21:5060"
      ])
    changes["trunks/MOBILE/Proxy.txt"] = "proxy.example.net"
    let hosts = KnownHosts(addresses: [
      "proxy.example.net": [endpoint("192.0.2.40:1").address, endpoint("192.0.2.41:1").address]
    ])
    #expect(
      remotes(routes(.fork("347"), of: "731", changes, hosts: hosts)) == [
        "MOBILE: sip:0347@voip.example.net 192.0.2.40:5060, sip:0347@voip.example.net 192.0.2.41:5060"
      ])
    changes["trunks/MOBILE/Domain.txt"] = nil
    #expect(
      remotes(routes(.fork("347"), of: "731", changes, hosts: hosts)) == [
        "MOBILE: sip:0347@192.0.2.20:5070 192.0.2.40:5060, sip:0347@192.0.2.20:5070 192.0.2.41:5060"
      ])
  }

  @Test func `a dead trunk is passed over while another lives; if none lives, all are tried`() {
    let changes: [String: String?] = ["ExternalTrunk.txt": "MOBILE,PBX,GW14", "731/Password.txt": nil]
    func trunks(dead: Set<String>) -> [String?] {
      let directions = Directions(
        site: SceneSite.read(changes), hosts: KnownHosts(), route: { Flow($1, local: Places.pikett, remote: $0) },
        advertised: { ($0.local.address.uriText, $0.local.port) }, contacts: { _ in [] },
        isAlive: { !dead.contains($0.name) })
      return directions.routes(
        to: .fork("347"), of: "731", calling: .init(caller: CallerName("0347"), dialled: "720")
      ).flatMap { $0.lines.map(\.trunk) }
    }
    #expect(trunks(dead: []) == ["MOBILE", "PBX", "GW14"])
    #expect(trunks(dead: ["MOBILE"]) == ["PBX", "GW14"])
    #expect(trunks(dead: ["MOBILE", "GW14"]) == ["PBX"])
    #expect(trunks(dead: ["MOBILE", "PBX", "GW14"]) == ["MOBILE", "PBX", "GW14"])
  }

  @Test func `the own number is for forks, and where it would change something`() {
    func own(_ phone: Branch.Phone, _ changes: [String: String?] = [:]) -> [String] {
      routes(phone, of: "731", changes.merging(["731/Password.txt": nil]) { a, _ in a })
        .flatMap { $0.lines.flatMap { $0.own.map { "\($0.from)" } } }
    }
    #expect(own(.desk).isEmpty)
    #expect(own(.fork("347")) == ["<sip:799*731@192.0.2.20>"])
    #expect(own(.fork("347"), ["trunks/MOBILE/From.txt": "0471999"]) == ["<sip:0471999@192.0.2.20>"])
    #expect(own(.fork("347"), ["trunks/MOBILE/CallerID.txt": "own"]).isEmpty)
  }

  @Test func `a gateway that registers with Pikett gets the number at its Contact`() {
    let changes: [String: String?] = [
      "trunks/MOBILE/Host.txt": nil, "trunks/MOBILE/Login.txt": "731", "trunks/MOBILE/Password.txt": "x",
      "ExternalTrunk.txt": "MOBILE,PBX",
    ]
    let found = routes(.fork("347"), of: "732", changes)
    #expect(
      remotes(found) == [
        "MOBILE: sip:0347@198.51.100.31:5062 203.0.113.7:1234; PBX: sip:347@192.0.2.5 192.0.2.5:5060"
      ])
    // Its Login is no user here who could be called back: the trunk's account at our own address.
    #expect(found.first?.lines.first?.hosts.first.map { "\($0.from)" } == "<sip:731@192.0.2.1>")
    // While it is away, the next trunk.
    let away = changes.merging(["trunks/MOBILE/Login.txt": "gsm"]) { $1 }
    #expect(remotes(routes(.fork("347"), of: "732", away)) == ["PBX: sip:347@192.0.2.5 192.0.2.5:5060"])
  }

  // MARK: Messages

  @Test func `a message comes from the caller at the phone's registrar`() {
    func from(_ changes: [String: String?] = [:], user: String = "731", caller: String = "+39347") -> String? {
      routes(.desk, of: user, changes, caller: caller, dialled: user, kind: .message).first?.lines.first?.hosts.first
        .map { "\($0.from)" + $0.headers.fields.map { " \($0.name)" }.joined() }
    }
    #expect(from() == "<sip:+39347@192.0.2.1>")
    #expect(from(user: "733") == "<sip:+39347@192.0.2.1>")
    #expect(from(["731/Password.txt": nil]) == "<sip:+39347@192.0.2.5>")
    #expect(from(["731/Password.txt": nil, "trunks/PBX/Domain.txt": "pbx.net"]) == "<sip:+39347@pbx.net>")
    #expect(from(["731/Password.txt": nil, "trunks/PBX/Login.txt": "line"]) == "<sip:+39347@192.0.2.5>")
    #expect(
      from(["731/Password.txt": nil, "trunks/PBX/Login.txt": "line", "trunks/PBX/CallerID.txt": "own"])
        == "<sip:line@192.0.2.5>")
    #expect(from(caller: "anonymous") == "\"Anonymous\" <sip:anonymous@anonymous.invalid>")
    #expect(
      from(["731/Password.txt": nil, "trunks/PBX/Login.txt": "line"], caller: "anonymous") == "<sip:line@192.0.2.5>")
    #expect(
      from(["731/Password.txt": nil], caller: "anonymous") == "\"Anonymous\" <sip:anonymous@anonymous.invalid>")
  }

  @Test func `the login answers a challenge`() {
    let found = targets(
      .fork("347"), of: "731",
      ["trunks/MOBILE/Login.txt": "4711", "trunks/MOBILE/AuthUser.txt": "auth", "trunks/MOBILE/Password.txt": "x"])
    #expect(found.first?.credentials == Credentials(user: "auth", password: Redacted("x")))
  }
}
