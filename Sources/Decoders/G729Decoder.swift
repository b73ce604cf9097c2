import CDecoders

/// G.729 with annexes A and B (RFC 3551 §4.5.6): frames of 10 bytes, each 10 ms; the last may be of 2 bytes and describe
/// the noise of the pause that it begins.
package final class G729Decoder: AudioDecoder {
  private static let frameBytes = 10
  private static let noiseBytes = 2
  private static let frameSamples = 80

  package let sampleRate = 8000
  package private(set) var isPausing = false
  private let state: OpaquePointer

  /// - Returns: nil if there is no memory for it.
  package init?() {
    guard let state = pikett_g729_new() else { return nil }
    self.state = state
  }

  deinit { pikett_g729_free(state) }

  package func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let bytes = payload.bindMemory(to: UInt8.self).baseAddress, let target = samples.baseAddress else { return 0 }
    var place = 0
    var made = 0
    while made + Self.frameSamples <= samples.count {
      let isNoise = payload.count - place == Self.noiseBytes
      guard isNoise || payload.count - place >= Self.frameBytes else { break }
      pikett_g729_decode(state, bytes + place, isNoise ? 1 : 0, target + made)
      isPausing = isNoise
      place += isNoise ? Self.noiseBytes : Self.frameBytes
      made += Self.frameSamples
    }
    return made
  }

  package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int {
    guard let target = samples.baseAddress else { return 0 }
    var made = 0
    while made + Self.frameSamples <= samples.count {
      pikett_g729_conceal(state, target + made)
      made += Self.frameSamples
    }
    return made
  }
}
