import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// REGISTER as phones send it and see it answered (RFC 3261 §10.3, RFC 3581).
@Suite struct RegisterTests {
  private func register(
    _ bed: inout TestBed, _ contact: String?, expires: String? = nil, extra: [String] = [], on flow: Flow
  ) throws -> Response {
    let challenge = try bed.challenge("REGISTER", on: flow)
    let actions = try bed.answer(
      challenge, "REGISTER", user: "731", password: "geheim", contact: contact,
      extra: (expires.map { ["Expires: \($0)"] } ?? []) + extra, on: flow)
    return try #require(actions.responses.first)
  }

  private func contacts(_ response: Response) throws -> [String] { try response.headers.contacts().map(\.description) }

  /// The phone says 192.0.2.9:5060, but comes from elsewhere: the answer and its calls go where it came from, while the
  /// Request-URI is its Contact.
  @Test func `behind a NAT`() throws {
    var bed = TestBed()
    let nat = Flow(.udp, local: bed.trunk.local, remote: endpoint("203.0.113.7:40001"))
    let challenge = try bed.challenge("REGISTER", on: nat)
    let actions = try bed.answer(
      challenge, "REGISTER", user: "731", password: "geheim", contact: "<sip:731@10.0.0.5:5062;line=1>", on: nat)
    #expect(actions.statuses == [200] && actions.flows == [nat])
    let via = try #require(try actions.responses[0].headers.vias().first)
    #expect(via.parameters["received"] == "203.0.113.7" && via.parameters["rport"] == "40001")
    let contact = try #require(bed.agent.contacts(of: "731", at: bed.now.instant).first)
    let leg = bed.agent.newLegID()
    let call = bed.handle(
      .invite(
        leg, OutgoingCall(target: contact.target, from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: sdp)))
    #expect(call.flows == [nat])
    #expect(call.requests.first?.uri.description == "sip:731@10.0.0.5:5062;line=1")
    // The NAT gives another port: the phone's next REGISTER moves its contact along.
    let moved = Flow(.udp, local: bed.trunk.local, remote: endpoint("203.0.113.7:40002"))
    _ = try register(&bed, "<sip:731@10.0.0.5:5062;line=1>", on: moved)
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).map(\.flow) == [moved])
  }

  /// All contacts are listed, best first, each with the seconds it has left; a question changes nothing.
  @Test func `what the answer lists`() throws {
    var bed = TestBed()
    _ = try register(&bed, "<sip:a@10.0.0.1>;q=0.5;expires=600,<sip:b@10.0.0.2>", expires: "120", on: bed.phone)
    _ = bed.pass(.milliseconds(1500))
    let third = try register(&bed, "<sip:c@10.0.0.3>;q=0.125;expires=99999", on: bed.phone)
    let expected = [
      "<sip:b@10.0.0.2>;expires=119", "<sip:a@10.0.0.1>;expires=599;q=0.500", "<sip:c@10.0.0.3>;expires=3600;q=0.125",
    ]
    #expect(try contacts(third) == expected)
    #expect(third.headers["Date"] == "Fri, 12 Oct 2012 12:00:01 GMT")
    #expect(try contacts(try register(&bed, "", on: bed.phone)) == expected)
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).count == 3)
    _ = bed.pass(.seconds(119))
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).map(\.uri.user) == ["a", "c"])
  }

  /// RFC 3327: a phone behind a proxy is called through it.
  @Test func `the path by which a phone registered is the way back`() throws {
    var bed = TestBed()
    let path = "<sip:abc@edge.example;lr>"
    let done = try register(&bed, "<sip:731@10.0.0.5>", extra: ["Path: \(path)"], on: bed.phone)
    #expect(done.status == 200 && done.headers.lines("Path") == [path])
    let contact = try #require(bed.agent.contacts(of: "731", at: bed.now.instant).first)
    let leg = bed.agent.newLegID()
    let call = bed.handle(
      .invite(
        leg, OutgoingCall(target: contact.target, from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), offer: sdp)))
    #expect(call.requests.first?.headers.lines("Route") == [path])
    #expect(call.requests.first?.uri.description == "sip:731@10.0.0.5" && call.flows == [bed.phone])
    let many = Array(repeating: path, count: 9).joined(separator: ",")
    for bad in ["<sip:strict.example>", "nonsense", many] {
      #expect(try register(&bed, "<sip:731@10.0.0.6>", extra: ["Path: \(bad)"], on: bed.phone).status == 400)
    }
  }

  @Test func `the star takes all away, but only with Expires 0`() throws {
    var bed = TestBed()
    _ = try register(&bed, "<sip:a@10.0.0.1>,<sip:b@10.0.0.2>", on: bed.phone)
    for (expires, status, left) in [("60", 400, 2), ("0", 200, 0)] {
      #expect(try register(&bed, "*", expires: expires, on: bed.phone).status == status)
      #expect(bed.agent.contacts(of: "731", at: bed.now.instant).count == left)
    }
  }

  @Test func `what a REGISTER demands and we have not`() throws {
    var bed = TestBed()
    let refused = try register(&bed, nil, extra: ["Require: outbound, gruu"], on: bed.phone)
    #expect(refused.status == 420)
    #expect(refused.headers["Unsupported"] == "outbound, gruu")
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).isEmpty)
  }

  @Test func `limits`() throws {
    var bed = TestBed()
    for (expires, status, granted) in [
      ("59", 423, nil), ("60", 200, 60), ("3600", 200, 3600), ("3601", 200, 3600), ("4294967295", 200, 3600),
    ] as [(String, Int, Int?)] {
      let response = try register(&bed, nil, expires: expires, on: bed.phone)
      #expect(response.status == status, "\(expires)")
      #expect(response.headers["Min-Expires"] == (status == 423 ? "60" : nil))
      if let granted { #expect(try response.headers.contacts().first?.expires == granted) }
    }
  }

  @Test func `the Date header`() {
    for (seconds, text) in [
      (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_289_690_940, "Sat, 13 Nov 2010 23:29:00 GMT"),
      (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
      (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ] as [(Int64, String)] {
      #expect(dateHeader(WallTime(microseconds: seconds * 1_000_000)) == text)
    }
    for extreme in [Int64.min, Int64.max] { _ = dateHeader(WallTime(microseconds: extreme)) }
  }
}
