import NIOCore
import NIOSSL
import NetworkIO
import SIPMessage
import Telephony
import Testing

/// SIP over TLS, between two of our own lines and with peers who do not play fair.
@Suite(.timeLimit(.minutes(1))) struct TLSTests {
  private static func request(_ callID: String) throws -> Message {
    try parseMessage(
      Array(
        """
        OPTIONS sip:799@127.0.0.1 SIP/2.0\r
        Via: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK\(callID)\r
        From: <sip:tester@127.0.0.1>;tag=1\r
        To: <sip:799@127.0.0.1>\r
        Call-ID: \(callID)\r
        CSeq: 1 OPTIONS\r
        Content-Length: 0\r
        \r

        """.utf8))
  }

  struct Unexpected: Error { var event: SIPSocketEvent }

  private static func received(_ line: SIPLine) async throws -> (message: Message, flow: Flow) {
    let event = try await line.next()
    guard case .received(let message, let flow, _) = event else { throw Unexpected(event: event) }
    return (message, flow)
  }

  private static func insecure(_ line: SIPLine) async throws -> TLSFailure {
    let event = try await line.next()
    guard case .insecure(_, _, let failure) = event else { throw Unexpected(event: event) }
    return failure
  }

  /// A line that listens with a certificate, and one that calls it and expects these names.
  private static func with(
    _ certificate: String = "server", wanting names: String..., limits: ConnectionLimits = ConnectionLimits(),
    _ body: (_ server: SIPLine, _ bound: Endpoint, _ client: SIPLine, _ way: Flow) async throws -> Void
  ) async throws {
    try await SIPLine.with(limits: limits) { server in
      let bound = try await server.listenTLS()
      try await server.speaksTLS(as: Certificates.server(certificate))
      try await SIPLine.with { client in
        let context = try Certificates.peer().context
        try await client.speaksTLS(to: [bound: TLSPeer(names: names, context: context)])
        let flow = try await client.flow(to: bound, transport: .tls)
        try await body(server, bound, client, try #require(flow))
      }
    }
  }

  private static func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
    var limits = ConnectionLimits()
    change(&limits)
    return limits
  }

  // MARK: Connections that come about

  @Test func aRequestAndItsAnswerGoOverOneConnection() async throws {
    try await Self.with(wanting: "pikett.test") { server, bound, client, way in
      // Whoever only calls out needs nothing that listens; peers get to see the usual port.
      #expect(way.transport == .tls && "\(way.local)" == "127.0.0.1:5061")
      try await client.send([try Self.request("one"), try Self.request("two")], on: way)
      let (first, flow) = try await Self.received(server)
      #expect(first.headers.callID == "one" && flow.transport == .tls && flow.local == bound)
      #expect(try await Self.received(server).message.headers.callID == "two")
      guard case .request(let asked) = first else { return }
      try await server.send(.response(asked.response(200, toTag: "us")), on: flow)
      let (answer, back) = try await Self.received(client)
      #expect(back == way)
      #expect(answer.headers.callID == "one")
      // And a request of the server's to where that came from.
      try await server.send(
        try Self.request("back"), on: try #require(await server.flow(to: flow.remote, transport: .tls)))
      #expect(try await Self.received(client).message.headers.callID == "back")
      #expect(try await client.connections() == 1)
    }
  }

  @Test(arguments: ["renewed.test", "127.0.0.1"]) func aRenewedCertificateCountsForTheNextConnection(name: String)
    async throws
  {
    try await Self.with(wanting: "pikett.test") { server, bound, client, way in
      try await client.send(try Self.request("before"), on: way)
      let flow = try await Self.received(server).flow
      try await server.speaksTLS(as: Certificates.server("renewed"))
      // The connection that is open stays.
      try await client.send(try Self.request("still"), on: way)
      #expect(try await Self.received(server).flow == flow)
      try await SIPLine.with { second in
        try await second.speaksTLS(to: [bound: Certificates.peer(name)])
        try await second.send(
          try Self.request("after"), on: try #require(await second.flow(to: bound, transport: .tls)))
        #expect(try await Self.received(server).message.headers.callID == "after")
      }
    }
  }

  @Test(arguments: [TLSVersion.tlsv12, .tlsv13]) func aConnectionThatEndsInTheMiddleOfAMessageIsForgotten(
    version: TLSVersion
  ) async throws {
    try await Self.with { server, bound, _, _ in
      let half = String(decoding: try Self.request("half").serialized().dropLast(20), as: UTF8.self)
      #expect(try await LooseClient.sends(half, to: Int(bound.port), version: version))
      while try await server.connections() > 0 { try await server.settle() }
    }
  }

  // MARK: Connections that do not

  @Test(arguments: [
    ("server", "other.test", "the peer's certificate is for pikett.test, localhost"),
    ("server", "127.0.0.9", "the peer's certificate is for pikett.test, localhost"),
    ("person", "provider.test", "the peer's certificate is for sip:alice@provider.test, not for provider.test"),
    ("expired", "pikett.test", "the peer's certificate has expired on 2020-01-31"),
    ("self", "pikett.test", "the peer's certificate (of pikett.test, 127.0.0.1) does not lead to an authority"),
  ]) func aPeerWhoCannotBeTrustedGetsNothing(certificate: String, name: String, reason: String) async throws {
    try await Self.with(certificate, wanting: name) { _, _, client, way in
      try await client.send(try Self.request("secret"), on: way)
      let failure = try await Self.insecure(client)
      #expect("\(failure)".hasPrefix(reason), "\(failure)")
      guard case .failed(way) = try await client.next() else { throw TCPPeer.Unexpected() }
    }
  }

  @Test func nobodyIsExpectedAtAnUnknownAddress() async throws {
    try await Self.with(wanting: "pikett.test") { _, bound, client, way in
      try await client.speaksTLS()
      try await client.send(try Self.request("x"), on: way)
      #expect(try await Self.insecure(client) == .unknownPeer)
      guard case .failed(way) = try await client.next() else { throw TCPPeer.Unexpected() }
    }
  }

  @Test(arguments: [TLSVersion.tlsv1, .tlsv11]) func oldVersionsAreRefused(version: TLSVersion) async throws {
    try await Self.with { server, bound, _, _ in
      #expect(try await !LooseClient.sends("x", to: Int(bound.port), version: version))
      let failure = try await Self.insecure(server)
      #expect("\(failure)".contains("UNSUPPORTED_PROTOCOL"), "\(failure)")
    }
  }

  @Test func whatIsNoTLSIsClosed() async throws {
    try await Self.with { server, bound, _, _ in
      let request = String(decoding: try Self.request("plain").serialized(), as: UTF8.self)
      for text in [request, "\r\n\r\n\r\n\r\n", String(repeating: "\u{16}", count: 5000), "GET / HTTP/1.1\r\n\r\n"] {
        let peer = try TCPPeer(to: bound)
        peer.send(text)
        while try !peer.read().isEmpty {}
        _ = try await Self.insecure(server)
      }
      #expect(try await server.connections() == 0)
    }
  }

  @Test func aHandshakeThatDoesNotGoOnIsEnded() async throws {
    try await Self.with(limits: Self.limits { $0.handshake = .milliseconds(100) }) { server, bound, _, _ in
      let (mute, slow) = (try TCPPeer(to: bound), try TCPPeer(to: bound))
      slow.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
      for peer in [mute, slow] {
        while try !peer.read().isEmpty {}
        #expect(try await Self.insecure(server) == .tooSlow)
      }
    }
  }

  /// The second handshake of one source is too many for it; where all places are taken, whoever has most makes room.
  @Test func handshakesAreBounded() async throws {
    let narrow = Self.limits {
      $0.handshakesPerSource = 2
      $0.handshakes = 2
    }
    try await Self.with(limits: narrow) { server, bound, _, _ in
      let first = try TCPPeer(to: bound)
      let second = try TCPPeer(to: bound)
      let third = try TCPPeer(to: bound)
      #expect(try third.read().isEmpty)
      guard case .crowded = try await server.next() else { throw TCPPeer.Unexpected() }
      let other = try TCPPeer(to: bound, from: "127.0.0.2")
      #expect(try first.read().isEmpty)
      guard case .crowded = try await server.next() else { throw TCPPeer.Unexpected() }
      #expect(try await server.connections() == 2)
      // Gone, they count no more.
      second.reset()
      other.reset()
      while try await server.connections() > 0 { try await server.settle() }
      let late = try TCPPeer(to: bound)
      while try await server.connections() == 0 { try await server.settle() }
      _ = late
    }
  }

  @Test func withoutACertificateNobodyIsAdmitted() async throws {
    try await Self.with { server, bound, _, _ in
      try await server.speaksTLS()
      let peer = try TCPPeer(to: bound)
      #expect(try peer.read().isEmpty)
    }
  }

  /// Nobody may come from the address and port of a peer whose certificate we check, and get what is meant for it.
  @Test func nobodyComesFromAPeersOwnPort() async throws {
    try await Self.with { server, bound, _, _ in
      let peer = try TCPPeer(to: bound)
      try await server.settle()
      try await server.speaksTLS(as: Certificates.server(), to: [peer.endpoint: Certificates.peer("pikett.test")])
      // The same port again, once the first connection is gone.
      let end = peer.endpoint
      peer.reset()
      while try await server.connections() > 0 { try await server.settle() }
      let again = try TCPPeer(to: bound, from: "127.0.0.1", port: end.port)
      #expect(try again.read().isEmpty)
      #expect(try await server.connections() == 0)
    }
  }
}
