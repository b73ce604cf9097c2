import SIPMessage
import Testing

@Suite struct ResponseTests {
  private func request() throws -> Request {
    Request(
      .invite, try SIPURI("sip:720@192.0.2.10"),
      headers: Headers([
        ("Via", "SIP/2.0/UDP a;branch=1"), ("Via", "SIP/2.0/UDP b;branch=2, SIP/2.0/UDP c"), ("Max-Forwards", "70"),
        ("Record-Route", "<sip:p;lr>"), ("From", "sip:a@b;tag=1"), ("To", "\"X\" <sip:720@c>;x=y ; "), ("Call-ID", "c"),
        ("CSeq", "1 INVITE"), ("Timestamp", "54"), ("Contact", "<sip:a@b>"), ("Subject", "s"),
      ]))
  }

  /// RFC 3261 §8.2.6.2.
  @Test func copiesWhatMustBeCopied() throws {
    let response = try request().response(180, toTag: "t1")
    #expect(response.status == 180)
    #expect(response.reason == "Ringing")
    #expect(response.headers.lines("Via") == ["SIP/2.0/UDP a;branch=1", "SIP/2.0/UDP b;branch=2, SIP/2.0/UDP c"])
    #expect(response.headers["From"] == "sip:a@b;tag=1")
    #expect(response.headers["To"] == "\"X\" <sip:720@c>;x=y;tag=t1")
    #expect(response.headers["Call-ID"] == "c")
    #expect(response.headers["CSeq"] == "1 INVITE")
    #expect(response.headers["Record-Route"] == "<sip:p;lr>")
    for name: HeaderName in ["Timestamp", "Contact", "Subject", "Max-Forwards"] { #expect(!response.headers.has(name)) }
    #expect(response.body.isEmpty)
  }

  @Test func a100HasTimestampAndNoTag() throws {
    let response = try request().response(100, toTag: "t1")
    #expect(response.headers["Timestamp"] == "54")
    #expect(try response.headers.to().tag == nil)
    #expect(!response.headers.has("Record-Route"))
  }

  @Test func refusalsMakeNoDialog() throws {
    let response = try request().response(486, reason: "Not now", toTag: "t1")
    #expect(response.reason == "Not now")
    #expect(!response.headers.has("Record-Route"))
    #expect(try response.headers.to().tag == "t1")
  }

  @Test func aTagThatIsThereStays() throws {
    var request = try request()
    request.headers["To"] = "sip:720@c;TAG=old"
    #expect(request.response(200, toTag: "new").headers["To"] == "sip:720@c;TAG=old")
    request.headers["To"] = "sip:720@c"
    #expect(request.response(200, toTag: "new\r\nX: y").headers["To"] == "sip:720@c;tag=new--X--y")
    #expect(request.response(200, toTag: nil).headers["To"] == "sip:720@c")
    request.headers["To"] = "\"broken"
    #expect(request.response(400, toTag: "new").headers["To"] == "\"broken")
  }

  @Test func aResponseToWhatWasReadCanBeRead() throws {
    for fixture in Fixture.all {
      guard case .success(.request(let request)) = outcome(fixture.message) else { continue }
      let response = request.response(200, toTag: "x")
      guard case .success(.response(let again)) = outcome(response.serialized()) else {
        Issue.record("\(fixture.name)")
        continue
      }
      #expect(try again.headers.vias() == request.headers.vias(), "\(fixture.name)")
      #expect(try again.headers.to().tag != nil, "\(fixture.name)")
    }
  }
}

@Suite struct SerializerTests {
  @Test func contentLengthIsComputed() throws {
    var request = Request(.message, try SIPURI("sip:731@192.0.2.2"), body: Array("grüezi".utf8))
    request.headers.add("Via", "SIP/2.0/UDP a")
    request.headers.add("l", "99")
    request.headers.add("Content-Length", "98")
    let text = String(decoding: request.serialized(), as: UTF8.self)
    #expect(
      text
        == "MESSAGE sip:731@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 7\r\n\r\ngrüezi")
    #expect(
      String(decoding: Response(404).serialized(), as: UTF8.self)
        == "SIP/2.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    #expect(Message.response(Response(404)).serialized() == Response(404).serialized())
    #expect(String(decoding: Response(7).serialized(), as: UTF8.self).hasPrefix("SIP/2.0 500 "))
  }

  /// Whatever stands in a value, a name, a method, a reason or a URI: no further line comes out of it.
  @Test(arguments: ["\r\n", "\n", "\r", "\r\n\r\n", "\r\n ", "\u{85}\r\n"])
  func noHeaderCanBeInjected(_ lineBreak: String) throws {
    let evil = "x\(lineBreak)Via: SIP/2.0/UDP evil\(lineBreak)"
    let headers = Headers([
      ("Subject", evil), (HeaderName("A" + evil), "b"), (HeaderName(""), evil), ("From", "<sip:a@b>;tag=\(evil)"),
    ])
    var uri = SIPURI(user: evil, host: evil, port: 5060)
    uri.password = evil
    uri.headers = evil
    uri.parameters.set(evil, evil)
    var name = NameAddress(uri, displayName: evil)
    name.tag = evil
    var all = headers
    all.add("To", name.description)
    all.add("Via", Via(transport: evil, host: evil, port: 1, parameters: name.parameters).description)
    all.add("CSeq", CSeq(1, Method(evil)).description)
    for bytes in [
      Request(Method(evil), uri, headers: all).serialized(), Response(200, reason: evil, headers: all).serialized(),
      Request(.invite, SIPURI("tel", evil), headers: all).serialized(),
      Request(.invite, SIPURI("x\(evil)", evil), headers: all).serialized(),
    ] {
      let lines = String(decoding: bytes, as: UTF8.self).unicodeScalars.split { $0 == "\n" || $0 == "\r" }.map {
        String($0)
      }
      // Start line, Subject, A…, From, To, Via, CSeq, Content-Length.
      #expect(lines.count == 8)
      #expect(lines.filter { $0.hasPrefix("Via") }.count == 1)
      #expect(bytes.suffix(4) == [0x0D, 0x0A, 0x0D, 0x0A])
      #expect(bytes.dropLast(4).indices.allSatisfy { bytes[$0] != 0x0A || bytes[$0 - 1] == 0x0D })
    }
  }
}

extension SIPURI {
  /// Of a scheme that has no host.
  fileprivate init(_ scheme: String, _ content: String) {
    self.init(scheme: scheme, user: content, host: "")
    opaque = content
  }
}
