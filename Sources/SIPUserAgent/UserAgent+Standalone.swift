import SIPMessage
import SIPTransaction
import Telephony

/// Requests of ours outside of any dialog: MESSAGE (RFC 3428), REGISTER (RFC 3261 §10.2), OPTIONS (§11).
extension UserAgent {
  mutating func sendMessage(_ id: RequestID, _ message: OutgoingMessage, at now: Moment) {
    let callID = random.token(24)
    var request = standalone(
      .message, message.target.uri, from: message.from, to: message.to ?? NameAddress(message.target.uri),
      callID: callID, number: 1)
    for route in message.target.routes { request.headers.add("Route", route.description) }
    for field in message.headers.fields { request.headers.add(field.name, field.value) }
    request.headers.add("Content-Type", message.contentType)
    request.body = message.body
    start(id, .message, request, message.target.flow, DigestClient(message.credentials), at: now)
  }

  mutating func probe(_ id: RequestID, _ target: Target, _ from: NameAddress, at now: Moment) {
    var request = standalone(
      .options, target.uri, from: from, to: NameAddress(target.uri), callID: random.token(24), number: 1)
    request.headers.add("Accept", "application/sdp")
    start(id, .probe, request, target.flow, DigestClient(nil), at: now)
  }

  mutating func register(_ id: RequestID, _ registration: OutgoingRegistration, at now: Moment) {
    let flow = registration.target.flow
    let series = registrationSeries.next(registration, newCallID: random.token(24))
    var registrarURI = registration.target.uri
    registrarURI.user = nil
    var request = standalone(
      .register, registrarURI, from: registration.addressOfRecord, to: registration.addressOfRecord,
      callID: series.callID, number: series.number)
    let expires = max(registration.expires, 0)
    var own = contact(registration.contactUser, on: flow)
    own.parameters["expires"] = "\(expires)"
    request.headers.add("Contact", own.description)
    request.headers.add("Expires", "\(expires)")
    // Proxies on the way may then leave their names in it (RFC 3327 §5.1).
    request.headers.add("Supported", "path")
    for field in registration.headers.fields { request.headers.add(field.name, field.value) }
    let kind = StandaloneRequest.Kind.registration(series.id, contactUser: registration.contactUser, expires: expires)
    start(id, kind, request, flow, series.authentication, at: now)
  }

  mutating func standaloneAnswered(_ standalone: StandaloneRequest, _ response: Response, at now: Moment) {
    guard response.isFinal else { return }
    var standalone = standalone
    if response.status == 401 || response.status == 407 {
      guard let realm = standalone.authentication.take(response) else {
        standalone.request = standalone.request.underNextNumber()
        if case .registration(let series, _, _) = standalone.kind,
          let number = (try? standalone.request.headers.cseq())?.number
        {
          registrationSeries.used(number, series)
        }
        standalone.authentication.authorize(&standalone.request, functions: functions, random: random)
        send(standalone.request, on: standalone.flow, for: .standalone(standalone), at: now)
        return
      }
      // Of a probe every answer will do, and of a registration the owner tells once what is wrong.
      if standalone.kind == .message {
        actions.append(
          .log(.challengeUnanswered(realm: String(realm.prefix(64)), source: standalone.flow.remote)))
      }
    }
    switch standalone.kind {
    case .message: actions.append(.messageDone(standalone.id, status: response.status))
    case .probe: actions.append(.probeDone(standalone.id, status: response.status))
    case .registration(let series, let contactUser, let asked):
      // A 423 comes from behind the password too.
      let isAccepted = response.isSuccess || response.status == 423
      if isAccepted { standalone.authentication.accepted() }
      registrationSeries.keep(isAccepted ? standalone.authentication : nil, for: series)
      let answer = RegistrationAnswer(
        status: response.status, reason: response.reason,
        expires: response.isSuccess ? Self.granted(response, contactUser) ?? asked : nil,
        minExpires: response.status == 423 ? Self.seconds(response.headers["Min-Expires"]) : nil,
        retryAfter: Self.seconds(response.headers["Retry-After"]),
        serviceRoute: response.isSuccess ? response.headers.looseRoutes("Service-Route") ?? [] : [])
      actions.append(.registrationDone(standalone.id, .answered(answer)))
    }
  }

  /// No answer (408), or none that could have come (503).
  mutating func standaloneFailed(_ standalone: StandaloneRequest, _ status: Int) {
    switch standalone.kind {
    case .message: actions.append(.messageDone(standalone.id, status: status))
    case .probe: actions.append(.probeDone(standalone.id, status: nil))
    case .registration:
      actions.append(.registrationDone(standalone.id, status == 408 ? .silence : .transportFailed))
    }
  }

  /// The number with which a field such as `Retry-After: 120 (I'm in a meeting);duration=60` begins.
  private static func seconds(_ field: String?) -> Int? {
    field.flatMap { text in Int(text.trimmed.prefix { $0.isASCII && $0.isNumber }) }
  }

  /// What the registrar grants our own Contact: its `expires`, else the Expires header (§10.2.4).
  private static func granted(_ response: Response, _ contactUser: String) -> Int? {
    let own = (try? response.headers.contacts())?.first { $0.uri.user == contactUser }
    return own?.expires ?? (try? response.headers.expires()) ?? nil
  }

  /// Sends a request; what an earlier one of its kind has learned of the challenges goes with it at once.
  private mutating func start(
    _ id: RequestID, _ kind: StandaloneRequest.Kind, _ request: Request, _ flow: Flow, _ authentication: DigestClient,
    at now: Moment
  ) {
    var standalone = StandaloneRequest(
      id: id, kind: kind, request: request, flow: flow, authentication: authentication)
    if authentication.hasAnswers {
      standalone.authentication.authorize(&standalone.request, functions: functions, random: random)
    }
    send(standalone.request, on: flow, for: .standalone(standalone), at: now)
  }

  private func standalone(
    _ method: Method, _ uri: SIPURI, from: NameAddress, to: NameAddress, callID: String, number: UInt32
  ) -> Request {
    var to = to
    to.tag = nil
    var request = Request(method, uri)
    request.headers.add("Max-Forwards", "70")
    request.headers.add("From", from.tagged(authenticator.nonces.tag(callID)).description)
    request.headers.add("To", to.description)
    request.headers.add("Call-ID", callID)
    request.headers.add("CSeq", CSeq(number, method).description)
    request.headers.add("User-Agent", settings.userAgentName)
    return request
  }
}
