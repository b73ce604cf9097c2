import SIPMessage
import Testing

@Suite struct SIPURITests {
  /// RFC 3261 §19.1.4's own examples, and what its rules say of the rest.
  @Test(arguments: [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true),
    (
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true
    ),
    (
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true
    ),
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false),
    ("sip:alice@atlanta.com", "sips:alice@atlanta.com", false),
    ("sip:alice@atlanta.com", "sip:atlanta.com", false),
    ("sip:alice:pw@atlanta.com", "sip:alice@atlanta.com", false),
    ("sip:alice@atlanta.com;user=phone", "sip:alice@atlanta.com", false),
    ("sip:alice@atlanta.com;ttl=15", "sip:alice@atlanta.com", false),
    ("sip:alice@atlanta.com;method=INVITE", "sip:alice@atlanta.com", false),
    ("sip:alice@atlanta.com;maddr=192.0.2.1", "sip:alice@atlanta.com", false),
    ("sip:alice@atlanta.com;maddr=192.0.2.1", "sip:alice@atlanta.com;maddr=192.0.2.1", true),
    ("sip:799*731@pbx", "sip:799%2A731@PBX", true),
    ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]", true),
    ("sip:a@192.0.2.1", "sip:a@[2001:db8::1]", false),
    ("sip:a@h?x=1&x=2", "sip:a@h?x=2&x=1", true),
    ("sip:a@h?x=1&x=1", "sip:a@h?x=1&x=2", false),
    ("sip:a@h?i=7", "sip:a@h?call-id=7", true),
    ("tel:+41-44-000", "tel:+4144000", true),
    ("tel:731;phone-context=a.com", "tel:731", false),
    ("tel:731;phone-context=a.com", "tel:731;phone-context=A.com", true),
    ("tel:731", "sip:731@h", false),
    ("urn:service:sos", "urn:service:sos", true),
    ("urn:service:sos", "urn:service:police", false),
  ])
  func equivalence(_ left: String, _ right: String, _ expected: Bool) throws {
    let a = try SIPURI(left)
    let b = try SIPURI(right)
    #expect(a.isEquivalent(to: b) == expected)
    #expect(b.isEquivalent(to: a) == expected, "the other way round")
    #expect(a.isEquivalent(to: a))
  }

  @Test func parts() throws {
    let uri = try SIPURI("SIPS:799%2a731:se%3Acret@[2001:db8::1]:5061;lr;Foo=%20b?Subject=x&a=b")
    #expect(uri.scheme == "sips")
    #expect(uri.user == "799*731")
    #expect(uri.password == "se:cret")
    #expect(uri.host == "[2001:db8::1]")
    #expect(uri.port == 5061)
    #expect(uri.parameters.has("LR"))
    #expect(uri.parameters["foo"] == "%20b")
    #expect(uri.headers == "Subject=x&a=b")
    #expect(uri.isSIP)
    #expect(uri.description == "sips:799*731:se%3Acret@[2001:db8::1]:5061;lr;Foo=%20b?Subject=x&a=b")
    let number = try SIPURI("tel:+41-44;phone-context=example.com")
    #expect(number.user == "+41-44")
    #expect(number.parameters["phone-context"] == "example.com")
    #expect(number.description == "tel:+41-44;phone-context=example.com")
    #expect(try SIPURI("sip:@192.0.2.1").user == nil)
    #expect(try SIPURI("sip:#31#731@192.0.2.1").description == "sip:%2331%23731@192.0.2.1")
    #expect(try SIPURI("urn:service:sos").opaque == "service:sos")
    #expect(try SIPURI("sip:host;").description == "sip:host")
  }

  @Test(arguments: [
    "", "731", "sip:", "sip", ":a@b", "1sip:a@b", "sip:a@", "sip:a@b:", "sip:a@b:x", "sip:a@b:99999", "sip:a@b c",
    "sip:a b@c", "sip:a@b@c", "sip:a%4@b", "sip:a%zz@b", "sip:a%@b", "sip:a@[::1", "sip:a@[1.2.3.4]", "sip:a@[x]",
    "sip:a@b;;c", "sip:a@b;=c", "sip:a@b>", "<sip:a@b>", "sip:a\"@b", "sip:a@b/c", "tel:", "tel:;x", "urn:",
    "sip:a@b\r\n",
    "sip:a@b" + String(repeating: ";p", count: 300),
  ])
  func refused(_ text: String) {
    #expect(throws: HeaderError.self) { try SIPURI(text) }
  }

  @Test func portsOutOfRange() {
    #expect(throws: HeaderError(.outOfRange, "a port is at most 65535")) { try SIPURI("sip:a@b:65536") }
    #expect(throws: HeaderError(.outOfRange, "a port is at most 65535")) {
      try SIPURI("sip:a@b:99999999999999999999999999")
    }
  }

  /// No user, host or parameter, whatever it holds, can end the URI or the line.
  @Test(arguments: ["a@b", "a;b=c", "a>\r\nVia: x", "a b\"<", "\0\u{7F}ä", "%41", "a:b"])
  func hostileParts(_ text: String) throws {
    var uri = SIPURI(user: text, host: "192.0.2.1")
    uri.parameters.set(text, text)
    let written = uri.description
    #expect(written.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 })
    #expect(try SIPURI(written).user == text)
    #expect(try SIPURI(written).host == "192.0.2.1")
    uri.host = text
    #expect(uri.description.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 })
  }
}
