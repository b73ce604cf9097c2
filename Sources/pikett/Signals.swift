import Glibc

/// The signals by which a running controller is told to end or to reread its site.
enum Signals {
  /// What a signal asks for.
  enum Request {
    /// SIGTERM or SIGINT.
    case stop
    /// SIGHUP.
    case reread
  }

  /// Keeps the signals from interrupting any thread. To be called before the first thread starts: threads inherit it.
  static func block() {
    var signals = awaited
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    // A peer that hangs up while it is written to is an error of that connection, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits on this thread for the next one.
  static func next() -> Request {
    var signals = awaited
    var number: Int32 = 0
    while true {
      guard sigwait(&signals, &number) == 0 else { continue }
      return number == SIGHUP ? .reread : .stop
    }
  }

  private static var awaited: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
  }
}
