import CLinux
import Glibc
import Synchronization

/// What a record in the recorder's ring is about.
enum RecordKind: UInt32 {
  /// Nothing more until the ring's end; the next record stands at its start.
  case wrap
  /// A capture record, ready to be written to the file in the slot.
  case frame
  /// A file to be created; the bytes are its path.
  case open
  /// The file in the slot gets another name; the bytes are its path.
  case rename
  /// The file in the slot is complete.
  case close
  /// The producer has ended; nothing follows.
  case end
}

/// The head of each record. Records begin at multiples of 8 and never run over the ring's end.
struct RecordHead {
  static let length = 24
  var kind: UInt32
  var slot: UInt32
  /// The content's length in bytes, without this head and without padding.
  var contentLength: UInt64
  /// The recording's name, for what happens to it.
  var recording: UInt64
}

/// A ring of bytes from one producer (the RTP thread) to one consumer (the recorder's).
///
/// Positions count all bytes ever passed; only their remainder is a place in the ring. Memory is reserved at once and
/// touched when needed: whenever the consumer has caught up, the producer begins at the ring's start again.
final class RecorderRing: @unchecked Sendable {
  // Unchecked: `base` is written by the producer beyond `head` only, and read by the consumer below `head` only; the
  // release of `head` and `tail` and their acquisition order the accesses.
  let base: UnsafeMutableRawPointer
  let capacity: Int
  /// Written by the producer: all before it is complete.
  let head = Atomic<UInt64>(0)
  /// Written by the consumer: all before it may be overwritten.
  let tail = Atomic<UInt64>(0)
  /// Where the producer has gone back to the ring's start with nothing left to read: from `skipFrom` the consumer goes
  /// on at `skipTo`. Outside the ring, so that all of the ring is free for what follows.
  let skipFrom = Atomic<UInt64>(.max)
  let skipTo = Atomic<UInt64>(0)
  /// Wakes the consumer.
  let wakeDescriptor: Int32

  /// - Parameter bytes: the size wished for; at least 256 KB are taken, a power of two.
  init?(bytes: Int) {
    var capacity = 256 * 1024
    while capacity < bytes, capacity < 1 << 30 { capacity *= 2 }
    self.capacity = capacity
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let base = mmap(nil, capacity, PROT_READ | PROT_WRITE, flags, -1, 0), base != MAP_FAILED else { return nil }
    let descriptor = eventfd(0, linux_eventfd_flags)
    guard descriptor >= 0 else {
      munmap(base, capacity)
      return nil
    }
    self.base = base
    wakeDescriptor = descriptor
  }

  deinit {
    munmap(base, capacity)
    close(wakeDescriptor)
  }
}

/// The producer's end of the ring.
struct RingProducer {
  /// Kept free of capture records, so that a file can be closed however full the ring is.
  private static let reserve = 64 * 1024
  /// Beneath this much use there is no point in beginning at the ring's start again.
  private static let worthRewinding = 256 * 1024

  private let ring: RecorderRing
  // The ring's, at hand.
  private let base: UnsafeMutableRawPointer
  private let capacity: Int
  private var head: UInt64 = 0
  private var knownTail: UInt64 = 0
  private var lastWake: UInt64 = 0
  /// What the record being written takes.
  private var pending = 0

  init(_ ring: RecorderRing) {
    self.ring = ring
    base = ring.base
    capacity = ring.capacity
  }

  /// A place for a record with `length` bytes of content; `commit` makes it visible. Nil: the ring is full.
  mutating func begin(
    _ kind: RecordKind, slot: UInt32, recording: UInt64, length: Int
  ) -> UnsafeMutableRawBufferPointer? {
    let needed = (RecordHead.length + length + 7) & ~7
    let margin = kind == .frame ? Self.reserve : 0
    if place > Self.worthRewinding { rewindIfCaughtUp() }
    if capacity - place < needed + RecordHead.length {
      let room = capacity - place
      guard hasFree(room + needed + margin) else { return nil }
      writeHead(.wrap, slot: 0, recording: 0, length: 0, at: place)
      head &+= UInt64(room)
    }
    guard hasFree(needed + margin) else { return nil }
    let place = place
    writeHead(kind, slot: slot, recording: recording, length: length, at: place)
    pending = needed
    return UnsafeMutableRawBufferPointer(start: base + place + RecordHead.length, count: length)
  }

  /// The record begun last is complete.
  mutating func commit() {
    head &+= UInt64(pending)
    pending = 0
    ring.head.store(head, ordering: .releasing)
    if head &- lastWake > UInt64(capacity / 8) { wake() }
  }

  /// Wakes the consumer now, not at its next interval.
  mutating func wake() {
    lastWake = head
    linux_wake(ring.wakeDescriptor)
  }

  /// Where the next record stands in the ring.
  private var place: Int { Int(truncatingIfNeeded: head) & (capacity - 1) }

  @inline(__always)
  private mutating func hasFree(_ count: Int) -> Bool {
    if capacity - Int(truncatingIfNeeded: head &- knownTail) >= count { return true }
    // After going back to the start, the consumer's own tail may still stand before the gap.
    knownTail = max(knownTail, ring.tail.load(ordering: .acquiring))
    return capacity - Int(truncatingIfNeeded: head &- knownTail) >= count
  }

  /// Goes on at the ring's start if the consumer has read all there is, so that memory is touched no further than need be.
  private mutating func rewindIfCaughtUp() {
    guard ring.tail.load(ordering: .acquiring) == head else { return }
    let start = head &+ UInt64(capacity - place)
    // The consumer looks here only once it has seen a head beyond, whose release orders these.
    ring.skipTo.store(start, ordering: .relaxed)
    ring.skipFrom.store(head, ordering: .relaxed)
    head = start
    knownTail = start
    lastWake = start
  }

  private func writeHead(_ kind: RecordKind, slot: UInt32, recording: UInt64, length: Int, at place: Int) {
    (base + place).storeBytes(
      of: RecordHead(kind: kind.rawValue, slot: slot, contentLength: UInt64(length), recording: recording),
      as: RecordHead.self)
  }
}
