import RTP

/// One RTP stream of a capture.
struct MediaStream: Sendable {
  /// A payload type that occurs in the stream.
  struct Payload: Sendable {
    var type: UInt8
    var count = 0
    /// What it was taken for when the stream was put in time.
    var codec: PayloadCodec
    var shape: PayloadShape
    /// The most bytes a packet's payload has.
    var longest = 0
  }

  /// What the beginning of a stream shows of its regularity: by this RTP without any SIP is told from chance bytes.
  struct Regularity: Sendable {
    /// Packets that follow their predecessor by sequence number.
    var successions = 0
    /// How many of those have the timestamps' step of the one before.
    var steadySteps = 0
    /// What most have in common: that step, and the payload's length (by Boyer and Moore's majority vote).
    var step: UInt32 = 0
    var length = 0
    fileprivate var majority = 0
    fileprivate var lastStep: UInt32 = 0
    /// The timestamps' and the arrivals' (in nanoseconds) progress over these.
    var units: Int64 = 0
    var time: Int64 = 0
  }

  /// From when to when something sounds, in nanoseconds on the capture's clock.
  struct Span: Hashable, Sendable {
    var begin: Int64
    var end: Int64
  }

  let key: StreamKey
  let firstRecord: Int
  private(set) var lastRecord: Int
  /// Nanoseconds since 1970.
  private(set) var firstTime: Int64
  private(set) var lastTime: Int64
  private(set) var packetCount = 0
  private(set) var timeline = StreamTimeline()
  /// What is in it (few), in order of their first packets.
  private(set) var payloads: [Payload] = []
  private(set) var regularity = Regularity()
  /// Where the sound lies on the capture's clock; known once the stream is finished.
  private(set) var stretches: [SoundPart.Stretch] = []
  private(set) var spans: [Span] = []
  /// The stream with the same key that comes after this one, in a later call.
  var successor: Int?
  private var current = 0
  private var highestSequence: UInt16
  private var baseSequence: UInt16
  private var expectedBefore = 0
  /// Which of the 64 sequence numbers up to `highestSequence` have come; the lowest bit is its own.
  private var seen: UInt64 = 0
  /// The furthest of the timestamps that follow each other.
  private var newestTimestamp: UInt32 = 0
  /// How many of its packets the capture holds in part only.
  private(set) var cutCount = 0
  private var lastTimestamp: UInt32 = 0
  private var lastArrival: Int64 = 0
  /// The first packet that could not be placed.
  private var unplaced: (record: Int, timestamp: UInt32, arrival: Int64, rate: Int32)?

  /// So many packets are looked at for `regularity`.
  private static let lookedAt = 1000
  /// No 64 packets last longer: 120 ms each at 48 000 Hz.
  private static let longestLag: Int32 = 64 * 5760

  init(_ key: StreamKey, record: Int, time: Int64, sequence: UInt16) {
    self.key = key
    firstRecord = record
    lastRecord = record
    firstTime = time
    lastTime = time
    highestSequence = sequence
    baseSequence = sequence
  }

  /// True if `type` is the payload type of the packet before.
  @inline(__always)
  func isCurrent(_ type: UInt8) -> Bool { current < payloads.count && payloads[current].type == type }

  /// Says of which payload type the next packet is.
  ///
  /// - Parameter codec: asked for what it stands for, which nobody may have said.
  mutating func change(to type: UInt8, _ codec: () -> PayloadCodec?) {
    if let index = payloads.firstIndex(where: { $0.type == type }) {
      current = index
      return
    }
    let known = codec()
    let codec = known ?? PayloadCodec(unexplained: type)
    payloads.append(Payload(type: type, codec: codec, shape: PayloadShape(codec, isKnown: known != nil)))
    current = payloads.count - 1
  }

  /// Takes the next packet, whose type is the current one; `arrival` in nanoseconds. One that came already says nothing
  /// new: it counts neither as a packet nor for the jitter, and hides no loss.
  @inline(__always)
  mutating func take(_ header: RTPHeader, _ packet: RawSpan, record: Int, arrival: Int64, isCut: Bool = false) {
    lastRecord = record
    // A damaged or disordered time must not make the stream end before it begins.
    firstTime = min(firstTime, arrival)
    lastTime = max(lastTime, arrival)
    let behind = Int(highestSequence &- header.sequenceNumber)
    if behind < 64, seen & 1 << UInt64(behind) != 0 {
      if isOfLate(header.timestamp) { return }
      // The sender counts anew.
      restart(at: header.sequenceNumber)
    }
    if isCut { cutCount += 1 }
    packetCount += 1
    payloads[current].count += 1
    payloads[current].longest = max(payloads[current].longest, header.payloadLength)
    let ahead = header.sequenceNumber &- highestSequence
    if packetCount <= Self.lookedAt { look(header, ahead, arrival) }
    if ahead < 0x8000 {
      // Farther than any loss reaches: the sender has begun anew.
      if ahead > 3000 { restart(at: header.sequenceNumber) }
      if header.sequenceNumber < highestSequence { expectedBefore += 0x1_0000 }
      let step = header.sequenceNumber &- highestSequence
      seen = step < 64 ? seen << UInt64(step) | 1 : 1
      highestSequence = header.sequenceNumber
    } else if ahead < 0xFFFF - 3000 {
      restart(at: header.sequenceNumber)
    } else if behind < 64 {
      seen |= 1 << UInt64(behind)
    }
    let progress = Int32(bitPattern: header.timestamp &- newestTimestamp)
    if progress > 0 || progress < -Self.longestLag { newestTimestamp = header.timestamp }
    let shape = payloads[current].shape
    if shape.isPlaced(payloadLength: header.payloadLength) {
      let units = shape.units(in: packet.extracting(header.payloadRange)) ?? Int64(regularity.step & 0xFFFF)
      timeline.take(
        record: record, timestamp: header.timestamp, arrival: arrival, units: units, rate: shape.clockRate,
        isNext: ahead == 1)
    } else if timeline.isEmpty, unplaced == nil {
      unplaced = (record, header.timestamp, arrival, shape.clockRate)
    }
  }

  /// Says that no more packets come.
  mutating func finish() {
    if timeline.isEmpty, let unplaced {
      // Nothing but key presses or comfort noise: the first of them says where the timestamps lie.
      let length = frameCount(of: min(max(lastTime &- firstTime, 0), RecordedCall.longest), at: Int(unplaced.rate))
      timeline.take(
        record: unplaced.record, timestamp: unplaced.timestamp, arrival: unplaced.arrival, units: length,
        rate: unplaced.rate)
    }
    timeline.finish()
    for run in timeline.runs {
      let lines = ClockFit.stretches(of: run)
      stretches += lines
      guard run.highestEnd > run.lowest, let first = lines.first, let last = lines.last else { continue }
      let begin = first.time(of: run.timestamp &+ UInt32(truncatingIfNeeded: run.lowest))
      spans.append(
        Span(begin: begin, end: last.time(of: run.timestamp &+ UInt32(truncatingIfNeeded: run.highestEnd))))
    }
    timeline.forgetRuns()
  }

  /// True for a timestamp that the last packets may have had.
  private func isOfLate(_ timestamp: UInt32) -> Bool { newestTimestamp &- timestamp < UInt32(Self.longestLag) }

  /// How many packets are missing by their sequence numbers (RFC 3550 A.3).
  var lostCount: Int { max(0, expectedCount - packetCount) }

  /// How many packets there should be by their sequence numbers.
  private var expectedCount: Int { expectedBefore + Int(highestSequence) - Int(baseSequence) + 1 }

  private mutating func restart(at sequence: UInt16) {
    expectedBefore = expectedCount
    baseSequence = sequence
    highestSequence = sequence
    seen = 1
  }

  private mutating func look(_ header: RTPHeader, _ ahead: UInt16, _ arrival: Int64) {
    let step = header.timestamp &- lastTimestamp
    if ahead == 1, packetCount > 1 {
      regularity.successions += 1
      if step == regularity.lastStep || regularity.successions == 1 { regularity.steadySteps += 1 }
      regularity.lastStep = step
      if step == regularity.step {
        regularity.majority += 1
      } else if regularity.majority == 0 {
        regularity.step = step
        regularity.length = header.payloadLength
        regularity.majority = 1
      } else {
        regularity.majority -= 1
      }
      if step < 1 << 20 {
        regularity.units += Int64(step)
        regularity.time = regularity.time &+ (arrival &- lastArrival)
      }
    }
    lastTimestamp = header.timestamp
    lastArrival = arrival
  }
}
