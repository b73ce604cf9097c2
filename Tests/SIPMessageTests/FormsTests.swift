import SIPMessage
import Testing

/// The many ways in which one thing may be written (RFC 3261 §7.3), and what must stay as it was written.
@Suite struct FormsTests {
  private func message(_ lines: [[UInt8]]) -> [UInt8] { lines.flatMap { $0 + [0x0D, 0x0A] } + [0x0D, 0x0A] }

  private func message(_ lines: [String]) -> [UInt8] { message(lines.map { Array($0.utf8) }) }

  private func request(_ bytes: [UInt8]) throws -> Request {
    guard case .request(let request) = try parseMessage(bytes) else { throw ParseError(.notSIP, "no request") }
    return request
  }

  private let base = [
    "INVITE sip:720@192.0.2.10 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKforms", "From: <sip:a@b>;tag=1",
    "To: <sip:720@192.0.2.10>", "Call-ID: forms", "CSeq: 1 INVITE",
  ]

  // MARK: Names

  /// A message in compact forms is the same as in long ones, and leaves in long ones.
  @Test func compactForms() throws {
    let pairs = [
      ("Via", "v"), ("From", "F"), ("To", "t"), ("Call-ID", "i"), ("Contact", "m"), ("Content-Type", "C"),
      ("Content-Encoding", "e"), ("Subject", "s"), ("Supported", "k"), ("Event", "o"), ("Allow-Events", "u"),
      ("Refer-To", "r"), ("Referred-By", "b"), ("Session-Expires", "X"), ("Content-Length", "L"),
    ]
    let values = [
      "Via": "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKc", "From": "<sip:a@b>;tag=1", "To": "<sip:c@d>",
      "Contact": "<sip:e@f>", "Content-Length": "0",
    ]
    func written(_ name: (String, String) -> String) -> [UInt8] {
      message(["INVITE sip:c@d SIP/2.0", "CSeq: 1 INVITE"] + pairs.map { "\(name($0, $1)): \(values[$0] ?? "x")" })
    }
    let long = try request(written { long, _ in long })
    #expect(try request(written { _, short in short }) == long)
    #expect(try request(written { _, short in short }).serialized() == long.serialized())
    #expect(long.headers.fields.count == pairs.count + 1)
  }

  @Test func unknownFieldsStayInTheirOrderAndCase() throws {
    let lines =
      base + ["X-Zwei: 2", "x-EINS: one,  two", "P-Vendor-Thing: \"a;b\" <sip:x>;y", "X-Zwei: again", "X-Empty:"]
    let request = try request(message(lines))
    let text = String(decoding: request.serialized(), as: UTF8.self)
    #expect(
      text.contains(
        "X-Zwei: 2\r\nx-EINS: one,  two\r\nP-Vendor-Thing: \"a;b\" <sip:x>;y\r\nX-Zwei: again\r\nX-Empty: \r\n"))
    #expect(request.headers.lines("X-ZWEI") == ["2", "again"])
  }

  // MARK: Values

  @Test func oneLineOrMany() throws {
    let via = ["SIP/2.0/UDP a;branch=z9hG4bK1", "SIP/2.0/TCP b;x=\"1,2\"", "SIP/2.0/TLS c:5061"]
    let route = ["<sip:p1;lr>", "\"a, b\" <sip:u,v@p2;lr>;q=1", "<sip:p3;lr>"]
    func read(_ lines: [String]) throws -> Request { try request(message([base[0]] + base.dropFirst(2) + lines)) }
    let many = try read(via.map { "Via: \($0)" } + route.map { "Route: \($0)" } + ["k: timer", "k: 100rel"])
    let one = try read(
      ["v: " + via.joined(separator: ","), "ROUTE: " + route.joined(separator: " , "), "Supported: timer,100rel"])
    let folded = try read(
      [
        "Via: " + via.joined(separator: ",\r\n\t"), "Route:\r\n " + route.joined(separator: "\r\n  ,"),
        "k:timer\r\n ,100rel",
      ])
    for other in [one, folded] {
      #expect(try other.headers.vias() == many.headers.vias())
      #expect(try other.headers.nameAddresses("Route") == many.headers.nameAddresses("Route"))
      #expect(other.headers.tokens("Supported") == many.headers.tokens("Supported"))
    }
    #expect(try many.headers.vias().map(\.host) == ["a", "b", "c"])
    #expect(try many.headers.nameAddresses("Route").map(\.uri.user) == [nil, "u,v", nil])
  }

  @Test func parametersInAnyOrderAndCase() throws {
    for text in [
      "SIP/2.0/UDP h;branch=z9hG4bKx;received=192.0.2.9;rport=7;maddr=224.0.1.75",
      "sip/2.0/udp h;MADDR=224.0.1.75;RPORT=7;Branch=z9hG4bKx;Received=192.0.2.9",
      "SIP / 2.0 / UDP h ; RECEIVED = 192.0.2.9 ; unknown ; BRANCH = z9hG4bKx ; maddr=224.0.1.75; Rport = 7",
    ] {
      let via = try Via(text)
      #expect(via.branch == "z9hG4bKx")
      #expect(via.transport.uppercased() == "UDP")
      #expect(
        ["received", "rport", "maddr"].map { via.parameters[$0] } == ["192.0.2.9", "7", "224.0.1.75"], "\(text)")
    }
    for text in ["<sip:a@b>;expires=60;q=0.5;x", "<sip:a@b>;X;Q=0.5;EXPIRES=60", "<sip:a@b> ;q = 0.5; x ;Expires = 60"]
    {
      let contact = try NameAddress(text)
      #expect(contact.expires == 60 && contact.thousandthsOfQ == 500 && contact.parameters.has("x"), "\(text)")
    }
    #expect(try NameAddress("<sip:a@b>;Foo=bar;TAG=T1").tag == "T1", "a tag's value keeps its case")
    let digest = try DigestCredentials(
      "DIGEST URI=\"sip:a\" , Response=\"AB\",NC=00000001,username=\"u\",CNONCE=\"c\",Qop=auth,REALM=\"r\",nonce=\"n\"")
    #expect(digest.response == "ab" && digest.nc == "00000001" && digest.qop == "auth" && digest.username == "u")
  }

  // MARK: Addresses

  @Test(arguments: ["sip:720@[2001:db8::10]", "sips:[2001:db8::10]:5061;transport=tcp", "sip:a@[::ffff:192.0.2.1];lr"])
  func ipv6InURIs(_ text: String) throws {
    let uri = try SIPURI(text)
    #expect(uri.description == text)
    #expect(uri.host.hasPrefix("[") && uri.host.hasSuffix("]"))
    #expect(try NameAddress("\"x\" <\(text)>;tag=1").uri == uri)
    var lines = base
    lines[0] = "INVITE \(text) SIP/2.0"
    #expect(
      try request(message(lines + ["Contact: <\(text)>", "Route: <\(text)>"])).headers.contacts().first?.uri == uri)
  }

  /// RFC 3261's grammar has `received` without brackets, RFC 5118 §4.5 has seen it with them.
  @Test func ipv6InVia() throws {
    let via = try Via("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3;maddr=[ff02::1]")
    #expect(via.host == "[2001:db8::9:1]")
    #expect(via.port == nil)
    #expect(via.parameters["received"] == "2001:db8::9:255")
    #expect(via.parameters["maddr"] == "[ff02::1]")
    #expect(try Via(via.description) == via)
    let bracketed = try Via("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255]")
    #expect(bracketed.port == 6050)
    #expect(bracketed.parameters["received"] == "[2001:db8::9:255]")
    #expect(bracketed.description.hasSuffix(";received=[2001:db8::9:255]"), "written as it came, without quotes")
  }

  @Test func telURIsWhereverAURIMayStand() throws {
    let tel = "tel:+39-0471-999.720;phone-context=example.com;ext=12"
    var lines = base
    lines[0] = "INVITE \(tel) SIP/2.0"
    lines[2] = "From: \"A\" <\(tel)>;tag=1"
    lines[3] = "To: \(tel.prefix { $0 != ";" });x=y"
    let request = try request(
      message(
        lines + [
          "Contact: <\(tel)>", "P-Asserted-Identity: <sip:a@b>, <\(tel)>", "Diversion: <\(tel)>;reason=no-answer",
        ]))
    let from = try request.headers.from()
    for uri in try [
      request.uri, from.uri, request.headers.contacts()[0].uri,
      request.headers.nameAddresses("P-Asserted-Identity")[1].uri,
      request.headers.nameAddresses("Diversion")[0].uri,
    ] {
      #expect(uri.scheme == "tel" && uri.user == "+39-0471-999.720" && uri.description == tel)
      #expect(uri.parameters["phone-context"] == "example.com" && uri.parameters["EXT"] == "12")
    }
    #expect(from.tag == "1")
    let to = try request.headers.to()
    #expect(to.uri.user == "+39-0471-999.720" && to.uri.parameters.isEmpty && to.parameters["x"] == "y")
    #expect(try self.request(request.serialized()) == self.request(try self.request(request.serialized()).serialized()))
  }

  // MARK: Bytes

  /// ISO 8859-1 of an old exchange, half a UTF-8 sequence, an overlong one, and the characters that stand for such bytes:
  /// all leave as they came (RFC 3261 §8.2.6 has the fields of a response equal to the request's).
  @Test(
    arguments: [
      [0x4D, 0xFC, 0x6C], [0xC3], [0xE2, 0x82], [0xC0, 0xAF], [0xFF, 0xFE], [0xF4, 0x8F, 0xBE, 0x80],
      [0xF4, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80], [0x61, 0xCC, 0x88, 0x80], [0xF4, 0x90, 0x80, 0x80],
    ] as [[UInt8]])
  func foreignBytesLeaveAsTheyCame(_ foreign: [UInt8]) throws {
    func line(_ before: String, _ after: String = "") -> [UInt8] { Array(before.utf8) + foreign + Array(after.utf8) }
    let lines = [
      Array(base[0].utf8), line("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKf;x=\"", "\""),
      line("From: \"", "\" <sip:a@b>;tag=1"), line("To: ", " <sip:720@192.0.2.10>"), line("Call-ID: x", "y"),
      Array("CSeq: 1 INVITE".utf8), line("Subject: ", " end"), line("X-Name:"),
    ]
    let request = try request(message(lines))
    #expect(wireBytes(try request.headers.from().displayName ?? "") == foreign)
    #expect(wireBytes(try request.headers.to().displayName ?? "") == foreign)
    let written = request.serialized()
    let answer = request.response(486, toTag: "t").serialized()
    for index in [2, 4, 6] {
      #expect(contains(written, lines[index] + [0x0D, 0x0A]), "\(String(decoding: lines[index], as: UTF8.self))")
      if index != 6 { #expect(contains(answer, lines[index] + [0x0D, 0x0A])) }
    }
    #expect(contains(answer, lines[1]))
    #expect(contains(answer, lines[3] + Array(";tag=t\r\n".utf8)))
    // Written from its parts it is the same bytes too.
    #expect(contains(wireBytes(try request.headers.from().description), foreign))
    #expect(contains(wireBytes(try request.headers.topVia().description), foreign))

    let status = message([Array("SIP/2.0 200 ".utf8) + foreign] + lines.dropFirst())
    guard case .response(let response) = try parseMessage(status) else { throw ParseError(.notSIP, "no response") }
    #expect(response.serialized().starts(with: Array("SIP/2.0 200 ".utf8) + foreign + [0x0D, 0x0A]))
  }

  @Test func foreignBytesInAUserPart() throws {
    let uri = try SIPURI("sip:m%FCller@b")
    #expect(uri.description == "sip:m%FCller@b")
    #expect(try SIPURI("sip:m%C3%BCller@b").user == "müller")
    #expect(uri != (try SIPURI("sip:m%C3%BCller@b")))
  }

  private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    bytes.indices.contains { bytes[$0...].starts(with: part) }
  }
}
