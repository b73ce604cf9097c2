import CallControl
import Disk
import Logging
import NIOCore
import RTPEngine
import Records
import Site
import Telephony

/// What becomes of a recording, from its beginning until it is closed.
struct RecordingFate {
  var call: CallID
  /// The name it is to have.
  var path: String
  /// Bytes that could not be written.
  var lost: UInt64 = 0
  /// A fault was told: bytes are missing of which nobody has counted the last yet.
  var hasFailed = false
  /// The file could not be created.
  var isRefused = false

  /// What a message says of it.
  var flaw: RecordingFlaw? {
    if isRefused { return .missing }
    return lost > 0 || hasFailed ? .incomplete : nil
  }
}

/// The recordings' faults and ends: what the engine tells of them.
extension Switchboard {
  func recordingFailed(_ id: RecordingID, _ fault: DiskError) {
    let call = recordingFates[id].map { "\($0.call)" } ?? ""
    logger.error("the recording cannot be written", metadata: ["call": "\(call)", "fault": "\(fault)"])
    recordingFates[id]?.hasFailed = true
  }

  func recordingDropped(_ id: RecordingID, bytes: Int) {
    guard let fate = recordingFates[id] else { return }
    logger.error(
      "recording bytes lost",
      metadata: ["call": "\(fate.call)", "bytes": "\(bytes)", "path": "\(fate.path)"])
    recordingFates[id]?.lost += UInt64(bytes)
  }

  func recordingClosed(_ id: RecordingID, _ path: String) {
    guard let fate = recordingFates.removeValue(forKey: id) else { return }
    if !fate.isRefused { logger.info("recording closed", metadata: ["call": "\(fate.call)", "path": "\(path)"]) }
    upkeep.closed(
      ClosedCall(
        path: fate.isRefused ? fate.path : path, wanted: fate.path, isThere: !fate.isRefused,
        mark: fate.flaw.map { _ in .lost(bytes: fate.lost) }, makesWave: control.site.makesWaves,
        isRetired: control.site.retentionDays > 0))
  }

  /// What the message of a call says of its recording, as far as is known at its end.
  func recordingFlaw(of call: CallID) -> RecordingFlaw? { recordings[call].flatMap { recordingFates[$0.id]?.flaw } }

  /// Every few seconds: a disk that has refused is tried again, with all that is missing after a minute at the earliest.
  func tendRecordings() {
    guard let wait = upkeep.tick(), currentMoment().instant - recordingsKeptAt >= wait else { return }
    keepUpRecordings()
  }

  /// At the start: what a former run has left.
  func lookForRecordings() {
    guard let directory = control.site.recordingDirectory.map({ sitePath($0) }) else { return }
    disk.enqueue { [weak self, loop] in
      var isEmpty = true
      try? RealFilesystem().eachName(in: directory) { _ in isEmpty = false }
      guard !isEmpty else { return }
      loop.execute { [weak self] in self?.assumeIsolated { $0.keepUpRecordings() } }
    }
  }

  /// At the start, every hour, and when the owner has changed his mind.
  func keepUpRecordings() {
    recordingsKeptAt = currentMoment().instant
    guard let directory = control.site.recordingDirectory else { return }
    upkeep.keepUp(
      sitePath(directory), days: control.site.retentionDays, makesWaves: control.site.makesWaves, calendar: calendar)
  }
}
