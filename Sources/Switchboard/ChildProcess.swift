import Glibc

/// Starts a helper program and tells when it has ended.
enum ChildProcess {
  /// - Parameters:
  ///   - arguments: without the program's own name.
  ///   - ended: called on a thread of its own with the exit code, 128 + signal for a program that was killed.
  /// - Returns: false if the program cannot be started; `ended` is not called then.
  static func start(_ program: String, _ arguments: [String], ended: @escaping @Sendable (Int32) -> Void) -> Bool {
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    // Signals are blocked in the daemon's threads, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid = pid_t()
    guard posix_spawn(&pid, program, nil, &attributes, words, environ) == 0 else { return false }
    let child = pid
    DetachedThread.run {
      var status: Int32 = 0
      while waitpid(child, &status, 0) < 0, errno == EINTR {}
      let signal = status & 0x7F
      ended(signal == 0 ? status >> 8 & 0xFF : 128 + signal)
    }
    return true
  }
}
