import Codecs
import Testing

@Suite("Tone detector")
struct ToneDetectorTests {
  /// Own tones, so that the detector is not judged by the generator it will meet in the product.
  private func dualTone(_ low: Double, _ high: Double, samples: Int, amplitude: Double = 6000) -> [Int16] {
    // Two resonators: s[n] = 2 cos(w) s[n-1] - s[n-2], begun with sin(0) and sin(w).
    func sine(_ frequency: Double) -> [Double] {
      let angle = 2 * Double.pi * frequency / 8000
      var values: [Double] = []
      var (before, value) = (-taylorSine(angle), 0.0)
      let twice = 2 * (1 - 2 * taylorSine(angle / 2) * taylorSine(angle / 2))
      for _ in 0..<samples {
        values.append(value)
        (before, value) = (value, twice * value - before)
      }
      return values
    }
    return zip(sine(low), sine(high)).map { Int16(amplitude * ($0 + $1)) }
  }

  private func taylorSine(_ x: Double) -> Double {
    var (term, sum) = (x, x)
    for step in 1..<12 {
      term *= -x * x / Double(2 * step * (2 * step + 1))
      sum += term
    }
    return sum
  }

  @Test(
    "Each key is heard once, in packets of 20 ms",
    arguments: zip(
      "123A456B789C*0#D",
      [697.0, 770, 852, 941].flatMap { low in [1209.0, 1336, 1477, 1633].map { (low, $0) } }))
  func keys(key: Character, tone: (Double, Double)) throws {
    let detector = try #require(ToneDetector())
    let audio = dualTone(tone.0, tone.1, samples: 800) + [Int16](repeating: 0, count: 800)
    for start in stride(from: 0, to: audio.count, by: 160) { detector.feed(Array(audio[start..<start + 160])) }
    #expect(detector.digits() == String(key))
    #expect(detector.next() == nil)
  }

  @Test("A digit counts while it still sounds")
  func early() throws {
    let detector = try #require(ToneDetector())
    detector.feed(dualTone(697, 1209, samples: 480))
    #expect(detector.next() == UInt8(ascii: "1"))
  }

  @Test("Silence, one frequency and a short touch are no digits")
  func nothing() throws {
    let detector = try #require(ToneDetector())
    detector.feed([Int16](repeating: 0, count: 8000))
    detector.feed(dualTone(697, 697, samples: 1600, amplitude: 4000))
    detector.feed([Int16](repeating: 0, count: 800))
    detector.feed(dualTone(697, 1209, samples: 80))
    detector.feed([Int16](repeating: 0, count: 800))
    #expect(detector.digits().isEmpty)
  }

  @Test("The same key twice is two digits, with a lost packet in it still one")
  func repetition() throws {
    let detector = try #require(ToneDetector())
    let press = dualTone(852, 1477, samples: 960)
    for _ in 0..<2 {
      detector.feed(Array(press[..<480]))
      detector.feedLoss(of: 160)
      detector.feed(Array(press[640...]))
      detector.feed([Int16](repeating: 0, count: 800))
    }
    #expect(detector.digits() == "99")
  }
}
