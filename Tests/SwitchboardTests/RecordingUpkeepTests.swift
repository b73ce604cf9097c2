import Disk
import Glibc
import Logging
import PikettTesting
import Records
import Synchronization
import Telephony
import Testing

@testable import Switchboard

@Suite struct RecordingUpkeepTests {
  private static let name = "12.10.2012_14.00_Ticket_1234_Caller_03472619287"
  let folder = TemporaryDirectory()

  @Test func `a program's words and its end are told; one that hangs is killed; one that is not there is not started`()
    throws
  {
    let told = try #require(
      ChildProcess.run("/bin/sh", ["-c", "echo no; echo never >&2; exit 3"], limit: .seconds(20)))
    #expect(told.code == 3 && told.words == "no\nnever\n")
    let long = try #require(ChildProcess.run("/bin/sh", ["-c", "head -c 100000 /dev/zero"], limit: .seconds(20)))
    #expect(long.code == 0 && (4096...8192).contains(long.words.utf8.count))
    let hung = try #require(ChildProcess.run("/bin/sleep", ["1000"], limit: .milliseconds(20)))
    #expect(hung.code == 128 + SIGKILL)
    #expect(ChildProcess.run("/nonexistent", [], limit: .seconds(1)) == nil)
  }

  @Test func `a program that is running when all ends is ended, and none begins any more`() throws {
    let running = RunningChild()
    DetachedThread.run {
      while !running.isRunning { sched_yield() }
      running.stop()
    }
    let end = ChildProcess.run("/bin/cat", ["/dev/zero"], limit: .seconds(60), as: running)
    #expect(end?.code == 128 + SIGKILL)
    #expect(ChildProcess.run("/bin/true", [], limit: .seconds(60), as: running) == nil)
  }

  @Test func `a closed recording gets its name, its mark, its checksum and its WAV, in this order, and all is logged`()
    throws
  {
    let lines = LogBook()
    let program = try folder.write("wave", Array("#!/bin/sh\necho \"no call in $1\"; exit 1\n".utf8))
    chmod(program, 0o700)
    let unnamed = try folder.write("12.10.2012_14.00_Call_7.000001_Caller_03472619287.pcap", [1, 2, 3])
    let path = folder.file(Self.name + ".pcap")
    let upkeep = RecordingUpkeep(logger: lines.logger, waveProgram: program)
    upkeep.closed(
      ClosedCall(path: unnamed, wanted: path, isThere: true, mark: .lost(bytes: 70), makesWave: true))
    upkeep.closed(
      ClosedCall(
        path: folder.file("none.pcap"), wanted: folder.file("none.pcap"), isThere: false, mark: .lost(bytes: 9),
        makesWave: true))
    upkeep.keepUp(folder.path, days: 0, makesWaves: true, calendar: .utc)
    upkeep.stop()
    let names = try RealFilesystem().list(folder.path)
    #expect(
      names == [Self.name + ".pcap", Self.name + ".pcap.lost-70", "SHA256SUMS", "none.pcap.lost-9", "wave"])
    // Tried once, and not again.
    let words = lines.all
    try #require(words.count == 4)
    #expect(words[0].hasPrefix("what a recording lacks") && words[0].contains("path=\(path).lost-70"))
    #expect(words[1].hasPrefix("recording's checksum written"))
    #expect(words[2].contains("exit=1") && words[2].contains("problem=no call in \(path)"))
    #expect(words[3].hasPrefix("what a recording lacks") && words[3].contains("none.pcap.lost-9"))
    // The end has come: the next start makes it good.
    upkeep.closed(ClosedCall(path: path, wanted: path, isThere: true, mark: nil, makesWave: true))
    #expect(lines.all.count == 5 && lines.all.last?.contains("path=\(path)") == true)
  }
}

/// What was logged.
private final class LogBook: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }

  private struct Handler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    let book: LogBook
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      let pairs = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
      book.lines.withLock { $0.append("\(event.message) \(pairs.joined(separator: " "))") }
    }
  }

  var logger: Logger { Logger(label: "test") { _ in Handler(book: self) } }
}
