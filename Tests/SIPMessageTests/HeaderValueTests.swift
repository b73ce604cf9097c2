import SIPMessage
import Testing

@Suite struct NameAddressTests {
  @Test(
    arguments: [
      ("<sip:a@b>", nil, "<sip:a@b>"),
      ("sip:a@b;tag=1", nil, "<sip:a@b>;tag=1"),
      ("  \"A \\\"B\\\" \\\\\"  <sip:a@b> ; tag = x ", "A \"B\" \\", "\"A \\\"B\\\" \\\\\" <sip:a@b>;tag=x"),
      ("A B<sip:a@b;lr>", "A B", "\"A B\" <sip:a@b;lr>"),
      ("\"\" <sip:a@b>", "", "\"\" <sip:a@b>"),
      ("\"a,b;c<d>\" <sip:a@b>;x=\"y;z\"", "a,b;c<d>", "\"a,b;c<d>\" <sip:a@b>;x=\"y;z\""),
      ("< sip:a@b >", nil, "<sip:a@b>"),
      ("<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";flag;", nil, "<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";flag"),
      ("<sip:a@b>;+sip.extensions=\"join\"", nil, "<sip:a@b>;+sip.extensions=\"join\""),
      ("<tel:+41>", nil, "<tel:+41>"),
    ] as [(String, String?, String)])
  func reads(_ text: String, _ name: String?, _ written: String) throws {
    let address = try NameAddress(text)
    #expect(address.displayName == name)
    #expect(address.description == written)
    #expect(try NameAddress(written) == address)
  }

  @Test(arguments: [
    "", "\"a <sip:a@b>", "\"a\" sip:a@b", "<sip:a@b", "sip:a@b?x=y", "<sip:a@b> x", "<sip:a@b>;;x", "<sip:a@b>;=x", "*",
    "a \"b\" <sip:a@b>", "<>", "<sip:a@b>;x=\"y", "<sip:a@b>;x=\"y\"z",
    "<sip:a@b>" + String(repeating: ";p", count: 300),
  ])
  func refuses(_ text: String) {
    #expect(throws: HeaderError.self) { try NameAddress(text) }
  }

  @Test func listsSplitOutsideQuotesAndBrackets() throws {
    let list = try NameAddress.list("\"x, \\\" y\" <sip:a,b@c>,<sip:d@e>;p=\"1,2\" ,, sip:f@g,")
    #expect(list.map(\.uri.user) == ["a,b", "d", "f"])
    #expect(list[0].displayName == "x, \" y")
    #expect(splitHeaderList(" a , \"b,c\" ,<d,e>,, f") == ["a", "\"b,c\"", "<d,e>", "f"])
    #expect(splitHeaderList(" ,, ").isEmpty)
  }

  @Test func parametersAreReadAndSetWithoutCase() throws {
    var address = try NameAddress("<sip:a@b>;Tag=1;x")
    #expect(address.tag == "1")
    address.tag = "2"
    #expect(address.description == "<sip:a@b>;Tag=2;x")
    address.tag = nil
    #expect(address.description == "<sip:a@b>;x")
    #expect(address.parameters.has("X"))
    #expect(try NameAddress("<sip:a@b>;expires=60;q=0.7").expires == 60)
    #expect(try NameAddress("<sip:a@b>;expires=280297596632815").expires == 3600)
    #expect(try NameAddress("<sip:a@b>;expires=soon").expires == 3600)
    #expect(try NameAddress("<sip:a@b>").expires == nil)
  }

  @Test(
    arguments: [
      ("0", 0), ("1", 1000), ("0.5", 500), ("0.05", 50), ("1.000", 1000), ("1.001", nil), ("0.1234", nil), ("2", nil),
      ("0.", 0), ("-1", nil), ("0.x", nil),
    ] as [(String, Int?)])
  func q(_ text: String, _ expected: Int?) throws {
    #expect(try NameAddress("<sip:a@b>;q=\(text)").thousandthsOfQ == expected)
  }
}

@Suite struct ViaTests {
  @Test func reads() throws {
    let via = try Via("SIP / 2.0 /UDP  [2001:db8::1] : 5070 ; branch = z9hG4bKx;rport;received=192.0.2.9")
    #expect(via.transport == "UDP")
    #expect(via.host == "[2001:db8::1]")
    #expect(via.port == 5070)
    #expect(via.branch == "z9hG4bKx")
    #expect(via.parameters.has("rport"))
    #expect(via.description == "SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKx;rport;received=192.0.2.9")
    #expect(try Via(via.description) == via)
    #expect(try Via("SIP/2.0/UDP h;rport=;branch=1").parameters.has("rport"))
    #expect(try Via("SIP/2.0/UDP h;received=2001:db8::9").description == "SIP/2.0/UDP h;received=2001:db8::9")
    #expect(try Via.list("SIP/2.0/UDP a,SIP/2.0/TCP b;x=\",\"").map(\.host) == ["a", "b"])
  }

  @Test(arguments: [
    "", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/UDPh", "HTTP/2.0/UDP h", "SIP/2.0/ h", "SIP//UDP h",
    "SIP/2.0/UDP h:", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP h x", "SIP/2.0/UDP h;;", "SIP/2.0/UDP [::1", "SIP/2.0/UDP @",
  ])
  func refuses(_ text: String) { #expect(throws: HeaderError.self) { try Via(text) } }

  @Test func writesNothingForeign() {
    var via = Via(transport: "UDP\r\nX: y", host: "h\r\nX", port: 1)
    via.parameters.set("a\r\n", "b\r\nVia: x")
    #expect(!via.description.utf8.contains { $0 == 0x0D || $0 == 0x0A })
  }
}

@Suite struct CSeqTests {
  @Test func reads() throws {
    #expect(try CSeq("  0009 \t INVITE ") == CSeq(9, .invite))
    #expect(try CSeq("2147483647 BYE").number == 2_147_483_647)
    #expect(CSeq(1, .ack).description == "1 ACK")
  }

  @Test(arguments: ["", "1", "INVITE", "1INVITE", "-1 INVITE", "1 INVITE x", "1 ", "1 (", "0x1 A"])
  func malformed(_ text: String) {
    #expect(throws: HeaderError(.malformed, "expected a number and a method")) { try CSeq(text) }
  }

  @Test(arguments: ["2147483648 A", "4294967297 A", "36893488147419103232 A"])
  func outOfRange(_ text: String) {
    #expect(throws: HeaderError(.outOfRange, "the number must be below 2147483648")) { try CSeq(text) }
  }
}

@Suite struct HeadersTests {
  @Test func namesAreEqualInEveryForm() {
    for name: HeaderName in ["i", "I", "call-id", "CALL-ID", "Call-ID"] {
      #expect(name == "Call-ID")
      #expect(name.text == "Call-ID")
      #expect(Set([name, "Call-ID"]).count == 1)
    }
    #expect(HeaderName("X-Foo") == "x-fOO")
    #expect(Set([HeaderName("X-Foo"), "x-fOO"]).count == 1)
    #expect(HeaderName("X-Foo").text == "X-Foo")
    #expect(HeaderName("X-Foo") != "X-Fop")
    #expect(HeaderName("") != "Via")
    #expect(HeaderName("z") != "y")
    for (compact, long) in [
      ("a", "Accept-Contact"), ("b", "Referred-By"), ("c", "Content-Type"), ("d", "Request-Disposition"),
      ("e", "Content-Encoding"), ("f", "From"), ("j", "Reject-Contact"), ("k", "Supported"), ("l", "Content-Length"),
      ("m", "Contact"), ("o", "Event"), ("r", "Refer-To"), ("s", "Subject"), ("t", "To"), ("u", "Allow-Events"),
      ("v", "Via"), ("x", "Session-Expires"),
    ] { #expect(HeaderName(compact) == HeaderName(long)) }
  }

  @Test func typedReaders() throws {
    let headers = Headers([
      ("v", "SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b;branch=2"), ("Via", "SIP/2.0/TLS c"), ("f", "<sip:a@b>;tag=1"),
      ("t", "sip:c@d"), ("i", "x"), ("CSeq", "1 INVITE"), ("m", "<sip:1@a>, <sip:2@a>"), ("Contact", "sip:3@a"),
      ("Max-Forwards", "69"), ("Expires", "120"), ("k", "timer, 100rel"), ("Supported", "replaces"),
      ("c", "Application/SDP ; charset=utf-8"), ("Route", "<sip:p;lr>"),
    ])
    #expect(try headers.vias().map(\.host) == ["a", "b", "c"])
    #expect(try headers.topVia().branch == "1")
    #expect(try headers.from().tag == "1")
    #expect(try headers.to().tag == nil)
    #expect(try headers.contacts().map(\.uri.user) == ["1", "2", "3"])
    #expect(!headers.isStarContact)
    #expect(try headers.cseq() == CSeq(1, .invite))
    #expect(headers.callID == "x")
    #expect(try headers.maxForwards() == 69)
    #expect(try headers.expires() == 120)
    #expect(headers.tokens("Supported") == ["timer", "100rel", "replaces"])
    #expect(headers.tokens("Require").isEmpty)
    #expect(headers.contentType == "application/sdp")
    #expect(try headers.nameAddresses("Route").first?.uri.parameters.has("lr") == true)
    #expect(try headers.nameAddresses("P-Asserted-Identity").isEmpty)
  }

  @Test func faultsNameTheField() throws {
    let empty = Headers()
    #expect(throws: HeaderError(.missing, "Via is missing")) { try empty.vias() }
    #expect(throws: HeaderError(.missing, "Via is missing")) { try empty.topVia() }
    #expect(throws: HeaderError(.missing, "From is missing")) { try empty.from() }
    #expect(throws: HeaderError(.missing, "CSeq is missing")) { try empty.cseq() }
    #expect(empty.callID == nil)
    #expect(empty.contentType == nil)
    let twice = Headers([("To", "<sip:a@b>"), ("t", "<sip:a@b>")])
    #expect(throws: HeaderError(.repeated, "To stands several times")) { try twice.to() }
    let bad = Headers([("Route", "<sip:a"), ("Max-Forwards", "many"), ("Expires", "soon"), ("Contact", " * ")])
    #expect(throws: HeaderError(.malformed, "Route: expected > behind the URI")) { try bad.nameAddresses("Route") }
    #expect(throws: HeaderError(.malformed, "Max-Forwards: expected a number")) { try bad.maxForwards() }
    #expect(try bad.expires() == 3600)
    #expect(try bad.contacts().isEmpty)
    #expect(bad.isStarContact)
    #expect(try Headers([("Max-Forwards", "300")]).maxForwards() == nil)
  }
}
