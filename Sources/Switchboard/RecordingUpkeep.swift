import CLinux
import Disk
import Logging
import Records
import Synchronization
import Telephony

/// A recording that has been closed.
struct ClosedCall: Sendable {
  /// Where it lies, or should.
  var path: String
  /// The name it was to have.
  var wanted: String
  /// False: it could not be created.
  var isThere: Bool
  var mark: RecordingMark?
  var makesWave: Bool
  /// `Retention.txt` will delete it one day.
  var isRetired = false
}

/// Sees to finished recordings on a thread that waits for all others: checksums, marks, WAV files, deletion.
///
/// Its methods only queue what is to be done. What a full queue or the end of the daemon costs is made good by `keepUp`.
final class RecordingUpkeep: Sendable {
  private struct State: Sendable {
    var archive: RecordingArchive
    /// Recordings of which a WAV was tried; one that gives none is not tried again.
    var tried: Set<String> = []
  }

  /// Begun when there is something to do: a line that is never called needs no such thread.
  private let worker = Mutex<DiskWorker?>(nil)
  private let logger: Logger
  private let waveProgram: String?
  /// Used on the worker only.
  private let state: Mutex<State>
  private let hasWaitingMarks = Atomic<Bool>(false)
  /// Milliseconds after which `keepUp` should come again; 0: not before its hour.
  private let comesAgain = Atomic<Int64>(0)
  private let child = RunningChild()

  init(logger: Logger, waveProgram: String?) {
    self.logger = logger
    self.waveProgram = waveProgram
    state = Mutex(State(archive: RecordingArchive { Self.tell($0, logger) }))
  }

  /// A recording is complete.
  func closed(_ call: ClosedCall) {
    let isTaken = work { upkeep, state in
      let path = call.isThere ? state.archive.rename(call.path, to: call.wanted) : call.path
      if let mark = call.mark { state.archive.mark(path, mark) }
      guard call.isThere else { return }
      state.archive.seal(path, isRemembered: call.isRetired)
      if call.makesWave { upkeep.makeWave(path, &state) }
    }
    if !isTaken {
      logger.error(
        "a recording waits for its checksum and its WAV, until the next hour or start",
        metadata: ["path": "\(call.path)", "problem": "too much is to be done"])
    }
  }

  /// Makes good what is missing, and deletes what is too old.
  func keepUp(_ directory: String, days: Int, makesWaves: Bool, calendar: LocalCalendar) {
    work { upkeep, state in
      let now = currentWallTime()
      _ = state.archive.keepUp(directory, days: days, now: now, calendar: calendar)
      // The names and sums of many thousand recordings.
      defer { linux_trim_heap() }
      guard makesWaves else { return }
      for path in state.archive.withoutWave(directory, now: now) where !state.tried.contains(path) {
        upkeep.makeWave(path, &state)
      }
    }
  }

  /// Every few seconds: marks that the disk refused are tried again.
  /// - Returns: how long after the last `keepUp` there is something to be made good again; nil: nothing.
  func tick() -> Duration? {
    if hasWaitingMarks.load(ordering: .relaxed) { work { _, state in state.archive.retryMarks() } }
    let wait = comesAgain.load(ordering: .relaxed)
    return wait > 0 ? .milliseconds(wait) : nil
  }

  /// Gives what waits a moment; the rest is made good at the next start.
  func stop() {
    worker.withLock { $0 }?.stop(patience: .milliseconds(500))
    child.stop()
  }

  /// - Returns: false if it cannot be done.
  @discardableResult private func work(_ body: @escaping @Sendable (RecordingUpkeep, inout State) -> Void) -> Bool {
    let worker = worker.withLock { worker in
      do throws(DiskError) {
        if worker == nil { worker = try DiskWorker(name: "pikett-archive", yields: true) }
      } catch {
        logger.error("the archive of recordings", metadata: ["fault": "\(error)"])
      }
      return worker
    }
    guard let worker else { return false }
    return worker.enqueue { [self] in
      state.withLock { state in
        body(self, &state)
        hasWaitingMarks.store(state.archive.hasWaitingMarks, ordering: .relaxed)
        comesAgain.store(state.archive.comesAgain?.milliseconds ?? 0, ordering: .relaxed)
      }
    }
  }

  private func makeWave(_ path: String, _ state: inout State) {
    guard let waveProgram else {
      return logger.error("no WAV can be made", metadata: ["path": "\(path)", "problem": "pcap2wave is not installed"])
    }
    // The next start makes it.
    if child.isStopped { return }
    state.tried.insert(path)
    guard let end = ChildProcess.run(waveProgram, [path], limit: .seconds(600), as: child) else {
      return logger.error(
        "no WAV can be made", metadata: ["path": "\(path)", "problem": "pcap2wave cannot be started"])
    }
    if child.isStopped, end.code > 128 { return }
    if end.code == 0 {
      logger.info("WAV made", metadata: ["path": "\(path.dropLast(5)).wav"])
    } else {
      let words = end.words.split(separator: "\n").joined(separator: "; ")
      logger.error("no WAV can be made", metadata: ["path": "\(path)", "exit": "\(end.code)", "problem": "\(words)"])
    }
  }

  private static func tell(_ note: ArchiveNote, _ logger: Logger) {
    switch note {
    case .sealed(let path, let sha256):
      logger.info("recording's checksum written", metadata: ["path": "\(path)", "sha256": "\(sha256)"])
    case .marked(let path): logger.info("what a recording lacks is noted beside it", metadata: ["path": "\(path)"])
    case .tornRecordCut(let path, let bytes):
      logger.info("recording's torn end cut off", metadata: ["path": "\(path)", "bytes": "\(bytes)"])
    case .deleted(let path, let bytes):
      logger.info("recording deleted by Retention.txt", metadata: ["path": "\(path)", "bytes": "\(bytes)"])
    case .fault(let fault): logger.error("the archive of recordings", metadata: ["fault": "\(fault)"])
    }
  }
}
