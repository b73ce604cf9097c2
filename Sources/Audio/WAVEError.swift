/// Why a sound file cannot be used. `description` says it to a person, with what was expected.
package enum WAVEError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No `RIFF....WAVE` at the beginning.
  case notWAVE
  /// No complete `fmt ` chunk.
  case noFormat
  /// No `data` chunk, or one without a whole frame.
  case noSound
  /// A format tag other than PCM, float, A-law and μ-law, or a sample width it does not have.
  case unsupported(tag: UInt16, bits: Int)
  /// 0 channels, or more than 64.
  case badChannelCount(Int)
  /// A rate outside 1000 to 768 000 Hz.
  case badSampleRate(Int)
  /// Longer than the caller allows.
  case tooLong(seconds: Int, limit: Int)

  package var description: String {
    switch self {
    case .notWAVE: "is no WAV file; expected a file that begins with RIFF and WAVE"
    case .noFormat: "has no complete fmt chunk; expected a WAV file of PCM, A-law or mu-law"
    case .noSound: "holds no sound; expected a data chunk with at least one sample"
    case .unsupported(let tag, let bits):
      "is coded as format \(tag) with \(bits) bits; expected PCM of 8, 16, 24 or 32 bits, float, A-law or mu-law"
    case .badChannelCount(let count): "says it has \(count) channels; expected 1 to 64"
    case .badSampleRate(let rate): "says its rate is \(rate) Hz; expected 1000 to 768000"
    case .tooLong(let seconds, let limit): "lasts \(seconds) s; expected \(limit) s at most"
    }
  }
}
