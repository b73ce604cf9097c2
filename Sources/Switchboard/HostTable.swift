import CallControl
import Logging
import NIOCore
import NetworkIO
import SIPMessage
import Site
import Telephony

/// Where the host names that stand in the site lead: looked up before a call needs them, and again when an answer's time
/// is over.
///
/// The last good answer counts until there is another one: a name server that is away, or that has lost the name, takes no
/// trunk from the line. Belongs to the event loop; the resolver's thread does the asking.
final class HostTable {
  private(set) var known: KnownHosts
  private let resolver: Resolver
  private let loop: any EventLoop
  private let logger: Logger
  private let changed: (KnownHosts) -> Void
  private var entries: [NameQuestion: Entry] = [:]
  private var families = AddressFamilies()
  private var wakeUp: Scheduled<Void>?

  private struct Entry {
    /// When it is asked next; nil while the question is under way.
    var due: NIODeadline?
    /// The last good answer of this run.
    var places: [NameAnswer.Place]?
    /// What became of the last question.
    var outcome = NameAnswer.Outcome.found
    var isKnown: Bool
    /// What is known may be a guess, which another one replaces.
    var isGuess: Bool
  }

  /// How long a name of which something is known is left alone when there is no answer.
  static let patience = TimeAmount.seconds(30)

  /// - Parameters:
  ///   - known: what a former run knew; it counts until there is an answer.
  ///   - changed: called on `loop` with the whole table when an answer differs from what was known.
  init(
    loop: any EventLoop, resolver: Resolver, known: KnownHosts, logger: Logger,
    changed: @escaping (KnownHosts) -> Void
  ) {
    self.loop = loop
    self.resolver = resolver
    self.known = known
    self.logger = logger
    self.changed = changed
  }

  /// Takes over the names of a site: new ones are asked for at once, and those without an answer again.
  func follow(_ site: SiteSnapshot, _ families: AddressFamilies) {
    self.families = families
    let wanted = site.namesToResolve
    let questions = Set(
      wanted.services.map { NameQuestion.service($0.name, Transport($0.transport)) }
        + wanted.addresses.map { .addresses($0) })
    let before = known
    known.services = known.services.filter { wanted.services.contains($0.key) }
    known.addresses = known.addresses.filter { wanted.addresses.contains($0.key) }
    entries = entries.filter { questions.contains($0.key) }
    let now = NIODeadline.now()
    for question in questions {
      if let entry = entries[question] {
        if entry.outcome != .found, entry.due != nil { entries[question]?.due = now }
      } else {
        let remembered = known.endpoints(for: question)
        // A guess has the usual port.
        entries[question] = Entry(
          due: now, isKnown: !remembered.isEmpty, isGuess: remembered.allSatisfy { [5060, 5061].contains($0.port) })
      }
    }
    let remembered = entries.filter { $0.value.isKnown && $0.value.places == nil }.map(\.key.name)
    if !remembered.isEmpty {
      logger.info(
        "addresses of the last run count until the name server answers",
        metadata: ["names": "\(Set(remembered).sorted().joined(separator: ","))"])
    }
    if known != before || !remembered.isEmpty { changed(known) }
    askWhatIsDue()
  }

  private func askWhatIsDue() {
    wakeUp?.cancel()
    wakeUp = nil
    let now = NIODeadline.now()
    for (question, entry) in entries {
      guard let due = entry.due, due <= now else { continue }
      entries[question]?.due = nil
      let owner = NIOLoopBound(self, eventLoop: loop)
      resolver.resolve(question, families) { [loop] answer in
        loop.execute { owner.value.learned(question, answer) }
      }
    }
    guard let next = entries.values.compactMap(\.due).min() else { return }
    let owner = NIOLoopBound(self, eventLoop: loop)
    wakeUp = loop.scheduleTask(deadline: next) { owner.value.askWhatIsDue() }
  }

  private func learned(_ question: NameQuestion, _ answer: NameAnswer) {
    // A name that has left the site while it was asked for.
    guard var entry = entries[question] else { return }
    let life = TimeAmount.nanoseconds(answer.life.components.seconds * 1_000_000_000)
    entry.due = .now() + (answer.outcome == .failed && entry.isKnown ? Self.patience : life)
    if answer.outcome != entry.outcome, entry.isKnown { tell(question, answer.outcome) }
    entry.outcome = answer.outcome
    // The same places in another order are no news: name servers turn them round at each answer, and a draw by weight is
    // made anew only where there is something new to draw from.
    let isUseful = answer.outcome == .found || (answer.outcome == .guessed && entry.isGuess)
    let isNew = isUseful && entry.places.map(Set.init) != Set(answer.places)
    if isNew {
      entry.places = answer.places
      entry.isKnown = true
    }
    if isUseful { entry.isGuess = answer.outcome == .guessed }
    entries[question] = entry
    if isNew, known.learn(question, answer.places.map(\.endpoint)) { changed(known) }
    askWhatIsDue()
  }

  private func tell(_ question: NameQuestion, _ outcome: NameAnswer.Outcome) {
    switch outcome {
    case .found: logger.info("the name server answers again", metadata: ["name": "\(question.name)"])
    case .none:
      logger.warning(
        "the name server no longer knows this name; its last addresses count", metadata: ["name": "\(question.name)"])
    case .guessed:
      logger.notice(
        "no name server tells the services of this name (SRV); its last places, or its own addresses, count",
        metadata: ["name": "\(question.name)"])
    case .failed:
      logger.warning(
        "the name server does not answer; the last addresses count", metadata: ["name": "\(question.name)"])
    }
  }
}

extension KnownHosts {
  fileprivate func endpoints(for question: NameQuestion) -> [Endpoint] {
    switch question {
    case .addresses(let name): (addresses[name] ?? []).map { Endpoint($0, 0) }
    case .service(let name, let transport): services[Service(name, SignallingTransport(transport))] ?? []
    }
  }

  /// - Returns: true if that differs from what was known.
  fileprivate mutating func learn(_ question: NameQuestion, _ found: [Endpoint]) -> Bool {
    guard endpoints(for: question) != found else { return false }
    switch question {
    case .addresses(let name): addresses[name] = found.map(\.address)
    case .service(let name, let transport): services[Service(name, SignallingTransport(transport))] = found
    }
    return true
  }
}

extension SignallingTransport {
  fileprivate init(_ transport: Transport) {
    self =
      switch transport {
      case .udp: .udp
      case .tcp: .tcp
      case .tls: .tls
      }
  }
}
