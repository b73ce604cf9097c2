import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

extension RandomSource {
  /// A source whose whole sequence follows from its seed.
  static func seeded(_ seed: UInt64) -> RandomSource {
    let box = GeneratorBox(seed)
    return RandomSource { box.next() }
  }
}

/// Tests run one user agent on one thread.
final class GeneratorBox: @unchecked Sendable {
  private var generator: SeededGenerator
  init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
  func next() -> UInt64 { generator.next() }
}

let sdp = Array(
  "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n".utf8)
let otherSDP = Array(
  "v=0\r\no=- 2 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 8\r\n".utf8)

func endpoint(_ text: String) -> Endpoint {
  guard let endpoint = Endpoint(text) else { preconditionFailure("\(text) is no endpoint") }
  return endpoint
}

/// One user agent with a script in place of the network.
struct TestBed {
  var agent: UserAgent
  var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_043_200_000_000))
  /// The trunk `GW14` lives here.
  let trunk = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("192.0.2.9:5060"))
  let stranger = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("203.0.113.66:5060"))
  let phone = Flow(.udp, local: endpoint("192.0.2.1:5060"), remote: endpoint("198.51.100.7:5062"))

  static let settings = UserAgentSettings(
    userAgentName: "Pikett/test",
    users: [UserPeer(number: "731", password: Redacted("geheim"))],
    trunks: [TrunkPeer(name: "GW14", addresses: [Network(endpoint("192.0.2.9:1").address)])])

  init(_ settings: UserAgentSettings = TestBed.settings, seed: UInt64 = 1) {
    agent = UserAgent(settings: settings, digest: ReferenceHashes.functions, random: .seeded(seed))
  }

  mutating func handle(_ input: UserAgentInput) -> [UserAgentAction] { agent.handle(input, at: now) }

  /// Takes `text`, whose lines end with LF, for a message from `flow`.
  mutating func receive(_ text: String, _ body: [UInt8] = [], type: String = "application/sdp", on flow: Flow? = nil)
    throws -> [UserAgentAction]
  {
    var lines = text.split(separator: "\n").map(String.init)
    if !body.isEmpty { lines.append("Content-Type: \(type)") }
    lines.append("Content-Length: \(body.count)")
    let bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body
    return agent.handle(.received(try parseMessage(bytes), flow ?? trunk), at: now)
  }

  mutating func receive(_ message: Message, on flow: Flow? = nil) -> [UserAgentAction] {
    agent.handle(.received(message, flow ?? trunk), at: now)
  }

  /// Lets time pass, waking the user agent at each of its deadlines.
  mutating func pass(_ duration: Duration) -> [UserAgentAction] {
    let end = now + duration
    var actions: [UserAgentAction] = []
    while let deadline = agent.nextDeadline, deadline <= end.instant {
      now = now + max(deadline - now.instant, .zero)
      actions += agent.handle(.timersDue, at: now)
    }
    now = end
    return actions
  }

  /// A request of the peer; lines with From, To and the like are given by their values.
  static func request(
    _ method: String, _ uri: String = "sip:799@192.0.2.1", branch: String, from: String = "<sip:0471@192.0.2.9>;tag=f1",
    to: String = "<sip:799@192.0.2.1>", callID: String = "call1", cseq: Int = 1, extra: [String] = []
  ) -> String {
    ([
      "\(method) \(uri) SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.9:5060;rport;branch=z9hG4bK\(branch)", "Max-Forwards: 70",
      "From: \(from)", "To: \(to)", "Call-ID: \(callID)", "CSeq: \(cseq) \(method)",
      "Contact: <sip:gw@192.0.2.9:5060>",
    ] + extra).joined(separator: "\n")
  }

  /// A peer's call, answered with 200 and acknowledged.
  mutating func establishedIncoming() throws -> (LegID, to: String) {
    let leg = try incoming()
    let answered = handle(.answer(leg, sdp: otherSDP))
    let to = try #require(answered.responses.last?.headers["To"])
    let ack = try receive(Self.request("ACK", branch: "ack", to: to))
    #expect(ack.events(of: leg) == [.established])
    return (leg, to)
  }

  mutating func incoming() throws -> LegID {
    let actions = try receive(Self.request("INVITE", branch: "inv"), sdp)
    return try #require(actions.legs.first)
  }

  /// A call of ours to the trunk; the INVITE that went out.
  mutating func outgoing(credentials: Credentials? = nil, headers: Headers = Headers()) throws -> (LegID, Request) {
    let leg = agent.newLegID()
    let call = OutgoingCall(
      target: Target(uri: try SIPURI("sip:731@192.0.2.9"), flow: trunk),
      from: NameAddress(try SIPURI("sip:0471@192.0.2.1")), headers: headers, offer: sdp, credentials: credentials)
    let actions = handle(.invite(leg, call))
    return (leg, try #require(actions.requests.first))
  }

  /// The peer's answer to a request of ours.
  mutating func reply(
    _ status: Int, to request: Request, tag: String? = "t1", contact: String = "<sip:731@192.0.2.9:5060>",
    body: [UInt8] = [], extra: [(HeaderName, String)] = []
  ) -> [UserAgentAction] {
    receive(.response(Self.response(status, to: request, tag: tag, contact: contact, body: body, extra: extra)))
  }

  static func response(
    _ status: Int, to request: Request, tag: String? = "t1", contact: String = "<sip:731@192.0.2.9:5060>",
    body: [UInt8] = [], extra: [(HeaderName, String)] = []
  ) -> Response {
    var response = request.response(status, toTag: tag)
    response.headers.add("Contact", contact)
    for (name, value) in extra { response.headers.add(name, value) }
    if !body.isEmpty {
      response.headers.add("Content-Type", "application/sdp")
      response.body = body
    }
    return response
  }

  mutating func establishedOutgoing() throws -> (LegID, Request, ack: Request) {
    let (leg, invite) = try outgoing()
    let actions = reply(200, to: invite, body: otherSDP)
    #expect(actions.events(of: leg) == [.answered(body: otherSDP)])
    return (leg, invite, try #require(actions.requests.first))
  }

  /// Nothing is left: no leg, dialog, transaction or timer.
  mutating func expectClean(_ location: SourceLocation = #_sourceLocation) {
    _ = pass(.seconds(200))
    #expect(agent.legs.isEmpty, sourceLocation: location)
    #expect(agent.dialogs.isEmpty, sourceLocation: location)
    #expect(agent.transactions.count == 0, sourceLocation: location)
    #expect(agent.invitations.isEmpty, sourceLocation: location)
    #expect(agent.purposes.isEmpty, sourceLocation: location)
    #expect(agent.invitesOfPeers.isEmpty, sourceLocation: location)
    #expect(agent.nextDeadline == nil, sourceLocation: location)
  }
}

extension [UserAgentAction] {
  var messages: [Message] {
    compactMap { if case .transmit(let message, _) = $0 { message } else { nil } }
  }

  var requests: [Request] { messages.compactMap { if case .request(let request) = $0 { request } else { nil } } }
  var responses: [Response] { messages.compactMap { if case .response(let response) = $0 { response } else { nil } } }
  var statuses: [Int] { responses.map(\.status) }
  var methods: [Method] { requests.map(\.method) }
  var flows: [Flow] { compactMap { if case .transmit(_, let flow) = $0 { flow } else { nil } } }
  var notes: [UserAgentNote] { compactMap { if case .log(let note) = $0 { note } else { nil } } }
  var legs: [LegID] { compactMap { if case .leg(let leg, _) = $0 { leg } else { nil } } }

  func events(of leg: LegID) -> [LegEvent] {
    compactMap { if case .leg(leg, let event) = $0 { event } else { nil } }
  }
}
