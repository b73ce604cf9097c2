/// Says whether words that were spoken can be heard in a recording: a check that can fail.
package enum SoundCheck {
  /// 2 s at 8000 Hz: what is compared.
  private static let window = 16_000
  /// 30 ms: what is searched for first.
  private static let probe = 240
  /// So many places where the probe fits best are compared over the whole window.
  private static let candidates = 64

  /// The normalised correlation (0 to 1) of the loudest 2 s of `spoken` with the place in `heard` where it fits best.
  ///
  /// - Parameters:
  ///   - spoken: what was said, 8000 Hz.
  ///   - heard: what was recorded, 8000 Hz.
  /// - Returns: 0 if either is shorter than the window, or nothing was said.
  package static func correlation(of spoken: [Int16], in heard: [Int16]) -> Double {
    guard spoken.count >= window, heard.count >= window else { return 0 }
    let start = loudest(spoken[...], window)
    let reference = Array(spoken[start..<start + window])
    // The whole window at each place would take minutes: its loudest instant finds the places worth it.
    let offset = loudest(reference[...], probe)
    let needle = Array(reference[offset..<offset + probe])
    var best: [(score: Double, at: Int)] = []
    for place in 0...heard.count - window {
      let score = score(needle, heard, at: place + offset)
      if best.count < candidates {
        best.append((score, place))
      } else if let worst = best.indices.min(by: { best[$0].score < best[$1].score }), best[worst].score < score {
        best[worst] = (score, place)
      }
    }
    return best.map { score(reference, heard, at: $0.at) }.max() ?? 0
  }

  /// Where the loudest `length` samples begin.
  private static func loudest(_ samples: ArraySlice<Int16>, _ length: Int) -> Int {
    var best = (energy: -1.0, start: samples.startIndex)
    for start in stride(from: samples.startIndex, through: samples.endIndex - length, by: max(length / 20, 1)) {
      let energy = samples[start..<start + length].reduce(0.0) { $0 + Double($1) * Double($1) }
      if energy > best.energy { best = (energy, start) }
    }
    return best.start
  }

  private static func score(_ reference: [Int16], _ heard: [Int16], at start: Int) -> Double {
    reference.withUnsafeBufferPointer { reference in
      heard.withUnsafeBufferPointer { heard in
        var (product, a, b) = (0.0, 0.0, 0.0)
        for index in reference.indices {
          let x = Double(reference[index])
          let y = Double(heard[start + index])
          product += x * y
          a += x * x
          b += y * y
        }
        return a > 0 && b > 0 ? product / (a * b).squareRoot() : 0
      }
    }
  }
}
