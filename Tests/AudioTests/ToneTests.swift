import Audio
import Testing

@Suite struct ToneTests {
  @Test(arguments: [
    ("it", 425.0, 1000, 4000), ("ch", 425, 1000, 4000), ("de", 425, 1000, 4000), ("at", 420, 1000, 5000),
    ("fr", 440, 1500, 3500), ("nl", 425, 1000, 4000), ("es", 425, 1500, 3000), ("be", 425, 1000, 3000),
    ("IT", 425, 1000, 4000),
  ])
  func ringsAsItsCountryDoes(country: String, frequency: Double, on: Int, off: Int) throws {
    let sound = try #require(Tone(.ringing, country: country)).samples()
    #expect(sound.count == (on + off) * 8)
    let tone = sound.prefix(on * 8).dropFirst(80).dropLast(80)
    #expect(sound.dropFirst(on * 8).allSatisfy { $0 == 0 })
    let level = amplitude(of: frequency, in: tone)
    // -10 dBm0 is 13.14 dB below full scale.
    #expect(abs(decibels(level, 32_768) + 13.14) < 0.1)
    for other in [frequency - 50, frequency + 50, 2 * frequency] {
      #expect(amplitude(of: other, in: tone) < level / 50)
    }
  }

  @Test func ringsTwiceInBritainAndWithTwoFrequencies() throws {
    let sound = try #require(Tone(.ringing, country: "gb")).samples()
    #expect(try #require(Tone(.ringing, country: "uk")).samples() == sound)
    #expect(sound.count == 3000 * 8)
    for start in [0, 600] {
      let tone = sound[(start * 8 + 80)..<(start * 8 + 3120)]
      #expect(abs(decibels(amplitude(of: 400, in: tone), 32_768) + 16.15) < 0.1)
      #expect(abs(decibels(amplitude(of: 450, in: tone), 32_768) + 16.15) < 0.1)
      #expect(amplitude(of: 425, in: tone) < 500)
    }
    #expect(sound[3200..<4800].allSatisfy { $0 == 0 })
    #expect(sound[8000...].allSatisfy { $0 == 0 })
  }

  @Test func busyAndCongestionDiffer() throws {
    let busy = try #require(Tone(.busy, country: "it"))
    let congestion = try #require(Tone(.congestion, country: "it"))
    #expect(busy.segments.map(\.milliseconds) == [500, 500])
    #expect(congestion.segments.map(\.milliseconds) == [200, 200])
    let american = try #require(Tone(.busy, country: "us")).samples().prefix(3960).dropFirst(80)
    #expect(amplitude(of: 480, in: american) > 5000)
    #expect(amplitude(of: 620, in: american) > 5000)
  }

  @Test func allCountriesSoundAllSignals() throws {
    #expect(Tone.countries.count >= 20)
    #expect(Tone.countries == Tone.countries.sorted())
    for country in Tone.countries {
      for signal in Tone.Signal.allCases {
        let tone = try #require(Tone(signal, country: country))
        let sound = tone.samples()
        #expect(sound.count == tone.sampleCount)
        #expect(sound.contains { $0 > 5000 } && sound.last == 0)
        // It is played over and over: nothing may click where it begins again.
        #expect(abs(Int(sound[0])) < 400)
      }
    }
    #expect(Tone(.ringing, country: "xx") == nil)
    #expect(Tone(.ringing, country: "") == nil)
  }

  @Test func edgesAreRounded() throws {
    let sound = try #require(Tone(.ringing, country: "de")).samples()
    for (before, after) in zip(sound, sound.dropFirst()) { #expect(abs(Int(after) - Int(before)) < 3000) }
    #expect(sound.prefix(8).allSatisfy { abs(Int($0)) < 1500 })
  }

  @Test func keysAreTheirTwoFrequencies() throws {
    let low = [697.0, 770, 852, 941]
    let high = [1209.0, 1336, 1477, 1633]
    for (index, key) in "123A456B789C*0#D".enumerated() {
      let sound = try #require(Tone(dtmf: key, milliseconds: 100, pause: 50)).samples()
      #expect(sound.count == 1200)
      let tone = sound[40..<760]
      let loudestLow = low.max { amplitude(of: $0, in: tone) < amplitude(of: $1, in: tone) }
      let loudestHigh = high.max { amplitude(of: $0, in: tone) < amplitude(of: $1, in: tone) }
      #expect(loudestLow == low[index / 4])
      #expect(loudestHigh == high[index % 4])
    }
    #expect(Tone(dtmf: "a") == Tone(dtmf: "A"))
    #expect(Tone(dtmf: "x") == nil)
  }

  @Test func senselessLengthsDoNoHarm() {
    #expect(Tone([ToneSegment([425], -5), ToneSegment([425], 0)]).samples().isEmpty)
    #expect(Tone([ToneSegment([], .max)]).sampleCount == 480_000)
  }
}
