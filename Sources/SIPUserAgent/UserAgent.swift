package import SIPMessage
package import SIPTransaction
package import Telephony

/// Dialogs, INVITE sessions, registrar, MESSAGE and OPTIONS over the transaction layer, as one value (RFC 3261 §8-§15).
package struct UserAgent: Sendable {
  /// Replaced as a whole when the site is reread, by `apply`. Users who are gone lose their registrations.
  package private(set) var settings: UserAgentSettings {
    didSet {
      directory = PeerDirectory(settings)
      sources.limits = settings.limits
      // Who failed by a password that the owner has now put right must not wait for the end of his silence.
      let isRekeyed =
        settings.users != oldValue.users || settings.trunks.map(\.credentials) != oldValue.trunks.map(\.credentials)
      if isRekeyed { sources = SourceGuard(settings.limits) }
      transactions.limit = settings.maxTransactions
      for gone in registrar.keep(directory.isKnown) {
        timers.cancel(.registration(gone.user))
        dropped(gone)
        if !actions.contains(.registrationsChanged(user: gone.user)) {
          actions.append(.registrationsChanged(user: gone.user))
        }
      }
    }
  }

  let functions: DigestFunctions
  let random: RandomSource
  let timerValues: TimerValues
  private var nextLeg: UInt64

  var directory: PeerDirectory
  var transactions: TransactionLayer
  var timers = TimerQueue<UserAgentTimer>()
  var authenticator: DigestAuthenticator
  var registrar = Registrar()
  var sources: SourceGuard
  /// Addresses from which somebody has proved who he is, and when last: a flood of strangers does not keep them out.
  var proven: [IPAddress: Instant] = [:]
  /// Lines about strangers who are silenced, and about what else they do.
  var silenceNotes = NoteLimit()
  var strangerNotes = NoteLimit()
  /// Whose request it is that is handed to the transaction layer, if his password has already told.
  var identified: PeerIdentity?
  /// Trunks between which a call could not choose; said once.
  var ambiguousTrunks: Set<[String]> = []
  var legs: [LegID: Leg] = [:]
  var dialogs: [DialogID: DialogOwner] = [:]
  /// Peers' INVITEs, first and further, that may still be cancelled.
  var invitesOfPeers: [ServerTransactionID: LegID] = [:]
  var invitations: [ClientTransactionID: Invitation] = [:]
  var purposes: [ClientTransactionID: ClientPurpose] = [:]
  var registrationSeries = RegistrationSeries()
  /// What this step has led to so far.
  var actions: [UserAgentAction] = []

  /// - Parameters:
  ///   - random: tags, Call-IDs, branches and the nonces' key come from here.
  ///   - firstLeg: the number of the first leg.
  ///   - timers: T1, T2, T4.
  package init(
    settings: UserAgentSettings, digest: DigestFunctions, random: RandomSource, firstLeg: UInt64 = 1,
    timers: TimerValues = .rfc3261
  ) {
    self.settings = settings
    functions = digest
    self.random = random
    timerValues = timers
    nextLeg = firstLeg
    directory = PeerDirectory(settings)
    transactions = TransactionLayer(random: random, timers: timers, limit: settings.maxTransactions)
    sources = SourceGuard(settings.limits)
    authenticator = DigestAuthenticator(functions: digest, random: random)
  }

  /// When `timersDue` is to be called; nil: no timer runs.
  package var nextDeadline: Instant? {
    switch (transactions.nextDeadline, timers.nextDeadline) {
    case (let a?, let b?): min(a, b)
    case (let a, let b): a ?? b
    }
  }

  /// How many legs live.
  package var legCount: Int { legs.count }

  /// The way by which a leg's peer signals at present.
  package func flow(of leg: LegID) -> Flow? { legs[leg].map { $0.peerFlow ?? $0.flow } }

  /// How many transactions live.
  package var transactionCount: Int { transactions.count }

  /// Takes what the site says now.
  package mutating func apply(_ settings: UserAgentSettings) -> [UserAgentAction] {
    self.settings = settings
    defer { actions = [] }
    return actions
  }

  package mutating func handle(_ input: UserAgentInput, at now: Moment) -> [UserAgentAction] {
    switch input {
    case .received(let message, let flow): receive(message, flow, at: now)
    case .transportFailed(let flow): transportFailed(flow, at: now)
    case .timersDue: timersDue(at: now)
    case .invite(let leg, let call): invite(leg, call, at: now)
    case .identify(let leg, let sessionID): legs[leg]?.sessionID = sessionID
    case .progress(let leg, let status, let body): progress(leg, status, body, at: now)
    case .answer(let leg, let sdp): answer(leg, sdp, at: now)
    case .release(let leg, let cause, let status): release(leg, cause, status, at: now)
    case .offer(let leg, let sdp): offers(leg, .offer(sdp), at: now)
    case .answerOffer(let leg, let sdp): offers(leg, .answer(sdp: sdp), at: now)
    case .refuseOffer(let leg, let status): offers(leg, .refuse(status: finalStatus(status, else: 488)), at: now)
    case .sendMessage(let id, let message): sendMessage(id, message, at: now)
    case .register(let id, let registration): register(id, registration, at: now)
    case .probe(let id, let target, let from): probe(id, target, from, at: now)
    case .ask(let leg): ask(leg, at: now)
    case .press(let leg, let digit): press(leg, digit, at: now)
    }
    defer { actions = [] }
    return actions
  }

  /// Where `user` can be reached at `now`: highest preference first, among equals the newest first.
  package func contacts(of user: String, at now: Instant) -> [RegisteredContact] {
    registrar.contacts(of: user, at: now)
  }

  /// A number for the next leg.
  package mutating func newLegID() -> LegID {
    defer { nextLeg &+= 1 }
    return LegID(rawValue: nextLeg)
  }

  /// Every living contact, for a store; ordered by user, then as `contacts` orders them.
  package func registrations(at now: Instant) -> [StoredRegistration] { registrar.stored(at: now) }

  /// Takes back what a store has kept. Contacts that only a connection led to are dropped, as it is gone, and so are
  /// those of users who are no longer known.
  package mutating func restore(_ stored: [StoredRegistration], at now: Moment) {
    registrar.restore(
      stored.filter { directory.isKnown($0.user) }, longest: .seconds(settings.registrar.maxExpires), at: now)
    for user in registrar.users { setExpiryTimer(user) }
  }

  // MARK: - From the transaction layer

  private mutating func receive(_ message: Message, _ flow: Flow, at now: Moment) {
    if case .request(let request) = message {
      guard belongs(message, on: flow, at: now.instant) else { return receiveStrangers(request, flow, at: now) }
      guard hasRoom(for: request, flow, at: now) else { return }
    }
    perform(transactions.receive(message, on: flow, at: now), at: now)
  }

  private mutating func transportFailed(_ flow: Flow, at now: Moment) {
    // What fails now may say something on a dialog, which must no longer go the way that has failed.
    if flow.transport.isReliable {
      for id in legs.keys.sorted() where legs[id]?.dialog?.flow == flow { legs[id]?.dialog?.connectionLost() }
    }
    perform(transactions.transportFailed(flow, at: now), at: now)
    guard flow.transport.isReliable else { return }
    acknowledgeAgain(insteadOf: flow)
    let lost = registrar.connectionLost(flow)
    for gone in lost.dropped { dropped(gone) }
    for user in lost.users {
      setExpiryTimer(user)
      actions.append(.registrationsChanged(user: user))
    }
  }

  private mutating func dropped(_ gone: StoredRegistration) {
    actions.append(.log(.unregistered(user: gone.user, contact: gone.contact.uri.description)))
  }

  private mutating func timersDue(at now: Moment) {
    perform(transactions.timersDue(at: now), at: now)
    while let timer = timers.popDue(at: now.instant) {
      switch timer {
      case .progress(let leg): called(leg, .repeatProgressDue, at: now)
      case .answer(let leg):
        called(leg, .repeatAnswerDue, at: now)
        offers(leg, .repeatAnswerDue, at: now)
      case .pause(let leg): offers(leg, .pauseOver, at: now)
      case .reliable(let leg): called(leg, .repeatReliableDue, at: now)
      case .refresh(let leg): refreshDue(leg, at: now)
      case .expiry(let leg): sessionExpired(leg, at: now)
      case .registration(let user): expireContacts(of: user, at: now)
      }
    }
  }

  /// Performs what the transaction layer asks for, in its order.
  mutating func perform(_ asked: [TransactionAction], at now: Moment) {
    for action in asked {
      switch action {
      case .transmit(let message, let flow): actions.append(.transmit(message, flow))
      case .request(let request, let id, let flow): receive(request, id, flow, at: now)
      case .cancelled(let id, let cancel): cancelled(id, cancel, at: now)
      case .ack(let ack, _): acknowledged(ack, at: now)
      case .response(let response, let id): receive(response, id, at: now)
      case .strayResponse(let response, let flow): receiveStray(response, flow, at: now)
      case .timedOut(let id): failed(id, 408, at: now)
      case .transportError(let id): failed(id, 503, at: now)
      case .clientTerminated(let id):
        purposes[id] = nil
        invitations[id] = nil
        shrink()
      case .serverTerminated(let id):
        invitesOfPeers[id] = nil
        shrink()
      case .responseFailed, .ackMissing: continue
      }
    }
  }

  /// Tables do not shrink by themselves: after a rush, those that are empty give back their memory.
  private mutating func shrink() {
    if legs.isEmpty { legs = [:] }
    if dialogs.isEmpty { dialogs = [:] }
    if purposes.isEmpty { purposes = [:] }
    if invitations.isEmpty { invitations = [:] }
    if invitesOfPeers.isEmpty { invitesOfPeers = [:] }
  }

  /// A response to a request of ours, or the status that stands for its absence.
  private mutating func receive(_ response: Response, _ id: ClientTransactionID, at now: Moment) {
    switch purposes[id] {
    case .invite(let leg): inviteAnswered(leg, id, response, at: now)
    case .reinvite(let leg): reinviteAnswered(leg, id, response, at: now)
    case .prack(let leg, let prack): prackAnswered(leg, prack, response, at: now)
    case .refresh(let leg): refreshAnswered(leg, response, at: now)
    case .bye(let farewell): byeAnswered(farewell, response, at: now)
    case .ask(let leg): askAnswered(leg, response.status, at: now)
    case .press(let leg): pressAnswered(leg, response, at: now)
    case .standalone(let request): standaloneAnswered(request, response, at: now)
    case nil: return
    }
  }

  private mutating func failed(_ id: ClientTransactionID, _ status: Int, at now: Moment) {
    switch purposes[id] {
    case .invite(let leg) where legs[leg]?.clientTransaction == id:
      if status == 503, sendInviteAgain(leg, at: now) { return }
      calling(leg, status == 408 ? .timedOut : .transportError, at: now)
    case .invite: return
    case .reinvite(let leg) where legs[leg]?.clientTransaction == id:
      offers(leg, .lost(status: status), at: now)
    case .reinvite: return
    case .bye(var farewell):
      guard status == 503, farewell.dialog.connectionLost() else { return forget(farewell.dialog.id) }
      bye(farewell, at: now)
    // The peer repeats what was not acknowledged, and in the end refuses the call itself.
    case .prack: return
    case .refresh(let leg): refreshFailed(leg, status, at: now)
    case .ask(let leg) where status == 408: askAnswered(leg, status, at: now)
    case .ask(let leg): questionUnsent(leg, at: now)
    case .press(let leg): pressLost(leg, at: now)
    case .standalone(let request): standaloneFailed(request, status)
    case nil: return
    }
  }

  // MARK: - Helpers

  /// Sends a request in a transaction of its own.
  @discardableResult
  mutating func send(_ request: Request, on flow: Flow, for purpose: ClientPurpose, at now: Moment)
    -> ClientTransactionID
  {
    let (id, asked) = transactions.send(request, on: flow, at: now, viaHost: sentBy(flow))
    purposes[id] = purpose
    perform(asked, at: now)
    return id
  }

  func sentBy(_ flow: Flow) -> TransactionLayer.SentBy {
    let own = settings.advertised(flow)
    return TransactionLayer.SentBy(host: own.host, port: own.port)
  }

  /// Our Contact on a way.
  /// - Parameter request: the one in which, or in whose answer, it stands: it says whether the dialog needs a `sips:` URI.
  func contact(_ user: String, on flow: Flow, for request: Request? = nil) -> NameAddress {
    let own = settings.advertised(flow)
    var uri = SIPURI(user: user, host: own.host, port: own.port)
    if flow.transport == .tls, request?.wantsSecureContact == true {
      uri.scheme = "sips"
      return NameAddress(uri)
    }
    if flow.transport != .udp { uri.parameters["transport"] = flow.transport.rawValue.asciiLowercased }
    return NameAddress(uri)
  }

  /// A status that may refuse a request.
  func finalStatus(_ status: Int?, else other: Int) -> Int {
    status.flatMap { (300...699).contains($0) ? $0 : nil } ?? other
  }

  /// Ends what is kept of a dialog whose BYE is answered.
  mutating func forget(_ dialog: DialogID) {
    if dialogs[dialog] == .departing { dialogs[dialog] = nil }
  }
}
