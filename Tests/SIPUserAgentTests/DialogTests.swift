import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct DialogTests {
  private let flow = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("192.0.2.9:5060"))

  private func invite(
    contact: String = "<sip:gw@192.0.2.9:5070>", recordRoute: [String] = [], via: String = "192.0.2.9:5060;rport",
    from: String = "<sip:0471@192.0.2.9>;tag=f1"
  ) throws -> Request {
    var request = Request(.invite, try SIPURI("sip:799@192.0.2.1"))
    request.headers.add("Via", "SIP/2.0/UDP \(via);branch=z9hG4bKx")
    request.headers.add("From", from)
    request.headers.add("To", "Line <sip:799@192.0.2.1>")
    request.headers.add("Call-ID", "c1")
    request.headers.add("CSeq", "17 INVITE")
    request.headers.add("Contact", contact)
    for route in recordRoute { request.headers.add("Record-Route", route) }
    return request
  }

  /// RFC 3261 §12.1.1 and §12.2.1.1.
  @Test func `the called side's dialog and its requests`() throws {
    var dialog = try #require(
      Dialog(
        answering: try invite(recordRoute: ["<sip:192.0.2.9;lr>, <sip:198.51.100.1;lr>"]), localTag: "l1", flow: flow))
    #expect(dialog.id == DialogID(callID: "c1", localTag: "l1", remoteTag: "f1"))
    let bye = dialog.request(.bye)
    #expect(bye.uri.description == "sip:gw@192.0.2.9:5070")
    #expect(bye.headers.lines("Route") == ["<sip:192.0.2.9;lr>", "<sip:198.51.100.1;lr>"])
    #expect(bye.headers["From"] == "\"Line\" <sip:799@192.0.2.1>;tag=l1")
    #expect(bye.headers["To"] == "<sip:0471@192.0.2.9>;tag=f1")
    #expect(bye.headers["CSeq"] == "1 BYE")
    #expect(dialog.request(.options).headers["CSeq"] == "2 OPTIONS")
  }

  /// §12.1.2: "set to the list of URIs in the Record-Route header field from the response, taken in reverse order".
  @Test func `the calling side's dialog and its requests`() throws {
    var response = try invite().response(200, toTag: "t1")
    response.headers.add("Record-Route", "<sip:198.51.100.1;lr>, <sip:192.0.2.9;lr>")
    response.headers.add("Contact", "<sip:731@10.0.0.7:5066>")
    var dialog = try #require(
      Dialog(calling: try SIPURI("sip:731@pbx.example"), response: response, flow: flow))
    #expect(dialog.id == DialogID(callID: "c1", localTag: "f1", remoteTag: "t1"))
    let ack = dialog.request(.ack, number: 17)
    #expect(ack.headers["CSeq"] == "17 ACK")
    #expect(ack.headers.lines("Route") == ["<sip:192.0.2.9;lr>", "<sip:198.51.100.1;lr>"])
    #expect(ack.uri.description == "sip:731@10.0.0.7:5066")
    #expect(dialog.request(.bye).headers["CSeq"] == "18 BYE")
    #expect(dialog.flow.remote == flow.remote)
  }

  /// §12.2.1.1: a first route without lr is a strict router's.
  @Test func `a strict router gets the request-URI to itself`() throws {
    var dialog = try #require(
      Dialog(
        answering: try invite(recordRoute: ["<sip:192.0.2.9>", "<sip:198.51.100.1;lr>"]), localTag: "l1", flow: flow))
    let bye = dialog.request(.bye)
    #expect(bye.uri.description == "sip:192.0.2.9")
    #expect(bye.headers.lines("Route") == ["<sip:198.51.100.1;lr>", "<sip:gw@192.0.2.9:5070>"])
  }

  /// §12.2.2.
  @Test func `the peer's numbers may not fall`() throws {
    var dialog = try #require(Dialog(answering: try invite(), localTag: "l1", flow: flow))
    for (number, isFine) in [(18, true), (18, true), (17, false), (40, true), (39, false), (2_147_483_647, true)] {
      var request = Request(.info, try SIPURI("sip:x@192.0.2.1"))
      request.headers.add("CSeq", "\(number) INFO")
      let taken = dialog.takesNumber(of: request)
      #expect(taken == isFine, "\(number)")
    }
  }

  @Test func `a new Contact is the new target`() throws {
    var dialog = try #require(Dialog(answering: try invite(), localTag: "l1", flow: flow))
    dialog.refreshTarget(Headers([("Contact", "<sip:gw2@192.0.2.10:5080>")]))
    #expect(dialog.remoteTarget.description == "sip:gw2@192.0.2.10:5080")
    #expect(dialog.flow.remote == endpoint("192.0.2.10:5080"))
    dialog.refreshTarget(Headers())
    #expect(dialog.remoteTarget.description == "sip:gw2@192.0.2.10:5080")
  }

  /// Where our requests go: to the Contact or the first route where that is an address to be trusted, else back on the
  /// flow.
  @Test(arguments: [
    ("192.0.2.9:5060;rport", "<sip:a@192.0.2.9:5070>", "192.0.2.9:5060", "192.0.2.9:5070"),
    ("192.0.2.9", "<sip:a@192.0.2.20>", "192.0.2.9:5060", "192.0.2.20:5060"),
    ("192.0.2.9", "<sip:a@pbx.example>", "192.0.2.9:5060", "192.0.2.9:5060"),
    ("192.168.1.5;rport", "<sip:a@192.168.1.5>", "203.0.113.9:40000", "203.0.113.9:40000"),
    ("192.168.1.5", "<sip:a@192.168.1.5>", "203.0.113.9:40000", "203.0.113.9:40000"),
    ("192.0.2.9", "<sip:a@0.0.0.0>", "192.0.2.9:5060", "192.0.2.9:5060"),
    ("192.0.2.9", "<sip:a@127.0.0.1>", "192.0.2.9:5060", "192.0.2.9:5060"),
    ("127.0.0.1:5070;rport", "<sip:a@127.0.0.1:5070>", "127.0.0.1:5070", "127.0.0.1:5070"),
    ("192.0.2.9", "<sip:a@192.0.2.20;transport=tcp>", "192.0.2.9:5060", "192.0.2.9:5060"),
  ])
  func `the way of our requests`(via: String, contact: String, source: String, expected: String) throws {
    let flow = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint(source))
    let dialog = try #require(
      Dialog(answering: try invite(contact: contact, via: via), localTag: "l", flow: flow))
    #expect(dialog.flow.remote == endpoint(expected))
  }

  @Test func `a phone behind a NAT that moves is followed`() throws {
    let old = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("203.0.113.9:40000"))
    var new = old
    new.remote.port = 40_001
    var behindNAT = try #require(
      Dialog(
        answering: try invite(contact: "<sip:a@192.168.1.5>", via: "192.168.1.5;rport"), localTag: "l", flow: old))
    behindNAT.moved(to: new)
    #expect(behindNAT.flow == new)
    var direct = try #require(Dialog(answering: try invite(), localTag: "l", flow: flow))
    direct.moved(to: new)
    #expect(direct.flow.remote == endpoint("192.0.2.9:5070"))
  }

  @Test func `a peer of RFC 2543 without tags has a dialog`() throws {
    let dialog = try #require(
      Dialog(answering: try invite(from: "<sip:0471@192.0.2.9>"), localTag: "l1", flow: flow))
    #expect(dialog.id.remoteTag == "")
  }

  @Test func `what cannot be read makes no dialog`() throws {
    var request = try invite()
    request.headers["CSeq"] = "x"
    #expect(Dialog(answering: request, localTag: "l1", flow: flow) == nil)
  }
}
