import CSpandsp

/// Hears DTMF digits in audio (ITU-T Q.23, Q.24), for gateways that send tones whatever they negotiated.
///
/// A digit counts as soon as it has lasted long enough (some 40 ms), not when it ends. Feeding allocates nothing.
/// One detector hears one stream and belongs to one thread.
package final class ToneDetector {
  private let receiver: OpaquePointer

  /// - Returns: nil if there is no memory for it.
  package init?() {
    guard let receiver = spandsp_dtmf_new() else { return nil }
    self.receiver = receiver
  }

  deinit { spandsp_dtmf_free(receiver) }

  /// Hears `samples`: 16-bit linear, 8000 Hz, the continuation of what was fed before.
  package func feed(_ samples: UnsafeBufferPointer<Int16>) {
    guard let base = samples.baseAddress, let count = Int32(exactly: samples.count) else { return }
    spandsp_dtmf_feed(receiver, base, count)
  }

  /// Hears `samples`: 16-bit linear, 8000 Hz, the continuation of what was fed before.
  package func feed(_ samples: [Int16]) { samples.withUnsafeBufferPointer { feed($0) } }

  /// Stands for `count` lost samples, so that a digit with a hole is not counted twice.
  package func feedLoss(of count: Int) {
    guard count > 0, let count = Int32(exactly: count) else { return }
    spandsp_dtmf_feed_silence(receiver, count)
  }

  /// The next digit heard and not yet taken, as ASCII (`0`-`9`, `*`, `#`, `A`-`D`), or nil.
  package func next() -> UInt8? {
    let digit = UInt8(truncatingIfNeeded: spandsp_dtmf_take(receiver))
    return digit == 0 ? nil : digit
  }

  /// All digits heard and not yet taken (allocates).
  package func digits() -> String {
    var text: [UInt8] = []
    while let digit = next() { text.append(digit) }
    return String(decoding: text, as: UTF8.self)
  }
}
