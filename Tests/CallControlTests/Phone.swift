import Media
import PikettTesting
import SDP
import SIPMessage
import Telephony

@testable import SIPUserAgent

/// A scripted phone, gateway or PBX on the simulated network: a SIP user agent that does what its plan says.
final class Phone: SimulatedParty {
  /// What it does when it is called.
  struct Plan {
    enum Act {
      /// Nobody lifts.
      case ring
      case answer(after: Duration)
      case refuse(Int, after: Duration)
    }

    /// nil: not even a 180.
    var ringsAfter: Duration? = .milliseconds(100)
    var act = Act.ring
    /// Pressed so long after the answer, by INFO.
    var keys: [(after: Duration, key: Character)] = []
    /// Answers the offer with a 183 as it rings, and leaves it out of the 200.
    var answersEarly = false
    /// Holds the call and takes it up again, so long after the answer.
    var holds: [(hold: Duration, resume: Duration)] = []
    /// Hangs up so long after the answer.
    var hangsUpAfter: Duration?

    static let rings = Plan()
    static func refuses(_ status: Int, after: Duration = .milliseconds(200)) -> Plan {
      Plan(ringsAfter: nil, act: .refuse(status, after: after))
    }
    static func answers(
      after: Duration, keys: [(after: Duration, key: Character)] = [], hangsUpAfter: Duration? = nil
    ) -> Plan {
      Plan(act: .answer(after: after), keys: keys, hangsUpAfter: hangsUpAfter)
    }
  }

  /// One call of the phone.
  struct Line {
    var audio: LegAudio
    /// Our answer to the INVITE's offer.
    var answer: [UInt8] = []
    var isAnswered = false
    var isOver = false
    var events: [LegEvent] = []

    /// The status that refused our call.
    var refusal: Int? {
      for case .refused(let status, _, _) in events { return status }
      return nil
    }
  }

  let name: String
  let address: Endpoint
  private(set) var agent: UserAgent
  private unowned let network: SimulatedNetwork
  private var nextPort: UInt16 = 4000
  /// The plan of each call, by its number from 0.
  var plan: (Int) -> Plan = { _ in .rings }
  /// What its ACKs carry, where it calls without an offer.
  var ackBody: [UInt8]?
  /// What it answers an offer with; nil: what is right.
  var answers: ([UInt8]) -> [UInt8]? = { _ in nil }
  private var callsTaken = 0
  private(set) var lines: [LegID: Line] = [:]
  private(set) var order: [LegID] = []
  private(set) var registered: [Int] = []
  /// Messages (RFC 3428) that reached it cannot be told: the user agent answers 405. Their texts, all the same.
  private(set) var texts: [String] = []
  /// Whether it wants its sound encrypted; nil: it has never heard of that.
  var security: MediaSecurity?
  /// What it speaks, in the order of its offers.
  var codecs: [AudioCodec] = [.pcma, .pcmu]
  /// What it answers a message with.
  var textStatus = 200
  /// Its Allow, in place of the user agent's.
  var allow: String?
  /// Answers INFO with 405.
  var refusesInfo = false
  /// Hears but says nothing: a phone whose cable was pulled.
  var isDead = false

  init(_ name: String, at address: Endpoint, on network: SimulatedNetwork, seed: UInt64) {
    self.name = name
    self.address = address
    self.network = network
    agent = UserAgent(
      settings: UserAgentSettings(
        userAgentName: name, trunks: [TrunkPeer(name: "Pikett", addresses: [Network(Places.pikett.address)])]),
      digest: standInDigest, random: .seeded(seed))
    network.add(self, name: name, at: address)
  }

  var flow: Flow { Flow(.udp, local: address, remote: Places.pikett) }

  /// The newest call.
  var last: LegID? { order.last }

  /// How many calls it has at this moment.
  var openLines: Int { lines.values.count { !$0.isOver } }

  // MARK: What it does by its own will

  func register(_ number: String, password: String, expires: Int = 3600) {
    perform(
      .register(
        RequestID(rawValue: 1),
        OutgoingRegistration(
          target: Target(uri: uri("pikett"), flow: flow), addressOfRecord: NameAddress(uri(number)),
          contactUser: "phone\(number)", expires: expires,
          credentials: Credentials(user: number, password: Redacted(password)))))
  }

  /// Calls a number of Pikett's.
  @discardableResult
  func call(
    _ number: String, from caller: String = "03472619287", headers: [(HeaderName, String)] = [],
    offer: [UInt8]? = nil, password: String? = nil, maxForwards: Int = 70
  ) -> LegID {
    let leg = agent.newLegID()
    var audio = newAudio()
    let own = audio.makeOffer()
    open(leg, audio)
    perform(
      .invite(
        leg,
        OutgoingCall(
          target: Target(uri: uri(number), flow: flow),
          from: NameAddress(SIPURI(user: caller, host: address.address.uriText)), headers: Headers(headers),
          offer: offer ?? own, credentials: password.map { Credentials(user: caller, password: Redacted($0)) },
          maxForwards: maxForwards)))
    return leg
  }

  func hangUp(_ leg: LegID? = nil, cause: Cause = .normalClearing) {
    if let leg = leg ?? last { perform(.release(leg, cause)) }
  }

  func answer(_ leg: LegID) {
    guard let line = lines[leg], !line.isOver else { return }
    lines[leg]?.isAnswered = true
    perform(.answer(leg, sdp: line.answer))
  }

  /// Offers anew within the call: `hold` as a phone does it.
  func reoffer(_ leg: LegID, direction: Direction) {
    guard let line = lines[leg], !line.isOver else { return }
    let text = String(decoding: sdp(line.audio.local, direction: direction), as: UTF8.self)
    perform(.offer(leg, sdp: Array(text.utf8)))
  }

  /// Offers what it has once more, as a phone does that refreshes its session.
  func refresh() {
    guard let leg = last, var audio = lines[leg]?.audio else { return }
    let offer = audio.makeOffer()
    lines[leg]?.audio = audio
    perform(.offer(leg, sdp: offer))
  }

  /// Offers anew within the call.
  func offer(_ leg: LegID, _ sdp: [UInt8]) {
    if lines[leg]?.isOver == false { perform(.offer(leg, sdp: sdp)) }
  }

  /// Presses a key by SIP INFO.
  func press(_ key: Character, _ leg: LegID? = nil) {
    if let leg = leg ?? last { perform(agent.press(key, on: leg, at: network.now)) }
  }

  /// Sends a message that the user agent would not.
  func send(_ message: Message) { network.send([Transmission(message, flow)], from: name) }

  // MARK: On the network

  func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
    if isDead { return [] }
    if case .request(let request) = message, request.method == .message {
      if textStatus < 300 { texts.append(String(decoding: request.body, as: UTF8.self)) }
      return [Transmission(.response(request.response(textStatus, toTag: "im")), flow)]
    }
    if refusesInfo, case .request(let request) = message, request.method == .info {
      return [Transmission(.response(request.response(405, toTag: nil)), flow)]
    }
    perform(agent.handle(.received(message, flow), at: now))
    return []
  }

  func timersDue(at now: Moment) -> [Transmission] {
    perform(agent.handle(.timersDue, at: now))
    return []
  }

  func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission] {
    perform(agent.handle(.transportFailed(flow), at: now))
    return []
  }

  var nextDeadline: Instant? { agent.nextDeadline }

  private func perform(_ input: UserAgentInput) { perform(agent.handle(input, at: network.now)) }

  private func perform(_ actions: [UserAgentAction]) {
    for action in actions {
      switch action {
      case .transmit(var message, let flow):
        if case .response(let response) = message, (300..<400).contains(response.status) {
          message.headers.add("Contact", "<sip:elsewhere@203.0.113.9>")
        }
        if let allow, message.headers.has("Allow") { message.headers["Allow"] = allow }
        if case .request(var request) = message, request.method == .ack, let ackBody {
          request.headers.add("Content-Type", "application/sdp")
          request.body = ackBody
          message = .request(request)
        }
        if !isDead { network.send([Transmission(message, flow)], from: name) }
      case .leg(let leg, let event): happened(leg, event)
      case .registrationDone(_, let outcome): registered.append(outcome.status)
      case .messageDone, .probeDone, .registrationsChanged, .log: break
      }
    }
  }

  private func happened(_ leg: LegID, _ event: LegEvent) {
    if case .incoming(let call) = event { return taken(leg, call) }
    lines[leg]?.events.append(event)
    switch event {
    case .answered(let body):
      lines[leg]?.isAnswered = true
      if var audio = lines[leg]?.audio {
        _ = try? audio.accept(body ?? [])
        lines[leg]?.audio = audio
      }
    case .offered(let offer):
      guard var audio = lines[leg]?.audio else { return }
      let answer = offer.map { try? audio.answer($0).sdp } ?? audio.makeOffer()
      lines[leg]?.audio = audio
      perform(answer.map { .answerOffer(leg, sdp: $0) } ?? .refuseOffer(leg, status: 488))
    case .refused, .ended: lines[leg]?.isOver = true
    case .incoming, .provisional, .established, .offerAnswered, .offerRefused, .digit, .digitRefused, .alive: break
    }
  }

  private func taken(_ leg: LegID, _ call: IncomingCall) {
    var audio = newAudio()
    let answer = call.offer.flatMap { offer in answers(offer) ?? (try? audio.answer(offer).sdp) } ?? []
    open(leg, audio)
    lines[leg]?.answer = answer
    let plan = plan(callsTaken)
    callsTaken += 1
    let early = plan.answersEarly ? answer : nil
    if early != nil { lines[leg]?.answer = [] }
    if let delay = plan.ringsAfter {
      later(delay) { $0.perform(.progress(leg, status: early == nil ? 180 : 183, body: early)) }
    }
    switch plan.act {
    case .ring: break
    case .refuse(let status, let delay):
      later(delay) { $0.perform(.release(leg, Cause(sipStatus: status), status: status)) }
    case .answer(let delay):
      later(delay) { phone in
        guard phone.lines[leg]?.isOver == false else { return }
        phone.answer(leg)
        for (after, key) in plan.keys { phone.later(after) { $0.press(key, leg) } }
        for (hold, resume) in plan.holds {
          phone.later(hold) { $0.reoffer(leg, direction: .sendOnly) }
          phone.later(resume) { $0.reoffer(leg, direction: .sendReceive) }
        }
        if let after = plan.hangsUpAfter { phone.later(after) { $0.hangUp(leg) } }
      }
    }
  }

  private func later(_ delay: Duration, _ script: @escaping (Phone) -> Void) {
    network.at(network.elapsed + delay) { [self] in script(self) }
  }

  private func open(_ leg: LegID, _ audio: LegAudio) {
    lines[leg] = Line(audio: audio)
    order.append(leg)
  }

  private func newAudio() -> LegAudio {
    defer { nextPort &+= 2 }
    let local = Endpoint(address.address, nextPort)
    guard let security else { return LegAudio(local: local, sessionID: UInt64(nextPort), codecs: codecs) }
    return LegAudio(
      local: local, sessionID: UInt64(nextPort), codecs: codecs, security: security, random: .seeded(UInt64(nextPort)))
  }

  private func uri(_ user: String) -> SIPURI { SIPURI(user: user, host: Places.pikett.address.uriText) }
}

/// A session description of one PCMA stream with telephone-events.
func sdp(_ local: Endpoint, direction: Direction = .sendReceive, codecs: String = "8 101") -> [UInt8] {
  let address = local.address.description
  let lines = [
    "v=0", "o=- 7 \(direction == .sendReceive ? 1 : 2) IN IP4 \(address)", "s=-", "c=IN IP4 \(address)", "t=0 0",
    "m=audio \(local.port) RTP/AVP \(codecs)", "a=rtpmap:101 telephone-event/8000", "a=\(direction.rawValue)",
  ]
  return Array(lines.map { $0 + "\r\n" }.joined().utf8)
}

/// Sixteen bytes that depend on every byte of the text. Both ends of a simulation use the same function, so that it need
/// not be MD5: that the product's is, its own tests show.
let standInDigest = DigestFunctions(md5: fold, sha256: fold)

@Sendable private func fold(_ bytes: [UInt8]) -> [UInt8] {
  var generator = SeededGenerator(seed: bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
  return (0..<2).flatMap { _ in
    let word = generator.next()
    return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
  }
}
