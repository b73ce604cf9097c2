import Frames
import Glibc
import Telephony

/// EBUFS-like: there is no slot or no room in the ring for one more recording.
let noRoomForRecording = ENOBUFS

/// The RTP thread's side of the recordings: puts capture records into the recorder's ring.
struct RecorderTap {
  private struct Slot {
    var recording: RecordingID?
    /// Times within a file never go back.
    var lastTime = WallTime(microseconds: .min)
    var dropped = 0
  }

  private var producer: RingProducer
  private let slots: UnsafeMutableBufferPointer<Slot>

  init(ring: RecorderRing, slots count: Int) {
    producer = RingProducer(ring)
    slots = .allocate(capacity: max(1, count))
    slots.initialize(repeating: Slot())
  }

  /// The slot of a running recording.
  func slot(of recording: RecordingID) -> Int32? {
    slots.firstIndex { $0.recording == recording }.map { Int32($0) }
  }

  /// - Returns: false if there are too many recordings, or the ring is full.
  mutating func start(_ recording: RecordingID, path: String) -> Bool {
    guard slot(of: recording) == nil, let free = slots.firstIndex(where: { $0.recording == nil }) else { return false }
    let bytes = Array(path.utf8)
    guard let place = producer.begin(.open, slot: UInt32(free), recording: recording.rawValue, length: bytes.count)
    else { return false }
    place.copyBytes(from: bytes)
    producer.commit()
    producer.wake()
    slots[free] = Slot(recording: recording)
    return true
  }

  /// Names a running recording; a full ring leaves it its old name.
  mutating func rename(_ slot: Int32, path: String) {
    guard let recording = slots[Int(slot)].recording else { return }
    let bytes = Array(path.utf8)
    guard let place = producer.begin(.rename, slot: UInt32(slot), recording: recording.rawValue, length: bytes.count)
    else { return }
    place.copyBytes(from: bytes)
    producer.commit()
    producer.wake()
  }

  /// Puts one datagram into the recording; drops it if the ring is full.
  mutating func record(
    _ slot: Int32, _ time: WallTime, from source: FrameAddress, to target: FrameAddress, payload: UnsafeRawBufferPointer
  ) {
    let index = Int(slot)
    guard let recording = slots[index].recording else { return }
    let length = PcapFormat.frameLength(payloadLength: payload.count, isIPv6: source.isIPv6 || target.isIPv6)
    guard let place = producer.begin(.frame, slot: UInt32(slot), recording: recording.rawValue, length: length) else {
      slots[index].dropped &+= length
      return
    }
    if time.microseconds > slots[index].lastTime.microseconds { slots[index].lastTime = time }
    let time = slots[index].lastTime
    _ = PcapFormat.writeUDPFrame(into: place, time: time, from: source, to: target, payload: payload)
    producer.commit()
  }

  mutating func stop(_ slot: Int32) {
    guard let recording = slots[Int(slot)].recording else { return }
    // The room kept free for this makes a refusal impossible in practice; the file would stay open until the end.
    guard producer.begin(.close, slot: UInt32(slot), recording: recording.rawValue, length: 0) != nil else { return }
    producer.commit()
    producer.wake()
    slots[Int(slot)] = Slot()
  }

  /// Bytes dropped since the last call, if any.
  mutating func takeDropped(_ slot: Int32) -> (RecordingID, Int)? {
    guard let recording = slots[Int(slot)].recording, slots[Int(slot)].dropped > 0 else { return nil }
    defer { slots[Int(slot)].dropped = 0 }
    return (recording, slots[Int(slot)].dropped)
  }

  /// How many slots there are.
  var count: Int32 { Int32(slots.count) }

  /// Closes all recordings and tells the recorder that nothing follows.
  mutating func end() {
    for slot in 0..<count { stop(slot) }
    if producer.begin(.end, slot: 0, recording: 0, length: 0) != nil { producer.commit() }
    producer.wake()
    slots.deallocate()
  }
}
