import CDecoders

/// GSM 06.10 full rate (RFC 3551 §4.5.8): frames of 33 bytes, each 20 ms.
package final class GSMDecoder: AudioDecoder {
  private static let frameBytes = 33
  private static let frameSamples = 160

  package let sampleRate = 8000
  private let state: OpaquePointer
  private let concealer: Concealer

  /// - Returns: nil if there is no memory for it.
  package init?() {
    guard let state = pikett_gsm_new(), let concealer = Concealer() else { return nil }
    self.state = state
    self.concealer = concealer
  }

  deinit { pikett_gsm_free(state) }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let bytes = payload.bindMemory(to: UInt8.self).baseAddress, let target = samples.baseAddress else { return 0 }
    let frames = min(payload.count / Self.frameBytes, samples.count / Self.frameSamples)
    var made = 0
    for frame in 0..<frames {
      let got = Int(pikett_gsm_decode(state, bytes + frame * Self.frameBytes, target + made))
      // What follows a frame that is none is none either.
      if got != Self.frameSamples { break }
      made += got
    }
    concealer.hear(samples, count: made)
    return made
  }

  package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int { concealer.fill(samples) }
}
