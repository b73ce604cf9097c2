/// G.711 by table: for the packet path, where a leg speaks A-law and the other μ-law.
///
/// Law to law goes by G.711's own conversion tables 3 and 4, which lose less than decoding and encoding would. Keep one
/// value in a stored property; it takes 1.5 KB and no heap.
package struct G711Tables: Sendable {
  /// The μ-law code of each A-law code (G.711 table 4).
  package let aLawToMuLaw: InlineArray<256, UInt8>
  /// The A-law code of each μ-law code (G.711 table 3).
  package let muLawToALaw: InlineArray<256, UInt8>
  /// The linear sample of each A-law code.
  package let aLawToLinear: InlineArray<256, Int16>
  /// The linear sample of each μ-law code.
  package let muLawToLinear: InlineArray<256, Int16>

  package init() {
    aLawToMuLaw = InlineArray { index in
      let code = UInt8(truncatingIfNeeded: index)
      let isPositive = code & 0x80 != 0
      return muLawStep(Int(code ^ (isPositive ? 0xD5 : 0x55))) ^ (isPositive ? 0xFF : 0x7F)
    }
    muLawToALaw = InlineArray { index in
      let code = UInt8(truncatingIfNeeded: index)
      let isPositive = code & 0x80 != 0
      return aLawStep(Int(code ^ (isPositive ? 0xFF : 0x7F))) ^ (isPositive ? 0xD5 : 0x55)
    }
    aLawToLinear = InlineArray { G711.aLaw.decode(UInt8(truncatingIfNeeded: $0)) }
    muLawToLinear = InlineArray { G711.muLaw.decode(UInt8(truncatingIfNeeded: $0)) }
  }

  /// Turns the payload of one law into the other's, in place. Nothing happens if they are the same.
  package func transcode(_ payload: UnsafeMutableRawBufferPointer, from: G711, to: G711) {
    switch (from, to) {
    case (.aLaw, .aLaw), (.muLaw, .muLaw): return
    case (.aLaw, .muLaw): for index in payload.indices { payload[index] = aLawToMuLaw[Int(payload[index])] }
    case (.muLaw, .aLaw): for index in payload.indices { payload[index] = muLawToALaw[Int(payload[index])] }
    }
  }

  /// The linear sample of a code.
  package func decode(_ code: UInt8, _ law: G711) -> Int16 {
    switch law {
    case .aLaw: aLawToLinear[Int(code)]
    case .muLaw: muLawToLinear[Int(code)]
    }
  }
}

// Both tables are steps counted from silence outwards; between the points where the laws' segments drift apart they
// are straight lines.

/// The μ-law step, 0 to 127, of an A-law step.
private func muLawStep(_ aLaw: Int) -> UInt8 {
  let step =
    switch aLaw {
    case ..<8: 2 * aLaw + 1
    case ..<24: aLaw + 8
    case ..<32: aLaw / 2 + 20
    case ..<45: aLaw + 4
    case ..<47: aLaw + 3
    case ..<63: aLaw + 2
    case ..<80: aLaw + 1
    default: aLaw
    }
  return UInt8(truncatingIfNeeded: step)
}

/// The A-law step, 0 to 127, of a μ-law step.
private func aLawStep(_ muLaw: Int) -> UInt8 {
  let step =
    switch muLaw {
    case ..<16: muLaw / 2
    case ..<33: muLaw - 8
    case ..<37: 2 * muLaw - 40
    case ..<48: muLaw - 4
    case ..<49: muLaw - 3
    case ..<64: muLaw - 2
    case ..<81: muLaw - 1
    default: muLaw
    }
  return UInt8(truncatingIfNeeded: step)
}
