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
    for field in message.headers.fields { request.headers.add(field.name, field.value) }
    request.headers.add("Content-Type", message.contentType)
    request.body = message.body
    start(id, .message, request, message.target.flow, message.credentials, at: now)
  }

  mutating func probe(_ id: RequestID, _ target: Target, _ from: NameAddress, at now: Moment) {
    var request = standalone(
      .options, target.uri, from: from, to: NameAddress(target.uri), callID: random.token(24), number: 1)
    request.headers.add("Accept", "application/sdp")
    start(id, .probe, request, target.flow, nil, at: now)
  }

  mutating func register(_ id: RequestID, _ registration: OutgoingRegistration, at now: Moment) {
    let flow = registration.target.flow
    let series = registrationSeries.next(
      registration.contactUser, registration.addressOfRecord.uri, newCallID: random.token(24))
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
    for field in registration.headers.fields { request.headers.add(field.name, field.value) }
    start(
      id, .registration(contactUser: registration.contactUser, expires: expires), request, flow,
      registration.credentials, at: now)
  }

  mutating func standaloneAnswered(_ standalone: StandaloneRequest, _ response: Response, at now: Moment) {
    guard response.isFinal else { return }
    var standalone = standalone
    if response.status == 401 || response.status == 407 {
      guard let realm = standalone.authentication.take(response) else {
        standalone.request = standalone.request.underNextNumber()
        if case .registration(let contactUser, _) = standalone.kind,
          let number = (try? standalone.request.headers.cseq())?.number
        {
          registrationSeries.used(number, contactUser)
        }
        standalone.authentication.authorize(&standalone.request, functions: functions, random: random)
        send(standalone.request, on: standalone.flow, for: .standalone(standalone), at: now)
        return
      }
      actions.append(
        .log(.challengeUnanswered(realm: String(realm.prefix(64)), source: standalone.flow.remote)))
    }
    standaloneDone(standalone, status: response.status, response)
  }

  mutating func standaloneDone(_ standalone: StandaloneRequest, status: Int, _ response: Response?) {
    switch standalone.kind {
    case .message: actions.append(.messageDone(standalone.id, status: status))
    case .probe: actions.append(.probeDone(standalone.id, status: status))
    case .registration(let contactUser, let asked):
      let granted = response.flatMap { $0.isSuccess ? Self.granted($0, contactUser) ?? asked : nil }
      let minimum = status == 423 ? response?.headers["Min-Expires"].flatMap { Int($0.trimmed) } : nil
      actions.append(
        .registrationDone(standalone.id, status: status, expires: granted, minExpires: minimum))
    }
  }

  /// What the registrar grants our own Contact: its `expires`, else the Expires header (§10.2.4).
  private static func granted(_ response: Response, _ contactUser: String) -> Int? {
    let own = (try? response.headers.contacts())?.first { $0.uri.user == contactUser }
    return own?.expires ?? (try? response.headers.expires()) ?? nil
  }

  private mutating func start(
    _ id: RequestID, _ kind: StandaloneRequest.Kind, _ request: Request, _ flow: Flow, _ credentials: Credentials?,
    at now: Moment
  ) {
    let standalone = StandaloneRequest(
      id: id, kind: kind, request: request, flow: flow, authentication: DigestClient(credentials))
    send(request, on: flow, for: .standalone(standalone), at: now)
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

/// "All registrations from a UAC SHOULD use the same Call-ID header field value for registrations sent to a particular
/// registrar", with rising numbers (RFC 3261 §10.2); bounded.
struct RegistrationSeries: Sendable {
  private struct Entry: Sendable {
    var contactUser: String
    var addressOfRecord: SIPURI
    var callID: String
    var number: UInt32
  }

  private var entries: [Entry] = []
  private static let limit = 256

  mutating func next(_ contactUser: String, _ addressOfRecord: SIPURI, newCallID: String) -> (
    callID: String, number: UInt32
  ) {
    if let index = entries.firstIndex(where: {
      $0.contactUser == contactUser && $0.addressOfRecord == addressOfRecord
    }) {
      entries[index].number &+= 1
      return (entries[index].callID, entries[index].number)
    }
    if entries.count >= Self.limit { entries.removeFirst() }
    entries.append(Entry(contactUser: contactUser, addressOfRecord: addressOfRecord, callID: newCallID, number: 1))
    return (newCallID, 1)
  }

  /// A challenged request went out again under this number.
  mutating func used(_ number: UInt32, _ contactUser: String) {
    for index in entries.indices where entries[index].contactUser == contactUser {
      entries[index].number = max(entries[index].number, number)
    }
  }
}
