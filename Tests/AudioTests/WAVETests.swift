import Audio
import Testing

@Suite struct WAVETests {
  /// A file of 16-bit chunks put together by hand.
  private func file(_ chunks: [(String, [UInt8])], kind: String = "RIFF", pads: Bool = true) -> [UInt8] {
    var body: [UInt8] = Array("WAVE".utf8)
    for (name, content) in chunks {
      body += Array(name.utf8) + little(content.count, 4) + content
      if pads, content.count % 2 == 1 { body.append(0) }
    }
    return Array(kind.utf8) + little(body.count, 4) + body
  }

  private func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) } }

  private func format(tag: Int = 1, channels: Int = 1, rate: Int = 8000, bits: Int = 16) -> (String, [UInt8]) {
    let frame = channels * (bits + 7) / 8
    return (
      "fmt ",
      little(tag, 2) + little(channels, 2) + little(rate, 4) + little(rate * frame, 4) + little(frame, 2)
        + little(bits, 2)
    )
  }

  private let ramp: [UInt8] = [0, 0, 0, 1, 0, 2, 0, 3]
  private let rampSamples: [Int16] = [0, 256, 512, 768]

  private func refusal(_ bytes: [UInt8], limit: Int = 600) -> WAVEError? {
    do throws(WAVEError) {
      _ = try WAVE.telephoneSound(bytes, limit: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    "6000-pcm16-mono", "8000-alaw-mono", "8000-alaw-stereo", "8000-mulaw-mono", "8000-pcm16-mono", "11025-pcm8-mono",
    "16000-pcm16-stereo", "22050-pcm16-mono", "32000-pcm16-six", "44100-float64-mono", "44100-pcm24-stereo",
    "48000-float32-mono", "48000-pcm32-mono",
  ])
  func readsWhatSoXWrites(name: String) throws {
    let bytes = try #require(fixture("wave/\(name).wav"))
    let sound = try WAVE.telephoneSound(bytes)
    #expect(abs(sound.count - 800) <= 1)
    let middle = sound.dropFirst(100).dropLast(100)
    // 8-bit samples and the laws are noisy; the tone is there all the same.
    #expect(abs(decibels(amplitude(of: 425, in: middle), 32_768 * 0.316)) < 0.3)
    #expect(amplitude(of: 1700, in: middle) < 200)
  }

  @Test func theBuiltInPromptsAreSpeech() throws {
    let names = ["announcement", "confirm", "press-key", "star", "hash"] + (0...9).map { "\($0)" }
    for language in ["en", "de", "it", "fr"] {
      for name in names {
        let bytes = try #require(packageFile("data/prompts/\(language)/\(name).wav"), "\(language)/\(name)")
        let file = try WAVE(bytes)
        #expect(file.encoding == .aLaw && file.channels == 1 && file.sampleRate == 8000)
        let sound = try WAVE.telephoneSound(bytes)
        let power = sound.map { Double($0) * Double($0) }.reduce(0, +) / Double(sound.count)
        // Between -32 and -15 dB against full scale, and no longer than one listens.
        #expect(power.squareRoot() > 800 && power.squareRoot() < 6000, "\(language)/\(name)")
        #expect((0.25...12).contains(Double(sound.count) / 8000), "\(language)/\(name)")
      }
    }
  }

  @Test func readsAPlainFile() throws {
    let wave = try WAVE(file([format(), ("data", ramp)]))
    #expect(wave.encoding == .integer(bytes: 2))
    #expect(wave.channels == 1 && wave.sampleRate == 8000 && wave.frames == 4)
    #expect(wave.channel(0) == rampSamples)
    #expect(wave.channel(1) == [0, 0, 0, 0])
  }

  @Test func chunksComeInAnyOrderAndOddLength() throws {
    let odd: (String, [UInt8]) = ("LIST", [1, 2, 3])
    for chunks in [[odd, format(), odd, ("data", ramp), odd], [("data", ramp), odd, format()]] {
      #expect(try WAVE.telephoneSound(file(chunks)) == rampSamples)
      #expect(try WAVE.telephoneSound(file(chunks, pads: false)) == rampSamples)
    }
  }

  @Test func lengthsMayLie() throws {
    var bytes = file([format(), ("data", ramp)])
    for length in [[UInt8](repeating: 0, count: 4), [UInt8](repeating: 0xFF, count: 4), [0, 0, 0, 1]] {
      bytes.replaceSubrange(4..<8, with: length)
      bytes.replaceSubrange(40..<44, with: length)
      #expect(try WAVE.telephoneSound(bytes) == rampSamples)
    }
    // Half a sample at the end, and half a frame.
    bytes.removeLast()
    #expect(try WAVE.telephoneSound(bytes) == Array(rampSamples.dropLast()))
    #expect(try WAVE(file([format(channels: 3), ("data", ramp)])).frames == 1)
  }

  @Test func readsRF64AndExtensibleFormats() throws {
    let sizes: [UInt8] = [UInt8](repeating: 0, count: 28)
    var large = file([("ds64", sizes), format(), ("data", ramp)], kind: "RF64")
    large.replaceSubrange(76..<80, with: [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(try WAVE.telephoneSound(large) == rampSamples)
    let extensible: (String, [UInt8]) = (
      "fmt ",
      format(tag: 0xFFFE).1 + little(22, 2) + little(16, 2) + little(4, 4) + little(1, 2)
        + [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71]
    )
    #expect(try WAVE.telephoneSound(file([extensible, ("data", ramp)])) == rampSamples)
  }

  @Test func channelsAreAveragedAndKeptApart() throws {
    let stereo = file([format(channels: 2), ("data", little(1000, 2) + little(3000, 2))])
    #expect(try WAVE.telephoneSound(stereo) == [2000])
    #expect(try WAVE(stereo).channel(0) == [1000])
    #expect(try WAVE(stereo).channel(1) == [3000])
  }

  @Test func readsAllWidths() throws {
    #expect(try WAVE.telephoneSound(file([format(bits: 8), ("data", [0, 128, 255])])) == [-32_768, 0, 32_512])
    #expect(
      try WAVE.telephoneSound(file([format(bits: 24), ("data", [0, 0x34, 0x12, 0, 0, 0x80])])) == [0x1234, -32_768])
    #expect(try WAVE.telephoneSound(file([format(bits: 32), ("data", [9, 9, 0x34, 0x12])])) == [0x1234])
    #expect(try WAVE.telephoneSound(file([format(bits: 12), ("data", [0x30, 0x12])])) == [0x1230])
    #expect(try WAVE.telephoneSound(file([format(tag: 6, bits: 8), ("data", [0xD5])])) == [8])
    #expect(try WAVE.telephoneSound(file([format(tag: 7, bits: 16), ("data", [0x80])])) == [32_124])
  }

  @Test(arguments: [(Float(0.5), Int16(16_384)), (-2, -32_768), (.nan, 0), (.infinity, 32_767), (1e-30, 0)])
  func floatsAreHeld(value: Float, sample: Int16) throws {
    let bytes = little(Int(value.bitPattern), 4)
    #expect(try WAVE.telephoneSound(file([format(tag: 3, bits: 32), ("data", bytes)])) == [sample])
  }

  @Test func refusesWithWhatWasExpected() {
    #expect(refusal([]) == .notWAVE)
    #expect(refusal(Array("RIFX\0\0\0\0WAVE".utf8)) == .notWAVE)
    #expect(refusal(Array("ID3".utf8) + [UInt8](repeating: 0, count: 100)) == .notWAVE)
    #expect(refusal(file([])) == .noFormat)
    #expect(refusal(file([("fmt ", [1, 0, 1, 0]), ("data", ramp)])) == .noFormat)
    #expect(refusal(file([format()])) == .noSound)
    #expect(refusal(file([format(), ("data", [])])) == .noSound)
    #expect(refusal(file([format(), ("data", [1])])) == .noSound)
    #expect(refusal(file([format(tag: 0x55), ("data", ramp)])) == .unsupported(tag: 0x55, bits: 16))
    #expect(refusal(file([format(bits: 0), ("data", ramp)])) == .unsupported(tag: 1, bits: 0))
    #expect(refusal(file([format(tag: 3, bits: 16), ("data", ramp)])) == .unsupported(tag: 3, bits: 16))
    #expect(refusal(file([format(channels: 0), ("data", ramp)])) == .badChannelCount(0))
    #expect(refusal(file([format(channels: 65), ("data", ramp)])) == .badChannelCount(65))
    #expect(refusal(file([format(rate: 999), ("data", ramp)])) == .badSampleRate(999))
    #expect(
      refusal(file([format(), ("data", [UInt8](repeating: 0, count: 48_000))]), limit: 2)
        == .tooLong(seconds: 3, limit: 2))
    #expect("\(WAVEError.notWAVE)".contains("expected"))
  }

  @Test func anyBytesAreReadOrRefused() throws {
    let small = file([format(channels: 2, bits: 24), ("LIST", [1, 2, 3]), ("data", ramp + ramp + ramp)])
    let sox = try #require(fixture("wave/8000-alaw-mono.wav"))
    var random = Noise(state: 8)
    var read = 0
    for round in 0..<6000 {
      var bytes = round % 2 == 0 ? small : sox
      for _ in 0...round % 5 { bytes[random.below(min(bytes.count, 64))] = UInt8(random.below(256)) }
      if round % 3 == 0 { bytes.removeLast(random.below(bytes.count)) }
      // Rates far from 8000 make long sounds of few bytes; that is right, but takes time.
      if let sound = try? WAVE.telephoneSound(bytes, limit: 1) {
        read += 1
        #expect(sound.count <= 16_000)
      }
    }
    #expect(read > 500)
  }
}

/// A few random numbers that are always the same.
struct Noise {
  var state: UInt64

  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }
}

@Suite struct WAVEHeaderTests {
  @Test func writesWhatTheReaderReads() throws {
    for encoding in [WAVEEncoding.integer(bytes: 2), .integer(bytes: 1), .float(bytes: 4), .aLaw, .muLaw] {
      for reserves in [false, true] {
        let header = WAVEHeader(encoding: encoding, channels: 2).bytes(dataBytes: 80, reservesLargeSizes: reserves)
        #expect(header.count == (reserves ? WAVEHeader.largeLength : WAVEHeader.plainLength))
        let wave = try WAVE(header + [UInt8](repeating: 0, count: 80))
        #expect(wave.encoding == encoding && wave.channels == 2 && wave.sampleRate == 8000)
        #expect(wave.frames == 40 / encoding.bytes)
      }
    }
  }

  @Test func thePlainHeaderIsTheOneEverybodyKnows() {
    let expected: [UInt8] =
      Array("RIFF".utf8) + [0x2C, 0, 0, 0] + Array("WAVEfmt ".utf8) + [16, 0, 0, 0, 1, 0, 2, 0, 0x40, 0x1F, 0, 0]
      + [0, 0x7D, 0, 0, 4, 0, 16, 0] + Array("data".utf8) + [8, 0, 0, 0]
    #expect(WAVEHeader(channels: 2).bytes(dataBytes: 8) == expected)
  }

  @Test func countsThePaddingOfOddSounds() {
    let header = WAVEHeader(encoding: .aLaw, channels: 1).bytes(dataBytes: 3)
    #expect(header[4] == 40)
    #expect(header[40] == 3)
  }

  @Test func aboveFourGigabytesItIsRF64() throws {
    let header = WAVEHeader(channels: 2)
    let limit = UInt64(UInt32.max) - 80
    #expect(header.bytes(dataBytes: limit - limit % 2).prefix(4) == Array("RIFF".utf8)[...])
    let size: UInt64 = 5_000_000_000
    let bytes = header.bytes(dataBytes: size)
    #expect(bytes.count == WAVEHeader.largeLength)
    #expect(bytes.prefix(8) == (Array("RF64".utf8) + [0xFF, 0xFF, 0xFF, 0xFF])[...])
    #expect(Array(bytes[12..<16]) == Array("ds64".utf8))
    func number(_ offset: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) } }
    #expect(number(20) == size + 72)
    #expect(number(28) == size)
    #expect(number(36) == size / 4)
    #expect(bytes.suffix(4) == [0xFF, 0xFF, 0xFF, 0xFF])
    // What comes after such a header is read to the end of what is there.
    #expect(try WAVE(bytes + [1, 0, 2, 0]).frames == 1)
  }
}
