import CLinux
import Glibc
import Synchronization

/// The recorder's thread: takes records out of the ring and writes them to their files.
///
/// It never makes the RTP thread wait: while a disk is slow the ring fills, and when it is full the RTP thread drops
/// recording bytes.
final class Recorder {
  /// How long records may lie in the ring: with one write's time, well under the 500 ms that are promised.
  private static let interval: Int32 = 400
  /// Up to so many files are synced one by one; more, by one sync of their file system.
  private static let syncedSingly = 3
  /// The ring is freed in steps of this size while a long backlog is written.
  private static let stepBytes: UInt64 = 512 * 1024

  private let ring: RecorderRing
  private let syncs: Bool
  private let onEvent: @Sendable (EngineEvent) -> Void
  /// The files by slot.
  let files: UnsafeMutableBufferPointer<RecordingFile?>
  private var openFiles = 0
  /// Slots with records gathered in this step.
  private var touched: [Int] = []
  private var hasEnded = false

  init(ring: RecorderRing, slots: Int, syncs: Bool, onEvent: @escaping @Sendable (EngineEvent) -> Void) {
    self.ring = ring
    self.syncs = syncs
    self.onEvent = onEvent
    files = .allocate(capacity: slots)
    files.initialize(repeating: nil)
    touched.reserveCapacity(slots)
  }

  deinit {
    files.deinitialize()
    files.deallocate()
  }

  /// Runs until the producer has ended and all is written.
  func run() {
    while !hasEnded {
      var wait = pollfd(fd: ring.wakeDescriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&wait, 1, openFiles > 0 ? Self.interval : -1)
      _ = linux_drain_counter(ring.wakeDescriptor)
      drain()
      if syncs { syncAll() }
    }
  }

  /// Writes out all that is in the ring.
  func drain() {
    var tail = ring.tail.load(ordering: .relaxed)
    while true {
      let head = ring.head.load(ordering: .acquiring)
      if head == tail { return }
      let limit = min(head, tail &+ Self.stepBytes)
      while tail < limit {
        if tail == ring.skipFrom.load(ordering: .relaxed) {
          tail = ring.skipTo.load(ordering: .relaxed)
          continue
        }
        tail &+= take(at: Int(truncatingIfNeeded: tail) & (ring.capacity - 1))
      }
      flushTouched()
      ring.tail.store(tail, ordering: .releasing)
    }
  }

  /// Handles the record at `place`; returns how far the next one is.
  private func take(at place: Int) -> UInt64 {
    let head = (ring.base + place).load(as: RecordHead.self)
    let content = ring.base + place + RecordHead.length
    let length = Int(truncatingIfNeeded: head.contentLength)
    let slot = Int(head.slot)
    let recording = RecordingID(rawValue: head.recording)
    switch RecordKind(rawValue: head.kind) {
    case .frame: append(content, length, to: slot)
    case .open:
      open(
        recording, path: String(decoding: UnsafeRawBufferPointer(start: content, count: length), as: UTF8.self), slot)
    case .rename:
      rename(String(decoding: UnsafeRawBufferPointer(start: content, count: length), as: UTF8.self), slot)
    case .close: close(slot)
    case .end: hasEnded = true
    case .wrap, .none: return UInt64(ring.capacity - place)
    }
    return UInt64((RecordHead.length + length + 7) & ~7)
  }

  private func append(_ record: UnsafeMutableRawPointer, _ length: Int, to slot: Int) {
    guard let hadPending = files[slot]?.hasPending, let code = files[slot]?.append(record, length) else { return }
    if !hadPending { touched.append(slot) }
    if code != 0 { tell(code, slot) }
  }

  private func open(_ recording: RecordingID, path: String, _ slot: Int) {
    let (file, code) = RecordingFile.create(recording, path: path)
    files[slot] = file
    openFiles += 1
    touched.append(slot)
    tell(code, slot)
    if code != 0 { onEvent(.recordingRefused(recording)) }
  }

  private func rename(_ path: String, _ slot: Int) {
    guard let code = files[slot]?.rename(to: path) else { return }
    tell(code, slot)
  }

  private func close(_ slot: Int) {
    guard var file = files[slot] else { return }
    files[slot] = nil
    openFiles -= 1
    tell(file.flush(), &file)
    if syncs { tell(file.sync(), &file) }
    tellDropped(&file)
    file.end()
    onEvent(.recordingClosed(file.recording, path: file.path))
  }

  private func flushTouched() {
    for slot in touched {
      guard let code = files[slot]?.flush() else { continue }
      tell(code, slot)
    }
    touched.removeAll(keepingCapacity: true)
  }

  private func syncAll() {
    var dirty = 0
    for slot in files.indices where files[slot]?.isDirty == true { dirty += 1 }
    for slot in files.indices where files[slot]?.isDirty == true {
      if dirty > Self.syncedSingly, let descriptor = files[slot]?.descriptor, linux_syncfs(descriptor) == 0 {
        // Recordings lie in one directory, so this has reached them all.
        for other in files.indices { files[other]?.wasSynced() }
        return
      }
      guard let code = files[slot]?.sync() else { continue }
      tell(code, slot)
    }
  }

  private func tell(_ code: Int32, _ slot: Int) {
    guard var file = files[slot] else { return }
    guard code != 0 || file.dropped > 0 || file.toldError != 0 else { return }
    tell(code, &file)
    files[slot] = file
  }

  /// A fault is told once, and again only after it was gone or has become another.
  private func tell(_ code: Int32, _ file: inout RecordingFile) {
    if code == 0 {
      // A sync that succeeds says nothing of what could not be written.
      if file.isRefused { return }
      if file.isOpen, file.toldError != 0 { tellDropped(&file) }
      if file.isOpen { file.toldError = 0 }
      return
    }
    guard code != file.toldError else { return }
    file.toldError = code
    onEvent(.recordingFailed(file.recording, errno: code, path: file.path))
  }

  private func tellDropped(_ file: inout RecordingFile) {
    guard file.dropped > 0 else { return }
    onEvent(.recordingDropped(file.recording, bytes: file.dropped))
    file.dropped = 0
  }
}
