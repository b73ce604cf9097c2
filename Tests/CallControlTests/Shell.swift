import Hunting
import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony

@testable import CallControl

/// Call control on the simulated network, with everything around it that the daemon's shell does: ports, sounds, disk,
/// recordings. It refuses commands that make no sense.
final class Shell: SimulatedParty {
  /// How the disk behaves.
  enum Disk {
    case durable(after: Duration)
    case refuses(after: Duration)
    /// It never answers; the number comes from memory when asked for.
    case hangs
  }

  /// A leg's ports and what it hears.
  struct MediaLeg {
    let flow: Flow
    let local: Endpoint
    var negotiated: NegotiatedAudio?
    var sound: Sound?
    var token: UInt64 = 0
    var detectsTones = false
    var partner: LegID?
  }

  struct Recording {
    var caller: CallerName
    var frames: [SIPFrame]
    var ticket: TicketNumber?
    var taps: [LegID] = []
    var isOpen = true
  }

  /// A hop whose ticket was opened.
  struct Ticket: Hashable {
    var call: CallID
    var opening: TicketOpening
    var number: TicketNumber?
    var closed: [ClosedTicket] = []
  }

  /// One input and all that followed from it.
  struct Step {
    var at: Duration
    var input: String
    var commands: [CallCommand]
  }

  private(set) var control: CallController
  private unowned let network: SimulatedNetwork
  var disk = Disk.durable(after: .milliseconds(5))
  /// nil: the ports are there within the same input, as in the daemon.
  var portsTake: Duration?
  /// So many `openMedia` are refused from now on.
  var portsRefused = 0
  /// How long a sound lasts that does not loop.
  var soundLength: (Sound) -> Duration = {
    switch $0 {
    case .announcement: .seconds(8)
    case .confirmPrompt: .seconds(4)
    case .waiting, .hold, .busyTone: .zero
    }
  }
  /// What a party is called in notes.
  var names: [Endpoint: String] = [:]

  private(set) var media: [LegID: MediaLeg] = [:]
  /// Asked for, and not there yet.
  private var opening: [LegID: Flow] = [:]
  private(set) var portsOpened = 0
  private(set) var portsClosed = 0
  private var nextPort: UInt16 = 30_000
  /// The key presses sent to legs, in words.
  private(set) var sentDigits: [String] = []
  private(set) var recordings: [CallID: Recording] = [:]
  private(set) var tickets: [Ticket] = []
  private var nextTicket: UInt64 = 1234
  /// Who keeps real records of what is told here, where a scene has one; then it draws the numbers.
  var bookkeeper: Bookkeeper?
  private(set) var endings: [CallID: CallEnding] = [:]
  /// The CDR of calls that were refused as they came.
  private(set) var refused: [CallDetail] = []
  private(set) var bridges: [CallID: [LegID]] = [:]
  private var callOfLeg: [LegID: CallID] = [:]
  private(set) var events: [CallEvent] = []
  private(set) var messagesDone: [String: [Int]] = [:]
  private(set) var steps: [Step] = []
  /// Every INVITE on the wire, and how it ended.
  private(set) var invitations = Invitations()
  private(set) var faults: [String] = []

  init(_ site: SiteSnapshot, on network: SimulatedNetwork, seed: UInt64) {
    self.network = network
    control = CallController(
      site: site, digest: standInDigest, random: .seeded(seed),
      advertised: { ($0.local.address.uriText, $0.local.port) }, route: { Flow($1, local: Places.pikett, remote: $0) })
    network.add(self, name: "Pikett", at: Places.pikett)
  }

  // MARK: Inputs

  func take(_ input: CallControlInput, at now: Moment) {
    var inbox = [input]
    while !inbox.isEmpty {
      let input = inbox.removeFirst()
      let commands = control.handle(input, at: now)
      steps.append(Step(at: network.elapsed, input: brief(input), commands: commands))
      for command in commands { inbox += perform(command, at: now) }
    }
    if control.nextDeadline.map({ $0 <= now.instant }) == true, case .timersDue = input {
      faults.append("a deadline stands still at \(network.elapsed)")
    }
  }

  func take(_ input: CallControlInput) { take(input, at: network.now) }

  /// A key press in a leg's audio: found by the peer's media address.
  func press(_ key: Character, by way: DigitWay, on phone: Phone, _ leg: LegID? = nil) {
    guard let leg = leg ?? phone.last, let local = phone.lines[leg]?.audio.local,
      let ours = media.first(where: { $0.value.negotiated?.remote == local })?.key
    else { return }
    take(.digit(ours, key, way))
  }

  /// The end of a key press that came as telephone-event.
  func release(_ key: Character, after milliseconds: Int, on phone: Phone) {
    guard let leg = phone.last, let local = phone.lines[leg]?.audio.local,
      let ours = media.first(where: { $0.value.negotiated?.remote == local })?.key
    else { return }
    take(.digitEnded(ours, key, milliseconds: milliseconds))
  }

  func receive(_ message: Message, on flow: Flow, at now: Moment) -> [Transmission] {
    invitations.saw(message, isOurs: false, at: now)
    take(.received(message, flow), at: now)
    return []
  }

  func timersDue(at now: Moment) -> [Transmission] {
    take(.timersDue, at: now)
    return []
  }

  func transportFailed(_ flow: Flow, at now: Moment) -> [Transmission] {
    take(.transportFailed(flow), at: now)
    return []
  }

  var nextDeadline: Instant? { control.nextDeadline }

  var canWrite: Bool {
    get { control.canWrite }
    set { control.canWrite = newValue }
  }

  // MARK: Commands

  private func perform(_ command: CallCommand, at now: Moment) -> [CallControlInput] {
    switch command {
    case .transmit(let message, let flow):
      invitations.saw(message, isOurs: true, at: now)
      network.send([Transmission(message, flow)], from: "Pikett")
    case .openMedia(let leg, let flow): return openMedia(leg, flow)
    case .describe(let leg, let audio):
      expect(media[leg] != nil, "describe of \(leg), which has no ports")
      media[leg]?.negotiated = audio
    case .play(let leg, let sound, let token): play(leg, sound, token)
    case .silence(let leg):
      expect(media[leg]?.sound != nil, "silence for \(leg), which hears nothing")
      media[leg]?.sound = nil
    case .detectTones(let leg, let isOn):
      expect(media[leg] != nil, "tones for \(leg), which has no ports")
      media[leg]?.detectsTones = isOn
    case .sendDigit(let leg, let digit, let milliseconds):
      expect(media[leg]?.partner != nil, "a key press for \(leg), which talks with nobody")
      let way = media[leg]?.negotiated?.telephoneEventSend == nil ? "tones" : "event"
      sentDigits.append("\(digit) \(milliseconds) ms by \(way) to \(name(leg))")
    case .bridge(let a, let b): bridge(a, b)
    case .closeMedia(let leg): closeMedia(leg)
    case .startRecording(let call, let caller, let frames):
      expect(recordings[call] == nil, "\(call) is recorded twice")
      recordings[call] = Recording(caller: caller, frames: frames)
      tell("recording begins with \(frames.count) SIP messages")
    case .nameRecording(let call, let ticket):
      expect(recordings[call]?.isOpen == true && recordings[call]?.ticket == nil, "a wrong name for \(call)")
      recordings[call]?.ticket = ticket
    case .recordSIP(let call, let frame):
      expect(recordings[call]?.isOpen == true, "a frame for no recording of \(call)")
      recordings[call]?.frames.append(frame)
    case .tap(let call, let leg):
      expect(recordings[call]?.isOpen == true && media[leg] != nil, "a tap of \(leg) into nothing")
      recordings[call]?.taps.append(leg)
    case .untap(let leg):
      for id in recordings.keys { recordings[id]?.taps.removeAll { $0 == leg } }
    case .stopRecording(let call):
      expect(recordings[call]?.isOpen == true, "\(call) is no longer recorded")
      recordings[call]?.isOpen = false
    case .openTicket(let call, let opening): return openTicket(call, opening)
    case .numberTicket(let call, let hop):
      guard let index = tickets.firstIndex(where: { $0.call == call && $0.opening.hop == hop }) else {
        faults.append("a number for \(hop) of \(call), which was never opened")
        return []
      }
      return [.ticketNumbered(call, hop, draw(index))]
    case .endCall(let call, let ending): endCall(call, ending)
    case .messageDone(let name, let status): messagesDone[name, default: []].append(status)
    case .registrationsChanged: break
    case .event(let event): events.append(event)
    }
    return []
  }

  private func openMedia(_ leg: LegID, _ flow: Flow) -> [CallControlInput] {
    expect(media[leg] == nil && opening[leg] == nil, "\(leg) gets ports twice")
    if portsRefused > 0 {
      portsRefused -= 1
      return [.mediaRefused(leg)]
    }
    opening[leg] = flow
    guard let portsTake else { return opened(leg) }
    network.at(network.elapsed + portsTake) { [self] in
      for input in opened(leg) { take(input) }
    }
    return []
  }

  private func opened(_ leg: LegID) -> [CallControlInput] {
    guard let flow = opening.removeValue(forKey: leg) else { return [] }
    let local = Endpoint(Places.pikett.address, nextPort)
    nextPort &+= 2
    portsOpened += 1
    media[leg] = MediaLeg(flow: flow, local: local)
    return [.mediaOpened(leg, local)]
  }

  private func closeMedia(_ leg: LegID) {
    guard let gone = media.removeValue(forKey: leg) else {
      faults.append("\(leg) gives back ports that it has not")
      return
    }
    if let partner = gone.partner { media[partner]?.partner = nil }
    portsClosed += 1
  }

  private func play(_ leg: LegID, _ sound: Sound, _ token: UInt64) {
    expect(media[leg] != nil, "\(sound) for \(leg), which has no ports")
    media[leg]?.sound = sound
    media[leg]?.token = token
    tell("\(name(leg)) hears \(words(sound))")
    guard !sound.loops else { return }
    // Also of a sound that was replaced or stopped meanwhile: the engine's thread may tell it late.
    network.at(network.elapsed + soundLength(sound)) { [self] in
      guard let now = media[leg] else { return }
      if now.token == token { media[leg]?.sound = nil }
      take(.played(leg, token: token))
    }
  }

  private func bridge(_ a: LegID, _ b: LegID) {
    expect(media[a] != nil && media[b] != nil && a != b, "a bridge of \(a) and \(b), which are not there")
    expect(media[a]?.partner == nil && media[b]?.partner == nil, "\(a) or \(b) is bridged twice")
    expect(control.legs[a]?.call == control.legs[b]?.call, "two calls are bridged")
    media[a]?.partner = b
    media[b]?.partner = a
    if let call = control.legs[a]?.call {
      bridges[call, default: []].append(b)
      callOfLeg[a] = call
      callOfLeg[b] = call
    }
    tell("\(name(a)) and \(name(b)) hear each other")
  }

  private func openTicket(_ call: CallID, _ opening: TicketOpening) -> [CallControlInput] {
    expect(!tickets.contains { $0.call == call && $0.opening.hop == opening.hop }, "\(opening.hop) is opened twice")
    if let closing = opening.closing { close(closing, of: call) }
    tickets.append(Ticket(call: call, opening: opening))
    bookkeeper?.open(call, opening)
    let index = tickets.count - 1
    switch disk {
    case .durable(let delay):
      network.at(network.elapsed + delay) { [self] in take(.ticketDurable(call, opening.hop, draw(index))) }
    case .refuses(let delay):
      network.at(network.elapsed + delay) { [self] in take(.ticketFailed(call, opening.hop, draw(index))) }
    case .hangs: break
    }
    return []
  }

  /// The ticket's number: drawn once, whoever asks first.
  private func draw(_ index: Int) -> TicketNumber {
    if let number = tickets[index].number { return number }
    let ticket = tickets[index]
    let number = bookkeeper?.number(of: ticket.call, ticket.opening.hop) ?? TicketNumber(rawValue: nextTicket)
    nextTicket += 1
    tickets[index].number = number
    tell("ticket \(number) for \(tickets[index].opening.user)")
    return number
  }

  private func close(_ ticket: ClosedTicket, of call: CallID) {
    guard let index = tickets.firstIndex(where: { $0.call == call && $0.opening.hop == ticket.hop }) else {
      faults.append("\(ticket.hop) of \(call) is closed but was never opened")
      return
    }
    expect(tickets[index].number == ticket.ticket, "\(ticket.hop) is closed under \(ticket.ticket)")
    expect(tickets[index].opening.user == ticket.user, "\(ticket.hop) is closed for \(ticket.user)")
    tickets[index].closed.append(ticket)
    tell("ticket \(ticket.ticket) is closed\(ticket.isLast ? ", END" : "")")
  }

  private func endCall(_ call: CallID, _ ending: CallEnding) {
    expect(endings[call] == nil, "\(call) ends twice")
    let hasArrived = events.contains { if case .arrived(call, _, _, _) = $0 { true } else { false } }
    guard hasArrived else {
      expect(ending.closing == nil && ending.dispatch == nil, "\(call) was refused and has a ticket")
      return refused.append(ending.detail)
    }
    endings[call] = ending
    bookkeeper?.end(call, ending)
    if let closing = ending.closing { close(closing, of: call) }
    if let dispatch = ending.dispatch { tell("message to \(dispatch.user)") }
    let detail = ending.detail
    tell("call over: cause \(detail.cause.rawValue), \(detail.answer == nil ? "not answered" : "answered")")
  }

  private func expect(_ isRight: Bool, _ fault: @autoclosure () -> String) {
    if !isRight { faults.append("\(fault()) at \(network.elapsed)") }
  }

  // MARK: Words

  private func tell(_ text: String) { network.note(text) }

  private func name(_ leg: LegID) -> String {
    media[leg].map { names[$0.flow.remote] ?? "\($0.flow.remote)" } ?? "\(leg)"
  }

  private func words(_ sound: Sound) -> String {
    switch sound {
    case .announcement(let queue): "the announcement of \(queue)"
    case .waiting(let queue): queue.map { "the ringing of \($0)" } ?? "ringing"
    case .hold(let queue): queue.map { "the hold sound of \($0)" } ?? "the hold sound"
    case .confirmPrompt(let ticket, let key): "“emergency call, ticket \(ticket), press \(key)”"
    case .busyTone: "the busy tone"
    }
  }

  private func brief(_ input: CallControlInput) -> String {
    switch input {
    case .received(let message, let flow): "\(names[flow.remote] ?? "\(flow.remote)"): \(Ladder.summary(message))"
    case .timersDue: "timers"
    default: String("\(input)".prefix { $0 != "(" })
    }
  }
}
