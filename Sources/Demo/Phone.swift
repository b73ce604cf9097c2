import Audio
import Disk
package import NIOCore
import NetworkIO
package import RTPEngine
package import SDP
import SIPMessage
package import SIPUserAgent
import Switchboard
package import Telephony

/// What happens at a demo phone.
package enum PhoneEvent: Hashable, Sendable {
  case registered(status: Int)
  /// It is being called, by this number.
  case ringing(LegID, from: String)
  /// A number that it plays a script for is being called.
  case called(LegID, number: String, from: String)
  /// Its own call is progressing.
  case progress(status: Int)
  /// It can talk and hear now.
  case talking(LegID)
  /// The call is over, by the other side's doing.
  case ended(LegID, Cause)
  /// Its own call was refused.
  case refused(LegID, status: Int)
  /// The other side has answered its n-th offer within the call.
  case agreed(LegID, offer: Int)
  /// The other side has pressed a key.
  case key(LegID, Character)
  /// It said its words to the end.
  case said(token: UInt64)
  /// An instant message; `from` is the number that lifting the receiver would call.
  case message(text: String, from: String)
}

/// A SIP phone on real sockets, made of the product's own parts: it registers, rings, answers, talks, presses keys. With
/// scripts it is a PBX, which does with each number's calls what its script says.
package actor Phone {
  package nonisolated let loop: any EventLoop
  /// Its number.
  package nonisolated let number: String
  package nonisolated let seen = Observations<PhoneEvent>()

  let engine: MediaEngine
  private var agent: UserAgent
  var sockets: SIPSockets?
  private var ports: MediaPorts
  let address: IPAddress
  private let server: Endpoint
  var calls: [LegID: PhoneCall] = [:]
  /// What the numbers that it is called at do; a number without a script rings until something is done by hand.
  package var scripts: [String: PhoneScript] = [:]
  private var wakeUp: Scheduled<Void>?
  private var nextToken: UInt64 = 1
  private var nextRequest: UInt64 = 1
  private let password: Redacted<String>?
  private let heard: String?

  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  struct PhoneCall {
    var leg: Leg
    var port: UInt16
    var negotiation: OfferAnswer
    var offer: [UInt8]?
    var recording: RecordingID?
    /// How many of its offers within the call were answered.
    var agreed = 0
    var script: PhoneScript?
    /// The call in whose place this one was made, and which shares its end.
    var forwarded: LegID?
  }

  /// - Parameters:
  ///   - address: where it has its sockets.
  ///   - server: the SIP server it registers with and calls through.
  ///   - subscriber: who may call only with this password; nil: the server may call without one.
  ///   - heard: the directory into which it writes what it sent and heard; nil: nowhere.
  package init(
    number: String, password: String? = nil, address: IPAddress, server: Endpoint, loop: any EventLoop,
    engine: MediaEngine, rtpPorts: ClosedRange<UInt16>, subscriber: Credentials? = nil, heard: String? = nil
  ) {
    self.number = number
    self.loop = loop
    self.engine = engine
    self.address = address
    self.server = server
    self.password = password.map { Redacted($0) }
    self.heard = heard
    ports = MediaPorts(range: rtpPorts, address: address)
    agent = UserAgent(
      settings: UserAgentSettings(
        userAgentName: "Pikett demo phone",
        trunks: [
          TrunkPeer(
            name: "server", addresses: subscriber == nil ? [Network(server.address)] : [], account: subscriber?.user,
            credentials: subscriber)
        ]),
      digest: .libcrypto, random: RandomSource { UInt64.random(in: .min ... .max) })
  }

  /// Opens its SIP socket.
  /// - Returns: where it listens.
  package func open() async throws -> Endpoint {
    let sockets = SIPSockets(
      loop: loop, clock: { currentMoment() },
      onEvent: { [unowned self] event in assumeIsolated { $0.happened(event) } })
    self.sockets = sockets
    return try await sockets.listen(udp: Endpoint(address, 0)).get()
  }

  package func close() async {
    wakeUp?.cancel()
    try? await sockets?.close().get()
    sockets = nil
  }

  // MARK: What one can do with it

  /// Registers with the server; `registered` follows.
  /// - Parameter expires: in seconds; 0 ends the registration.
  package func register(expires: Int = 300) {
    guard let target = target(user: nil) else { return }
    let request = RequestID(rawValue: nextRequest)
    nextRequest += 1
    let credentials = password.map { Credentials(user: number, password: $0) }
    run(
      .register(
        request,
        OutgoingRegistration(
          target: target, addressOfRecord: address(of: number), contactUser: number, expires: expires,
          credentials: credentials)))
  }

  /// Calls a number.
  /// - Parameters:
  ///   - caller: who calls; nil: the phone's own number.
  ///   - diversion: the number that the call was for first (RFC 5806).
  @discardableResult package func call(_ dialled: String, from caller: String? = nil, diversion: String? = nil) throws
    -> LegID
  {
    let leg = agent.newLegID()
    guard let target = target(user: dialled) else { return leg }
    var call = try openCall(leg)
    let offer = call.negotiation.makeOffer(local: Endpoint(address, call.port))
    calls[leg] = call
    let credentials = password.map { Credentials(user: number, password: $0) }
    var headers = Headers()
    if let diversion { headers.add("Diversion", "\(address(of: diversion));reason=no-answer") }
    run(
      .invite(
        leg,
        OutgoingCall(
          target: target, from: address(of: caller ?? number), headers: headers, offer: offer, credentials: credentials)
      ))
    return leg
  }

  /// Answers the call that rings.
  package func answer(_ leg: LegID) throws {
    guard var call = calls[leg], let offer = call.offer else { return }
    let (sdp, audio) = try call.negotiation.answer(offer, local: Endpoint(address, call.port))
    calls[leg] = call
    engine.send(.describe(call.leg, LegMedia(audio)))
    run(.answer(leg, sdp: sdp))
  }

  /// Says this to the other side, once; `said` follows with the token.
  @discardableResult package func say(_ sound: Sound, on leg: LegID) -> UInt64 {
    defer { nextToken += 1 }
    if let call = calls[leg] { engine.send(.play(call.leg, sound, loops: false, token: nextToken)) }
    return nextToken
  }

  /// Presses a key.
  package func press(_ key: Character, on leg: LegID) {
    if let call = calls[leg] { engine.send(.sendDigit(call.leg, key, milliseconds: 120)) }
  }

  /// Presses a key by SIP INFO.
  package func pressByInfo(_ key: Character, on leg: LegID) {
    run(.press(leg, InfoDigit(digit: key, milliseconds: 120)))
  }

  /// Offers anew within the call: to hold it, to take it back, with another codec, or without key presses by RTP.
  package func offer(
    _ direction: Direction, codecs: [AudioCodec] = [.pcma, .pcmu], telephoneEvent: Bool = true, on leg: LegID
  ) {
    guard var call = calls[leg] else { return }
    call.negotiation = OfferAnswer(
      AudioCapabilities(codecs: codecs, telephoneEvent: telephoneEvent), sessionID: leg.rawValue)
    let sdp = call.negotiation.makeOffer(local: Endpoint(address, call.port), direction: direction)
    calls[leg] = call
    run(.offer(leg, sdp: sdp))
  }

  /// Hangs up, gives up or declines.
  package func hangUp(_ leg: LegID) {
    run(.release(leg, .normalClearing))
    over(leg)
  }

  /// The call it made first that still lives.
  package var currentCall: LegID? { calls.keys.sorted().first }

  // MARK: What happens to it

  private func happened(_ event: SIPSocketEvent) {
    switch event {
    case .received(.request(let request), let flow, _) where request.method == .message:
      let from = (try? request.headers.from())?.uri.user ?? ""
      saw(.message(text: String(decoding: request.body, as: UTF8.self), from: from))
      sockets?.send(.response(request.response(200, toTag: "phone\(number)")), on: flow)
    case .received(let message, let flow, _):
      if case .request(let request) = message, isScripted(request, on: flow) { break }
      run(.received(message, flow))
    case .malformed, .crowded, .insecure: break
    case .failed(let flow): run(.transportFailed(flow))
    }
  }

  func run(_ input: UserAgentInput) {
    for action in agent.handle(input, at: currentMoment()) {
      switch action {
      case .transmit(let message, let flow): sockets?.send(message, on: flow)
      case .leg(let leg, let event): happened(leg, event)
      case .registrationDone(_, let outcome): saw(.registered(status: outcome.status))
      case .messageDone, .probeDone, .registrationsChanged, .log: break
      }
    }
    wakeUp?.cancel()
    guard let deadline = agent.nextDeadline else { return }
    wakeUp = loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(deadline.nanoseconds, 0)))) { [weak self] in
      self?.assumeIsolated { $0.run(.timersDue) }
    }
  }

  private func happened(_ leg: LegID, _ event: LegEvent) {
    switch event {
    case .incoming(let incoming):
      guard let offer = incoming.offer, var call = try? openCall(leg) else {
        return run(.release(leg, .congestion, status: 503))
      }
      call.offer = offer
      calls[leg] = call
      let from = (try? incoming.request.headers.from())?.uri.user ?? ""
      if let number = incoming.request.uri.user, let script = scripts[number] {
        saw(.called(leg, number: number, from: from))
        return play(script, of: number, calledBy: from, on: leg)
      }
      run(.progress(leg, status: 180, body: nil))
      saw(.ringing(leg, from: from))
    case .provisional(let status, _): saw(.progress(status: status))
    case .answered(let body):
      guard var call = calls[leg], let body, let audio = try? call.negotiation.accept(body) else {
        run(.release(leg, .normalClearing))
        return over(leg)
      }
      calls[leg] = call
      engine.send(.describe(call.leg, LegMedia(audio)))
      saw(.talking(leg))
    case .established:
      saw(.talking(leg))
      goOn(leg)
    case .refused(let status, _, _):
      if let first = calls[leg]?.forwarded { refuse(first, status: status) }
      over(leg)
      saw(.refused(leg, status: status))
    case .ended(let cause):
      over(leg)
      saw(.ended(leg, cause))
    case .offerAnswered(let body):
      guard var call = calls[leg], let audio = try? call.negotiation.accept(body) else { return }
      call.agreed += 1
      calls[leg] = call
      engine.send(.describe(call.leg, LegMedia(audio)))
      saw(.agreed(leg, offer: call.agreed))
    case .digit(let key, _): saw(.key(leg, key))
    case .offered, .offerRefused, .digitRefused, .alive: break
    }
  }

  /// What the engine says of one of this phone's legs.
  package func engineSaid(_ event: EngineEvent) {
    switch event {
    case .played(let leg, let token):
      if calls.values.contains(where: { $0.leg == leg }) { saw(.said(token: token)) }
    case .legClosed(_, let statistics): ports.release(statistics.localPort)
    case .digit(let leg, let key, by: .event, _):
      if let id = calls.first(where: { $0.value.leg == leg })?.key { saw(.key(id, key)) }
    case .digit, .digitEnded, .silent, .sourceRefused, .recordingFailed, .recordingRefused, .recordingDropped,
      .recordingClosed:
      break
    }
  }

  // MARK: Helpers

  private func openCall(_ leg: LegID) throws -> PhoneCall {
    let media = try ports.bind()
    let engineLeg = try engine.openLeg(media)
    var call = PhoneCall(
      leg: engineLeg, port: media.port, negotiation: OfferAnswer(sessionID: leg.rawValue), offer: nil, recording: nil)
    if let heard {
      let id = RecordingID(rawValue: (UInt64(number) ?? 0) << 16 | leg.rawValue)
      call.recording = id
      engine.send(.startRecording(id, path: joined(heard, "\(number)-\(leg.rawValue).pcap")))
      engine.send(.tap(engineLeg, id, localAddressShown: Endpoint(address, media.port)))
    }
    return call
  }

  func over(_ leg: LegID) {
    guard let call = calls.removeValue(forKey: leg) else { return }
    engine.send(.closeLeg(call.leg))
    if let recording = call.recording { engine.send(.stopRecording(recording)) }
  }

  private func target(user: String?) -> Target? {
    guard let flow = sockets?.flow(to: server) else { return nil }
    return Target(uri: SIPURI(user: user, host: server.address.uriText, port: server.port), flow: flow)
  }

  private func address(of user: String) -> NameAddress {
    NameAddress(SIPURI(user: user, host: server.address.uriText))
  }

  nonisolated func saw(_ event: PhoneEvent) { Task { await seen.saw(event) } }
}
