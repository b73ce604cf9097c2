import CallAudio
import Capture
import Frames
import Glibc

/// A capture file, gzip and all: what is read of it twice is the same, and of a file cut off a beginning of that.
func fuzzCapture(_ bytes: [UInt8]) throws(Broken) {
  let whole = datagrams(bytes, withSegments: true)
  try hold(datagrams(bytes, withSegments: true) == whole, "read twice it is the same")
  try hold(
    datagrams(bytes, withSegments: false)?.filter { !$0.isSegment } == whole?.filter { !$0.isSegment },
    "segments make no difference to datagrams")
  guard bytes.count > 1 else { return }
  let part = Array(bytes[..<(1 + Int(bytes.digest % UInt64(bytes.count - 1)))])
  guard let cut = datagrams(part, withSegments: true) else { return }
  try hold(whole?.starts(with: cut) == true, "a file cut off gives a beginning of the whole")
}

/// A capture file's calls: found without a trap, and written as sound.
func fuzzCall(_ bytes: [UInt8]) throws(Broken) {
  guard let stored = MemoryFile(bytes) else { return }
  guard let file = try? CaptureFile(path: stored.path), let survey = try? CallSurvey(of: file) else { return }
  try hold(survey.calls.map(\.number) == Array(1...survey.calls.count + 1).dropLast(), "calls are numbered from 1")
  // A damaged time can make a call of days.
  let calls = survey.calls.filter { $0.duration < 60_000_000_000 }
  let folder = "/dev/shm/pikett-fuzz-\(getpid())"
  mkdir(folder, 0o700)
  let written = try? Conversion(overwrites: true, rendersKeys: true).write(calls, of: file, survey) {
    ["\(folder)/\($0.number).wav"]
  }
  for call in calls { unlink("\(folder)/\(call.number).wav") }
  rmdir(folder)
  try hold(written?.count == calls.count, "each call makes a file")
}

/// What a reader says of one datagram; the payload by its digest.
private struct Summary: Equatable {
  var source: FrameAddress
  var target: FrameAddress
  var time: Int64
  var record: Int
  var isSegment: Bool
  var sequence: UInt32
  var digest: UInt64
}

/// - Returns: nil if the file is refused.
private func datagrams(_ bytes: [UInt8], withSegments: Bool) -> [Summary]? {
  guard let stored = MemoryFile(bytes), let file = try? CaptureFile(path: stored.path),
    var reader = try? file.reader(withSegments: withSegments)
  else { return nil }
  var found: [Summary] = []
  while reader.next() {
    found.append(
      Summary(
        source: reader.datagram.source, target: reader.datagram.target, time: reader.time,
        record: reader.recordNumber, isSegment: reader.isSegment,
        sequence: reader.isSegment ? reader.segment.sequence : 0,
        digest: reader.payload.withUnsafeBytes { Array($0).digest }))
  }
  return found
}

/// A file that is nowhere but in memory.
private final class MemoryFile {
  private let descriptor: Int32
  var path: String { "/proc/self/fd/\(descriptor)" }

  /// nil if the system gives none.
  init?(_ bytes: [UInt8]) {
    var name = Array("/dev/shm/pikett-fuzz-XXXXXX".utf8CString)
    descriptor = mkstemp(&name)
    unlink(name)
    guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
