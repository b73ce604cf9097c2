import CDecoders

/// Opus (RFC 6716, RFC 7587), two channels mixed; a lost packet is taken from the next one where that repeats it.
package final class OpusDecoder: AudioDecoder {
  /// The rates at which it can decode; its RTP clock is 48000 Hz always.
  package static let sampleRates = [8000, 12_000, 16_000, 24_000, 48_000]

  package let sampleRate: Int
  private let state: OpaquePointer

  /// - Parameter sampleRate: one of `sampleRates`.
  /// - Returns: nil for another rate, or if there is no memory for it.
  package init?(sampleRate: Int = 48_000) {
    guard Self.sampleRates.contains(sampleRate), let state = pikett_opus_new(Int32(sampleRate)) else { return nil }
    self.state = state
    self.sampleRate = sampleRate
  }

  deinit { pikett_opus_free(state) }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let (bytes, count) = parts(payload), let target = samples.baseAddress else { return 0 }
    return Int(pikett_opus_decode(state, bytes, count, target, Int32(clamping: samples.count)))
  }

  package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let target = samples.baseAddress else { return 0 }
    // The decoder fills whole steps of 2.5 ms, at most 120 ms at a time.
    let step = sampleRate / 400
    let longest = step * 48
    var made = 0
    while samples.count - made >= step {
      let wanted = min(longest, (samples.count - made) / step * step)
      let got = Int(pikett_opus_conceal(state, target + made, Int32(wanted)))
      if got <= 0 { break }
      made += got
    }
    return made
  }

  package func recover(from next: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let (bytes, count) = parts(next), let target = samples.baseAddress, samples.count % (sampleRate / 400) == 0,
      samples.count <= sampleRate / 400 * 48
    else { return 0 }
    return Int(pikett_opus_recover(state, bytes, count, target, Int32(samples.count)))
  }

  package func length(of payload: UnsafeRawBufferPointer) -> Int {
    guard let (bytes, count) = parts(payload) else { return 0 }
    return Int(pikett_opus_length(bytes, count, Int32(sampleRate)))
  }

  private func parts(_ payload: UnsafeRawBufferPointer) -> (UnsafePointer<UInt8>, Int32)? {
    guard let bytes = payload.bindMemory(to: UInt8.self).baseAddress, let count = Int32(exactly: payload.count),
      count > 0
    else { return nil }
    return (bytes, count)
  }
}
