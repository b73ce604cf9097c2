import CLinux
import Glibc
import Synchronization
import Telephony

/// Where blocking work on files is sent from the event loop: done in order, journal jobs before all others.
package protocol DiskQueue: Sendable {
  /// Adds a journal job: before all ordinary jobs, never refused.
  func journal(_ job: @escaping @Sendable () -> Void)
  /// Adds an ordinary job (CDR, lists, a reread of the site).
  /// - Returns: false if the queue is full; the job was not taken.
  @discardableResult func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool
  /// Sets what is done after each batch of journal jobs: the group commit.
  func afterJournal(_ batchEnd: @escaping @Sendable () -> Void)
  /// False while the queue is full: no new call can be taken, because nothing could be written about it.
  var hasRoom: Bool { get }
}

/// The disk thread: one thread that does blocking work in order, journal jobs first.
///
/// All journal jobs that wait are done as one batch, then the group commit runs once.
package final class DiskWorker: DiskQueue {
  private struct State: ~Copyable {
    var journal: [@Sendable () -> Void] = []
    var ordinary: [@Sendable () -> Void] = []
    var batchEnd: @Sendable () -> Void = {}
    var isStopping = false
  }

  private let state = Mutex(State())
  private let limit: Int
  private let name: String
  private let yields: Bool
  /// Counts up when there is work (an eventfd that the thread reads, blocking).
  private let wake: Int32
  /// Readable once the thread has ended.
  private let ended: Int32

  /// Starts the thread.
  /// - Parameters:
  ///   - limit: how many jobs may wait before ordinary ones are refused.
  ///   - name: as `top -H` shows it, 15 characters at most.
  ///   - yields: its jobs, and the programs they start, wait for everybody else.
  package init(limit: Int = 1024, name: String = "pikett-disk", yields: Bool = false) throws(DiskError) {
    self.limit = limit
    self.name = name
    self.yields = yields
    wake = eventfd(0, linux_eventfd_cloexec)
    ended = eventfd(0, linux_eventfd_cloexec)
    guard wake >= 0, ended >= 0 else { throw .last("disk thread", .create) }
    var thread = pthread_t()
    // The thread holds the worker until it ends.
    let code = pthread_create(&thread, nil, diskThread, Unmanaged.passRetained(self).toOpaque())
    guard code == 0 else {
      Unmanaged.passUnretained(self).release()
      throw DiskError("disk thread", .create, code)
    }
    pthread_detach(thread)
  }

  deinit {
    close(wake)
    close(ended)
  }

  package func journal(_ job: @escaping @Sendable () -> Void) {
    state.withLock { $0.journal.append(job) }
    linux_wake(wake)
  }

  package func afterJournal(_ batchEnd: @escaping @Sendable () -> Void) {
    state.withLock { $0.batchEnd = batchEnd }
  }

  @discardableResult package func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool {
    let isTaken = state.withLock { state in
      guard !state.isStopping, state.journal.count + state.ordinary.count < limit else { return false }
      state.ordinary.append(job)
      return true
    }
    if isTaken { linux_wake(wake) }
    return isTaken
  }

  package var hasRoom: Bool { state.withLock { $0.journal.count + $0.ordinary.count < limit } }

  /// Lets the thread do what waits and end; no new ordinary job is taken.
  /// - Returns: true if it ended in time; a hung disk does not hold the caller longer than `patience`.
  @discardableResult package func stop(patience: Duration) -> Bool {
    state.withLock { $0.isStopping = true }
    linux_wake(wake)
    var poller = pollfd(fd: ended, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, Int32(clamping: patience.milliseconds)) == 1
  }

  fileprivate func run() {
    linux_name_thread(name)
    if yields { linux_yield_to_others() }
    defer { linux_wake(ended) }
    while true {
      let (batch, job, isOver) = state.withLock { state in
        if !state.journal.isEmpty {
          defer { state.journal = [] }
          return (state.journal, Optional<@Sendable () -> Void>.none, false)
        }
        if !state.ordinary.isEmpty { return ([], state.ordinary.removeFirst(), false) }
        return ([], nil, state.isStopping)
      }
      if !batch.isEmpty {
        for job in batch { job() }
        state.withLock { $0.batchEnd }()
      } else if let job {
        job()
      } else if isOver {
        return
      } else {
        _ = linux_drain_counter(wake)
      }
    }
  }
}

private func diskThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let argument { Unmanaged<DiskWorker>.fromOpaque(argument).takeRetainedValue().run() }
  return nil
}

/// A disk queue without a thread: jobs wait until the test lets them run (one caller at a time).
package final class ManualDiskQueue: DiskQueue {
  private struct State: ~Copyable {
    var journal: [@Sendable () -> Void] = []
    var ordinary: [@Sendable () -> Void] = []
    var batchEnd: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  package init() {}

  package func journal(_ job: @escaping @Sendable () -> Void) { state.withLock { $0.journal.append(job) } }

  package func afterJournal(_ batchEnd: @escaping @Sendable () -> Void) {
    state.withLock { $0.batchEnd = batchEnd }
  }

  @discardableResult package func enqueue(_ job: @escaping @Sendable () -> Void) -> Bool {
    state.withLock { $0.ordinary.append(job) }
    return true
  }

  package var hasRoom: Bool { true }

  /// Does all that waits, and what that brings.
  package func runAll() {
    while true {
      let (batch, jobs) = state.withLock { state in
        defer {
          if state.journal.isEmpty { state.ordinary = [] }
          state.journal = []
        }
        return (state.journal, state.journal.isEmpty ? state.ordinary : [])
      }
      if batch.isEmpty && jobs.isEmpty { return }
      for job in batch + jobs { job() }
      if !batch.isEmpty { state.withLock { $0.batchEnd }() }
    }
  }
}
