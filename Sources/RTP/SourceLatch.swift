package import Telephony

/// What becomes of a media packet by its source.
package enum LatchVerdict: Hashable, Sendable {
  /// From the latched source.
  case accepted
  /// From the source that is latched from this packet on: what we send goes there now.
  case latched
  /// From anybody else, or of a type that was not negotiated: dropped and counted.
  case dropped
}

/// Decides whose media packets count, so that nobody can speak into a call, and peers behind NAT still can.
///
/// The rule: the SDP's address is taken on any port, and latched, port and all, at its first valid packet. Another address is taken only
/// after 5 packets in sequence of a negotiated type while the SDP's address is silent; the SDP's address takes the stream
/// back whenever it speaks, and from the very port it names also from another port of that address (after a re-INVITE
/// that moves the port, packets from the old one are still under way). Learning reopens at each new SDP and after 3 s of silence of the latched source. All else is
/// dropped and counted. "Valid" is: an RTP header that parses, of a negotiated type.
///
/// "Another address" is not anybody's: five packets in sequence are soon made, and a peer that has not spoken yet, or is
/// muted, must not leave its place to whoever sprays our ports. It is one of the peer's own, which the owner of the leg
/// names: where its signalling comes from (a phone behind a router speaks and signals from the router's address), and the
/// addresses of its trunk. There is one exception, for phones behind a router that also signal through a
/// proxy: if the SDP's address cannot be the one that packets come from (a private one, signalled from the public network),
/// a stranger may be learned, but only after 3 s in which none of the peer's own addresses has ever been heard; these
/// take the stream back at once, and there is no second one.
///
/// What was latched under the same SDP address is known: after a pause, or a session refresh, it counts at once. An SDP
/// without an address (hold in old peers) leaves what was latched.
///
/// A value of fixed size but for the list of the peer's addresses; no packet touches the heap.
package struct SourceLatch: Sendable {
  /// How many packets in sequence another address must send.
  package static let packetsInSequence = 5
  /// How long the latched source must be silent before another may be learned.
  package static let silence: Duration = .seconds(3)

  private struct Candidate {
    var source: PacketSource
    var ssrc: UInt32
    var nextSequence: UInt16
    var count: Int
  }

  /// The SDP's address and port, nil while there is none (no SDP yet, or 0.0.0.0).
  package private(set) var expected: PacketSource?
  /// The source whose packets are taken.
  package private(set) var latched: PacketSource?
  /// Who was refused last though what he sent is of a negotiated type.
  package private(set) var refused: PacketSource?
  /// Packets dropped since the start.
  package private(set) var dropped: UInt64 = 0

  /// The peer's own addresses besides the SDP's.
  private var own: [SourceRange] = []
  /// Whether the SDP's address cannot be where packets come from.
  private var isTranslated = false
  /// Whether one of the peer's own addresses has been heard since the SDP named another one.
  private var hasHeardOwn = false
  /// Since when a stranger has been heard in place of the peer.
  private var strangerSince: Instant?
  private var isReopened = false
  /// Whether `latched` has the SDP's address.
  private var isExpectedLatched = false
  private var lastHeard: Instant?
  /// When the SDP's address, on whatever port, last sent a valid packet.
  private var expectedLastHeard: Instant?
  // Several, so that a flood from one source cannot keep another from being learned.
  private var candidates = InlineArray<4, Candidate?>(repeating: nil)
  private var nextSlot = 0

  /// - Parameters:
  ///   - expected: the SDP's address and port, if there is an SDP already.
  ///   - own: the peer's own addresses besides that.
  ///   - isTranslated: whether packets cannot come from the SDP's address.
  package init(expected: PacketSource? = nil, own: [SourceRange] = [], isTranslated: Bool = false) {
    self.expected = expected.flatMap { $0.isUnspecified ? nil : $0 }
    self.own = own
    self.isTranslated = isTranslated
  }

  /// Where what we send goes: the latched source, before that the SDP's address; nil if there is neither.
  package var target: PacketSource? { latched ?? expected }

  /// A new SDP names `source` (nil or an unspecified address: none, as for hold in old peers). Learning reopens.
  /// - Parameters:
  ///   - own: the peer's own addresses besides that.
  ///   - isTranslated: whether packets cannot come from the SDP's address.
  package mutating func expect(_ source: PacketSource?, own: [SourceRange] = [], isTranslated: Bool = false) {
    let source = source.flatMap { $0.isUnspecified ? nil : $0 }
    if let source, source != expected {
      latched = nil
      lastHeard = nil
      if let expected, source.hasAddress(of: expected) {
      } else {
        expectedLastHeard = nil
        hasHeardOwn = false
        strangerSince = nil
      }
    }
    expected = source
    self.own = own
    self.isTranslated = isTranslated
    isExpectedLatched = isExpected(latched)
    isReopened = true
    forgetCandidates()
  }

  /// A packet with a valid RTP header came from `source`.
  /// - Parameter isNegotiated: whether its payload type is one of those negotiated.
  package mutating func receive(
    _ header: RTPHeader, from source: PacketSource, isNegotiated: Bool, at now: Instant
  ) -> LatchVerdict {
    // The way of nearly all packets.
    if isNegotiated, !isReopened, source == latched {
      lastHeard = now
      if isExpectedLatched { expectedLastHeard = now }
      return .accepted
    }
    guard isNegotiated else { return drop() }
    let isExpected = isExpected(source)
    if isExpected {
      expectedLastHeard = now
      hasHeardOwn = true
    }
    if source == latched {
      lastHeard = now
      if isReopened { forgetCandidates() }
      isReopened = false
      return .accepted
    }
    refused = source
    let isOpen = isReopened || latched == nil || isSilent(since: lastHeard, at: now)
    if isExpected {
      // Another port of the SDP's address must wait for silence; a stranger who was learned must give way at once.
      let isStrangerLatched = latched.map { !source.hasAddress(of: $0) } ?? false
      guard isOpen || isStrangerLatched || source == expected else { return drop() }
      return latch(source, at: now)
    }
    guard isSilent(since: expectedLastHeard, at: now) else { return drop() }
    if own.contains(where: { $0.contains(source) }) {
      let isStrangerLatched = latched.map { latched in !own.contains { $0.contains(latched) } } ?? false
      guard isOpen || isStrangerLatched, hasProved(source, header) else { return drop() }
      hasHeardOwn = true
      return latch(source, at: now)
    }
    guard isOpen, mayBeStranger(source, at: now), hasProved(source, header) else { return drop() }
    return latch(source, at: now)
  }

  /// True if RTCP from `source` counts: it comes from the address of the latched source, or of the SDP.
  package func acceptsControl(from source: PacketSource) -> Bool {
    (latched.map(source.hasAddress(of:)) ?? false) || (expected.map(source.hasAddress(of:)) ?? false)
  }

  /// True if `source` has the SDP's address, on whatever port.
  private func isExpected(_ source: PacketSource?) -> Bool {
    guard let source, let expected else { return false }
    return source.hasAddress(of: expected)
  }

  private mutating func drop() -> LatchVerdict {
    dropped &+= 1
    return .dropped
  }

  private mutating func latch(_ source: PacketSource, at now: Instant) -> LatchVerdict {
    refused = nil
    latched = source
    lastHeard = now
    isReopened = false
    isExpectedLatched = isExpected(source)
    forgetCandidates()
    return .latched
  }

  private func isSilent(since last: Instant?, at now: Instant) -> Bool {
    guard let last else { return true }
    return now - last >= Self.silence
  }

  /// True if a stranger may be the peer: his address is translated on the way, and he himself is not to be heard.
  private mutating func mayBeStranger(_ source: PacketSource, at now: Instant) -> Bool {
    guard isTranslated, !hasHeardOwn, latched.map(source.hasAddress(of:)) ?? true else { return false }
    guard let strangerSince else {
      strangerSince = now
      return false
    }
    return isSilent(since: strangerSince, at: now)
  }

  private mutating func forgetCandidates() {
    for index in candidates.indices { candidates[index] = nil }
  }

  /// Counts one more packet of a stranger; true with the fifth in sequence.
  private mutating func hasProved(_ source: PacketSource, _ header: RTPHeader) -> Bool {
    for index in candidates.indices {
      guard var candidate = candidates[index], candidate.source == source else { continue }
      let follows = candidate.ssrc == header.ssrc && candidate.nextSequence == header.sequenceNumber
      candidate.count = follows ? candidate.count + 1 : 1
      candidate.ssrc = header.ssrc
      candidate.nextSequence = header.sequenceNumber &+ 1
      candidates[index] = candidate
      return candidate.count >= Self.packetsInSequence
    }
    candidates[nextSlot] = Candidate(
      source: source, ssrc: header.ssrc, nextSequence: header.sequenceNumber &+ 1, count: 1)
    nextSlot = (nextSlot + 1) % candidates.count
    return false
  }
}
