package import Telephony

/// What the sequence number of a packet tells (RFC 3550 A.1).
package enum SequenceVerdict: Hashable, Sendable {
  /// The source is still on probation: too few packets in sequence.
  case probation
  /// In order, perhaps after a loss. A repetition of the newest packet counts here too, as in A.1.
  case inOrder
  /// The first packet of a source, of one that has passed probation, or of one that has begun anew after a jump.
  case started
  /// Older than the newest: reordered, or a repetition.
  case late
  /// Far from what was expected: not counted, unless the next packet follows it.
  case jumped
}

/// Follows one source's sequence numbers, loss and jitter (RFC 3550 A.1, A.3, A.8). A value of fixed size.
package struct SequenceTracker: Hashable, Sendable {
  private static let maximumDropout: UInt16 = 3000
  private static let maximumMisorder: UInt16 = 100

  private let minimumSequential: Int
  private let clockRate: Int64
  private var isStarted = false
  private var probation: Int
  private var maximumSequence: UInt16 = 0
  private var cycles: UInt32 = 0
  private var baseSequence: UInt32 = 0
  /// The sequence number after a jump; 65536 is none.
  private var badSequence: UInt32 = 65_536
  private var expectedPrior: UInt32 = 0
  private var receivedPrior: UInt32 = 0
  private var transit: Int64?
  /// Jitter times 16, as A.8 keeps it.
  private var scaledJitter: UInt64 = 0

  /// Packets that counted since the source began, repetitions included.
  package private(set) var received: UInt32 = 0

  /// - Parameters:
  ///   - minimumSequential: how many packets in sequence make a source valid; 1 takes the first one (A.1's
  ///     MIN_SEQUENTIAL is 2).
  ///   - clockRate: the payload's clock in Hz.
  package init(minimumSequential: Int = 1, clockRate: Int = 8000) {
    self.minimumSequential = max(1, minimumSequential)
    self.clockRate = Int64(max(1, min(clockRate, 1_000_000)))
    probation = self.minimumSequential
  }

  /// A packet came (A.1 `update_seq`), at `now` (A.8).
  package mutating func receive(_ sequence: UInt16, timestamp: UInt32, at now: Instant) -> SequenceVerdict {
    if isStarted, probation == 0 {
      // The way of nearly all packets.
      let ahead = sequence &- maximumSequence
      if ahead < Self.maximumDropout {
        advance(to: sequence)
        measureJitter(timestamp, at: now)
        return .inOrder
      }
    }
    let verdict = update(sequence)
    switch verdict {
    case .inOrder, .started: measureJitter(timestamp, at: now)
    case .late, .jumped, .probation: break
    }
    return verdict
  }

  private mutating func update(_ sequence: UInt16) -> SequenceVerdict {
    if !isStarted {
      isStarted = true
      restart(at: sequence)
      probation = minimumSequential
      maximumSequence = sequence &- 1
    }
    if probation > 0 {
      if sequence == maximumSequence &+ 1 {
        probation -= 1
        maximumSequence = sequence
        if probation == 0 {
          restart(at: sequence)
          received &+= 1
          return .started
        }
      } else {
        probation = minimumSequential - 1
        maximumSequence = sequence
      }
      return .probation
    }
    let delta = sequence &- maximumSequence
    if delta < Self.maximumDropout {
      advance(to: sequence)
      return .inOrder
    }
    if UInt32(delta) <= 65_536 - UInt32(Self.maximumMisorder) {
      if UInt32(sequence) == badSequence {
        // Two packets in sequence after a jump: the other side has begun anew without a word.
        restart(at: sequence)
        received &+= 1
        return .started
      }
      badSequence = (UInt32(sequence) + 1) & 0xFFFF
      return .jumped
    }
    received &+= 1
    return .late
  }

  @inline(__always)
  private mutating func advance(to sequence: UInt16) {
    if sequence < maximumSequence { cycles &+= 65_536 }
    maximumSequence = sequence
    received &+= 1
  }

  private mutating func restart(at sequence: UInt16) {
    baseSequence = UInt32(sequence)
    maximumSequence = sequence
    badSequence = 65_536
    cycles = 0
    received = 0
    receivedPrior = 0
    expectedPrior = 0
    transit = nil
  }

  @inline(__always)
  private mutating func measureJitter(_ timestamp: UInt32, at now: Instant) {
    let (seconds, rest) = now.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let arrival = seconds &* clockRate &+ rest &* clockRate / 1_000_000_000
    // Both clocks wrap at 32 bits; only differences of differences count.
    let now = Int64(Int32(truncatingIfNeeded: arrival &- Int64(timestamp)))
    defer { transit = now }
    guard let before = transit else { return }
    let difference = UInt64(Int32(truncatingIfNeeded: now &- before).magnitude)
    scaledJitter = scaledJitter &+ difference &- ((scaledJitter + 8) >> 4)
  }

  /// The highest sequence number received, with the count of its cycles in the upper half.
  package var extendedHighestSequence: UInt32 { cycles &+ UInt32(maximumSequence) }

  /// How many packets should have come since the source began (A.3).
  package var expected: UInt32 {
    isStarted && probation == 0 ? extendedHighestSequence &- baseSequence &+ 1 : 0
  }

  /// Packets lost since the source began; negative if repetitions outnumber losses. Held to 24 bits (A.3).
  package var cumulativeLost: Int32 {
    let lost = Int64(expected) - Int64(received)
    return Int32(max(-0x80_0000, min(0x7F_FFFF, lost)))
  }

  /// Interarrival jitter in units of the payload's clock (A.8).
  package var jitter: UInt32 { UInt32(truncatingIfNeeded: scaledJitter >> 4) }

  /// The fraction lost since the last call, in 256ths (A.3); begins a new interval.
  package mutating func takeFractionLost() -> UInt8 {
    let expectedNow = expected
    let expectedInterval = expectedNow &- expectedPrior
    expectedPrior = expectedNow
    let receivedInterval = received &- receivedPrior
    receivedPrior = received
    let lostInterval = Int64(expectedInterval) - Int64(receivedInterval)
    if expectedInterval == 0 || lostInterval <= 0 { return 0 }
    return UInt8(min(255, (lostInterval << 8) / Int64(expectedInterval)))
  }
}
