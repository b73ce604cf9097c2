import Glibc
import Testing

/// The amplitude of one frequency in a sound: of a sine of amplitude a it gives a.
func amplitude(of frequency: Double, in sound: some Collection<Int16>, rate: Double = 8000) -> Double {
  // Over whole cycles nothing leaks in from the edges.
  let cycles = (Double(sound.count) * frequency / rate).rounded(.down)
  let count = Int((cycles * rate / frequency).rounded())
  guard count > 0 else { return 0 }
  let coefficient = 2 * cos(2 * .pi * frequency / rate)
  var last = 0.0
  var beforeLast = 0.0
  for sample in sound.prefix(count) {
    (last, beforeLast) = (Double(sample) + coefficient * last - beforeLast, last)
  }
  let power = last * last + beforeLast * beforeLast - coefficient * last * beforeLast
  return 2 * power.squareRoot() / Double(count)
}

/// A sine of full length.
func sine(_ frequency: Double, amplitude: Double = 10_000, count: Int, rate: Double = 8000) -> [Int16] {
  (0..<count).map { Int16((amplitude * sin(2 * .pi * frequency * Double($0) / rate)).rounded()) }
}

/// The ratio of two amplitudes in dB.
func decibels(_ a: Double, _ b: Double) -> Double { 20 * log10(max(a, 1e-9) / b) }

@Suite struct GoertzelTests {
  @Test func measuresWhatIsThereAndNothingElse() {
    let sound = sine(425, amplitude: 5000, count: 3200)
    #expect(abs(amplitude(of: 425, in: sound) - 5000) < 5)
    #expect(amplitude(of: 1000, in: sound) < 10)
  }
}
