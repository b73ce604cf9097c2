@preconcurrency import Glibc

/// Shows on a terminal how far the reading has come, where that takes longer than a second; in a pipe nothing.
final class ProgressMeter {
  /// True if there is somebody who looks.
  let isShown = isatty(STDERR_FILENO) == 1
  private var name = ""
  private var work = ""
  private var began = 0.0
  private var lastPercentage = -1
  private var hasLine = false

  /// A file's reading begins.
  func begin(_ name: String) {
    clear()
    self.name = name
    work = "looking for calls"
    began = seconds()
  }

  /// Its calls are known, and their sound is written now.
  func goOn() { work = "writing" }

  /// - Parameter part: what part of the file has been read, 0 to 1.
  func show(_ part: Double) {
    let percentage = Int(part * 100)
    guard isShown, percentage != lastPercentage, seconds() - began >= 1 else { return }
    lastPercentage = percentage
    hasLine = true
    fputs("\r\u{1B}[Kpcap2wave: \(name): \(work), \(percentage) %", stderr)
    fflush(stderr)
  }

  /// Takes the line away, so that others can be written.
  func clear() {
    lastPercentage = -1
    guard hasLine else { return }
    hasLine = false
    fputs("\r\u{1B}[K", stderr)
  }

  private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
