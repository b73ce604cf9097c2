/// L16 (RFC 3551 §4.5.11): samples of 16 bits, big endian, those of one moment side by side; channels are mixed.
package final class L16Decoder: AudioDecoder {
  package let sampleRate: Int
  private let channels: Int

  /// - Returns: nil unless `sampleRate` lies in 4000...192000 and `channels` in 1...8.
  package init?(sampleRate: Int, channels: Int) {
    guard (4000...192_000).contains(sampleRate), (1...8).contains(channels) else { return nil }
    self.sampleRate = sampleRate
    self.channels = channels
  }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    let count = min(payload.count / (2 * channels), samples.count)
    var place = 0
    for index in 0..<count {
      var total: Int32 = 0
      for _ in 0..<channels {
        total += Int32(Int16(truncatingIfNeeded: Int32(payload[place]) << 8 | Int32(payload[place + 1])))
        place += 2
      }
      samples[index] = Int16(truncatingIfNeeded: total / Int32(channels))
    }
    return count
  }
}
