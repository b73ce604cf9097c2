package import CLinux
import Glibc
import Synchronization

/// Starts other programs.
package enum ChildProcess {
  /// Starts a program and tells when it has ended.
  ///
  /// - Parameters:
  ///   - arguments: without the program's own name.
  ///   - ended: called on a thread of its own with the exit code, 128 + signal for a program that was killed.
  /// - Returns: false if the program cannot be started; `ended` is not called then.
  static func start(_ program: String, _ arguments: [String], ended: @escaping @Sendable (Int32) -> Void) -> Bool {
    guard let child = spawn(program, [program] + arguments) else { return false }
    DetachedThread.run { ended(exitCode(of: child)) }
    return true
  }

  /// Starts a program and waits for its end, on a thread that may wait.
  ///
  /// - Parameters:
  ///   - arguments: without the program's own name.
  ///   - limit: after so long it is killed.
  ///   - running: by which others can end it.
  /// - Returns: its exit code, 128 + signal if it was killed, and the beginning of what it said; nil if it cannot be
  ///   started.
  static func run(
    _ program: String, _ arguments: [String], limit: Duration, as running: RunningChild = RunningChild()
  ) -> (code: Int32, words: String)? {
    var ends: [Int32] = [-1, -1]
    // Not to be inherited by what another thread starts this moment: the end of the words would not come.
    guard linux_pipe(&ends) == 0 else { return nil }
    let child = running.begin { spawn(program, [program] + arguments, output: ends[1]) }
    close(ends[1])
    defer { close(ends[0]) }
    guard let child else { return nil }
    var words: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while true {
      var wait = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
      let left = max(0, (deadline - clock.now) / .milliseconds(1))
      let count = poll(&wait, 1, Int32(clamping: Int64(min(left, 1e9))))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        kill(child, SIGKILL)
        break
      }
      let length = read(ends[0], &chunk, chunk.count)
      if length < 0, errno == EINTR { continue }
      guard length > 0 else { break }
      if words.count < 4096 { words += chunk[..<length] }
    }
    running.end(child)
    return (exitCode(of: child), String(decoding: words, as: UTF8.self))
  }

  /// Waits for a child's end.
  private static func exitCode(of child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }

  /// Starts the program at the path `executable`, which the caller must wait for.
  ///
  /// - Parameters:
  ///   - words: its own name first.
  ///   - output: where it says what it has to say, with nothing to read; nil: as we do.
  /// - Returns: nil if it cannot be started.
  package static func spawn(_ executable: String, _ words: [String], output: Int32? = nil) -> pid_t? {
    var words = words.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    // Signals are blocked in our threads, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let output {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
      posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
      posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    }
    var child = pid_t()
    return posix_spawn(&child, executable, &actions, &attributes, &words, environ) == 0 ? child : nil
  }
}

/// A program that `ChildProcess.run` waits for, to be ended from another thread.
final class RunningChild: Sendable {
  private struct State {
    var child: pid_t?
    var isStopped = false
  }

  private let state = Mutex(State())

  var isStopped: Bool { state.withLock { $0.isStopped } }
  var isRunning: Bool { state.withLock { $0.child != nil } }

  /// Kills the program, and lets none begin any more.
  func stop() {
    state.withLock { state in
      state.isStopped = true
      if let child = state.child { kill(child, SIGKILL) }
    }
  }

  fileprivate func begin(_ spawn: () -> pid_t?) -> pid_t? {
    state.withLock { state in
      state.child = state.isStopped ? nil : spawn()
      return state.child
    }
  }

  /// Waits until the program has ended; its number is nobody else's before `waitpid` has been called.
  fileprivate func end(_ child: pid_t) {
    var info = siginfo_t()
    while waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    state.withLock { $0.child = nil }
  }
}
