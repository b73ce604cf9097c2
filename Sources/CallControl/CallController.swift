import Hunting
import Media
import SDP
package import SIPMessage
package import SIPUserAgent
package import Site
package import Telephony

/// The back-to-back user agent: joins the caller's leg, the hunt and the technicians' legs, as one value.
///
/// Inputs go in with the time, commands come out; what a command asks comes back as an input. Files beside this one:
/// `+Arrival` (who calls what), `+Caller`, `+Queue`, `+Hunt`, `+Branches`, `+Plain`, `+Hold`, `+Digits`, `+Messages`, `+Ending`.
package struct CallController: Sendable {
  /// The site that counts for the next call.
  package internal(set) var site: SiteSnapshot
  var userAgent: UserAgent
  let random: RandomSource
  /// The way to an address by a transport: our listener and our address on that way; nil if there is none.
  let route: @Sendable (Endpoint, Transport) -> Flow?
  /// Where the site's host names lead.
  var hosts = KnownHosts()
  var calls = CallTable()
  var legs: [LegID: CallLeg] = [:]
  /// Which call a SIP Call-ID belongs to, for the recording and the Session-ID.
  var dialogs: [String: CallID] = [:]
  var messages = PendingMessages()
  var requests = RequestIDs()
  var lines: TrunkLines
  /// What each REGISTER and OPTIONS of the lines is for.
  var trunkRequests: [RequestID: TrunkLines.Purpose] = [:]
  /// Whom users may call back.
  var recentCallers = RecentCallers()
  /// Key presses that wait for their other ways.
  var digitTimers = TimerQueue<LegID>()
  /// Until when callers hear the busy tone whose call is over.
  var parting = TimerQueue<LegID>()
  var isShuttingDown = false
  /// False while the disk is so far behind that nothing more could be written about a new call: it gets 503.
  package var canWrite = true
  private var previousCall: CallID?

  /// What is still to be done in the step at hand, first in first out.
  private var work: [Work] = []
  private var commands: [CallCommand] = []

  /// - Parameters:
  ///   - site: the first snapshot.
  ///   - digest: the hash functions of digest authentication.
  ///   - random: tags, Call-IDs, nonces.
  ///   - advertised: the host and port that peers on a way see as ours.
  ///   - contactKey: a secret of the site that outlives the daemon, for the Contacts with which it registers at trunks;
  ///     nil: one that ends with it.
  ///   - route: the way to an address by a transport.
  package init(
    site: SiteSnapshot, digest: DigestFunctions, random: RandomSource, contactKey: [UInt8]? = nil,
    advertised: @escaping @Sendable (Flow) -> (host: String, port: UInt16),
    route: @escaping @Sendable (Endpoint, Transport) -> Flow?
  ) {
    self.site = site
    self.random = random
    self.route = route
    self.advertised = advertised
    lines = TrunkLines(
      site, contactKey: contactKey ?? Array(random.token(32).utf8), digest: digest, random: random)
    userAgent = UserAgent(
      settings: UserAgentSettings(
        site: site, hosts: KnownHosts(), contactUsers: lines.contactUsers, advertised: advertised),
      digest: digest, random: random)
  }

  let advertised: @Sendable (Flow) -> (host: String, port: UInt16)

  /// When `timersDue` is to be handed in; nil if nothing is waiting.
  package var nextDeadline: Instant? {
    [userAgent.nextDeadline, lines.nextDeadline, parting.nextDeadline, digitTimers.nextDeadline, calls.nextDeadline]
      .compactMap { $0 }.min()
  }

  /// False if a datagram of this source is to be thrown away unread.
  package mutating func admits(_ source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    userAgent.admits(source, transport, at: now)
  }

  /// False if a connection of this source is to be closed at once.
  package mutating func admitsConnection(from source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    userAgent.admitsConnection(from: source, transport, at: now)
  }

  /// False if bytes of this source that are no message are to get no answer.
  package mutating func answersGarbage(from source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    userAgent.answersGarbage(from: source, transport, at: now)
  }

  /// True for trunks, and for sources with a living registration or call.
  package func isKnown(_ source: Endpoint, at now: Instant) -> Bool { userAgent.isKnown(source, at: now) }

  /// How many calls are in progress.
  package var callCount: Int { calls.values.count { !$0.isOver } }

  /// How many legs live.
  package var legCount: Int { legs.count }

  /// Takes one input and says everything that follows from it, in order.
  package mutating func handle(_ input: CallControlInput, at now: Moment) -> [CallCommand] {
    switch input {
    case .start: perform(lines.start(at: now.instant), at: now)
    case .received(let message, let flow): received(message, flow, at: now)
    case .transportFailed(let flow):
      run(.transportFailed(flow), at: now)
      if flow.transport.isReliable { perform(lines.connectionLost(flow, at: now.instant), at: now) }
    case .timersDue: timersDue(at: now)
    case .mediaOpened(let leg, let local): mediaOpened(leg, local, at: now)
    case .mediaRefused(let leg): mediaRefused(leg, at: now)
    case .digit(let leg, let digit, let way): pressed(leg, digit, by: way, at: now)
    case .digitEnded(let leg, let digit, let milliseconds):
      relay(.eventEnded(digit, milliseconds: milliseconds), from: leg, at: now)
    case .played(let leg, let token): played(leg, token, at: now)
    case .silent(let leg, let since): silent(leg, since: since, at: now)
    case .ticketDurable(let call, let hop, let number): hunt(call, .ticketDurable(hop, number), at: now)
    case .ticketFailed(let call, let hop, let number): hunt(call, .ticketFailed(hop, number), at: now)
    case .ticketNumbered(let call, let hop, let number): hunt(call, .ticketNumbered(hop, number), at: now)
    case .siteChanged(let snapshot):
      site = snapshot
      let actions = lines.reread(snapshot, hosts, at: now.instant)
      refreshSettings(at: now)
      perform(actions, at: now)
    case .hostsResolved(let known):
      hosts = known
      refreshSettings(at: now)
      perform(lines.resolved(known, at: now.instant), at: now)
    case .recentCallers(let callers):
      for caller in callers { recentCallers.add(caller) }
    case .sendMessage(let message): send(message, at: now)
    case .shutdown: shutDown(at: now)
    }
    settle(at: now)
    calls.settle()
    defer { commands = [] }
    return commands
  }

  // MARK: The step

  /// Things that follow from an input and are done after what is being done now.
  enum Work: Sendable {
    case userAgent(UserAgentInput)
    case hunt(CallID, HuntInput)
  }

  /// Says a command.
  mutating func emit(_ command: CallCommand) { commands.append(command) }

  /// Says an event.
  mutating func note(_ event: CallEvent) { commands.append(.event(event)) }

  /// Does this when the step at hand has been worked through.
  mutating func later(_ item: Work) { work.append(item) }

  /// The name of the next call.
  mutating func newCallID(at now: Moment) -> CallID {
    let id = CallID(at: now.wall, after: previousCall)
    previousCall = id
    return id
  }

  private mutating func settle(at now: Moment) {
    while !work.isEmpty {
      switch work.removeFirst() {
      case .userAgent(let input): run(input, at: now)
      case .hunt(let call, let input): hunt(call, input, at: now)
      }
    }
  }

  private mutating func timersDue(at now: Moment) {
    partingDue(at: now)
    digitsDue(at: now)
    if let deadline = userAgent.nextDeadline, deadline <= now.instant { run(.timersDue, at: now) }
    perform(lines.timersDue(at: now.instant), at: now)
    for id in calls.due(at: now.instant) {
      branchTimersDue(id, at: now)
      guard let call = calls[id], let deadline = call.stageDeadline, deadline <= now.instant else { continue }
      switch call.stage {
      case .queue: queue(id, .timersDue, at: now)
      case .hunt: hunt(id, .timersDue, at: now)
      case .plain: endWithoutTicket(id, .noAnswer, at: now)
      case .ended: bury(id)
      case .opening: break
      }
    }
  }

  private mutating func refreshSettings(at now: Moment) {
    let settings = UserAgentSettings(
      site: site, hosts: hosts, contactUsers: lines.contactUsers, advertised: advertised)
    perform(userAgent.apply(settings), at: now)
  }

  private mutating func shutDown(at now: Moment) {
    isShuttingDown = true
    perform(lines.shutdown(at: now.instant), at: now)
    for leg in legs.keys.sorted() where legs[leg]?.part == .parting { release(leg, .normalClearing) }
    for id in calls.keys.sorted() {
      guard let call = calls[id] else { continue }
      switch call.stage {
      case .hunt: hunt(id, .shutdown, at: now)
      case .opening, .queue, .plain: endWithoutTicket(id, .temporaryFailure, at: now)
      case .ended: break
      }
    }
  }

  // MARK: SIP

  private mutating func received(_ message: Message, _ flow: Flow, at now: Moment) {
    let callID = message.headers.callID
    let isNew = callID.map { dialogs[$0] == nil } ?? false
    // Who merely knows a Call-ID of ours has no part in the call.
    let isForeign = !isNew && !userAgent.belongs(message, on: flow, at: now.instant)
    if !isNew, !isForeign { record(message, from: flow.remote, to: flow.local, at: now) }
    let actions = userAgent.handle(.received(message, flow), at: now)
    if isForeign { return performForeign(actions, at: now) }
    // The call must be there before the 100 that goes out first, so that both stand in its recording.
    for case .leg(let leg, .incoming(let incoming)) in actions { arrive(leg, incoming, at: now) }
    if isNew { record(message, from: flow.remote, to: flow.local, at: now) }
    perform(actions, at: now)
  }

  /// What comes of a stranger's message that bears a Call-ID of ours: nothing of it is the call's, also not our answer.
  private mutating func performForeign(_ actions: [UserAgentAction], at now: Moment) {
    for action in actions {
      switch action {
      case .transmit(let message, let flow): emit(.transmit(message, flow))
      case .leg(let leg, .incoming(let incoming)): arrive(leg, incoming, at: now)
      default: perform([action], at: now)
      }
    }
  }

  /// Hands an input to the user agent and does what it says.
  private mutating func run(_ input: UserAgentInput, at now: Moment) {
    let actions = userAgent.handle(input, at: now)
    if case .invite(let leg, _) = input, let call = legs[leg]?.call {
      for case .transmit(.request(let invite), _) in actions where invite.method == .invite {
        if let callID = invite.headers.callID { assign(callID, to: call) }
      }
    }
    perform(actions, at: now)
  }

  private mutating func perform(_ actions: [UserAgentAction], at now: Moment) {
    for action in actions {
      switch action {
      case .transmit(let message, let flow): transmit(message, flow, at: now)
      case .leg(let leg, let event): happened(leg, event, at: now)
      case .messageDone(let request, let status): messageDone(request, status: status, at: now)
      case .registrationsChanged(let user): emit(.registrationsChanged(user: user))
      case .log(let note): self.note(.userAgent(note))
      case .registrationDone(let request, let outcome): registrationDone(request, outcome, at: now)
      case .probeDone(let request, let status): probeDone(request, status: status, at: now)
      }
    }
  }

  private mutating func transmit(_ message: Message, _ flow: Flow, at now: Moment) {
    var message = message
    if let id = message.headers.callID.flatMap({ dialogs[$0] }), let call = calls[id] {
      let isCaller = call.callerCallID == message.headers.callID
      message.headers["Session-ID"] = isCaller ? call.session.towardCaller : call.session.towardBranch
    }
    record(message, from: flow.local, to: flow.remote, at: now)
    emit(.transmit(message, flow))
  }

  private mutating func record(_ message: Message, from: Endpoint, to: Endpoint, at now: Moment) {
    guard let id = message.headers.callID.flatMap({ dialogs[$0] }), let recording = calls[id]?.recording else { return }
    let frame = SIPFrame(message.masked(), from: from, to: to, at: now.wall)
    switch recording {
    case .waiting(var frames):
      // A peer that repeats itself for ever before the key is pressed must not fill the memory.
      guard frames.count < 200, message.body.count < 16_384 else { return }
      frames.append(frame)
      calls[id]?.recording = .waiting(frames)
    case .running: emit(.recordSIP(id, frame))
    case .stopped: break
    }
  }

  private mutating func happened(_ leg: LegID, _ event: LegEvent, at now: Moment) {
    guard let part = legs[leg]?.part else { return }
    switch part {
    case .caller: callerEvent(leg, event, at: now)
    case .branch(let branch, _): branchEvent(leg, branch, event, at: now)
    case .parting: partingEvent(leg, event, at: now)
    }
  }

  /// The peer wants other media: answered with what we can do, whatever the other leg does (it is anchored here).
  mutating func offered(_ leg: LegID, _ offer: [UInt8]?, at now: Moment) {
    guard let call = legs[leg]?.call, var audio = legs[leg]?.audio else { return }
    let wasHolding = isHolding(leg)
    guard let offer else {
      let sdp = audio.makeOffer()
      legs[leg]?.audio = audio
      return later(.userAgent(.answerOffer(leg, sdp: sdp)))
    }
    do throws(SDPError) {
      let (sdp, negotiated) = try audio.answer(offer)
      legs[leg]?.audio = audio
      emit(.describe(leg, negotiated))
      later(.userAgent(.answerOffer(leg, sdp: sdp)))
      agreed(leg, wasHolding: wasHolding)
    } catch {
      note(.mediaFault(call, leg, error))
      later(.userAgent(.refuseOffer(leg, status: 488)))
    }
  }

  /// The peer's answer to an offer of ours in mid-call.
  mutating func offerAnswered(_ leg: LegID, _ answer: [UInt8]) {
    guard let call = legs[leg]?.call, var audio = legs[leg]?.audio else { return }
    let wasHolding = isHolding(leg)
    do throws(SDPError) {
      let negotiated = try audio.accept(answer)
      legs[leg]?.audio = audio
      emit(.describe(leg, negotiated))
      agreed(leg, wasHolding: wasHolding)
    } catch {
      note(.mediaFault(call, leg, error))
    }
  }

  // MARK: Sound

  /// Plays a sound to a leg.
  mutating func play(_ sound: Sound, to leg: LegID) {
    guard let token = legs[leg]?.audio?.play(sound) else { return }
    emit(.play(leg, sound, token: token))
  }

  /// Plays nothing more to a leg.
  mutating func silence(_ leg: LegID) {
    guard legs[leg]?.audio?.sound != nil else { return }
    legs[leg]?.audio?.stop()
    emit(.silence(leg))
  }

  /// Ends a leg from our side.
  mutating func release(_ leg: LegID, _ cause: Cause, status: Int? = nil) {
    guard legs[leg] != nil else { return }
    later(.userAgent(.release(leg, cause, status: status)))
    forget(leg)
  }

  /// A leg is over: its ports go back.
  mutating func forget(_ leg: LegID) {
    guard let gone = legs.removeValue(forKey: leg) else { return }
    parting.cancel(leg)
    digitTimers.cancel(leg)
    if gone.audio != nil { emit(.closeMedia(leg)) }
  }

  private mutating func mediaOpened(_ leg: LegID, _ local: Endpoint, at now: Moment) {
    guard let part = legs[leg]?.part else { return emit(.closeMedia(leg)) }
    let audio = LegAudio(
      local: local, sessionID: random.next() >> 2, codecs: codecs(of: leg), security: security(of: leg), random: random)
    legs[leg]?.audio = audio
    switch part {
    case .caller: callerMediaOpened(leg, at: now)
    case .branch(let branch, let target): callBranch(leg, branch, target, at: now)
    case .parting: break
    }
  }

  private mutating func mediaRefused(_ leg: LegID, at now: Moment) {
    guard let place = legs[leg] else { return }
    switch place.part {
    case .caller:
      refuse(place.call, status: 503, .noMediaPort, at: now)
    case .branch(let branch, _):
      branchHasNoPort(leg, branch, at: now)
    case .parting: break
    }
  }

  private mutating func pressed(
    _ leg: LegID, _ digit: Character, by way: DigitWay, milliseconds: Int? = nil, at now: Moment
  ) {
    switch way {
    case .event: relay(.eventBegan(digit), from: leg, at: now)
    case .info: relay(.info(digit, milliseconds: milliseconds), from: leg, at: now)
    case .tone: relay(.tone(digit), from: leg, at: now)
    }
    guard let place = legs[leg], legs[leg]?.audio?.counts(digit, by: way, at: now.instant) == true else { return }
    switch place.part {
    case .caller:
      if case .queue = calls[place.call]?.stage { queue(place.call, .key(digit), at: now) }
    case .branch(let branch, _): hunt(place.call, .keyPressed(branch, digit), at: now)
    case .parting: break
    }
  }

  /// A key press by SIP INFO.
  mutating func pressedByInfo(_ leg: LegID, _ digit: Character, milliseconds: Int?, at now: Moment) {
    pressed(leg, digit, by: .info, milliseconds: milliseconds, at: now)
  }

  private mutating func played(_ leg: LegID, _ token: UInt64, at now: Moment) {
    guard let place = legs[leg], let sound = legs[leg]?.audio?.ended(token) else { return }
    switch (place.part, sound) {
    case (.caller, .announcement): queue(place.call, .announcementEnded, at: now)
    case (.branch(let branch, _), .confirmPrompt): hunt(place.call, .promptEnded(branch), at: now)
    case (.caller, .waiting), (.caller, .hold), (.caller, .confirmPrompt), (.caller, .busyTone): break
    case (.branch, .announcement), (.branch, .waiting), (.branch, .hold), (.branch, .busyTone), (.parting, _): break
    }
  }
}
