import Audio
import Testing

@Suite struct ResamplerTests {
  @Test(arguments: [6000, 7350, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 8001])
  func speechComesThroughUnchanged(rate: Int) throws {
    let resampler = try #require(Resampler(from: rate, to: 8000))
    for frequency in [200.0, 1000, 2500] {
      let sound = resampler.resample(sine(frequency, count: rate / 5, rate: Double(rate)))
      #expect(sound.count == (rate / 5) * 8000 / rate)
      let middle = sound.dropFirst(200).dropLast(200)
      #expect(abs(decibels(amplitude(of: frequency, in: middle), 10_000)) < 0.1, "\(frequency) Hz")
    }
  }

  @Test func thePassBandReachesTheEdgeOfTheTelephone() throws {
    let resampler = try #require(Resampler(from: 48_000, to: 8000))
    let sound = resampler.resample(sine(3350, count: 9600, rate: 48_000)).dropFirst(200).dropLast(200)
    #expect(abs(decibels(amplitude(of: 3350, in: sound), 10_000)) < 0.1)
  }

  @Test(arguments: [16_000, 44_100, 48_000])
  func whatLiesAboveIsTakenOut(rate: Int) throws {
    let resampler = try #require(Resampler(from: rate, to: 8000))
    for frequency in [4100.0, 4700, 5500, 7000] {
      let sound = resampler.resample(sine(frequency, amplitude: 30_000, count: rate / 5, rate: Double(rate)))
      let middle = sound.dropFirst(200).dropLast(200)
      // Where it would fold down to.
      #expect(decibels(amplitude(of: abs(8000 - frequency), in: middle), 30_000) < -65, "\(frequency) Hz")
      #expect(middle.allSatisfy { abs(Int($0)) < 40 })
    }
  }

  @Test func aConstantStaysConstant() throws {
    let resampler = try #require(Resampler(from: 44_100, to: 8000))
    let sound = resampler.resample([Int16](repeating: 10_000, count: 8820)).dropFirst(200).dropLast(200)
    #expect(sound.allSatisfy { abs(Int($0) - 10_000) < 20 })
  }

  @Test func theSameRateChangesNothing() throws {
    let sound = sine(425, count: 100)
    #expect(try #require(Resampler(from: 8000, to: 8000)).resample(sound) == sound)
  }

  @Test func fullScaleIsHeld() throws {
    let square = (0..<4800).map { Int16($0 / 24 % 2 == 0 ? 32_767 : -32_768) }
    let sound = try #require(Resampler(from: 48_000, to: 8000)).resample(square)
    #expect(sound.contains(32_767) && sound.contains(-32_768))
  }

  @Test func shortSoundsAndSenselessRates() throws {
    let resampler = try #require(Resampler(from: 48_000, to: 8000))
    #expect(resampler.resample([Int16]()).isEmpty)
    #expect(resampler.resample([Int16](repeating: 1, count: 5)).isEmpty)
    #expect(resampler.resample([Int16](repeating: 1, count: 6)).count == 1)
    #expect(Resampler(from: 0, to: 8000) == nil)
    #expect(Resampler(from: 8000, to: -1) == nil)
    #expect(Resampler(from: .max, to: 8000) == nil)
    #expect(Resampler(from: 8000, to: 1_000_000) == nil)
  }
}
