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
/// addresses of its trunk. What bears the keys of an encrypted leg is the peer's own too, wherever it comes from. There is one
/// exception, for phones behind a router that also signal through a
/// proxy: if the SDP's address cannot be the one that packets come from (a private one, signalled from the public network),
/// a stranger may be learned, but only after 3 s in which none of the peer's own addresses has ever been heard; these
/// take the stream back at once. A second stranger is learned in the same way, and only once the first is silent (the phone
/// has got another network).
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

    /// One more packet: the next in sequence, or the first of another one.
    mutating func count(_ header: RTPHeader) {
      let follows = ssrc == header.ssrc && nextSequence == header.sequenceNumber
      count = follows ? count + 1 : 1
      ssrc = header.ssrc
      nextSequence = header.sequenceNumber &+ 1
    }
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
  /// Who is refused for good while nothing is heard from the peer, since when there has been any, and whether it was told.
  private var knocking: Candidate?
  private var knockingSince: Instant?
  private var isKnockTold = false
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
      if !isExpected(source) {
        expectedLastHeard = nil
        hasHeardOwn = false
        strangerSince = nil
        knockingSince = nil
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
  /// - Parameters:
  ///   - isNegotiated: whether its payload type is one of those negotiated.
  ///   - isAuthentic: whether a key has shown that it is the peer's.
  package mutating func receive(
    _ header: RTPHeader, from source: PacketSource, isNegotiated: Bool, isAuthentic: Bool = false, at now: Instant
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
    if isAuthentic || isOwn(source) {
      let isStrangerLatched = !isAuthentic && latched.map { !isOwn($0) } ?? false
      guard isOpen || isStrangerLatched, hasProved(source, header) else { return drop() }
      hasHeardOwn = true
      return latch(source, at: now)
    }
    guard isTranslated, !hasHeardOwn else {
      knocks(source, header, at: now)
      return drop()
    }
    guard isOpen, mayBeStranger(source, at: now), hasProved(source, header) else { return drop() }
    return latch(source, at: now)
  }

  /// True if RTCP from `source` counts: it comes from the address of the latched source, or of the SDP; while that is silent,
  /// from any of the peer's own (a muted phone behind a router may send nothing but RTCP).
  package func acceptsControl(from source: PacketSource, isAuthentic: Bool = false, at now: Instant) -> Bool {
    if latched.map(source.hasAddress(of:)) ?? false { return true }
    return isExpected(source)
      || isSilent(since: expectedLastHeard, at: now) && (isAuthentic || isOwn(source))
  }

  /// Once in a leg's life: who has sent packets in sequence that can never count, while for 3 s nothing of the peer's has.
  package mutating func takeKnock() -> PacketSource? {
    guard !isKnockTold, let knocking, knocking.count >= Self.packetsInSequence else { return nil }
    isKnockTold = true
    return knocking.source
  }

  /// Takes notice of a packet that is refused whatever comes.
  private mutating func knocks(_ source: PacketSource, _ header: RTPHeader, at now: Instant) {
    guard !isKnockTold else { return }
    let since = knockingSince ?? now
    knockingSince = since
    guard isSilent(since: lastHeard ?? since, at: now) else {
      knocking = nil
      return
    }
    if knocking?.source != source {
      knocking = Candidate(source: source, ssrc: header.ssrc, nextSequence: header.sequenceNumber, count: 0)
    }
    knocking?.count(header)
  }

  /// True if `source` is one of the peer's own besides the SDP's.
  private func isOwn(_ source: PacketSource) -> Bool { own.contains { $0.contains(source) } }

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
    if latched.map({ !source.hasAddress(of: $0) }) ?? false, let last = lastHeard,
      strangerSince.map({ $0 < last }) ?? false
    {
      // The one who was learned has spoken since: that his silence lasts is to be seen.
      strangerSince = nil
    }
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
      candidate.count(header)
      candidates[index] = candidate
      return candidate.count >= Self.packetsInSequence
    }
    candidates[nextSlot] = Candidate(
      source: source, ssrc: header.ssrc, nextSequence: header.sequenceNumber &+ 1, count: 1)
    nextSlot = (nextSlot + 1) % candidates.count
    return false
  }
}
