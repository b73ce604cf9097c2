/// How well, and how far from where they belong, spoken words are heard: window by window of 2 s.
package struct SpokenWindow: Hashable, Sendable {
  /// Where it begins in what was spoken, in samples.
  package var start: Int
  /// The normalised correlation where it fits best, over the samples that were not lost.
  package var correlation: Double
  /// By how many samples it lies behind where it belongs (before, if negative).
  package var offset: Int

  /// 2 s at 8000 Hz.
  package static let length = 16_000
  /// How far to both sides of its place a window is searched: 50 ms.
  package static let reach = 400
  private static let probe = 240
  private static let candidates = 4
  /// The energy of a window at -40 dB of full scale.
  private static let pause = Double(length) * 327 * 327

  /// Compares windows of what was spoken, those in which somebody speaks, with what was heard.
  ///
  /// - Parameters:
  ///   - spoken: what was said.
  ///   - lost: the packets of it that never arrived.
  ///   - samplesPerPacket: how many samples of what was said each packet held.
  ///   - heard: what was recorded.
  ///   - place: where in it the first sample of what was said belongs.
  ///   - slowness: by how many millionths what was said is stretched there.
  ///   - step: a window begins every so many samples.
  package static func all(
    of spoken: [Int16], without lost: Set<Int>, samplesPerPacket: Int, in heard: [Int16], at place: Int,
    slowness: Double = 0, step: Int = length / 2
  ) -> [SpokenWindow] {
    stride(from: 0, through: spoken.count - length, by: step).compactMap { start in
      let range = start..<start + length
      // What is nearly all pause says nothing about its place.
      guard energy(spoken, range) > pause else { return nil }
      let gaps = range.map { lost.contains($0 / samplesPerPacket) }
      let wanted = range.map { gaps[$0 - start] ? 0 : spoken[$0] }
      let stretched = Int((Double(start + length / 2) * slowness / 1e6).rounded())
      return best(wanted, gaps, heard, start: start, at: place + start + stretched)
    }
  }

  private static func best(
    _ wanted: [Int16], _ gaps: [Bool], _ heard: [Int16], start: Int, at place: Int
  ) -> SpokenWindow {
    // The whole window at each place would take minutes: its loudest instant finds the places worth it.
    let instants = stride(from: 0, through: length - probe, by: probe / 4)
    let loudest = instants.map { (energy(wanted, $0..<$0 + probe), $0) }.max { $0.0 < $1.0 }?.1 ?? 0
    let offsets = (-reach...reach).map { (score(wanted, gaps, loudest..<loudest + probe, heard, place + $0), $0) }
    let found = offsets.sorted { $0.0 > $1.0 }.prefix(candidates)
      .map { (score(wanted, gaps, 0..<length, heard, place + $0.1), $0.1) }.max { $0.0 < $1.0 }
    return SpokenWindow(start: start, correlation: found?.0 ?? 0, offset: found?.1 ?? 0)
  }

  private static func energy(_ samples: [Int16], _ range: Range<Int>) -> Double {
    samples.withUnsafeBufferPointer { samples in
      var sum = 0.0
      for index in range { sum += Double(samples[index]) * Double(samples[index]) }
      return sum
    }
  }

  /// What was lost was not heard either: it counts on neither side.
  private static func score(
    _ wanted: [Int16], _ gaps: [Bool], _ range: Range<Int>, _ heard: [Int16], _ place: Int
  ) -> Double {
    wanted.withUnsafeBufferPointer { wanted in
      gaps.withUnsafeBufferPointer { gaps in
        heard.withUnsafeBufferPointer { heard in
          var (product, a, b) = (0.0, 0.0, 0.0)
          for index in range where !gaps[index] {
            let x = Double(wanted[index])
            let other = place + index
            let y = other >= 0 && other < heard.count ? Double(heard[other]) : 0
            product += x * y
            a += x * x
            b += y * y
          }
          return a > 0 && b > 0 ? product / (a * b).squareRoot() : 0
        }
      }
    }
  }
}
