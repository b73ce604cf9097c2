import Glibc
import NetworkIO
import SIPMessage
import Telephony
import Testing

/// SIP over TCP: peers' connections and our own.
@Suite(.timeLimit(.minutes(1))) struct TCPTests {
  private static func text(_ callID: String, body: String = "", length: String? = nil) -> String {
    """
    OPTIONS sip:799@127.0.0.1 SIP/2.0\r
    Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK\(callID)\r
    From: <sip:tester@127.0.0.1>;tag=1\r
    To: <sip:799@127.0.0.1>\r
    Call-ID: \(callID)\r
    CSeq: 1 OPTIONS\r
    Content-Length: \(length ?? "\(body.utf8.count)")\r
    \r
    \(body)
    """
  }

  private static func request(_ callID: String, bodySize: Int = 0) throws -> Message {
    var message = try parseMessage(Array(text(callID).utf8))
    if case .request(var request) = message {
      request.body = Array(repeating: 0x78, count: bodySize)
      message = .request(request)
    }
    return message
  }

  /// The Call-ID of the next event, which must be a message that could be read, and its flow.
  private static func received(_ line: SIPLine) async throws -> (callID: String?, flow: Flow) {
    let event = try await line.next()
    guard case .received(let message, let flow, SIPLine.moment) = event else { throw Unexpected(event: event) }
    return (message.headers.callID, flow)
  }

  /// The flow of the next event, which must be a failure.
  private static func failed(_ line: SIPLine) async throws -> Flow {
    let event = try await line.next()
    guard case .failed(let flow) = event else { throw Unexpected(event: event) }
    return flow
  }

  private static func way(_ line: SIPLine, _ remote: Endpoint, _ transport: Transport = .tcp) async throws -> Flow {
    let flow = try await line.flow(to: remote, transport: transport)
    return try #require(flow)
  }

  struct Unexpected: Error { var event: SIPSocketEvent }

  private static func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
    var limits = ConnectionLimits()
    change(&limits)
    return limits
  }

  // MARK: Peers' connections

  @Test func anAnswerGoesBackOnTheConnectionOfItsRequest() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listenTCP()
      let peer = try TCPPeer(to: bound)
      peer.send(Self.text("in"))
      guard case .received(.request(let request), let flow, _) = try await line.next() else {
        throw TCPPeer.Unexpected()
      }
      #expect(flow == Flow(.tcp, local: bound, remote: peer.endpoint))
      try await line.send(.response(request.response(200, toTag: "us")), on: flow)
      guard case .response(let answer) = try peer.message() else { throw TCPPeer.Unexpected() }
      #expect(answer.status == 200)
      #expect(answer.headers.callID == "in")
      // A request of ours to where it comes from goes there too.
      #expect(try await line.flow(to: peer.endpoint, transport: .tcp) == flow)
      try await line.send(try Self.request("ours"), on: flow)
      #expect(try peer.message().headers.callID == "ours")
    }
  }

  @Test func aPingIsAnswered() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      for piece in ["\r\n\r\n", "\r\n\r", "\n", Self.text("in") + "\r\n\r\n"] {
        peer.send(piece)
        if piece == "\r\n\r" { try await line.settle() } else { #expect(try peer.read() == [0x0D, 0x0A]) }
      }
      #expect(try await Self.received(line).callID == "in")
    }
  }

  /// A request in two pieces, cut at every place, with a ping before and after: each is one message.
  @Test func aMessageMayComeInPieces() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      let bytes = Array(("\r\n\r\n" + Self.text("cut", body: "v=0\r\n\r\nx") + "\r\n\r\n").utf8)
      for cut in 1..<bytes.count {
        peer.send(Array(bytes[..<cut]))
        try await line.settle()
        peer.send(Array(bytes[cut...]))
        #expect(try await Self.received(line).callID == "cut", "cut at \(cut)")
      }
    }
  }

  @Test func severalMessagesMayComeAtOnce() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      peer.send((0..<50).map { Self.text("n\($0)", body: String(repeating: "x", count: $0)) }.joined())
      for index in 0..<50 { #expect(try await Self.received(line).callID == "n\(index)") }
    }
  }

  @Test func theLargestMessageComesInWhole() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      let head = Self.text("large", length: "12345").utf8.count
      peer.send(Self.text("large", body: String(repeating: "x", count: 65_535 - head)))
      #expect(try await Self.received(line).callID == "large")
    }
  }

  @Test func whatIsNoMessageButWholeIsRefusedAndTheConnectionStays() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      peer.send(Self.text("bad").replacing("1 OPTIONS", with: "1 INVITE") + Self.text("good"))
      guard case .malformed(let error, let flow) = try await line.next() else { throw TCPPeer.Unexpected() }
      #expect(error.kind == .methodMismatch)
      #expect(flow.remote == peer.endpoint)
      guard case .response(let refusal) = try peer.message() else { throw TCPPeer.Unexpected() }
      #expect(refusal.status == 400)
      #expect(try await Self.received(line).callID == "good")
    }
  }

  /// Where the next message begins is not known: the refusal is still read, though more was sent, then the end.
  @Test func whatCannotBeFollowedIsRefusedAndClosed() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      peer.send(Self.text("first") + Self.text("bad", length: "many") + String(repeating: "x", count: 200_000))
      let (callID, flow) = try await Self.received(line)
      #expect(callID == "first")
      guard case .malformed(let error, flow) = try await line.next() else { throw TCPPeer.Unexpected() }
      #expect(error.kind == .contentLength)
      #expect(try await Self.failed(line) == flow)
      guard case .response(let refusal) = try peer.message() else { throw TCPPeer.Unexpected() }
      #expect(refusal.status == 400)
      #expect(try peer.read().isEmpty)
    }
  }

  @Test(arguments: ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\n\n\n"])
  func whatIsNoSIPIsClosed(_ text: String) async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      peer.send(text)
      #expect(try peer.read().isEmpty)
      #expect(try await line.connections() == 0)
    }
  }

  /// Half a message is none; who has sent a whole one before is told as gone, once; who has not is not told of.
  @Test func aConnectionThatEndsInAMessage() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listenTCP()
      let half = Array(Self.text("half", body: "xxxx").utf8).dropLast(2)
      for isReset in [false, true] {
        do {
          let mute = try TCPPeer(to: bound)
          mute.send(Array(half))
          let peer = try TCPPeer(to: bound)
          peer.send(Self.text("whole") + String(decoding: half, as: UTF8.self))
          let (callID, flow) = try await Self.received(line)
          #expect(callID == "whole")
          if isReset { peer.reset() } else { peer.sendsNoMore() }
          #expect(try await Self.failed(line) == flow)
          #expect(flow.remote == peer.endpoint)
        }
        let after = try TCPPeer(to: bound)
        after.send(Self.text("after"))
        let (callID, flow) = try await Self.received(line)
        #expect(callID == "after")
        after.sendsNoMore()
        #expect(try await Self.failed(line) == flow)
      }
    }
  }

  @Test func manyConnections() async throws {
    try await SIPLine.with(limits: Self.limits { $0.perSource = 400 }) { line in
      let bound = try await line.listenTCP()
      let peers = try (0..<400).map { _ in try TCPPeer(to: bound) }
      for (index, peer) in peers.enumerated() { peer.send(Self.text("n\(index)")) }
      var flows: [String: Flow] = [:]
      for _ in peers {
        let (callID, flow) = try await Self.received(line)
        flows[callID ?? ""] = flow
      }
      #expect(try await line.connections() == 400)
      for (index, peer) in peers.enumerated() {
        let flow = try #require(flows["n\(index)"])
        #expect(flow.remote == peer.endpoint)
        try await line.send(try Self.request("to\(index)"), on: flow)
        #expect(try peer.message().headers.callID == "to\(index)")
      }
    }
  }

  @Test(arguments: [false, true]) func tooManyConnections(isPerSource: Bool) async throws {
    let limits = Self.limits {
      $0.incoming = isPerSource ? 100 : 3
      $0.perSource = isPerSource ? 3 : 100
    }
    try await SIPLine.with(limits: limits) { line in
      let bound = try await line.listenTCP()
      var peers = try (0..<3).map { _ in try TCPPeer(to: bound) }
      for peer in peers { peer.send(Self.text("in")) }
      for _ in peers { #expect(try await Self.received(line).callID == "in") }
      let fourth = try TCPPeer(to: bound)
      guard case .crowded(let remote) = try await line.next() else { throw TCPPeer.Unexpected() }
      #expect(remote == fourth.endpoint)
      #expect(try fourth.read().isEmpty)
      peers.removeLast()
      _ = try await Self.failed(line)
      let fifth = try TCPPeer(to: bound)
      fifth.send(Self.text("again"))
      #expect(try await Self.received(line).callID == "again")
      _ = peers
    }
  }

  /// A few strangers who hold all they can get must not keep a phone out for an hour; nor may they push out those who
  /// are there with one connection.
  @Test func whoHasTheMostMakesRoom() async throws {
    let limits = Self.limits {
      $0.incoming = 6
      $0.perSource = 4
    }
    try await SIPLine.with(limits: limits) { line in
      let bound = try await line.listenTCP()
      func peer(_ source: String, _ callID: String) async throws -> TCPPeer {
        let peer = try TCPPeer(to: bound, from: source)
        peer.send(Self.text(callID))
        while true {
          guard case .received(let message, _, _) = try await line.next() else { continue }
          #expect(message.headers.callID == callID)
          return peer
        }
      }
      let phone = try await peer("127.0.0.2", "phone")
      var strangers: [TCPPeer] = []
      for index in 0..<4 { strangers.append(try await peer("127.0.0.3", "stranger\(index)")) }
      strangers[0].send(Self.text("stranger0 lives"))
      #expect(try await Self.received(line).callID == "stranger0 lives")
      let other = try await peer("127.0.0.4", "other")
      // All places are taken now.
      let late = try await peer("127.0.0.5", "late")
      #expect(try strangers[1].read().isEmpty)
      let later = try await peer("127.0.0.6", "later")
      #expect(try strangers[2].read().isEmpty)
      // Two are not more than the newcomer would have with one more.
      let second = try TCPPeer(to: bound, from: "127.0.0.5")
      #expect(try second.read().isEmpty)
      for (index, peer) in [phone, other, late, later, strangers[0], strangers[3]].enumerated() {
        peer.send(Self.text("still \(index)"))
        while true {
          guard case .received(let message, _, _) = try await line.next() else { continue }
          #expect(message.headers.callID == "still \(index)")
          break
        }
      }
    }
  }

  /// Who says nothing that can be read is closed, and who stays in a message; who has spoken is not.
  @Test func patience() async throws {
    try await SIPLine.with(limits: Self.limits { $0.patience = .milliseconds(50) }) { line in
      let bound = try await line.listenTCP()
      let spoken = try TCPPeer(to: bound)
      spoken.send(Self.text("spoken"))
      #expect(try await Self.received(line).callID == "spoken")
      let mute = try TCPPeer(to: bound)
      let pinging = try TCPPeer(to: bound)
      pinging.send("\r\n\r\n")
      #expect(try pinging.read() == [0x0D, 0x0A])
      #expect(try pinging.read().isEmpty)
      #expect(try mute.read().isEmpty)
      let stuck = try TCPPeer(to: bound)
      stuck.send(Self.text("stuck") + "OPTIONS")
      let (callID, flow) = try await Self.received(line)
      #expect(callID == "stuck")
      #expect(try stuck.read().isEmpty)
      #expect(try await Self.failed(line) == flow)
      spoken.send(Self.text("still"))
      #expect(try await Self.received(line).callID == "still")
    }
  }

  @Test func anIdleConnectionIsClosed() async throws {
    let limits = Self.limits {
      $0.patience = .milliseconds(20)
      $0.idle = .milliseconds(100)
    }
    try await SIPLine.with(limits: limits) { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      peer.send(Self.text("once"))
      let flow = try await Self.received(line).flow
      #expect(try peer.read().isEmpty)
      #expect(try await Self.failed(line) == flow)
    }
  }

  // MARK: Our connections

  @Test func theFirstMessageOpensAConnectionAndAllUseIt() async throws {
    try await SIPLine.with { line in
      let bound = try await line.listenTCP()
      let host = try TCPHost()
      let flow = try await Self.way(line, host.endpoint)
      #expect(flow == Flow(.tcp, local: bound, remote: host.endpoint))
      try await line.send(try (0..<20).map { try Self.request("n\($0)", bodySize: $0 * 100) }, on: flow)
      let peer = try host.accept()
      for index in 0..<20 { #expect(try peer.message().headers.callID == "n\(index)") }
      // Its answers and requests come on the flow that was asked for.
      peer.send(Self.text("back"))
      let (callID, back) = try await Self.received(line)
      #expect(callID == "back")
      #expect(back == flow)
      #expect(try await line.flow(to: host.endpoint, transport: .tcp) == flow)
      try await line.send(try Self.request("later"), on: flow)
      #expect(try peer.message().headers.callID == "later")
      #expect(!host.isAsked)
    }
  }

  @Test func aConnectionThatIsGoneIsOpenedAnew() async throws {
    try await SIPLine.with { line in
      try await line.listenTCP()
      let host = try TCPHost()
      let flow = try await Self.way(line, host.endpoint)
      for round in 1...3 {
        try await line.send(try Self.request("n\(round)"), on: flow)
        let peer = try host.accept()
        #expect(try peer.message().headers.callID == "n\(round)")
        if round == 2 { peer.reset() } else { peer.sendsNoMore() }
        #expect(try await Self.failed(line) == flow)
      }
      #expect(try await line.connections() == 0)
    }
  }

  @Test func aPeerThatRefuses() async throws {
    try await SIPLine.with { line in
      try await line.listenTCP()
      let host = try TCPHost(backlog: nil)
      let flow = try await Self.way(line, host.endpoint)
      // Told once for all that waited, and the next attempt is a new one.
      for _ in 0..<2 {
        try await line.send([try Self.request("a"), try Self.request("b")], on: flow)
        #expect(try await Self.failed(line) == flow)
      }
      try host.listens()
      try await line.send(try Self.request("c"), on: flow)
      #expect(try host.accept().message().headers.callID == "c")
    }
  }

  /// Its queue is full, so the kernel lets our SYN fall.
  @Test func aPeerThatDoesNotAnswer() async throws {
    try await SIPLine.with(limits: Self.limits { $0.connecting = .milliseconds(200) }) { line in
      try await line.listenTCP()
      let host = try TCPHost(backlog: 0)
      let first = try TCPPeer(to: host.endpoint)
      let flow = try await Self.way(line, host.endpoint)
      try await line.send([try Self.request("lost"), try Self.request("lost too")], on: flow)
      #expect(try await Self.failed(line) == flow)
      #expect(try await line.connections() == 0)
      _ = first
    }
  }

  /// What waits for a connection is bounded; when it is too much nothing of it is sent. Neither TCP nor a timer would
  /// give up before the test's own limit.
  @Test func tooMuchForAConnectionThatIsNotThere() async throws {
    try await SIPLine.with(limits: Self.limits { $0.connecting = .seconds(3600) }) { line in
      try await line.listenTCP()
      let host = try TCPHost(backlog: 0)
      let first = try TCPPeer(to: host.endpoint)
      let flow = try await Self.way(line, host.endpoint)
      try await line.send(try (0..<100).map { try Self.request("n\($0)", bodySize: 10_000) }, on: flow)
      #expect(try await Self.failed(line) == flow)
      #expect(try await line.connections() == 0)
      _ = first
    }
  }

  /// A peer that never reads is dropped when much waits for it, long before TCP would give up; told once. What is sent in the same step still belongs
  /// to what has failed, and opens no new connection.
  @Test func aPeerThatNeverReads() async throws {
    try await SIPLine.with { line in
      try await line.listenTCP()
      let host = try TCPHost()
      let flow = try await Self.way(line, host.endpoint)
      try await line.send(try Self.request("first"), on: flow)
      let peer = try host.accept()
      #expect(try peer.message().headers.callID == "first")
      try await line.send(try (0..<400).map { try Self.request("n\($0)", bodySize: 60_000) }, on: flow)
      #expect(try await Self.failed(line) == flow)
      #expect(try await line.connections() == 0)
      #expect(!host.isAsked)
      try await line.send(try Self.request("next"), on: flow)
      #expect(try host.accept().message().headers.callID == "next")
      _ = peer
    }
  }

  /// Pings of a peer that does not read pile up no answers, and many at once cost one.
  @Test func aPeerThatPingsAndNeverReads() async throws {
    try await SIPLine.with { line in
      let peer = try TCPPeer(to: try await line.listenTCP())
      let pings = Array(repeatElement(Array("\r\n\r\n".utf8), count: 16_384).joined())
      for _ in 0..<100 { peer.send(Array(pings)) }
      peer.send(Self.text("after"))
      #expect(try await Self.received(line).callID == "after")
    }
  }

  @Test(arguments: ["127.0.0.1:0", "255.255.255.255:5060", "240.0.0.1:5060"])
  func whatTheKernelRefuses(_ remote: String) async throws {
    try await SIPLine.with { line in
      let bound = try await line.listenTCP()
      let flow = Flow(.tcp, local: bound, remote: try #require(Endpoint(remote)))
      try await line.send(try Self.request("lost"), on: flow)
      #expect(try await Self.failed(line) == flow)
    }
  }

  @Test func aFlowWithoutAListenerFails() async throws {
    try await SIPLine.with { line in
      let host = try TCPHost()
      #expect(try await line.flow(to: host.endpoint, transport: .tcp) == nil)
      let udp = try await line.listen()
      #expect(try await line.flow(to: host.endpoint, transport: .tcp) == nil)
      let flow = Flow(.tcp, local: udp, remote: host.endpoint)
      try await line.send(try Self.request("none"), on: flow)
      #expect(try await Self.failed(line) == flow)
      #expect(!host.isAsked)
    }
  }

  // MARK: Listening

  @Test func anOccupiedPortIsTold() async throws {
    try await SIPLine.with { line in
      let host = try TCPHost()
      let error = try await #require(throws: ListenError.self) {
        try await line.listenTCP("127.0.0.1", host.endpoint.port)
      }
      #expect(error.errno == EADDRINUSE)
      #expect("\(error)" == "tcp:\(host.endpoint): Address already in use")
      #expect(try await line.bound(.tcp).isEmpty)
    }
  }

  @Test func bothTransportsShareAPortAndDoNotMix() async throws {
    try await SIPLine.with { line in
      let tcp = try await line.listenTCP("0.0.0.0")
      let udp = try await line.listen("0.0.0.0", tcp.port)
      #expect(udp == tcp)
      let host = try TCPHost()
      let flow = try await Self.way(line, host.endpoint)
      #expect(flow.local == Endpoint(host.endpoint.address, tcp.port))
      try await line.send(try Self.request("tcp"), on: flow)
      #expect(try host.accept().message().headers.callID == "tcp")
      let peer = try UDPPeer()
      try await line.send(try Self.request("udp"), on: try await Self.way(line, peer.endpoint, .udp))
      #expect(try peer.message().headers.callID == "udp")
    }
  }

  @Test func closingEndsConnectionsAndFreesThePort() async throws {
    let line = try await SIPLine()
    let bound = try await line.listenTCP()
    let peer = try TCPPeer(to: bound)
    peer.send(Self.text("in"))
    let flow = try await Self.received(line).flow
    try await line.close()
    #expect(try peer.read().isEmpty)
    #expect(try await line.bound(.tcp).isEmpty)
    // At once, though our end of the connection lingers.
    try await SIPLine.with { second in
      let again = try await second.listenTCP("127.0.0.1", bound.port)
      #expect(again == bound)
    }
    try await line.send(try Self.request("closed"), on: flow)
    #expect(try await Self.failed(line) == flow)
  }

  @Test func ipv6() async throws {
    // A machine without IPv6 has nothing to listen on.
    guard (try? TCPHost("::1")) != nil else { return }
    try await SIPLine.with { line in
      let six = try await line.listenTCP("::")
      let four = try await line.listenTCP("0.0.0.0", six.port)
      #expect(four.port == six.port)
      let loopback = try #require(IPAddress("::1"))
      let peer = try TCPPeer(to: Endpoint(loopback, six.port))
      peer.send(Self.text("six"))
      let (callID, flow) = try await Self.received(line)
      #expect(callID == "six")
      #expect(flow == Flow(.tcp, local: Endpoint(loopback, six.port), remote: peer.endpoint))
      let host = try TCPHost("::1")
      try await line.send(
        try Self.request("out"), on: try await Self.way(line, host.endpoint))
      #expect(try host.accept().message().headers.callID == "out")
    }
  }
}
