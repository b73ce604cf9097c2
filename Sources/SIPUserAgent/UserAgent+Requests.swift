import SIPMessage
import SIPTransaction
import Telephony

/// Requests of peers outside of a dialog: who may ask what (RFC 3261 §8.2).
extension UserAgent {
  enum Identification {
    case peer(PeerIdentity)
    case challenge(isStale: Bool)
    /// One who gets no answer any more.
    case nobody
  }

  /// What we do; nothing else is sent to us with success. RFC 3261 §20.5.
  static let allowed = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, PRACK, UPDATE, REGISTER"

  /// The extensions that we have: RFC 3262 and RFC 4028.
  static let supported = ["100rel", "timer"]

  /// Methods that we know and refuse with 405; any other is 501.
  private static let refusedMethods: Set<Method> = [
    .message, .subscribe, .notify, .refer, .prack, .info, .update, .bye, Method("PUBLISH"),
  ]

  /// Methods that a stranger may ask us to authenticate; the rest of his get no answer.
  static let challengedMethods: Set<Method> = [
    .invite, .register, .message, .subscribe, .refer, Method("PUBLISH"),
  ]

  mutating func receive(_ request: Request, _ transaction: ServerTransactionID, _ flow: Flow, at now: Moment) {
    let dialog = DialogID(request: request)
    if let dialog, let owner = dialogs[dialog] {
      return receive(request, transaction, flow, in: dialog, of: owner, at: now)
    }
    if let identified { return receiveIdentified(request, transaction, flow, identified, at: now) }
    if dialog != nil, request.method != .register {
      actions.append(.log(.protocolFault(.noDialog(request.method), source: flow.remote)))
      // Nobody has shown who he is: what he leaves behind would count against those whose address he uses.
      let response = request.response(481, toTag: transactions.statelessTag(request))
      return perform(transactions.respondStatelessly(response, to: transaction), at: now)
    }
    guard Self.challengedMethods.contains(request.method) else {
      receiveIdentified(request, transaction, flow, nil, at: now)
      return perform(transactions.forget(transaction), at: now)
    }
    switch identify(request, flow, at: now) {
    case .peer(let identity): receiveIdentified(request, transaction, flow, identity, at: now)
    case .challenge(let isStale):
      perform(
        transactions.respondStatelessly(
          challenge(request, isStale: isStale, at: now.instant), to: transaction), at: now)
    case .nobody: perform(transactions.forget(transaction), at: now)
    }
  }

  /// Bounds what one peer who is no trunk can have open at once.
  mutating func hasRoom(for request: Request, _ flow: Flow, at now: Moment) -> Bool {
    let source = flow.remote.address
    guard let limit = settings.limits.transactions, transactions.openTransactions(of: source) >= limit,
      !directory.hasTrunk(at: source), request.method != .ack, request.method != .cancel, !isInDialog(request),
      !transactions.matches(request, from: source), let (copy, answer) = transactions.completed(request, on: flow)
    else { return true }
    var response = copy.response(503, toTag: transactions.statelessTag(copy))
    response.headers.add("Retry-After", "32")
    actions.append(.transmit(.response(response), answer))
    tell(.refused(method: request.method, status: 503, source: flow.remote), at: now.instant)
    return false
  }

  private mutating func receiveIdentified(
    _ request: Request, _ transaction: ServerTransactionID, _ flow: Flow, _ identity: PeerIdentity?, at now: Moment
  ) {
    // "If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the request with a 416" (§8.2.2.1)
    guard request.uri.isSIP || request.uri.scheme == "tel" else {
      return refuse(request, transaction, 416, flow, at: now)
    }
    if let unsupported = unsupportedExtensions(request) {
      return refuse(request, transaction, 420, flow, with: [("Unsupported", unsupported)], at: now)
    }
    switch (request.method, identity) {
    case (.invite, let identity?):
      guard (try? request.headers.to())?.tag == nil else { return refuse(request, transaction, 481, flow, at: now) }
      receiveCall(request, transaction, flow, from: identity, at: now)
    case (.register, let identity?): receiveRegister(request, transaction, flow, from: identity, at: now)
    case (.options, _): respond(capabilities(request, nil), transaction, at: now)
    // Without a To tag it belongs to no dialog (§15.1.2).
    case (.bye, _): refuse(request, transaction, 481, flow, at: now)
    default: refuseMethod(request, transaction, nil, at: now)
    }
  }

  // MARK: - Who is it

  mutating func identify(_ request: Request, _ flow: Flow, at now: Moment) -> Identification {
    let source = flow.remote
    let verdict = authenticator.check(
      request, realm: settings.realm, passwords: directory.password(of:), at: now.instant)
    if case .passed(let user) = verdict, let identity = directory.identity(of: user) {
      sources.forgive(SourceGuard.Source(source.address, isConnected: flow.transport.isReliable))
      prove(source.address, at: now.instant)
      return .peer(identity)
    }
    if request.method != .register, let trunk = trunk(for: request, flow, at: now.instant) {
      prove(source.address, at: now.instant)
      return .peer(.trunk(trunk))
    }
    let offence: SourceGuard.Offence
    switch verdict {
    case .passed, .none: offence = .request
    case .stale: return .challenge(isStale: true)
    case .replayed(let user):
      tell(.replayed(user: user, source: source), at: now.instant)
      offence = .request
    case .failed(let user):
      tell(.authenticationFailed(user: user, source: source), at: now.instant)
      offence = .failure
    }
    // Many phones may share a known address; one with a wrong password must not silence the others.
    guard isKnown(source, at: now.instant) || count(offence, against: source, flow.transport, at: now.instant) else {
      return .nobody
    }
    if case .replayed = verdict { return .challenge(isStale: true) }
    return .challenge(isStale: false)
  }

  /// The trunk that asks this without a password: it names the Contact with which we registered there, it is a gateway
  /// that registered from here, or it calls from an address of its own.
  ///
  /// A phone that registered from the very same address and port is no trunk, unless the trunk's own port says so: a PBX
  /// and its phones may share an address.
  private mutating func trunk(for request: Request, _ flow: Flow, at now: Instant) -> String? {
    let source = flow.remote
    if let trunk = directory.trunk(ofContact: request.uri.user) { return trunk }
    let registered = registrar.users(at: source, now)
    if !registered.isEmpty {
      // Two gateways behind one socket, or a gateway and a phone, must say by digest which of them it is.
      let gateways = registered.map(directory.trunk(ofAccount:))
      if let first = gateways.first, let first, gateways.allSatisfy({ $0 == first }) { return first }
      guard directory.hasTrunk(at: source) else { return nil }
    }
    let called = [request.uri.user, (try? request.headers.to())?.uri.user].compactMap { $0 }
    let (names, isAmbiguous) = directory.trunks(callingFrom: source, by: flow.transport, called: called)
    if isAmbiguous, request.method == .invite, ambiguousTrunks.insert(names.sorted()).inserted {
      actions.append(.log(.ambiguousTrunk(names: names, source: source)))
    }
    return names.first
  }

  func isInDialog(_ request: Request) -> Bool { DialogID(request: request).map { dialogs[$0] != nil } ?? false }

  // MARK: - Answers

  /// The 401, the same for everyone; nothing of the request is kept.
  func challenge(_ request: Request, isStale: Bool, at now: Instant) -> Response {
    var response = request.response(401, toTag: transactions.statelessTag(request))
    let lines = authenticator.challenges(
      to: request, realm: settings.realm, algorithms: settings.challengeAlgorithms, isStale: isStale, at: now)
    for line in lines { response.headers.add("WWW-Authenticate", line) }
    return response
  }

  mutating func respond(_ response: Response, _ transaction: ServerTransactionID?, at now: Moment) {
    guard let transaction else { return }
    perform(transactions.respond(response, to: transaction, at: now), at: now)
  }

  /// An answer to an identified peer outside of a leg.
  mutating func refuse(
    _ request: Request, _ transaction: ServerTransactionID, _ status: Int, _ flow: Flow,
    with fields: [(HeaderName, String)] = [], at now: Moment
  ) {
    var response = request.response(status, toTag: transactions.statelessTag(request))
    response.headers.add("Server", settings.userAgentName)
    for (name, value) in fields { response.headers.add(name, value) }
    if status >= 300, request.method == .invite {
      response.headers.add("Reason", Cause(sipStatus: status).releaseReason)
    }
    if status >= 300 { actions.append(.log(.refused(method: request.method, status: status, source: flow.remote))) }
    respond(response, transaction, at: now)
  }

  /// 405 for what we know, 501 for what we do not (§8.2.1).
  mutating func refuseMethod(_ request: Request, _ transaction: ServerTransactionID, _ leg: Leg?, at now: Moment) {
    let status = Self.refusedMethods.contains(request.method) ? 405 : 501
    var response = request.response(status, toTag: leg?.localTag ?? transactions.statelessTag(request))
    response.headers.add("Allow", Self.allowed)
    response.headers.add("Server", settings.userAgentName)
    respond(response, transaction, at: now)
  }

  /// The answer to OPTIONS of somebody we know (§11.2).
  func capabilities(_ request: Request, _ leg: Leg?) -> Response {
    var response = request.response(200, toTag: leg?.localTag ?? transactions.statelessTag(request))
    response.headers.add("Allow", Self.allowed)
    response.headers.add("Accept", "application/sdp, application/dtmf-relay, application/dtmf")
    response.headers.add("Supported", Self.supported.joined(separator: ", "))
    response.headers.add("Server", settings.userAgentName)
    if let sessionID = leg?.sessionID { response.headers.add("Session-ID", sessionID) }
    return response
  }

  /// An answer within a leg, with what an INVITE's or UPDATE's needs (§12.1.1, §13.3.1).
  func legResponse(_ status: Int, to request: Request, _ leg: Leg, body: [UInt8]?) -> Response {
    var response = request.response(status, toTag: leg.localTag)
    if (101..<300).contains(status), request.method == .invite || request.method == .update {
      let own = contact(leg.contactUser, on: leg.dialog?.flow ?? leg.flow, for: request)
      response.headers.add("Contact", own.description)
      response.headers.add("Allow", Self.allowed)
      response.headers.add("Supported", Self.supported.joined(separator: ", "))
    }
    response.headers.add("Server", settings.userAgentName)
    if let sessionID = leg.sessionID { response.headers.add("Session-ID", sessionID) }
    if let body, !body.isEmpty {
      response.headers.add("Content-Type", "application/sdp")
      response.body = body
    }
    return response
  }

  /// What our own INVITEs say of us.
  /// - Parameter takesReliable: whether the peer may answer with reliable provisional responses.
  func describeOurselves(_ headers: inout Headers, takesReliable: Bool) {
    headers.add("Allow", Self.allowed)
    headers.add("Supported", (takesReliable ? Self.supported : ["timer"]).joined(separator: ", "))
    headers.add("User-Agent", settings.userAgentName)
  }

  /// The extensions that the peer requires and we have not: all of them (§8.2.2.3). Nil if it requires none.
  func unsupportedExtensions(_ request: Request) -> String? {
    let required = request.headers.tokens("Require").filter { tag in
      !Self.supported.contains { $0.equalsIgnoringCase(tag) }
    }
    return required.isEmpty ? nil : required.joined(separator: ", ")
  }
}
