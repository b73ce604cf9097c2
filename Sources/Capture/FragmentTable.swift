import Frames

/// Puts IP packets together that went in several parts, in any order (RFC 791 §3.2, RFC 8200 §4.5).
///
/// Parts that overlap differently are nobody's honest packet (RFC 5722): that packet is dropped. What it holds is
/// bounded: so many packets and bytes, and for so long by the capture's clock; the oldest goes first.
struct FragmentTable {
  static let mostPackets = 1000
  static let mostBytes = 4 << 20
  /// By the capture's clock, in nanoseconds (RFC 8200 §4.5 gives a packet 60 s, Linux 30).
  static let longestWait: Int64 = 30_000_000_000
  /// A part of a packet that has been whole for less is a repetition, as `tcpdump -i any` makes them.
  static let repetition: Int64 = 1_000_000_000
  static let longestPayload = 65_535

  private struct Key: Hashable {
    var source: FrameAddress
    var target: FrameAddress
    var identification: UInt32
    /// 0 for IPv6, where it is no part of what tells packets apart.
    var next: UInt8
  }

  struct Packet {
    var serial: Int
    var firstTime: Int64
    /// When it was whole.
    var wholeTime: Int64?
    var isRefused = false
    /// What it carries, by its first part.
    var next: UInt8?
    /// Its length, by its last part.
    var length: Int?
    /// The parts that are there, in order; none overlaps another.
    var parts: [(offset: Int, bytes: [UInt8])] = []
    var byteCount = 0
    var partCount = 0
  }

  /// How many parts belong to packets that never became whole.
  var unusedCount: Int { partCount - usedCount }

  private var partCount = 0
  private var usedCount = 0
  private var packets: [Key: Packet] = [:]
  /// The packets in the order in which they began; entries of packets that are gone are passed over.
  private var order: [(key: Key, serial: Int)] = []
  private var firstInOrder = 0
  private var serial = 0
  private var byteCount = 0

  /// What the unfinished packets take in memory, about.
  var heldBytes: Int { byteCount }

  /// Takes the next part.
  ///
  /// - Parameters:
  ///   - bytes: its payload as far as it was captured.
  ///   - time: when it was captured, in nanoseconds.
  /// - Returns: the whole packet's payload and what it is, if this was the part that was missing.
  mutating func take(_ part: Fragment, _ bytes: RawSpan, at time: Int64) -> (payload: [UInt8], next: UInt8)? {
    partCount += 1
    makeRoom(at: time)
    let end = part.offset + bytes.byteCount
    // Parts but the last are whole units of 8 bytes.
    guard !part.isCut, bytes.byteCount > 0, end <= Self.longestPayload, !part.hasMore || bytes.byteCount & 7 == 0
    else { return nil }
    let key = Key(
      source: part.source, target: part.target, identification: part.identification,
      next: part.source.isIPv6 ? 0 : part.next)
    if let known = packets[key], let whole = known.wholeTime {
      if time &- whole < Self.repetition {
        usedCount += 1
        return nil
      }
      packets[key] = nil
    }
    if packets[key] == nil { begin(key, time) }
    guard var packet = packets.removeValue(forKey: key) else { return nil }
    let before = packet.size
    packet.add(part, bytes, end)
    byteCount += packet.size - before
    defer { packets[key] = packet }
    // Parts that do not overlap and are as long together as the whole are the whole.
    guard let length = packet.length, packet.byteCount == length, let next = packet.next else { return nil }
    usedCount += packet.partCount
    byteCount -= packet.size
    let payload = packet.parts.flatMap(\.bytes)
    packet.wholeTime = time
    packet.drop()
    return (payload, next)
  }

  private mutating func begin(_ key: Key, _ time: Int64) {
    serial += 1
    packets[key] = Packet(serial: serial, firstTime: time)
    order.append((key, serial))
  }

  /// Drops the oldest packets until there is room for one more of the greatest length.
  private mutating func makeRoom(at time: Int64) {
    while firstInOrder < order.count {
      let (key, serial) = order[firstInOrder]
      if let packet = packets[key], packet.serial == serial {
        guard
          packets.count >= Self.mostPackets || byteCount > Self.mostBytes - Self.longestPayload
            || time &- packet.firstTime > Self.longestWait
        else { break }
        byteCount -= packet.size
        packets[key] = nil
      }
      firstInOrder += 1
    }
    if firstInOrder > 2 * Self.mostPackets || order.count > 8 * Self.mostPackets {
      order = order[firstInOrder...].filter { packets[$0.key]?.serial == $0.serial }
      firstInOrder = 0
    }
  }
}

extension FragmentTable.Packet {
  /// What its parts take in memory, about.
  fileprivate var size: Int { byteCount + parts.count * 64 }

  fileprivate mutating func add(_ part: Fragment, _ bytes: RawSpan, _ end: Int) {
    partCount += 1
    if isRefused { return }
    let index = place(of: part.offset)
    let isBehind = index == 0 || parts[index - 1].offset + parts[index - 1].bytes.count <= part.offset
    let isBefore = index == parts.count || end <= parts[index].offset
    guard isBehind && isBefore else {
      // Bytes that are there already: either the very same part, or nobody's honest packet.
      let isRepetition =
        index < parts.count && parts[index].offset == part.offset
        && bytes.withUnsafeBytes { parts[index].bytes.elementsEqual($0) }
      if !isRepetition { refuse() }
      return
    }
    if !part.hasMore {
      if length != nil || index < parts.count { return refuse() }
      length = end
    } else if let length, end > length {
      return refuse()
    }
    if part.offset == 0 { next = part.next }
    parts.insert((part.offset, bytes.withUnsafeBytes { Array($0) }), at: index)
    byteCount += bytes.byteCount
  }

  /// Lets go of the bytes.
  fileprivate mutating func drop() {
    parts = []
    byteCount = 0
    length = nil
  }

  private mutating func refuse() {
    isRefused = true
    drop()
  }

  /// Where a part belongs among those that are there: before the first that does not begin before it.
  private func place(of offset: Int) -> Int {
    var low = 0
    var high = parts.count
    while low < high {
      let middle = (low + high) / 2
      if parts[middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
