package import Glibc

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
    DetachedThread.run {
      var status: Int32 = 0
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      let signal = status & 0x7F
      ended(signal == 0 ? status >> 8 & 0xFF : 128 + signal)
    }
    return true
  }

  /// Starts the program at the path `executable`, which the caller must wait for.
  ///
  /// - Parameter words: its own name first.
  /// - Returns: nil if it cannot be started.
  package static func spawn(_ executable: String, _ words: [String]) -> pid_t? {
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
    var child = pid_t()
    return posix_spawn(&child, executable, nil, &attributes, &words, environ) == 0 ? child : nil
  }
}
