import NetworkIO
import PikettTesting
import SIPMessage
import Testing

/// RFC 4475 over real connections, each message in two pieces.
@Suite(.timeLimit(.minutes(1))) struct TortureTests {
  @Test func inTwoPieces() async throws {
    try await SIPLine.with { line in
      let server = try await line.listenTCP()
      for (number, one) in TortureCase.all.enumerated() {
        let message = try #require(one.messages.last)
        // One cut each, in the start line, the header, the body or before the last byte, in turn.
        let places = [1, message.bytes.count / 3, message.bytes.count * 2 / 3, message.bytes.count - 1]
        let cut = places[number % places.count]
        let peer = try TCPPeer(to: server)
        peer.send(Array(message.bytes[..<cut]))
        try await line.settle()
        peer.send(Array(message.bytes[cut...]))
        try await expect(one, message, line, peer)
      }
    }
  }

  private func expect(_ one: TortureCase, _ message: TortureMessage, _ line: SIPLine, _ peer: TCPPeer) async throws {
    switch one.stream {
    case "waits":
      // It may still become whole: nothing is heard of it, and nothing is said.
      try await line.settle()
      #expect(try await line.connections() >= 1, "\(message.name)")
    case "same", "two":
      switch (try await heard(line), Result { () throws(ParseError) in try parseMessage(message.bytes) }) {
      case (.received(let a, _, _), .success(let b)): #expect(a == b, "\(message.name)")
      case (.malformed(let a, _), .failure(let b)):
        #expect(a == b, "\(message.name)")
        if let refusal = b.refusal { try expectAnswer(refusal.status, message, peer) }
      case (let event, _): Issue.record("\(message.name): \(event)")
      }
      if one.stream == "two" {
        guard case .received = try await heard(line) else {
          Issue.record("\(message.name): the second message is missing")
          return
        }
        // What stands behind the RFC's second message belongs to nothing.
        if message.name == one.name { guard case .malformed = try await heard(line) else { throw Unexpected() } }
      }
    default:
      guard case .malformed(let error, _) = try await heard(line) else { throw Unexpected() }
      #expect("\(error.kind) \(error.refusal?.status ?? 0)" == one.stream, "\(message.name)")
      try expectAnswer(error.refusal?.status ?? 0, message, peer)
      #expect(try peer.read().isEmpty, "\(message.name): the connection is closed")
    }
  }

  /// What comes next of a message; that the peer before has closed its connection is none.
  private func heard(_ line: SIPLine) async throws -> SIPSocketEvent {
    while true {
      let event = try await line.next()
      if case .failed = event { continue }
      return event
    }
  }

  /// The status of what is answered, which need not be a message that can be read: it copies the fault.
  private func expectAnswer(_ status: Int, _ message: TortureMessage, _ peer: TCPPeer) throws {
    #expect(try peer.read().starts(with: "SIP/2.0 \(status) ".utf8), "\(message.name)")
  }

  private struct Unexpected: Error {}
}
