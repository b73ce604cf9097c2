import CLinux
import Disk
import Glibc
import PikettTesting
import Synchronization
import Testing

/// A gate that threads wait at: a semaphore that any number of threads may use.
final class Gate: Sendable {
  private let fd = eventfd(0, linux_eventfd_cloexec)
  func open() { linux_wake(fd) }
  /// Waits until the gate is opened; gives up after ten seconds.
  func wait() -> Bool {
    var poller = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, 10_000) == 1 && linux_drain_counter(fd) > 0
  }
  deinit { close(fd) }
}

@Suite("the disk thread")
struct DiskWorkerTests {
  @Test("journal jobs go before all others, in one batch, and the batch ends once")
  func order() throws {
    let worker = try DiskWorker()
    let log = Mutex<[String]>([])
    let add: @Sendable (String) -> Void = { text in log.withLock { $0.append(text) } }
    let (started, release) = (Gate(), Gate())
    worker.afterJournal { add("commit") }
    worker.enqueue {
      started.open()
      _ = release.wait()
    }
    #expect(started.wait())
    for index in 1...3 { worker.enqueue { add("cdr \(index)") } }
    for index in 1...3 { worker.journal { add("hop \(index)") } }
    release.open()
    #expect(worker.stop(patience: .seconds(10)))
    #expect(log.withLock { $0 } == ["hop 1", "hop 2", "hop 3", "commit", "cdr 1", "cdr 2", "cdr 3"])
    #expect(!worker.enqueue {}, "no job is taken after the end")
  }

  @Test("a full queue refuses ordinary jobs, never journal jobs")
  func full() throws {
    let worker = try DiskWorker(limit: 4)
    let (started, release) = (Gate(), Gate())
    let journaled = Mutex(0)
    worker.enqueue {
      started.open()
      _ = release.wait()
    }
    #expect(started.wait())
    #expect(worker.hasRoom)
    #expect((1...6).map { _ in worker.enqueue {} } == [true, true, true, true, false, false])
    #expect(!worker.hasRoom)
    for _ in 1...10 { worker.journal { journaled.withLock { $0 += 1 } } }
    #expect(!worker.stop(patience: .milliseconds(1)), "a hung disk does not hold the exit")
    release.open()
    #expect(worker.stop(patience: .seconds(10)))
    #expect(journaled.withLock { $0 } == 10)
  }
}

@Suite("watching a site", .serialized)
struct SiteWatchTests {
  let folder = TemporaryDirectory()
  let disk = RealFilesystem()

  @Test("an edit is told once, when it is quiet; also in a directory that is new")
  func edits() throws {
    try disk.makeDirectory(joined(folder.path, "731"))
    let gate = Gate()
    let count = Mutex(0)
    let watch = try SiteWatch(root: folder.path, quiet: .milliseconds(50)) {
      count.withLock { $0 += 1 }
      gate.open()
    }
    for index in 1...20 { try disk.replace(joined(folder.path, "731/Name.txt"), [UInt8(index)], sync: false) }
    #expect(gate.wait())
    #expect(count.withLock { $0 } == 1)
    try disk.makeDirectory(joined(folder.path, "732"))
    #expect(gate.wait())
    try disk.create(joined(folder.path, "732/Fork.txt"), [1], sync: false)
    #expect(gate.wait())
    try disk.remove(joined(folder.path, "732/Fork.txt"))
    #expect(gate.wait())
    watch.stop()
  }

  @Test("what Pikett writes itself does not count")
  func ownWrites() throws {
    for name in ["ticket", "state"] { try disk.makeDirectory(joined(folder.path, name)) }
    let gate = Gate()
    let count = Mutex(0)
    let watch = try SiteWatch(root: folder.path, quiet: .milliseconds(20)) {
      count.withLock { $0 += 1 }
      gate.open()
    }
    try disk.replace(joined(folder.path, "TickeNR.TXT"), [0x31], sync: false)
    try disk.create(joined(folder.path, "ticket/a.txt"), [], sync: false)
    try disk.makeDirectory(joined(folder.path, "cdr"))
    // The event that counts comes after all that do not.
    try disk.create(joined(folder.path, "CFU.txt"), [], sync: false)
    #expect(gate.wait())
    #expect(count.withLock { $0 } == 1)
    watch.stop()
  }

  @Test("a directory that is not there cannot be watched")
  func missing() {
    #expect(throws: DiskError.self) { try SiteWatch(root: joined(folder.path, "no")) {} }
  }
}
