import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

/// RFC 4475 from a peer whom we know, a trunk: what leaves us.
@Suite struct TortureTests {
  @Test(arguments: TortureCase.all) func answer(_ one: TortureCase) throws {
    for message in one.messages {
      var peer = Peer(message.bytes)
      switch one.answer.first {
      case "call":
        let actions = try peer.take(message.bytes)
        #expect(actions.legs.count == 1, "\(message.name)")
        #expect(actions.statuses.isEmpty, "\(message.name)")
        guard case .leg(_, .incoming(let call)) = actions.first else {
          Issue.record("\(message.name): no call")
          continue
        }
        #expect(call.offer?.starts(with: "v=0".utf8) == true, "\(message.name)")
      case "nothing":
        let actions = try peer.take(message.bytes)
        #expect(actions.messages.isEmpty && actions.legs.isEmpty, "\(message.name)")
      default:
        let first = try peer.answer(to: message.bytes)
        #expect("\(first.status)" == one.answer.first, "\(message.name): \(first.reason)")
        #expect(first.headers.has("Via"), "\(message.name)")
        if one.answer.count == 2 {
          let second = try peer.answerWithPassword(to: message.bytes, after: first)
          #expect("\(second.status)" == one.answer.last, "\(message.name): \(second.reason)")
          try checkBinding(message.name, second)
        }
        try checkFields(message, first)
      }
      #expect(peer.bed.agent.legCount <= 1, "\(message.name)")
    }
  }

  /// What an answer must hold beside its status.
  private func checkFields(_ message: TortureMessage, _ response: Response) throws {
    let headers = response.headers
    switch response.status {
    case 405, 501: #expect(headers.tokens("Allow").contains("INVITE"), "\(message.name)")
    case 415: #expect(headers.tokens("Accept") == ["application/sdp"], "\(message.name)")
    case 420:
      let request = try parseMessage(message.bytes)
      #expect(headers.tokens("Unsupported") == request.headers.tokens("Require"), "\(message.name)")
      #expect(!headers.tokens("Unsupported").isEmpty, "\(message.name)")
    case 200:
      // Every Via is copied, whatever its transport.
      #expect(try headers.vias().count == parseMessage(message.bytes).headers.vias().count, "\(message.name)")
    default: return
    }
  }

  /// What a registrar has understood of the Contacts.
  private func checkBinding(_ name: String, _ response: Response) throws {
    guard response.isSuccess else { return }
    let contacts = try response.headers.contacts()
    #expect(contacts.allSatisfy { $0.expires != nil }, "\(name)")
    let uris = contacts.map(\.uri.description).sorted()
    switch name {
    case "escnull": #expect(uris == ["sip:%00%00@host5.example.com", "sip:%00@host5.example.com"])
    case "escaped-nul.txt": #expect(uris == ["sip:%00%00@198.51.100.14", "sip:%00@198.51.100.14"])
    case "cparam01": #expect(uris == ["sip:+19725552222@gw1.example.net"])
    case "contact-parameter.txt": #expect(uris == ["sip:+390471999412@198.51.100.14"])
    case "cparam02": #expect(uris == ["sip:+19725552222@gw1.example.net;unknownparam"])
    case "contact-uri-parameter.txt": #expect(uris == ["sip:+390471999413@198.51.100.14;stockwerk"])
    case "regescrt": #expect(uris == ["sip:user@example.com?Route=%3Csip:sip.example.com%3E"])
    case "contact-with-headers.txt": #expect(uris == ["sip:731@198.51.100.14?Route=%3Csip:proxy.example.net;lr%3E"])
    default: #expect(uris.count <= 1, "\(name)")
    }
  }

  /// A response that belongs to nothing of ours changes nothing, whatever it claims (RFC 3261 §8.1.3.3, §18.1.2).
  @Test func strayResponsesStartNothing() throws {
    for one in TortureCase.all where one.answer == ["nothing"] {
      for message in one.messages {
        var peer = Peer(message.bytes)
        _ = try peer.take(message.bytes)
        peer.bed.expectClean()
      }
    }
  }
}

/// A trunk, behind which a user of ours has a phone.
private struct Peer {
  var bed: TestBed
  let password = Redacted("geheim")

  /// - Parameter bytes: whoever registers in them is a user.
  init(_ bytes: [UInt8]) {
    var settings = TestBed.settings
    if let user = try? parseMessage(bytes).headers.to().uri.user, user != "731" {
      settings.users.append(UserPeer(number: user, password: password))
    }
    bed = TestBed(settings)
  }

  /// What happens when the bytes come as a datagram, as the sockets do it.
  mutating func take(_ bytes: [UInt8]) throws -> [UserAgentAction] {
    do throws(ParseError) {
      return bed.receive(try parseMessage(bytes))
    } catch {
      return error.refusal.map { [.transmit(.response($0), bed.trunk)] } ?? []
    }
  }

  /// The one answer that leaves, as it can be read from its bytes where the request could be.
  mutating func answer(to bytes: [UInt8]) throws -> Response {
    let responses = try take(bytes).responses
    #expect(responses.count == 1)
    let response = try #require(responses.first)
    if case .success(.response(let read)) = Result(catching: { try parseMessage(response.serialized()) }) {
      return read
    }
    #expect(response.status >= 400, "an answer that nobody can read: \(response)")
    return response
  }

  mutating func answerWithPassword(to bytes: [UInt8], after challenge: Response) throws -> Response {
    guard case .request(var request) = try parseMessage(bytes) else { throw HeaderError(.malformed, "no request") }
    var client = DigestClient(Credentials(user: try request.headers.to().uri.user ?? "731", password: password))
    _ = client.take(challenge)
    let number = try request.headers.cseq().number
    request.headers["CSeq"] = CSeq(number &+ 1, request.method).description
    var via = try request.headers.topVia()
    via.parameters.set("branch", (via.branch ?? "") + "2")
    request.headers["Via"] = via.description
    client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(5))
    return try answer(to: request.serialized())
  }
}
