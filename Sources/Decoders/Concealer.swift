import CDecoders

/// Fills the place of lost samples with the last period of the voice, fading within 50 ms (at 8000 Hz).
final class Concealer {
  private let state: OpaquePointer

  init?() {
    guard let state = pikett_concealer_new() else { return nil }
    self.state = state
  }

  deinit { pikett_concealer_free(state) }

  /// Hears good samples; may change the first of them, so that they follow smoothly on what was filled in.
  func hear(_ samples: UnsafeMutableBufferPointer<Int16>, count: Int) {
    guard let base = samples.baseAddress, count > 0 else { return }
    pikett_concealer_hear(state, base, Int32(clamping: min(count, samples.count)))
  }

  /// Fills all of `samples`.
  func fill(_ samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let base = samples.baseAddress, let count = Int32(exactly: samples.count), count > 0 else { return 0 }
    if samples.count >= Self.shortest {
      pikett_concealer_fill(state, base, count)
      return samples.count
    }
    // It begins with a quarter of the voice's period, however little is asked for.
    withUnsafeTemporaryAllocation(of: Int16.self, capacity: Self.shortest) { room in
      guard let start = room.baseAddress else { return }
      pikett_concealer_fill(state, start, count)
      base.update(from: start, count: samples.count)
    }
    return samples.count
  }

  /// More than a quarter of the longest period, in samples.
  private static let shortest = 64
}
