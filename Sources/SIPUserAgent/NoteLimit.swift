import Telephony

/// Bounds how many lines strangers can bring into the log: a handful at once, ten a minute in the long run. What is left
/// out is counted, and the number stands before the next line.
struct NoteLimit: Sendable {
  private var gauge = RateGauge()
  private var untold = 0

  /// - Returns: nil if the line at hand is to be left out, else how many were before it.
  mutating func take(at now: Instant) -> Int? {
    guard gauge.take(of: 20, in: .seconds(120), at: now) else {
      untold &+= 1
      return nil
    }
    defer { untold = 0 }
    return untold
  }
}
