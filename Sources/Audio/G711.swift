/// The two laws of ITU-T G.711: 8 bits a sample, 8000 samples a second.
///
/// Linear samples are 16 bits with sign, full scale at ±32768; A-law uses the upper 13 of them, μ-law the upper 14.
package enum G711: UInt8, Hashable, Sendable, CaseIterable {
  /// A-law (PCMA, RTP payload type 8), even bits inverted.
  case aLaw
  /// μ-law (PCMU, RTP payload type 0), all bits inverted.
  case muLaw

  /// The code of silence.
  package var silence: UInt8 {
    switch self {
    case .aLaw: 0xD5
    case .muLaw: 0xFF
    }
  }

  /// The code of a linear sample (G.711 tables 1a to 2b; negative values by one's complement, as in ITU-T G.191).
  package func encode(_ sample: Int16) -> UInt8 {
    let isPositive = sample >= 0
    let magnitude = Int(isPositive ? sample : ~sample)
    switch self {
    case .aLaw:
      let value = magnitude >> 4
      let exponent = max(0, bitWidth(value) - 4)
      let mantissa = exponent == 0 ? value : (value >> (exponent - 1)) - 16
      return UInt8(truncatingIfNeeded: exponent << 4 | mantissa) ^ (isPositive ? 0xD5 : 0x55)
    case .muLaw:
      let value = min((magnitude >> 2) + 33, 0x1FFF)
      let segment = 1 + bitWidth(value >> 6)
      let code = (8 - segment) << 4 | (15 - ((value >> segment) & 15))
      return UInt8(truncatingIfNeeded: code) | (isPositive ? 0x80 : 0)
    }
  }

  /// The linear sample of a code.
  package func decode(_ code: UInt8) -> Int16 {
    switch self {
    case .aLaw:
      let plain = Int(code ^ 0x55)
      let step = (plain & 15) << 4
      let segment = (plain >> 4) & 7
      let magnitude = segment == 0 ? step + 8 : (step + 0x108) << (segment - 1)
      return Int16(truncatingIfNeeded: plain & 0x80 != 0 ? magnitude : -magnitude)
    case .muLaw:
      let plain = Int(~code)
      let magnitude = (((plain & 15) << 3) + 0x84) << ((plain >> 4) & 7) - 0x84
      return Int16(truncatingIfNeeded: plain & 0x80 != 0 ? -magnitude : magnitude)
    }
  }

  /// The codes of many samples (allocates: for prompts and tones, once).
  package func encode(_ samples: [Int16]) -> [UInt8] { samples.map { encode($0) } }

  /// The samples of many codes (allocates).
  package func decode(_ codes: [UInt8]) -> [Int16] { codes.map { decode($0) } }

  private func bitWidth(_ value: Int) -> Int { Int.bitWidth - value.leadingZeroBitCount }
}
