/// Puts the packets of one stream in the order of their sequence numbers, each once (RFC 3550 §5.1), since most codecs go
/// on from where the packet before has left them.
///
/// Nothing is held while packets come in order. One that comes too early waits until those before it are there, or
/// until so many wait, or so long, that they count as lost.
struct PacketWindow {
  /// A packet that waits.
  struct Packet {
    var sequence: UInt16
    var timestamp: UInt32
    var type: UInt8
    /// Where it belongs in the sound.
    var frame: Int64
    var arrival: Int64
    var payload: [UInt8]
  }

  /// What is to be done with a packet that has come.
  enum Verdict: Hashable {
    /// It is the next one.
    case next
    /// It may have to wait: `hold` it.
    case early
    /// It came already, or its place is given up.
    case late
    /// The sender has begun anew: all that waits goes first, then this one.
    case anew
  }

  /// So many wait at most, and so long, in nanoseconds.
  private static let mostWaiting = 64
  private static let longestWait: Int64 = 1_000_000_000
  /// Farther than any loss or reordering reaches.
  private static let farthest = 3000

  private var next: UInt16?
  /// In order of their sequence numbers.
  private var waiting: [Packet] = []

  /// - Parameter isBehind: true if the packet's sound belongs before what was heard of the stream already.
  mutating func judge(_ sequence: UInt16, isBehind: Bool) -> Verdict {
    guard let next else {
      self.next = sequence &+ 1
      return .next
    }
    let ahead = Int(Int16(bitPattern: sequence &- next))
    if ahead == 0 {
      self.next = sequence &+ 1
      return .next
    }
    if ahead.magnitude > Self.farthest { return .anew }
    if ahead > 0 { return .early }
    // What nothing was heard behind is not late: the sender counts anew.
    return isBehind ? .late : .anew
  }

  /// The packet judged `anew` counts as the first.
  mutating func restart(at sequence: UInt16) {
    next = sequence &+ 1
    waiting.removeAll(keepingCapacity: true)
  }

  /// Keeps a packet that was judged early, unless it waits already.
  mutating func hold(_ packet: Packet) {
    guard let next else { return }
    let place = packet.sequence &- next
    let index = waiting.firstIndex { $0.sequence &- next >= place } ?? waiting.endIndex
    if index < waiting.endIndex, waiting[index].sequence == packet.sequence { return }
    waiting.insert(packet, at: index)
  }

  /// True if nothing waits.
  @inline(__always)
  var isEmpty: Bool { waiting.isEmpty }

  /// The next packet whose turn has come, and how many before it are lost.
  ///
  /// - Parameter time: when the latest packet came; nil gives all that wait.
  mutating func pop(at time: Int64?) -> (packet: Packet, lost: Int)? {
    guard let next, let first = waiting.first else { return nil }
    let lost = Int(first.sequence &- next)
    let isDue =
      lost == 0 || time == nil || waiting.count > Self.mostWaiting
      || waiting.contains { (time ?? 0) &- $0.arrival > Self.longestWait }
    guard isDue else { return nil }
    self.next = first.sequence &+ 1
    waiting.removeFirst()
    return (first, lost)
  }
}
