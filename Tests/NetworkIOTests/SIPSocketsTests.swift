import Glibc
import NetworkIO
import SIPMessage
import Telephony
import Testing

@Suite(.timeLimit(.minutes(1))) struct SIPSocketsTests {
  private static func text(_ callID: String, method: String = "OPTIONS", more: String = "", body: String = "") -> String
  {
    """
    \(method) sip:799@127.0.0.1 SIP/2.0\r
    Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK\(callID)\r
    From: <sip:tester@127.0.0.1>;tag=1\r
    To: <sip:799@127.0.0.1>\r
    Call-ID: \(callID)\r
    CSeq: 1 \(method)\r
    \(more)\r
    \(body)
    """
  }

  private static func request(_ callID: String, bodySize: Int = 0) throws -> Message {
    guard case .request(var request) = try parseMessage(Array(text(callID).utf8)) else { throw Unexpected() }
    request.body = Array(repeating: 0x78, count: bodySize)
    return .request(request)
  }

  /// The Call-ID of the next event, which must be a message that could be read.
  private static func received(_ line: SIPLine) async throws -> (callID: String?, flow: Flow) {
    guard case .received(let message, let flow, let moment) = try await line.next() else {
      Issue.record("a message was expected")
      throw Unexpected()
    }
    #expect(moment == SIPLine.moment)
    return (message.headers.callID, flow)
  }

  struct Unexpected: Error {}

  /// The flow of the next event, which must be a failure to send.
  private static func failed(_ line: SIPLine) async throws -> Flow {
    guard case .failed(let flow) = try await line.next() else {
      Issue.record("a failure was expected")
      throw Unexpected()
    }
    return flow
  }

  /// Whoever asks one of our addresses takes the answer from no other, whatever address the route would choose.
  @Test(arguments: ["127.0.0.1", "127.0.0.2", "127.0.0.77"])
  func theAnswerLeavesFromTheAddressThatWasAsked(_ asked: String) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen("0.0.0.0")
      let address = try #require(IPAddress(asked))
      let peer = try UDPPeer()
      peer.hearsOnly(Endpoint(address, bound.port))
      peer.send(Self.text("in"), to: Endpoint(address, bound.port))
      guard case .received(.request(let request), let flow, _) = try await line.next() else {
        Issue.record("a request was expected")
        return
      }
      #expect(flow == Flow(.udp, local: Endpoint(address, bound.port), remote: peer.endpoint))
      try await line.send(.response(request.response(200, toTag: "us")), on: flow)
      #expect(try peer.message().headers.callID == "in")
      // A request of ours on the same way, and one to a peer that never asked.
      try await line.send(try Self.request("out"), on: flow)
      #expect(try peer.message().headers.callID == "out")
    }
  }

  /// An address that is no longer ours costs nothing but itself.
  @Test func anAddressThatIsGoneIsNotInsistedOn() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen("0.0.0.0")
      let peer = try UDPPeer()
      let gone = Endpoint(try #require(IPAddress("192.0.2.1")), bound.port)
      try await line.send(try Self.request("out"), on: Flow(.udp, local: gone, remote: peer.endpoint))
      #expect(try peer.message().headers.callID == "out")
    }
  }

  @Test func theAnswerLeavesFromTheAddressThatWasAskedByIPv6() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen("::")
      let address = try #require(IPAddress("::1"))
      let peer = try UDPPeer("::1")
      peer.send(Self.text("in"), to: Endpoint(address, bound.port))
      guard case .received(.request(let request), let flow, _) = try await line.next() else {
        Issue.record("a request was expected")
        return
      }
      #expect(flow == Flow(.udp, local: Endpoint(address, bound.port), remote: peer.endpoint))
      try await line.send(.response(request.response(200, toTag: "us")), on: flow)
      #expect(try peer.message().headers.callID == "in")
    }
  }

  /// Where a peer has UDP alone, a message of any size goes by UDP, as IP fragments (deviation from RFC 3261 §18.1.1).
  @Test(arguments: [1300, 1301, 9000, 60_000]) func aLongMessageStaysOnUDP(_ size: Int) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      let flow = try #require(try await line.flow(to: peer.endpoint))
      try await line.send(try Self.request("long", bodySize: size), on: flow)
      guard case .request(let sent) = try peer.message() else {
        Issue.record("a request was expected")
        return
      }
      #expect(sent.body.count == size)
      peer.send(Message.request(sent).serialized(), to: bound)
      guard case .received(.request(let received), _, _) = try await line.next() else {
        Issue.record("a request was expected")
        return
      }
      #expect(received.body == sent.body)
    }
  }

  @Test func aMessageComesInAndItsAnswerGoesOut() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      peer.send(Self.text("in"), to: bound)
      guard case .received(.request(let request), let flow, _) = try await line.next() else {
        Issue.record("a request was expected")
        return
      }
      #expect(request.method == .options)
      #expect(flow == Flow(.udp, local: bound, remote: peer.endpoint))
      try await line.send(.response(request.response(200, toTag: "us")), on: flow)
      guard case .response(let answer) = try peer.message() else {
        Issue.record("a response was expected")
        return
      }
      #expect(answer.status == 200)
      #expect(answer.headers.callID == "in")
    }
  }

  @Test func whatIsNoMessageButCanBeAnsweredIsRefused() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      peer.send(Self.text("bad", more: "Content-Length: many\r\n"), to: bound)
      guard case .malformed(let error, let flow) = try await line.next() else {
        Issue.record("a refusal was expected")
        return
      }
      #expect(error.kind == .contentLength)
      #expect(flow.remote == peer.endpoint)
      guard case .response(let refusal) = try peer.message() else {
        Issue.record("a response was expected")
        return
      }
      #expect(refusal.status == 400)
      #expect(refusal.headers.callID == "bad")
      #expect(try refusal.headers.to().tag?.isEmpty == false)
    }
  }

  /// What cannot be answered is not: the first thing the peer hears is the answer to the message that follows.
  @Test(arguments: ["hello", "\u{1}\u{2}", "SIP/2.0 200 OK\r\n\r\n", "ACK sip:799@127.0.0.1 SIP/2.0\r\n\r\n"])
  func whatCannotBeAnsweredIsToldOnly(_ nonsense: String) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      peer.send(nonsense, to: bound)
      peer.send(Self.text("refused", more: "CSeq: 2 OPTIONS\r\n"), to: bound)
      guard case .malformed(let error, _) = try await line.next() else {
        Issue.record("it must be told")
        return
      }
      #expect(error.refusal == nil)
      guard case .response(let refusal) = try peer.message() else {
        Issue.record("a response was expected")
        return
      }
      #expect(refusal.headers.callID == "refused")
    }
  }

  @Test(arguments: ["", "\r\n", "\r\n\r\n", "\0\0\0\0", " ", "\n\0 \r"])
  func aKeepAliveIsPassedOver(_ bytes: String) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      peer.send(bytes, to: bound)
      peer.send(Self.text("after"), to: bound)
      let after = try await Self.received(line).callID
      #expect(after == "after")
    }
  }

  @Test func theLargestDatagramComesInWhole() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      let head = Self.text("large").utf8.count
      peer.send(Self.text("large", body: String(repeating: "x", count: 65_507 - head)), to: bound)
      guard case .received(let message, _, _) = try await line.next() else {
        Issue.record("a message was expected")
        return
      }
      #expect(message.body.count == 65_507 - head)
    }
  }

  @Test func manyMessagesKeepTheirOrder() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let peer = try UDPPeer()
      for index in 0..<100 { peer.send(Self.text("n\(index)"), to: bound) }
      for index in 0..<100 { #expect(try await Self.received(line).callID == "n\(index)") }
    }
  }

  // MARK: What cannot be sent

  /// Each of these makes the kernel refuse the datagram; NIO's own writing would close the socket for some of them.
  @Test(arguments: [
    ("127.0.0.1:0", 0), ("255.255.255.255:5060", 0), ("240.0.0.1:5060", 0), ("127.0.0.1:9", 70_000),
  ])
  func whatTheKernelRefusesCostsOnlyItself(_ remote: String, _ bodySize: Int) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      let flow = Flow(.udp, local: bound, remote: try #require(Endpoint(remote)))
      try await line.send(try Self.request("lost", bodySize: bodySize), on: flow)
      #expect(try await Self.failed(line) == flow)
      let peer = try UDPPeer()
      try await line.send(try Self.request("next"), on: Flow(.udp, local: bound, remote: peer.endpoint))
      #expect(try peer.message().headers.callID == "next")
      peer.send(Self.text("back"), to: bound)
      #expect(try await Self.received(line).callID == "back")
    }
  }

  /// The port is free, so an ICMP error comes back; it must neither close the socket nor be taken for another peer's.
  @Test func aDeadPeerCostsNothing() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen()
      var dead: UDPPeer? = try UDPPeer()
      let gone = try #require(dead?.endpoint)
      dead = nil
      for _ in 0..<3 { try await line.send(try Self.request("dead"), on: Flow(.udp, local: bound, remote: gone)) }
      let peer = try UDPPeer()
      peer.send(Self.text("alive"), to: bound)
      #expect(try await Self.received(line).callID == "alive")
    }
  }

  @Test func aFlowWithoutAListenerFails() async throws {
    try await SIPLine.with { line in
      let peer = try UDPPeer()
      let bound = try await line.listen()
      let other = Endpoint(bound.address, bound.port ^ 1)
      let flow = Flow(.udp, local: other, remote: peer.endpoint)
      try await line.send(try Self.request("none"), on: flow)
      #expect(try await Self.failed(line) == flow)
    }
  }

  // MARK: Listening

  @Test func anOccupiedPortIsTold() async throws {
    try await SIPLine.with { line in
      let peer = try UDPPeer()
      let error = try await #require(throws: ListenError.self) {
        try await line.listen("127.0.0.1", peer.endpoint.port)
      }
      #expect(error.errno == EADDRINUSE)
      #expect(error.endpoint == peer.endpoint)
      #expect("\(error)" == "udp:\(peer.endpoint): Address already in use")
      #expect(try await line.bound().isEmpty)
    }
  }

  @Test func anAddressThatIsNotOursIsTold() async throws {
    try await SIPLine.with { line in
      let error = try await #require(throws: ListenError.self) { try await line.listen("192.0.2.1", 0) }
      #expect(error.errno == EADDRNOTAVAIL)
    }
  }

  @Test func closingFreesThePort() async throws {
    let line = try await SIPLine()
    let bound = try await line.listen()
    try await line.close()
    #expect(try await line.bound().isEmpty)
    try await SIPLine.with { second in
      let again = try await second.listen("127.0.0.1", bound.port)
      #expect(again == bound)
    }
    let flow = Flow(.udp, local: bound, remote: bound)
    try await line.send(try Self.request("closed"), on: flow)
    #expect(try await Self.failed(line) == flow)
  }

  // MARK: Flows

  @Test func aWildcardShowsTheAddressOnTheWay() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listen("0.0.0.0")
      let peer = try UDPPeer()
      let found = try await line.flow(to: peer.endpoint)
      let flow = try #require(found)
      #expect(flow.local == Endpoint(peer.endpoint.address, bound.port))
      try await line.send(try Self.request("out"), on: flow)
      #expect(try peer.message().headers.callID == "out")
      peer.send(Self.text("in"), to: flow.local)
      #expect(try await Self.received(line).flow == flow)
    }
  }

  @Test func theListenerOnTheWayIsChosen() async throws {
    try await SIPLine.with { line in
      let wildcard = try await line.listen("0.0.0.0")
      let other = try await line.listen("127.0.0.2")
      let loopback = try await line.listen("127.0.0.1")
      let near = try #require(Endpoint("127.0.0.1:9"))
      #expect(try await line.flow(to: near)?.local == loopback)
      let far = try #require(Endpoint("192.0.2.1:9"))
      #expect(try await line.flow(to: far)?.local.port == wildcard.port)
      #expect(try await line.bound() == [wildcard, other, loopback])
    }
  }

  @Test func whatNoListenerReachesHasNoFlow() async throws {
    try await SIPLine.with { line in
      let remote = try #require(Endpoint("127.0.0.1:9"))
      #expect(try await line.flow(to: remote) == nil)
      try await line.listen()
      #expect(try await line.flow(to: remote) != nil)
      #expect(try await line.flow(to: remote, transport: .tcp) == nil)
      // By TLS we can call without being called.
      #expect(try await line.flow(to: remote, transport: .tls)?.local.port == 5061)
      let six = try #require(Endpoint("[::1]:9"))
      #expect(try await line.flow(to: six) == nil)
    }
  }

  // MARK: IPv6

  @Test func ipv6() async throws {
    // A machine without IPv6 has nothing to listen on.
    guard hasIPv6 else { return }
    try await SIPLine.with { line in
      let bound = try await line.listen("::1")
      let peer = try UDPPeer("::1")
      peer.send(Self.text("six"), to: bound)
      let (callID, flow) = try await Self.received(line)
      #expect(callID == "six")
      #expect(flow == Flow(.udp, local: bound, remote: peer.endpoint))
      try await line.send(try Self.request("back"), on: flow)
      #expect(try peer.message().headers.callID == "back")
    }
  }

  /// `Listen.txt` may name both wildcards with one port, and an IPv4 peer must be seen as one.
  @Test func bothWildcardsShareAPort() async throws {
    guard hasIPv6 else { return }
    try await SIPLine.with { line in
      let six = try await line.listen("::")
      let four = try await line.listen("0.0.0.0", six.port)
      #expect(four.port == six.port)
      let peer = try UDPPeer()
      peer.send(Self.text("four"), to: Endpoint(peer.endpoint.address, four.port))
      #expect(try await Self.received(line).flow.remote == peer.endpoint)
      let remote = try #require(Endpoint("[::1]:9"))
      #expect(try await line.flow(to: remote)?.local == Endpoint("[::1]:\(six.port)"))
    }
  }
}

/// True if ::1 can be bound.
private let hasIPv6 = (try? UDPPeer("::1")) != nil
