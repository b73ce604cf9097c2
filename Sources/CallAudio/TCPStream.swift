import SIPMessage
import Telephony

/// One direction of a TCP connection, as far as SIP goes over it: segments in any order become messages.
///
/// Segments that come again, overlap or come too early are put in order (RFC 9293 §3.10.7.4). What is missing is waited
/// for in bounds; then the stream goes on at the next message that begins in what is there. So it does in a capture that
/// begins in the middle of a connection.
struct TCPStream: Sendable {
  /// A message, and when the segment that made it whole was captured.
  struct Found: Sendable {
    var message: Message
    var time: Int64
  }

  private struct Piece: Sendable {
    var sequence: UInt32
    var bytes: [UInt8]
    /// How many bytes behind them were sent and not captured.
    var missing: Int
    var time: Int64
    var end: UInt32 { sequence &+ UInt32(truncatingIfNeeded: bytes.count + missing) }
  }

  /// So much waits for a missing segment, for so long (nanoseconds of the capture's clock).
  static let mostWaitingPieces = 64
  static let mostWaitingBytes = 256 << 10
  static let longestWait: Int64 = 3_000_000_000
  /// So many segments without the beginning of a message are looked at before a stream counts as foreign.
  static let mostPiecesUnknown = 8

  /// The sequence number of the next byte; nil before anything is known of it.
  private var expected: UInt32?
  /// True where the stream's bytes are passed over up to the next message's beginning.
  private var isSeeking = true
  private var framer = StreamFramer()
  private var framedBytes = 0
  /// What came too early, in order.
  private var waiting: [Piece] = []
  private var waitingBytes = 0
  /// True once a message was found.
  private(set) var isSIP = false
  /// True if it is something else: nothing is kept of it.
  private(set) var isForeign = false

  /// A stream of which nothing is known.
  init() {}

  /// A stream from its first byte on.
  init(firstSequence: UInt32) {
    expected = firstSequence
    isSeeking = false
  }

  /// How many bytes are kept, about.
  var size: Int { waitingBytes + framedBytes }

  /// True if the connection that begins at this number is the one that this stream is of.
  func begins(at sequence: UInt32) -> Bool { expected == sequence }

  /// Takes a segment's payload.
  ///
  /// - Parameters:
  ///   - missing: how many bytes behind the payload were sent and not captured.
  ///   - time: nanoseconds since 1970.
  mutating func take(_ payload: RawSpan, missing: Int, sequence: UInt32, at time: Int64) -> [Found] {
    if isForeign {
      guard looksLikeSIP(payload) else { return [] }
      self = TCPStream()
    }
    guard payload.byteCount + missing > 0 else { return [] }
    let piece = Piece(
      sequence: sequence, bytes: payload.withUnsafeBytes { Array($0) }, missing: max(0, missing), time: time)
    guard let expected else { return synchronise(piece) }
    if distance(piece.sequence, expected) > 0 {
      hold(piece)
      return isPatienceOver(at: time) ? passGap() : []
    }
    var found = feed(piece)
    found += drain()
    return isPatienceOver(at: time) ? found + passGap() : found
  }

  /// Gives what can still be had of what waits; at the capture's end, or where room is short.
  mutating func finish() -> [Found] {
    var found: [Found] = []
    while !waiting.isEmpty { found += passGap() }
    return found
  }

  // MARK: - Order

  /// A stream of which nothing is known yet: what comes is held until a message begins.
  private mutating func synchronise(_ piece: Piece) -> [Found] {
    guard let start = messageStart(in: piece.bytes) else {
      hold(piece)
      if waiting.count > Self.mostPiecesUnknown || size > Self.mostWaitingBytes { giveUp() }
      return []
    }
    expected = piece.sequence &+ UInt32(truncatingIfNeeded: start)
    // What was held and stands before it has no beginning.
    return feed(piece) + drain()
  }

  private mutating func hold(_ piece: Piece) {
    let place = waiting.firstIndex { distance($0.sequence, piece.sequence) > 0 } ?? waiting.count
    waiting.insert(piece, at: place)
    waitingBytes += piece.bytes.count
  }

  /// Feeds all that waits and is due.
  private mutating func drain() -> [Found] {
    var found: [Found] = []
    while let expected, let first = waiting.first, distance(first.sequence, expected) <= 0 {
      waiting.removeFirst()
      waitingBytes -= first.bytes.count
      found += feed(first)
    }
    return found
  }

  private func isPatienceOver(at time: Int64) -> Bool {
    guard let oldest = waiting.map(\.time).min() else { return false }
    return waiting.count > Self.mostWaitingPieces || waitingBytes > Self.mostWaitingBytes
      || time &- oldest > Self.longestWait
  }

  /// Gives up what is missing before the first that waits.
  private mutating func passGap() -> [Found] {
    guard let first = waiting.first else { return [] }
    expected = first.sequence
    loseTrack()
    return drain()
  }

  private mutating func loseTrack() {
    framer = StreamFramer()
    framedBytes = 0
    isSeeking = true
  }

  private mutating func giveUp() {
    self = TCPStream()
    isForeign = true
  }

  /// How far `a` lies behind `b` in the circle of sequence numbers; negative if before.
  private func distance(_ a: UInt32, _ b: UInt32) -> Int { Int(Int32(truncatingIfNeeded: a &- b)) }

  // MARK: - Messages

  /// Takes the bytes of a piece that are due or have been already.
  private mutating func feed(_ piece: Piece) -> [Found] {
    guard let expected, distance(piece.end, expected) > 0 else { return [] }
    let old = min(max(0, distance(expected, piece.sequence)), piece.bytes.count)
    self.expected = piece.end
    var found: [Found] = []
    if old < piece.bytes.count { found = frame(Array(piece.bytes[old...]), piece.time) }
    if piece.missing > 0 && !isForeign { loseTrack() }
    return found
  }

  private mutating func frame(_ bytes: [UInt8], _ time: Int64) -> [Found] {
    var bytes = bytes
    if isSeeking {
      guard let start = messageStart(in: bytes) else { return [] }
      bytes.removeFirst(start)
      isSeeking = false
    } else if !isSIP && framedBytes == 0 && !canBeginSIP(bytes) {
      giveUp()
      return []
    }
    var items: [StreamItem]
    do throws(FramingError) {
      items = try framer.append(bytes)
      framedBytes = framer.isInMessage ? framedBytes + bytes.count : 0
    } catch {
      items = error.preceding
      loseTrack()
    }
    let found = items.compactMap { item -> Found? in
      if case .message(let message) = item { Found(message: message, time: time) } else { nil }
    }
    if !found.isEmpty { isSIP = true }
    return found
  }

  /// False if what a connection begins with is no SIP for certain (TLS, HTTP).
  private func canBeginSIP(_ bytes: [UInt8]) -> Bool {
    guard let first = bytes.first else { return true }
    if first == 0x0D || first == 0x0A { return true }
    guard first.isASCIILetter else { return false }
    return bytes.prefix(2048).contains(0x0A) ? looksLikeSIP(bytes.span.bytes) : bytes.count <= 2048
  }

  /// Where the first line begins that is a message's first.
  private func messageStart(in bytes: [UInt8]) -> Int? {
    var start = 0
    while start < bytes.count {
      if looksLikeSIP(bytes.span.bytes.extracting(start...)) { return start }
      guard let end = bytes[start...].firstIndex(of: 0x0A) else { return nil }
      start = end + 1
    }
    return nil
  }
}
