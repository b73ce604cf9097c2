import func Glibc.sin

/// One stretch of a tone: up to two frequencies sounding together, or silence.
package struct ToneSegment: Hashable, Sendable {
  /// In Hz; none is silence.
  package var frequencies: [Double]
  package var milliseconds: Int

  package init(_ frequencies: [Double], _ milliseconds: Int) {
    self.frequencies = frequencies
    self.milliseconds = milliseconds
  }
}

/// A tone with its cadence, to be repeated for as long as it is wanted.
package struct Tone: Hashable, Sendable {
  /// What the tone tells (ITU-T E.180).
  package enum Signal: Hashable, Sendable, CaseIterable {
    /// The called phone rings.
    case ringing
    /// The called user is busy.
    case busy
    /// The network cannot: number unobtainable, all lines busy.
    case congestion
  }

  /// One period of the cadence.
  package var segments: [ToneSegment]

  package init(_ segments: [ToneSegment]) { self.segments = segments }

  /// The tone of a country.
  /// - Parameter country: ISO 3166 letters in either case (`uk` also serves for `gb`).
  /// - Returns: nil for a country that is not in `countries`.
  package init?(_ signal: Signal, country: String) {
    guard let plan = TonePlan.of(country) else { return nil }
    switch signal {
    case .ringing: self = plan.ringing
    case .busy: self = plan.busy
    case .congestion: self = plan.congestion
    }
  }

  /// What a held party hears where the site has no sound for it: two soft notes every six seconds. No tone of E.180, so
  /// that nobody takes it for ringing or for an end.
  package static let hold = Tone([
    ToneSegment([523], 160), ToneSegment([], 60), ToneSegment([659], 240), ToneSegment([], 5540),
  ])

  /// The countries whose tones are known, in alphabetical order.
  package static var countries: [String] { TonePlan.all.map(\.country) }

  /// A key as a dual tone (ITU-T Q.23), followed by a pause.
  /// - Parameters:
  ///   - digit: `0`-`9 * # A`-`D`, letters in either case; nil is returned for anything else.
  ///   - milliseconds: how long it sounds, and how long the pause is.
  package init?(dtmf digit: Character, milliseconds: Int = 100, pause: Int = 100) {
    let keys: [Character] = ["1", "2", "3", "A", "4", "5", "6", "B", "7", "8", "9", "C", "*", "0", "#", "D"]
    let low = [697.0, 770, 852, 941]
    let high = [1209.0, 1336, 1477, 1633]
    guard let index = keys.firstIndex(where: { String($0) == digit.uppercased() }) else { return nil }
    segments = [ToneSegment([low[index / 4], high[index % 4]], milliseconds), ToneSegment([], pause)]
  }

  /// How long one period is, in samples at 8000 Hz.
  package var sampleCount: Int { segments.reduce(0) { $0 + max(0, min($1.milliseconds, 60_000)) * 8 } }

  /// One period at 8000 Hz, to be played over and over.
  ///
  /// The power is -10 dBm0 whether one frequency sounds or two, the value E.180 asks for. Edges are rounded over 5 ms
  /// so that they do not click; a tone without a pause is better given as whole cycles.
  package func samples() -> [Int16] {
    var out: [Int16] = []
    out.reserveCapacity(sampleCount)
    for segment in segments {
      let count = max(0, min(segment.milliseconds, 60_000)) * 8
      let amplitude = segment.frequencies.count > 1 ? Self.dualAmplitude : Self.amplitude
      let ramp = min(40, count / 2)
      for index in 0..<count {
        var value = 0.0
        for frequency in segment.frequencies { value += sin(2 * .pi * frequency * Double(index) / 8000) }
        // The first and the last 5 ms rise and fall along a straight line.
        let edge = min(index, count - 1 - index)
        let level = edge < ramp ? Double(edge) / Double(ramp) : 1
        out.append(Mixing.clamp(value * amplitude * level))
      }
    }
    return out
  }

  // A sine at full scale has +3.14 dBm0 in A-law (G.711), so -10 dBm0 is 13.14 dB below 32768. Of two frequencies each
  // has half the power.
  private static let amplitude = 7219.0
  private static let dualAmplitude = 5104.0
}
