import CSpandsp

/// G.722 at 64 kbit/s (RTP payload type 9) for one leg, to and from sound of 8000 samples a second.
///
/// G.722 codes two bands of 4 kHz each; sound of 8000 samples a second is the lower one, so no resampling is needed: what
/// is encoded sounds in any G.722 decoder as it would after rising to 16 kHz, and of what is decoded the part below 4 kHz
/// remains. (spandsp's other mode, with sound of 16 kHz, crashes as Debian 12 builds it.) A byte stands for one sample, and
/// for one unit of the RTP clock (RFC 3551 §4.5.2).
///
/// Encoder and decoder go on from what they had before; neither allocates. One value belongs to one leg and one thread.
package final class G722 {
  private let codec: OpaquePointer

  /// - Returns: nil if there is no memory for it.
  package init?() {
    guard let codec = spandsp_g722_new() else { return nil }
    self.codec = codec
  }

  deinit { spandsp_g722_free(codec) }

  /// Encodes as many of `samples` as `bytes` has room for.
  package func encode(_ samples: UnsafeBufferPointer<Int16>, into bytes: UnsafeMutableRawBufferPointer) {
    let count = min(samples.count, bytes.count)
    guard count > 0, let samples = samples.baseAddress, let bytes = bytes.baseAddress else { return }
    spandsp_g722_encode(codec, samples, Int32(clamping: count), bytes.assumingMemoryBound(to: UInt8.self))
  }

  /// Decodes as many of `bytes` as `samples` has room for.
  package func decode(_ bytes: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) {
    let count = min(samples.count, bytes.count)
    guard count > 0, let samples = samples.baseAddress, let bytes = bytes.baseAddress else { return }
    spandsp_g722_decode(codec, bytes.assumingMemoryBound(to: UInt8.self), Int32(clamping: count), samples)
  }
}
