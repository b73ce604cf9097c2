import Glibc
import Telephony

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
  /// - Parameter more: further signals that are awaited by `nextNumber`.
  static func block(also more: [Int32] = []) {
    var signals = awaited
    for number in more { sigaddset(&signals, number) }
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

  /// The next signal's number, SIGCHLD included; nil if none has come within `limit`.
  static func nextNumber(within limit: Duration? = nil) -> Int32? {
    var signals = awaited
    sigaddset(&signals, SIGCHLD)
    var information = siginfo_t()
    guard let limit else {
      let number = sigwaitinfo(&signals, &information)
      return number > 0 ? number : nil
    }
    var time = timespec(
      tv_sec: Int(limit.nanoseconds / 1_000_000_000), tv_nsec: Int(limit.nanoseconds % 1_000_000_000))
    let number = sigtimedwait(&signals, &information, &time)
    return number > 0 ? number : nil
  }

  private static var awaited: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
  }
}
