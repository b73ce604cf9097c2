/// Says whether words that were spoken can be heard in a recording: a check that can fail.
package enum SoundCheck {
  /// The best normalised correlation (0 to 1) between 2 s windows of `spoken` and of `heard`, and where it lies.
  ///
  /// - Parameters:
  ///   - spoken: what was said, 8000 Hz.
  ///   - heard: what was recorded, 8000 Hz.
  /// - Returns: 0 if either is shorter than a window.
  package static func correlation(of spoken: [Int16], in heard: [Int16]) -> Double {
    let window = 16_000
    guard spoken.count >= window, heard.count >= window else { return 0 }
    // The loudest 2 s of the speech; silence correlates with nothing.
    let reference = loudestWindow(spoken, window)
    let energy = reference.reduce(0.0) { $0 + Double($1) * Double($1) }
    guard energy > 0 else { return 0 }
    // Coarse to fine: at 1000 Hz the place is found, at 8000 Hz the value.
    let coarseReference = decimated(reference)
    let coarse = decimated(heard)
    var best = (value: 0.0, at: 0)
    for start in 0...(coarse.count - coarseReference.count) {
      let value = score(coarseReference, coarse, start, 4)
      if value > best.value { best = (value, start * 8) }
    }
    var exact = 0.0
    for start in max(best.at - 16, 0)...max(min(best.at + 16, heard.count - window), 0) {
      exact = max(exact, score(reference, heard, start, 1))
    }
    return exact
  }

  private static func decimated(_ samples: [Int16]) -> [Int16] {
    (0..<samples.count / 8).map { index in
      var sum = 0
      for offset in 0..<8 { sum += Int(samples[index * 8 + offset]) }
      return Int16(clamping: sum / 8)
    }
  }

  private static func loudestWindow(_ samples: [Int16], _ window: Int) -> [Int16] {
    var best = (energy: -1.0, start: 0)
    for start in stride(from: 0, through: samples.count - window, by: 800) {
      let energy = samples[start..<start + window].reduce(0.0) { $0 + Double($1) * Double($1) }
      if energy > best.energy { best = (energy, start) }
    }
    return Array(samples[best.start..<best.start + window])
  }

  private static func score(_ reference: [Int16], _ heard: [Int16], _ start: Int, _ step: Int) -> Double {
    reference.withUnsafeBufferPointer { reference in
      heard.withUnsafeBufferPointer { heard in
        var (product, a, b) = (0.0, 0.0, 0.0)
        var index = 0
        while index < reference.count, start + index < heard.count {
          let x = Double(reference[index])
          let y = Double(heard[start + index])
          product += x * y
          a += x * x
          b += y * y
          index += step
        }
        return a > 0 && b > 0 ? product / (a * b).squareRoot() : 0
      }
    }
  }
}
