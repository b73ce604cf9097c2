import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct StandaloneTests {
  private let id = RequestID(rawValue: 5)

  private func message(_ bed: TestBed, _ credentials: Credentials? = nil) throws -> OutgoingMessage {
    OutgoingMessage(
      target: Target(uri: try SIPURI("sip:731@198.51.100.7:5062"), flow: bed.phone),
      from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), body: Array("12.10.2012_14.00".utf8),
      credentials: credentials)
  }

  @Test(arguments: [200, 202, 404, 415])
  func `a MESSAGE and its end`(status: Int) throws {
    var bed = TestBed()
    let sent = bed.handle(.sendMessage(id, try message(bed)))
    let request = try #require(sent.requests.first)
    #expect(request.method == .message)
    #expect(request.headers["Content-Type"] == "text/plain;charset=UTF-8")
    #expect(request.body == Array("12.10.2012_14.00".utf8))
    #expect(!request.headers.has("Contact"))
    #expect(sent.flows == [bed.phone])
    #expect(bed.reply(status, to: request) == [.messageDone(id, status: status)])
    bed.expectClean()
  }

  @Test func `silence is 408, a broken transport 503`() throws {
    var bed = TestBed()
    _ = bed.handle(.sendMessage(id, try message(bed)))
    #expect(bed.pass(.seconds(32)).contains(.messageDone(id, status: 408)))
    _ = bed.handle(.sendMessage(id, try message(bed)))
    #expect(bed.handle(.transportFailed(bed.phone)) == [.messageDone(id, status: 503)])
    bed.expectClean()
  }

  @Test func `a challenged MESSAGE is sent once more`() throws {
    var bed = TestBed()
    let challenge = DigestChallenge(realm: "r", nonce: "n", qop: ["auth"]).description
    let first = bed.handle(
      .sendMessage(id, try message(bed, Credentials(user: "731", password: Redacted("geheim"))))
    ).requests[0]
    let second = bed.reply(401, to: first, extra: [("WWW-Authenticate", challenge)])
    #expect(second.requests.map { $0.headers["CSeq"] } == ["2 MESSAGE"])
    #expect(
      bed.reply(401, to: second.requests[0], extra: [("WWW-Authenticate", challenge)]).contains(
        .messageDone(id, status: 401)))
    bed.expectClean()
  }

  private func registration(_ bed: TestBed, expires: Int = 300) throws -> OutgoingRegistration {
    OutgoingRegistration(
      target: Target(uri: try SIPURI("sip:provider.example"), flow: bed.trunk),
      addressOfRecord: NameAddress(try SIPURI("sip:line@provider.example")), contactUser: "tok", expires: expires,
      credentials: Credentials(user: "line", password: Redacted("geheim")))
  }

  @Test func `registering with a provider keeps one Call-ID and rising numbers`() throws {
    var bed = TestBed()
    let first = bed.handle(.register(id, try registration(bed))).requests[0]
    #expect(first.uri.description == "sip:provider.example")
    #expect(first.headers["To"] == "<sip:line@provider.example>")
    #expect(first.headers["Contact"] == "<sip:tok@192.0.2.1:5060>;expires=300")
    let challenge = DigestChallenge(realm: "r", nonce: "n", qop: ["auth"]).description
    let second = bed.reply(401, to: first, extra: [("WWW-Authenticate", challenge)]).requests[0]
    #expect(second.headers["CSeq"] == "2 REGISTER")
    let granted = bed.reply(
      200, to: second, contact: "<sip:other@10.0.0.1>;expires=9, <sip:tok@192.0.2.1:5060>;expires=120")
    #expect(granted == [.registrationDone(id, .answered(RegistrationAnswer(status: 200, reason: "OK", expires: 120)))])
    let refresh = bed.handle(.register(id, try registration(bed))).requests[0]
    #expect(refresh.headers["CSeq"] == "3 REGISTER")
    #expect(refresh.headers.callID == first.headers.callID)
    #expect(
      bed.reply(423, to: refresh, extra: [("Min-Expires", "600")])
        == [
          .registrationDone(
            id, .answered(RegistrationAnswer(status: 423, reason: "Interval Too Brief", minExpires: 600)))
        ])
    bed.expectClean()
  }

  /// RFC 3608; RFC 3327 §5.1.
  @Test func `the registrar says through which proxies our requests go`() throws {
    var bed = TestBed()
    let request = bed.handle(.register(id, try registration(bed))).requests[0]
    #expect(request.headers.tokens("Supported") == ["path"])
    let route = "<sip:edge.provider.example;lr>"
    for (line, expected) in [
      (route + ", <sip:home.provider.example;lr>", [route, "<sip:home.provider.example;lr>"]),
      ("<sip:strict.provider.example>", []), ("nonsense", []),
    ] {
      let next = bed.handle(.register(id, try registration(bed))).requests[0]
      let actions = bed.reply(200, to: next, extra: [("Service-Route", line)])
      guard case .registrationDone(_, .answered(let answer)) = actions.last else {
        Issue.record("\(actions)")
        return
      }
      #expect(answer.serviceRoute.map(\.description) == expected)
    }
  }

  @Test func `OPTIONS to a trunk`() throws {
    var bed = TestBed()
    let target = Target(uri: try SIPURI("sip:192.0.2.9"), flow: bed.trunk)
    let request = bed.handle(.probe(id, target, from: NameAddress(try SIPURI("sip:pikett@192.0.2.1")))).requests[0]
    #expect(request.method == .options)
    #expect(bed.reply(404, to: request) == [.probeDone(id, status: 404)])
    bed.expectClean()
  }

  @Test func `an advertised address stands in Via and Contact`() throws {
    var settings = TestBed.settings
    settings.advertised = { _ in ("sip.example.org", 5080) }
    var bed = TestBed(settings)
    let (_, invite) = try bed.outgoing()
    #expect(try invite.headers.vias()[0].host == "sip.example.org")
    #expect(try invite.headers.contacts()[0].uri.host == "sip.example.org")
    #expect(try invite.headers.contacts()[0].uri.port == 5080)
  }
}
