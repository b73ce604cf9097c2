import NetworkIO
import SIPMessage
import Telephony
import Testing

/// Who is kept out by the gate costs nothing: what he sends is not read, his connections are closed.
@Suite struct SourceGateTests {
  /// 127.0.0.9 is shut out, 127.0.0.8 gets no answer to garbage, 127.0.0.5 is known.
  @Sendable private static func gate() -> SourceGate {
    SourceGate(
      admits: { source, _ in source.address.bytes.last != 9 },
      admitsConnection: { source, _ in source.address.bytes.last != 9 },
      answersGarbage: { source, _ in source.address.bytes.last != 8 },
      isKnown: { $0.address.bytes.last == 5 })
  }

  private func text(_ callID: String, extra: String = "") -> String {
    "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK\(callID)\r\n"
      + "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: \(callID)\r\nCSeq: 1 OPTIONS\r\n\(extra)\r\n"
  }

  @Test func whoIsShutOutIsNotRead() async throws {
    try await SIPLine.with(gate: Self.gate) { line in
      let bound = try await line.listen()
      let (shut, other) = (try UDPPeer("127.0.0.9"), try UDPPeer("127.0.0.7"))
      shut.send(text("shut"), to: bound)
      other.send(text("other"), to: bound)
      guard case .received(.request(let request), _, _) = try await line.next() else {
        Issue.record("a request was expected")
        return
      }
      #expect(request.headers.callID == "other")
    }
  }

  @Test func garbageIsAnsweredToWhomTheGateLets() async throws {
    try await SIPLine.with(gate: Self.gate) { line in
      let bound = try await line.listen()
      let (quiet, other) = (try UDPPeer("127.0.0.8"), try UDPPeer("127.0.0.7"))
      for peer in [quiet, other] {
        peer.send(text("bad", extra: "Content-Length: -1\r\n"), to: bound)
        guard case .malformed(let error, let flow) = try await line.next() else {
          Issue.record("garbage was expected")
          return
        }
        #expect(error.refusal != nil && flow.remote == peer.endpoint)
      }
      try await line.send(
        try parseMessage(Array(text("after").utf8)), on: Flow(.udp, local: bound, remote: quiet.endpoint))
      // The first that comes to him is not a refusal.
      #expect(try quiet.message().headers.callID == "after")
      guard case .response(let refusal) = try other.message() else {
        Issue.record("a refusal was expected")
        return
      }
      #expect(refusal.status == 400)
    }
  }

  @Test func connectionsOfWhomTheGateShutsOutAreClosed() async throws {
    try await SIPLine.with(gate: Self.gate) { line in
      let bound = try await line.listenTCP()
      let shut = try TCPPeer(to: bound, from: "127.0.0.9")
      #expect(try shut.read().isEmpty)
    }
  }

  @Test func whereAllConnectionsAreTakenAStrangersMakesRoomForWhomWeKnow() async throws {
    var limits = ConnectionLimits()
    limits.incoming = 2
    try await SIPLine.with(limits: limits, gate: Self.gate) { line in
      let bound = try await line.listenTCP()
      let strangers = [try TCPPeer(to: bound, from: "127.0.0.3"), try TCPPeer(to: bound, from: "127.0.0.4")]
      for peer in strangers {
        peer.send(text("stranger", extra: "Content-Length: 0\r\n"))
        guard case .received = try await line.next() else {
          Issue.record("a request was expected")
          return
        }
      }
      let known = try TCPPeer(to: bound, from: "127.0.0.5")
      known.send(text("known", extra: "Content-Length: 0\r\n"))
      // That there were too many, and the end of the stranger's, are told before.
      while true {
        if case .received(let message, _, _) = try await line.next() {
          #expect(message.headers.callID == "known")
          break
        }
      }
      #expect(try strangers[0].read().isEmpty)
    }
  }
}
