import Capture
import Frames
import SIPMessage

/// The SIP that goes over TCP in a capture.
///
/// All connections are looked at, whatever their ports; only what is or may be SIP is kept, and of that so much at most.
struct SIPConnections {
  static let mostStreams = 4096
  static let mostBytes = 8 << 20

  /// A message, between whom it went, and when the segment that made it whole was captured.
  struct Found {
    var message: Message
    var source: FrameAddress
    var target: FrameAddress
    var time: Int64
  }

  private struct Direction: Hashable {
    var source: FrameAddress
    var target: FrameAddress
  }

  private struct Entry {
    var direction: Direction
    var stream: TCPStream
    var lastUse: Int
  }

  private var entries: [Direction: Entry] = [:]
  private var byteCount = 0
  private var useCount = 0

  /// How many connections' directions are remembered, and what is kept of them in bytes.
  var count: Int { entries.count }
  var heldBytes: Int { byteCount }

  /// Takes the next segment.
  ///
  /// - Parameters:
  ///   - payload: as far as it was captured.
  ///   - time: nanoseconds since 1970.
  mutating func take(
    _ segment: TCPSegment, _ payload: RawSpan, from source: FrameAddress, to target: FrameAddress, time: Int64
  ) -> [Found] {
    let direction = Direction(source: source, target: target)
    useCount += 1
    let sequence = segment.isSYN ? segment.sequence &+ 1 : segment.sequence
    var found: [Found] = []
    var entry = entries.removeValue(forKey: direction)
    byteCount -= entry?.stream.size ?? 0
    if segment.isSYN, let old = entry, !old.stream.begins(at: sequence) {
      found += remaining(old)
      entry = nil
    }
    var current =
      entry
      ?? Entry(
        direction: direction, stream: segment.isSYN ? TCPStream(firstSequence: sequence) : TCPStream(), lastUse: 0)
    current.lastUse = useCount
    let missing = segment.length - payload.byteCount
    found += named(direction, current.stream.take(payload, missing: missing, sequence: sequence, at: time))
    byteCount += current.stream.size
    entries[direction] = current
    if entries.count > Self.mostStreams || byteCount > Self.mostBytes { found += makeRoom() }
    return found
  }

  /// What can still be had at the capture's end.
  mutating func finish() -> [Found] {
    let left = entries.values.sorted { $0.lastUse < $1.lastUse }
    entries = [:]
    return left.flatMap { remaining($0) }
  }

  /// Lets go of half of the connections: first those that are no SIP, then those that have been silent for longest.
  private mutating func makeRoom() -> [Found] {
    let order = entries.values.sorted { ($0.stream.isSIP ? 1 : 0, $0.lastUse) < ($1.stream.isSIP ? 1 : 0, $1.lastUse) }
    var found: [Found] = []
    for entry in order.prefix((order.count + 1) / 2) {
      byteCount -= entry.stream.size
      entries[entry.direction] = nil
      found += remaining(entry)
    }
    return found
  }

  private func remaining(_ entry: Entry) -> [Found] {
    var stream = entry.stream
    return named(entry.direction, stream.finish())
  }

  private func named(_ direction: Direction, _ found: [TCPStream.Found]) -> [Found] {
    found.map { Found(message: $0.message, source: direction.source, target: direction.target, time: $0.time) }
  }
}
