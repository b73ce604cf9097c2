import PikettTesting
import SIPMessage
import SIPTransaction
import Telephony
import Testing

/// Via on the way out and in, and where answers go: RFC 3261 §18 and RFC 3581.
@Suite struct ViaTests {
  let now = Sample.moment(0)

  @Test func aRequestGetsOurViaOnTop() throws {
    var layer = Sample.layer()
    let (_, actions) = layer.send(Sample.bare(), on: Sample.flow(), at: now)
    let via = try #require(actions.firstRequest).headers.topVia()
    #expect(via.transport == "UDP")
    #expect(via.host == "192.0.2.1")
    #expect(via.port == 5060)
    #expect(via.parameters.has("rport"))
    #expect(via.parameters["rport"] == nil)
    #expect(try #require(via.branch).hasPrefix("z9hG4bK"))
    #expect(actions.firstRequest?.headers.fields.first?.name == "Via")
  }

  @Test func theAdvertisedAddressAndTheTransportStandInIt() throws {
    var layer = Sample.layer()
    let flow = Flow(.tcp, local: try #require(Endpoint("[2001:db8::1]:5062")), remote: Sample.peer)
    let plain = layer.send(Sample.bare(), on: flow, at: now).actions.firstRequest
    #expect(plain?.headers["Via"]?.hasPrefix("SIP/2.0/TCP [2001:db8::1]:5062;branch=z9hG4bK") == true)
    let named = layer.send(Sample.bare(), on: flow, at: now, viaHost: .init(host: "sip.example.com", port: nil)).actions
      .firstRequest
    #expect(named?.headers["Via"]?.hasPrefix("SIP/2.0/TCP sip.example.com;branch=z9hG4bK") == true)
  }

  @Test func eachTransactionHasABranchOfItsOwn() throws {
    var layer = Sample.layer()
    var branches: Set<String> = []
    for _ in 0..<100 {
      let request = layer.send(Sample.bare(), on: Sample.flow(), at: now).actions.firstRequest
      branches.insert(try #require(try request?.headers.topVia().branch))
      branches.insert(try #require(try layer.stamp(Sample.bare(.ack), on: Sample.flow()).headers.topVia().branch))
    }
    #expect(branches.count == 200)
  }

  @Test(arguments: [
    // sent-by and its parameters, source, what the top Via is then, where the answer goes
    (
      "198.51.100.7:5070", "", "198.51.100.7:31000", "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKb",
      "198.51.100.7:5070"
    ),
    ("198.51.100.7", "", "198.51.100.7:31000", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKb", "198.51.100.7:5060"),
    (
      "10.0.0.3:5061", "", "198.51.100.7:31000",
      "SIP/2.0/UDP 10.0.0.3:5061;branch=z9hG4bKb;received=198.51.100.7", "198.51.100.7:5061"
    ),
    (
      "phone.example.com", "", "198.51.100.7:5060",
      "SIP/2.0/UDP phone.example.com;branch=z9hG4bKb;received=198.51.100.7", "198.51.100.7:5060"
    ),
    (
      "198.51.100.7:5070", ";rport", "198.51.100.7:31000",
      "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKb;rport=31000;received=198.51.100.7", "198.51.100.7:31000"
    ),
    (
      "10.0.0.3", ";rport;received=203.0.113.66", "198.51.100.7:31000",
      "SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKb;rport=31000;received=198.51.100.7", "198.51.100.7:31000"
    ),
    (
      "198.51.100.7:5070", ";received=203.0.113.66", "198.51.100.7:31000",
      "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKb", "198.51.100.7:5070"
    ),
    // maddr would let a stranger turn our answers on others.
    (
      "198.51.100.7:5070", ";maddr=203.0.113.66", "198.51.100.7:31000",
      "SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bKb;maddr=203.0.113.66", "198.51.100.7:5070"
    ),
  ]) func answersGoWhereTheRequestCameFrom(
    via: String, parameters: String, source: String, completed: String, target: String
  ) throws {
    var layer = Sample.layer()
    let flow = Sample.flow(from: try #require(Endpoint(source)))
    let request = Sample.incoming(.options, branch: "z9hG4bKb", via: via, parameters: parameters)
    let actions = layer.receive(.request(request), on: flow, at: now)
    guard case .request(let seen, let id, let arrived) = try #require(actions.first) else {
      Issue.record("no request")
      return
    }
    #expect(seen.headers["Via"] == completed)
    #expect(arrived == flow)
    let sent = try #require(layer.respond(seen.response(200, toTag: "x"), to: id, at: now).transmitted.first)
    #expect(sent.flow == Flow(.udp, local: Sample.us, remote: try #require(Endpoint(target))))
    #expect(sent.message.headers["Via"] == completed)
  }

  @Test func theViasBelowStayAsTheyAre() throws {
    var layer = Sample.layer()
    var request = Sample.incoming(.options)
    request.headers["Via"] = "SIP/2.0/UDP proxy.example.com;branch=z9hG4bK1, SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK2"
    request.headers.add("Via", "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK3")
    guard
      case .request(let seen, _, _) = try #require(
        layer.receive(.request(request), on: Sample.flow(), at: now).first)
    else { return }
    let vias = try seen.headers.vias()
    #expect(vias.map(\.branch) == ["z9hG4bK1", "z9hG4bK2", "z9hG4bK3"])
    #expect(vias.map { $0.parameters["received"] } == ["198.51.100.7", nil, nil])
  }

  @Test func overTCPAnswersUseTheConnection() throws {
    var layer = Sample.layer()
    let flow = Sample.flow(.tcp, from: try #require(Endpoint("198.51.100.7:40000")))
    let request = Sample.incoming(.options, via: "198.51.100.7:5070", parameters: "")
    let id = try #require(layer.receive(.request(request), on: flow, at: now).serverID)
    #expect(layer.respond(request.response(200, toTag: "x"), to: id, at: now).transmitted.first?.flow == flow)
  }

  @Test func overABrokenConnectionTheAnswerGoesToSentBy() throws {
    var layer = Sample.layer()
    let flow = Sample.flow(.tcp, from: try #require(Endpoint("198.51.100.7:40000")))
    let invite = Sample.incoming(via: "198.51.100.7:5070", parameters: "")
    let id = try #require(layer.receive(.request(invite), on: flow, at: now).serverID)
    _ = layer.respond(invite.response(180, toTag: "x"), to: id, at: now)
    let again = Flow(.tcp, local: Sample.us, remote: try #require(Endpoint("198.51.100.7:5070")))
    let repeated = layer.transportFailed(flow, at: now)
    #expect(brief(repeated) == ["transmit 180"])
    #expect(repeated.transmitted.first?.flow == again)
    #expect(layer.respond(invite.response(486, toTag: "x"), to: id, at: now).transmitted.first?.flow == again)
    // That one fails too: the TU is told, the INVITE's transaction stays (RFC 6026 §7.1).
    #expect(brief(layer.transportFailed(again, at: now)) == ["responseFailed \(id)"])
    #expect(layer.count == 1)
  }

  @Test func aFailedFlowEndsItsOwnTransactionsOnly() throws {
    var layer = Sample.layer()
    let other = try #require(Endpoint("198.51.100.8:5060"))
    let first = layer.send(Sample.bare(callID: "1"), on: Sample.flow(), at: now).id
    let second = layer.send(Sample.bare(callID: "2"), on: Sample.flow(from: other), at: now).id
    let third = layer.send(Sample.bare(.message, callID: "3"), on: Sample.flow(), at: now).id
    #expect(
      brief(layer.transportFailed(Sample.flow(), at: now)) == [
        "transportError \(first)", "terminated \(first)", "transportError \(third)", "terminated \(third)",
      ])
    #expect(layer.count == 1)
    #expect(brief(layer.cancel(second, reason: nil, at: now)).isEmpty)
  }
}
