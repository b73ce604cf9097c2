package import SIPMessage
package import Telephony

/// Why a simulation cannot go on: a fault of a party or of the scenario, never of the network's bad weather.
package enum SimulationError: Error, Hashable, Sendable {
  /// The party says that a timer is due, and still says so after it has handled its timers.
  case stuck(party: String, at: Duration)
  /// More steps than the scenario can need: two parties keep each other busy for ever.
  case tooManySteps(Int)
  /// The predicate had not come true at the end of the time given to it.
  case notReached(at: Duration)
}

/// A SIP network in virtual time: carries messages between parties, loses and delays them by a seed, and jumps from
/// deadline to deadline, so that a minute of call takes milliseconds.
///
/// One seed gives one course of events. Each direction of each link draws from its own sequence, so that another message
/// on one link does not change the weather on the others.
package final class SimulatedNetwork {
  private struct Party {
    let name: String
    let party: any SimulatedParty
  }

  private enum Event {
    case arrival(Transmission, to: Int)
    case failure(Flow, of: Int)
    case script(() -> Void)
  }

  private struct Link: Hashable {
    var from: String
    var to: String
  }

  private let seed: UInt64
  private let start: Moment
  private let throughBytes: Bool
  private var clock: ManualClock
  private var parties: [Party] = []
  private var addresses: [Endpoint: Int] = [:]
  private let standard: LinkConditions
  private var conditions: [Link: LinkConditions] = [:]
  private var generators: [Link: SeededGenerator] = [:]
  /// When the last message of each connection arrives: the next one may not overtake it.
  private var lastArrivals: [Flow: Instant] = [:]
  private var events: [UInt64: Event] = [:]
  private var schedule = TimerQueue<UInt64>()
  private var lastEvent: UInt64 = 0
  private var steps = 0

  /// Everything that was sent, and what became of it.
  package var ladder = Ladder()
  /// More to show at a message's line of the ladder.
  package var detail: ((Message) -> String?)?
  /// Called after each step: the place for invariants.
  package var afterEachStep: (() -> Void)?
  /// The steps after which a scenario counts as endless.
  package var stepLimit = 1_000_000

  /// - Parameters:
  ///   - seed: decides loss, duplication, delay and order.
  ///   - conditions: of every link that `setConditions` does not name.
  ///   - throughBytes: sends each message as bytes and parses it again; one that does not parse is lost, with a note in
  ///     the ladder.
  package init(
    seed: UInt64 = 1, conditions: LinkConditions = .perfect, start: Moment = .testStart, throughBytes: Bool = false
  ) {
    self.seed = seed
    self.start = start
    self.throughBytes = throughBytes
    standard = conditions
    clock = ManualClock(start: start)
  }

  package var now: Moment { clock.now }

  /// The time since the start.
  package var elapsed: Duration { clock.now.instant - start.instant }

  /// Puts a party on the network; `name` is its name in the ladder.
  package func add(_ party: any SimulatedParty, name: String, at endpoints: Endpoint...) {
    for endpoint in endpoints { addresses[endpoint] = parties.count }
    parties.append(Party(name: name, party: party))
  }

  /// The weather from one party to another, in this direction only, from now on.
  package func setConditions(_ conditions: LinkConditions, from sender: String, to receiver: String) {
    self.conditions[Link(from: sender, to: receiver)] = conditions
  }

  /// Puts on the wire what a party called `name` sends by its own will, now.
  package func send(_ transmissions: [Transmission], from name: String) {
    guard let index = parties.firstIndex(where: { $0.name == name }) else {
      return note("\(name) is not on the network")
    }
    for transmission in transmissions { carry(transmission, from: index) }
  }

  /// Does `script` when `time` since the start has come. Of what falls into one instant, what was set first comes first.
  package func at(_ time: Duration, _ script: @escaping () -> Void) {
    add(.script(script), at: start.instant + time)
  }

  /// Writes a line into the ladder.
  package func note(_ text: String) { ladder.note(text, at: elapsed) }

  /// When something happens next: an arrival, a script, a party's timer; nil if nothing ever does.
  package var nextDeadline: Instant? {
    (parties.map(\.party.nextDeadline) + [schedule.nextDeadline]).compactMap { $0 }.min()
  }

  /// Jumps to the next deadline and does the first thing that is due there: what arrives before timers, parties in the
  /// order in which they were added.
  /// - Returns: false if nothing is left to happen.
  @discardableResult
  package func step() throws(SimulationError) -> Bool {
    guard let next = nextDeadline else { return false }
    steps += 1
    if steps > stepLimit { throw .tooManySteps(steps) }
    clock.advance(to: next)
    if let number = schedule.popDue(at: now.instant), let event = events.removeValue(forKey: number) {
      switch event {
      case .arrival(let transmission, let index):
        let answers = parties[index].party.receive(transmission.message, on: transmission.flow, at: now)
        for answer in answers { carry(answer, from: index) }
      case .failure(let flow, let index):
        for answer in parties[index].party.transportFailed(flow, at: now) { carry(answer, from: index) }
      case .script(let script):
        script()
      }
    } else if let index = parties.firstIndex(where: { ($0.party.nextDeadline ?? .never) <= now.instant }) {
      for transmission in parties[index].party.timersDue(at: now) { carry(transmission, from: index) }
      if let deadline = parties[index].party.nextDeadline, deadline <= now.instant {
        throw .stuck(party: parties[index].name, at: elapsed)
      }
    }
    afterEachStep?()
    return true
  }

  /// Runs until `time` since the start; the clock stands there afterwards.
  package func run(until time: Duration) throws(SimulationError) {
    let end = start.instant + time
    while let next = nextDeadline, next <= end { try step() }
    clock.advance(to: end)
  }

  /// Runs for `interval` from now.
  package func run(for interval: Duration) throws(SimulationError) { try run(until: elapsed + interval) }

  /// Runs until `isReached` is true after a step.
  /// - Throws: `notReached` if it is not at the end of `limit` from now, or when nothing happens any more.
  package func run(within limit: Duration, until isReached: () -> Bool) throws(SimulationError) {
    let end = now.instant + limit
    while !isReached() {
      guard let next = nextDeadline, next <= end else { throw .notReached(at: elapsed) }
      try step()
    }
  }

  /// Runs until nothing is left to happen, no timer and no message.
  /// - Throws: `notReached` if something still goes on after `limit` from now.
  package func runUntilQuiet(within limit: Duration) throws(SimulationError) {
    let end = now.instant + limit
    while let next = nextDeadline {
      if next > end { throw .notReached(at: elapsed) }
      try step()
    }
  }

  private func carry(_ sent: Transmission, from sender: Int) {
    let name = parties[sender].name
    let receiver = addresses[sent.flow.remote]
    let link = Link(from: name, to: receiver.map { parties[$0].name } ?? "\(sent.flow.remote)")
    let weather = conditions[link] ?? standard
    // Every message draws the same number of numbers, whatever becomes of it.
    var generator = generators[link] ?? SeededGenerator(seed: seed ^ fingerprint("\(link.from)>\(link.to)"))
    let (loss, duplication, reordering) = (chance(&generator), chance(&generator), chance(&generator))
    let delays = [chance(&generator), chance(&generator)]
    generators[link] = generator

    func record(_ fate: Ladder.Fate) {
      ladder.add(sent.message, from: link.from, to: link.to, at: elapsed, fate: fate, detail: detail?(sent.message))
    }
    if weather.isRefused {
      record(.refused)
      return add(.failure(sent.flow, of: sender), at: now.instant)
    }
    let isReliable = sent.flow.transport.isReliable
    guard let receiver, isReliable || loss >= weather.loss else {
      return record(.lost)
    }
    guard let message = arriving(sent.message) else { return }
    let copies = !isReliable && duplication < weather.duplication ? 2 : 1
    record(copies == 2 ? .duplicated : .delivered)
    let flow = Flow(sent.flow.transport, local: sent.flow.remote, remote: sent.flow.local)
    for delay in delays.prefix(copies) {
      let width = weather.delay.upperBound.nanoseconds - weather.delay.lowerBound.nanoseconds
      var arrival = now.instant + weather.delay.lowerBound + .nanoseconds(Int64(delay * Double(width)))
      if isReliable {
        arrival = max(arrival, lastArrivals[sent.flow] ?? arrival)
        lastArrivals[sent.flow] = arrival
      } else if reordering < weather.reordering {
        arrival = arrival + weather.holding
      }
      add(.arrival(Transmission(message, flow), to: receiver), at: arrival)
    }
  }

  private func arriving(_ message: Message) -> Message? {
    guard throughBytes else { return message }
    do throws(ParseError) { return try parseMessage(message.serialized()) } catch {
      note("cannot be parsed: \(Ladder.summary(message)): \(error.detail)")
      return nil
    }
  }

  private func add(_ event: Event, at instant: Instant) {
    lastEvent += 1
    events[lastEvent] = event
    schedule.set(lastEvent, at: instant)
  }
}

extension Instant {
  fileprivate static let never = Instant(nanoseconds: .max)
}

/// A number from 0 up to but not including 1.
private func chance(_ generator: inout SeededGenerator) -> Double { Double(generator.next() >> 11) * 0x1p-53 }

/// FNV-1a, so that each link has a sequence of its own.
private func fingerprint(_ text: String) -> UInt64 {
  text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
