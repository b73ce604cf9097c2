import Disk
import Glibc
import Logging
import Switchboard
import Telephony

/// Keeps a controller running: starts the program itself as a child, and again when it has crashed.
///
/// It does nothing else, so that nothing else can bring it down. Signals are handed on to the child.
struct Supervisor {
  /// The program.
  let executable: String
  /// Its words, the program's name first.
  let words: [String]
  let logger: Logger

  /// What the end of a child means.
  private enum End {
    /// It was asked to, or had nothing to do.
    case exited(Int32)
    case crashed(signal: Int32)

    /// A setting, a port or a disk is in the way: at the first start, that is for the owner to mend.
    var isRefusal: Bool {
      if case .exited(let code) = self { [64, 69, 73].contains(code) } else { false }
    }
  }

  /// A child that lived so long is started again at once.
  private static let healthyLife = Duration.seconds(10)
  private static let firstPause = Duration.milliseconds(100)
  private static let longestPause = Duration.seconds(5)

  /// Runs until the child ends as it was told, or does not come up at all.
  /// - Returns: the exit code.
  func run() -> Int32 {
    Signals.block(also: [SIGCHLD])
    var pause = Duration.zero
    var hasWorked = false
    while true {
      let start = currentMoment().instant
      guard let child = ChildProcess.spawn(executable, words) else {
        logger.critical("the controller cannot be started", metadata: ["program": "\(executable)"])
        return 69
      }
      logger.info("controller started", metadata: ["pid": "\(child)"])
      let (end, wasTold) = wait(for: child)
      let isHealthy = currentMoment().instant - start >= Self.healthyLife
      hasWorked = hasWorked || isHealthy || !end.isRefusal
      if wasTold { return code(of: end) }
      switch end {
      case .exited(0):
        return 0
      case .exited(let code) where end.isRefusal && !hasWorked:
        logger.critical("the controller does not start; giving up", metadata: ["exit": "\(code)"])
        return code
      case .exited(let code): logger.error("the controller ended", metadata: ["exit": "\(code)"])
      case .crashed(let signal): logger.error("the controller crashed", metadata: ["signal": "\(signal)"])
      }
      // Once it has worked it is never given up: a port may be taken for a moment only, and callers depend on it.
      if isHealthy { pause = .zero }
      if pause > .zero, let asked = rest(pause) { return asked }
      pause = min(max(pause * 2, Self.firstPause), Self.longestPause)
    }
  }

  private func code(of end: End) -> Int32 {
    switch end {
    case .exited(let code): code
    case .crashed(let signal): 128 + signal
    }
  }

  // MARK: - The child

  /// Waits for the child's end, and hands signals on to it meanwhile.
  /// - Returns: how it ended, and whether it had been told to.
  private func wait(for child: pid_t) -> (End, wasTold: Bool) {
    var wasTold = false
    while true {
      var status: Int32 = 0
      if waitpid(child, &status, WNOHANG) == child {
        let signal = status & 0x7F
        return (signal == 0 ? .exited(status >> 8 & 0xFF) : .crashed(signal: signal), wasTold)
      }
      switch Signals.nextNumber() {
      case SIGCHLD, nil: continue
      case let signal?:
        kill(child, signal)
        if signal != SIGHUP { wasTold = true }
      }
    }
  }

  /// Waits before the next start.
  /// - Returns: an exit code if it was told to end meanwhile.
  private func rest(_ pause: Duration) -> Int32? {
    let end = currentMoment().instant + pause
    while true {
      let left = end - currentMoment().instant
      guard left > .zero else { return nil }
      switch Signals.nextNumber(within: left) {
      case SIGTERM, SIGINT: return 0
      default: continue
      }
    }
  }
}
