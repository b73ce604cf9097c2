package import Telephony

/// Makes one continuous stream of all we send to a leg: announcements, tones and the other leg's packets follow each
/// other under one SSRC, with sequence numbers without a break and timestamps that keep the gaps there were in time.
///
/// A receiver thus never sees that the source changed: its jitter buffer, its statistics and the recording go on.
/// Losses and reordering of a relayed source stay visible as such. A value of fixed size.
package struct StreamRewriter: Sendable {
  /// A relayed source whose numbers leap by more has begun anew (RFC 3550 A.1 MAX_DROPOUT).
  private static let sequenceLeap = 3000
  /// A relayed source whose timestamps leave real time by more (3 s) is set right again.
  private static let timestampLeap: Int64 = 24_000
  /// What a packet is taken to last until it is known better: 20 ms.
  private static let usualDuration: UInt32 = 160
  /// What a packet may last: 120 ms.
  private static let longestDuration: UInt32 = 960

  private enum Source: Hashable {
    case none
    case own
    case relayed(ssrc: UInt32)
  }

  /// The SSRC of all we send in this stream.
  package let ssrc: UInt32
  /// Packets sent, for the sender report.
  package private(set) var packetCount: UInt32 = 0
  /// Payload bytes sent, for the sender report.
  package private(set) var octetCount: UInt32 = 0

  private var source = Source.none
  /// When the first packet went out, and under which timestamp: where the stream's clock is nailed to real time, so
  /// that what sources add or swallow at their changes does not add up.
  private var start: (instant: Instant, timestamp: UInt32)?
  private var nextSequence: UInt16
  /// The newest timestamp sent; before the first packet, the stream's random start.
  private var lastTimestamp: UInt32
  /// When the newest timestamp was first sent.
  private var lastAdvance: Instant?
  private var lastDuration: UInt32 = 0

  // A relayed source: what is added to its numbers, and its newest packet.
  private var sequenceOffset: UInt16 = 0
  private var timestampOffset: UInt32 = 0
  private var firstSequence: UInt16 = 0
  private var newestSequence: UInt16 = 0

  /// - Parameters: random starts (RFC 3550 §5.1).
  package init(ssrc: UInt32, sequence: UInt16, timestamp: UInt32) {
    self.ssrc = ssrc
    nextSequence = sequence
    lastTimestamp = timestamp
  }

  /// The source ends here: the next packet is the first of another, even if it looks alike. It will carry the marker.
  package mutating func cut() { source = .none }

  /// The header of the next packet of our own sound.
  /// - Parameters:
  ///   - samples: what the packet lasts, in units of the clock.
  ///   - payloadLength: its payload in bytes.
  package mutating func generate(
    samples: UInt32, payloadType: UInt8, payloadLength: Int, at now: Instant
  ) -> RTPHeader {
    let starts = source != .own
    if starts {
      lastTimestamp = startTimestamp(at: now)
      source = .own
    } else {
      lastTimestamp = lastTimestamp &+ lastDuration
    }
    lastAdvance = now
    lastDuration = samples
    if start == nil { start = (now, lastTimestamp) }
    let header = RTPHeader(
      payloadType: payloadType, sequenceNumber: nextSequence, timestamp: lastTimestamp, ssrc: ssrc, marker: starts,
      payloadLength: payloadLength)
    nextSequence = nextSequence &+ 1
    count(payloadLength)
    return header
  }

  /// The header under which a packet of another leg goes out; its payload type is for the caller to translate.
  /// - Returns: nil if the packet must not go out, being older than the point where its source took over.
  package mutating func relay(_ header: RTPHeader, at now: Instant) -> RTPHeader? {
    var marker = header.marker
    if isNext(header, at: now) {
      let timestamp = header.timestamp &+ timestampOffset
      newestSequence = header.sequenceNumber
      nextSequence = header.sequenceNumber &+ sequenceOffset &+ 1
      lastDuration = timestamp &- lastTimestamp
      lastTimestamp = timestamp
      lastAdvance = now
    } else if source != .relayed(ssrc: header.ssrc) || hasLeapt(header, at: now) {
      join(header, at: now)
      marker = true
    } else {
      let ahead = Int16(bitPattern: header.sequenceNumber &- newestSequence)
      if ahead > 0 {
        newestSequence = header.sequenceNumber
      } else if Int16(bitPattern: header.sequenceNumber &- firstSequence) < 0 {
        // Its number would be one that the source before has used.
        return nil
      }
      let timestamp = header.timestamp &+ timestampOffset
      let advance = timestamp &- lastTimestamp
      if Int32(bitPattern: advance) > 0 {
        if ahead == 1, advance <= Self.longestDuration { lastDuration = advance }
        lastTimestamp = timestamp
        lastAdvance = now
      }
      if ahead > 0 { nextSequence = header.sequenceNumber &+ sequenceOffset &+ 1 }
    }
    // Packets this far behind are not joined to, so the first number may follow at a distance (it wraps).
    if Int16(bitPattern: newestSequence &- firstSequence) > 16_384 { firstSequence = newestSequence &- 8192 }
    var out = header
    out.ssrc = ssrc
    out.marker = marker
    out.sequenceNumber = header.sequenceNumber &+ sequenceOffset
    out.timestamp = header.timestamp &+ timestampOffset
    count(header.payloadLength)
    return out
  }

  /// The sender report of this moment (RFC 3550 §6.4.1); nil before the first packet.
  package func senderReport(at now: Moment) -> SenderReport? {
    guard let lastAdvance else { return nil }
    return SenderReport(
      ssrc: ssrc, ntpTime: NTPTime(now.wall),
      rtpTimestamp: lastTimestamp &+ samples(from: lastAdvance, to: now.instant),
      packetCount: packetCount, octetCount: octetCount)
  }

  private mutating func join(_ header: RTPHeader, at now: Instant) {
    let timestamp = startTimestamp(at: now)
    source = .relayed(ssrc: header.ssrc)
    sequenceOffset = nextSequence &- header.sequenceNumber
    timestampOffset = timestamp &- header.timestamp
    firstSequence = header.sequenceNumber
    newestSequence = header.sequenceNumber
    nextSequence = nextSequence &+ 1
    lastTimestamp = timestamp
    lastAdvance = now
    lastDuration = Self.usualDuration
    if start == nil { start = (now, timestamp) }
  }

  /// Where a new source begins: where the stream's clock stands, but after what was sent last.
  private func startTimestamp(at now: Instant) -> UInt32 {
    guard let start else { return lastTimestamp }
    let onTime = start.timestamp &+ samples(from: start.instant, to: now)
    let earliest = lastTimestamp &+ lastDuration
    return Int32(bitPattern: onTime &- earliest) > 0 ? onTime : earliest
  }

  /// True for the packet that follows the newest as nearly all do: the next number, a packet's time later.
  @inline(__always)
  private func isNext(_ header: RTPHeader, at now: Instant) -> Bool {
    guard source == .relayed(ssrc: header.ssrc), header.sequenceNumber == newestSequence &+ 1, let lastAdvance else {
      return false
    }
    let advance = header.timestamp &+ timestampOffset &- lastTimestamp
    // So soon after the newest it cannot have left real time.
    let elapsed = UInt64(bitPattern: now.nanoseconds &- lastAdvance.nanoseconds)
    return advance > 0 && advance <= Self.longestDuration && elapsed <= 2_000_000_000
  }

  private func hasLeapt(_ header: RTPHeader, at now: Instant) -> Bool {
    let ahead = Int(Int16(bitPattern: header.sequenceNumber &- newestSequence))
    if abs(ahead) > Self.sequenceLeap { return true }
    guard ahead > 0, let lastAdvance else { return false }
    let advance = Int64(Int32(bitPattern: header.timestamp &+ timestampOffset &- lastTimestamp))
    // A telephone-event repeats its timestamp; that is no leap, however long the key is held.
    if advance == 0 { return false }
    return abs(advance - Int64(samples(from: lastAdvance, to: now))) > Self.timestampLeap
  }

  private mutating func count(_ payloadLength: Int) {
    packetCount &+= 1
    octetCount &+= UInt32(truncatingIfNeeded: payloadLength)
  }

  /// A span of time in units of the 8000 Hz clock, which wraps; 0 if negative. Without `Duration`, whose 128-bit
  /// arithmetic costs more than the rest of the rewriting.
  private func samples(from earlier: Instant, to later: Instant) -> UInt32 {
    let (difference, overflow) = later.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
    return UInt32(truncatingIfNeeded: (overflow ? 0 : max(0, difference)) / 125_000)
  }
}
