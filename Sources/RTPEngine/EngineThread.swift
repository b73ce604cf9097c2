import CLinux
import Glibc

/// A thread of the engine.
final class EngineThread: @unchecked Sendable {
  // Unchecked: the fields are set before the thread starts and only read afterwards.
  private let thread: pthread_t
  /// Readable when the thread is about to end.
  private let done: Int32

  /// - Parameters:
  ///   - name: as `top -H` shows it, 15 characters at most.
  ///   - body: runs on the thread; what it captures belongs to the thread from now on.
  /// - Returns: nil if the system has no thread left.
  init?(name: String, _ body: @escaping () -> Void) {
    let done = eventfd(0, linux_eventfd_flags)
    guard done >= 0 else { return nil }
    let start = Unmanaged.passRetained(ThreadStart(name: name, done: done, body: body))
    var thread = pthread_t()
    guard pthread_create(&thread, nil, runEngineThread, start.toOpaque()) == 0 else {
      start.release()
      close(done)
      return nil
    }
    self.thread = thread
    self.done = done
  }

  deinit { close(done) }

  /// Waits for the thread's end.
  func join() { pthread_join(thread, nil) }

  /// Waits for the thread's end, `limit` at most.
  /// - Returns: false if it has not ended; it goes on by itself then, until the process ends.
  func join(limit: Duration) -> Bool {
    var wait = pollfd(fd: done, events: Int16(POLLIN), revents: 0)
    let milliseconds = Int32(clamping: max(0, limit / .milliseconds(1)) < 1e9 ? Int(limit / .milliseconds(1)) : .max)
    var result: Int32
    repeat { result = poll(&wait, 1, milliseconds) } while result < 0 && linux_errno() == EINTR
    guard result > 0 else {
      pthread_detach(thread)
      // The thread may still announce its end: the descriptor stays.
      _ = Unmanaged.passRetained(self)
      return false
    }
    pthread_join(thread, nil)
    return true
  }
}

private final class ThreadStart {
  let name: String
  let done: Int32
  let body: () -> Void

  init(name: String, done: Int32, body: @escaping () -> Void) {
    self.name = name
    self.done = done
    self.body = body
  }
}

/// A thread's entry; top level, since a closure made in a main-actor context would trap on another thread.
private func runEngineThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
  // Signals are for the main thread.
  var all = sigset_t()
  sigfillset(&all)
  pthread_sigmask(SIG_BLOCK, &all, nil)
  linux_name_thread(start.name)
  start.body()
  linux_wake(start.done)
  return nil
}
