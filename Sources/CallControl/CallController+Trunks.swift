import SIPMessage
import SIPUserAgent
import Site
import Telephony

/// The trunks' own life: registrations, OPTIONS, and who lives.
extension CallController {
  /// True if a call by this trunk has a chance: something of it lives, or a gateway has registered with us.
  static func isAlive(_ trunk: Trunk, _ userAgent: UserAgent, _ lines: TrunkLines, at now: Moment) -> Bool {
    trunk.isRegistrant
      ? !userAgent.contacts(of: trunk.login ?? "", at: now.instant).isEmpty : lines.isAlive(trunk.name, at: now.instant)
  }

  /// Whom we called there has answered, whatever he said.
  mutating func showedLife(_ target: BranchTarget, at now: Moment) {
    guard let trunk = target.trunk else { return }
    showedLife(trunk, target.target.flow.remote, at: now)
  }

  /// Whom we called there has said nothing for 2 s.
  mutating func gotNoAnswer(_ target: BranchTarget, at now: Moment) {
    guard let trunk = target.trunk else { return }
    perform(lines.gotNoAnswer(trunk, target.target.flow.remote, at: now.instant), at: now)
  }

  /// Something came from the trunk: a call, or any answer to one of ours.
  mutating func showedLife(_ trunk: String, _ source: Endpoint, at now: Moment) {
    perform(lines.showedLife(trunk, source, at: now.instant), at: now)
  }

  /// Does what the lines say.
  mutating func perform(_ actions: [TrunkLines.Action], at now: Moment) {
    for entry in actions {
      switch entry.action {
      case .note(let note): self.note(.trunk(entry.trunk, note))
      case .register(let attempt, let place, let account, let expires):
        let purpose = TrunkLines.Purpose.registration(entry.line, attempt: attempt)
        guard let flow = route(place.endpoint, place.transport) else {
          perform(lines.registered(purpose, .transportFailed, at: now.instant), at: now)
          continue
        }
        let registration = OutgoingRegistration(
          target: Target(uri: place.uri(), flow: flow), addressOfRecord: place.address(of: account.login),
          contactUser: account.contactUser, expires: expires, credentials: account.credentials)
        later(.userAgent(.register(request(for: purpose), registration)))
      case .probe(let place):
        let purpose = TrunkLines.Purpose.probe(entry.line, place.endpoint)
        guard let flow = route(place.endpoint, place.transport) else {
          perform(lines.probed(purpose, isAnswered: false, at: now.instant), at: now)
          continue
        }
        let own = advertised(flow)
        let from = NameAddress(SIPURI(user: "pikett", host: own.host))
        later(.userAgent(.probe(request(for: purpose), Target(uri: place.uri(), flow: flow), from: from)))
      }
    }
  }

  mutating func registrationDone(_ request: RequestID, _ outcome: RegistrationOutcome, at now: Moment) {
    guard let purpose = trunkRequests.removeValue(forKey: request) else { return }
    perform(lines.registered(purpose, outcome, at: now.instant), at: now)
  }

  mutating func probeDone(_ request: RequestID, status: Int?, at now: Moment) {
    guard let purpose = trunkRequests.removeValue(forKey: request) else { return }
    perform(lines.probed(purpose, isAnswered: status != nil, at: now.instant), at: now)
  }

  private mutating func request(for purpose: TrunkLines.Purpose) -> RequestID {
    let id = requests.next()
    trunkRequests[id] = purpose
    return id
  }
}

extension LegEvent {
  /// True for what only a living peer can have caused. A refusal may be our own 408 or 503 for silence.
  var isSignOfLife: Bool {
    switch self {
    case .provisional, .answered, .offered, .offerAnswered, .digit, .digitRefused, .alive: true
    case .refused(let status, _, _): status != 408 && status != 503
    case .incoming, .established, .offerRefused, .ended: false
    }
  }
}
