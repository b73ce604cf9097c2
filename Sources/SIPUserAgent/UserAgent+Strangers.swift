package import SIPMessage
import SIPTransaction
package import Telephony

/// Messages of sources of which nothing is known: they may prove who they are, and learn nothing else.
///
/// A request of a stranger gets no transaction (RFC 3261 §8.2.7), so that a flood of them costs nothing that others need;
/// only when his password is right does it go the way of all others. The same 401 answers every request that needs one,
/// a bare 200 every OPTIONS; all else gets no answer.
extension UserAgent {
  /// Asked for each datagram, and for what comes on a connection, before it is read: false if it is to be thrown away,
  /// because its source is silenced, or because strangers have had their share of this second. Whom we know is always
  /// heard.
  package mutating func admits(_ source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    let key = SourceGuard.Source(source.address, isConnected: transport.isReliable)
    if isKnown(source, at: now) { return true }
    if isProven(source.address, at: now) { return true }
    if sources.isSilenced(key, at: now) { return isAllowed(source.address) }
    return transport.isReliable || sources.hasRoom(isConnected: false, at: now)
  }

  /// Asked for each connection of a peer before it is taken; it counts as a request.
  package mutating func admitsConnection(from source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    if isKnown(source, at: now) { return true }
    return admits(source, transport, at: now) && sources.hasRoom(isConnected: true, at: now)
      && count(.request, against: source, transport, at: now)
  }

  /// True for trunks' addresses and for sources with a living registration or leg.
  package func isKnown(_ source: Endpoint, at now: Instant) -> Bool {
    directory.hasTrunk(at: source.address) || registrar.knows(source.address, at: now)
      || legs.values.contains {
        $0.flow.remote.address == source.address || $0.dialog?.flow.remote.address == source.address
      }
  }

  /// True if a message belongs to what we do with somebody: its source is known, or it names what only he can know whom we
  /// told it (a dialog's tags, a branch of ours).
  package func belongs(_ message: Message, on flow: Flow, at now: Instant) -> Bool {
    if isKnown(flow.remote, at: now) { return true }
    switch message {
    case .request(let request): return isInDialog(request) || transactions.matches(request, from: flow.remote.address)
    case .response(let response): return transactions.matches(response)
    }
  }

  /// Told of bytes that are no message; they count as a request.
  /// - Returns: false if they get no answer.
  package mutating func answersGarbage(from source: Endpoint, _ transport: Transport, at now: Instant) -> Bool {
    isKnown(source, at: now) || count(.request, against: source, transport, at: now)
  }

  /// A request of a stranger's that belongs to nothing.
  mutating func receiveStrangers(_ received: Request, _ flow: Flow, at now: Moment) {
    // The ACK of our 401 is no request of its own.
    guard received.method != .ack, let (request, answer) = transactions.completed(received, on: flow) else { return }
    guard Self.challengedMethods.contains(request.method) else {
      guard count(.request, against: flow.remote, flow.transport, at: now.instant), request.method == .options else {
        return
      }
      return answerStranger(request.response(200, toTag: transactions.statelessTag(request)), to: received, answer)
    }
    switch identify(request, flow, at: now) {
    case .peer(let identity):
      identified = identity
      perform(transactions.receive(.request(received), on: flow, at: now), at: now)
      identified = nil
    case .challenge(let isStale):
      answerStranger(challenge(request, isStale: isStale, at: now.instant), to: received, answer)
    case .nobody: return
    }
  }

  /// Over UDP a source may be forged: nobody can turn much more on a third party than he sends himself.
  private mutating func answerStranger(_ response: Response, to request: Request, _ flow: Flow) {
    guard
      flow.transport.isReliable
        || response.serialized().count <= Self.amplification * request.serialized().count
    else { return }
    actions.append(.transmit(.response(response), flow))
  }

  /// How many times as long as a stranger's datagram its answer may be. A phone's REGISTER and its 401 are about equal.
  static let amplification = 2

  /// Counts against a source of which nothing is known.
  /// - Returns: false if it gets no answer.
  mutating func count(
    _ offence: SourceGuard.Offence, against source: Endpoint, _ transport: Transport, at now: Instant
  ) -> Bool {
    if isAllowed(source.address) || isProven(source.address, at: now) { return true }
    let key = SourceGuard.Source(source.address, isConnected: transport.isReliable)
    if let silence = sources.heard(key, at: now) { tell(.heardAgain(source, after: silence), at: now) }
    switch sources.count(offence, against: key, at: now) {
    case .tolerated: return true
    case .silent: return false
    case .silenced(let time, let isNew):
      if isNew { tell(.silenced(source, offence == .failure ? .guessing : .scanning, time), at: now) }
      return false
    }
  }

  /// Tells of strangers, within bounds. Who fails must not keep from the log who is silenced.
  mutating func tell(_ note: UserAgentNote, at now: Instant) {
    let untold: Int?
    switch note {
    case .silenced, .heardAgain: untold = silenceNotes.take(at: now)
    default: untold = strangerNotes.take(at: now)
    }
    guard let untold else { return }
    if untold > 0 { actions.append(.log(.untold(untold))) }
    actions.append(.log(note))
  }

  /// Somebody there has shown a right password within a day, or the Contact that only our registrar knows: a phone whose
  /// registration runs out in a flood, or while strangers forge its address, comes back; a provider's further machine is
  /// heard.
  private func isProven(_ address: IPAddress, at now: Instant) -> Bool {
    proven[address].map { now - $0 < .seconds(86_400) } ?? false
  }

  mutating func prove(_ address: IPAddress, at now: Instant) {
    proven[address] = now
    guard proven.count > 256 else { return }
    let oldest = proven.min {
      $0.value < $1.value || $0.value == $1.value && $0.key.bytes.lexicographicallyPrecedes($1.key.bytes)
    }
    if let oldest { proven[oldest.key] = nil }
  }

  private func isAllowed(_ address: IPAddress) -> Bool { sources.limits.allowed.contains { $0.contains(address) } }
}
