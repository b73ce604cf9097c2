import func Glibc.pow

/// The noise of a pause as a comfort noise packet describes it (RFC 3389): white, at its level. What it says about the
/// noise's colour is passed over, as §3 permits.
package struct ComfortNoise: Sendable {
  /// The greatest value of a sample.
  private var peak: Int32 = 0
  private var state: UInt32 = 0x1234_5678

  package init() {}

  /// Takes a packet's payload; one without bytes changes nothing.
  ///
  /// The first byte is the level in dB below the loudest sound there is, a square wave at full scale.
  package mutating func describe(_ payload: UnsafeRawBufferPointer) {
    guard let level = payload.first else { return }
    // Evenly distributed samples up to P have the power of a square wave of P / √3.
    peak = Int32(min(32_767, 32_768 * 1.7320508 * pow(10, -Double(level & 0x7F) / 20)))
  }

  /// Fills `samples`.
  package mutating func fill(_ samples: UnsafeMutableBufferPointer<Int16>) {
    for index in samples.indices {
      state = state &* 1_664_525 &+ 1_013_904_223
      let random = Int32(truncatingIfNeeded: state >> 16) - 32_768
      samples[index] = Int16(truncatingIfNeeded: (random &* peak) >> 15)
    }
  }
}
