import Audio

/// Turns the payloads of one RTP stream into samples: 16 bits, linear, one channel.
///
/// Most codecs are stateful, so packets are given in the order of their sequence numbers, none twice. A payload may hold
/// any bytes in any number; what is no frame of the codec gives no samples. No call writes beyond `samples`.
package protocol AudioDecoder: AnyObject {
  /// Samples a second of what comes out.
  var sampleRate: Int { get }

  /// True while the sender pauses and has described the noise that is to be heard meanwhile: `conceal` then gives it.
  var isPausing: Bool { get }

  /// Decodes the next payload.
  /// - Returns: how many samples were written to the beginning of `samples`.
  func decode(_ payload: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int

  /// Fills `samples` with what may have stood in lost packets.
  /// - Returns: how many were filled in; fewer where the codec can do no more.
  func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int

  /// Fills `samples` with what the payload after a lost one says about it; that payload is decoded afterwards.
  /// - Returns: how many were filled in: all, or 0 if it says nothing.
  func recover(from next: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int

  /// How many samples the payload before which one was lost would give, for as far as that is told without decoding.
  func length(of payload: UnsafeRawBufferPointer) -> Int
}

extension AudioDecoder {
  package var isPausing: Bool { false }

  package func conceal(into samples: UnsafeMutableBufferPointer<Int16>) -> Int { 0 }

  package func recover(from next: UnsafeRawBufferPointer, into samples: UnsafeMutableBufferPointer<Int16>) -> Int { 0 }

  package func length(of payload: UnsafeRawBufferPointer) -> Int { 0 }
}

/// The codecs that can be decoded.
package enum DecodableCodec: Hashable, Sendable {
  case pcmu
  case pcma
  case g722
  case gsm
  case g729
  case opus
  /// 16-bit linear, big endian (RFC 3551 §4.5.11), of some sampling rate and number of channels.
  case l16(sampleRate: Int, channels: Int)

  /// Samples a second of what its decoder gives by itself, unrelated to its RTP clock.
  package var sampleRate: Int {
    switch self {
    case .pcmu, .pcma, .gsm, .g729: 8000
    case .g722: 16_000
    case .opus: 48_000
    case .l16(let sampleRate, _): sampleRate
    }
  }

  /// A decoder in its first state.
  ///
  /// - Parameter preferredRate: the rate at which the samples are wanted; not all decoders can follow.
  /// - Returns: nil if there is no memory for it, or if rate or channels are beyond sense.
  package func makeDecoder(preferredRate: Int) -> (any AudioDecoder)? {
    switch self {
    case .pcmu: G711Decoder(.muLaw)
    case .pcma: G711Decoder(.aLaw)
    case .g722: G722Decoder()
    case .gsm: GSMDecoder()
    case .g729: G729Decoder()
    case .opus: OpusDecoder(sampleRate: OpusDecoder.sampleRates.contains(preferredRate) ? preferredRate : 48_000)
    case .l16(let sampleRate, let channels): L16Decoder(sampleRate: sampleRate, channels: channels)
    }
  }
}
