import Testing

@testable import Decoders

@Suite struct DecoderTests {
  /// Bit by bit what another decoder makes of it.
  @Test func g722() throws {
    let sound = try voice(48_000, rate: 16_000)
    let (packets, reference) = try Encoded.g722(sound)
    let decoder = try #require(G722Decoder())
    let heard = packets.flatMap { decoder.decode($0) }
    #expect(heard.count == sound.count && decoder.sampleRate == 16_000)
    let first = zip(heard, reference).enumerated().first { $0.element.0 != $0.element.1 }?.offset
    #expect(first == nil && heard.count == reference.count)
    #expect(correlation(sound, heard, lag: 40) > 0.99)
  }

  @Test(arguments: [1, 3]) func gsm(frames: Int) throws {
    let sound = try voice(16_000, rate: 8000)
    let decoder = try #require(GSMDecoder())
    let heard = Encoded.gsm(sound, frames: frames).flatMap { decoder.decode($0) }
    #expect(heard.count == sound.count)
    #expect(correlation(sound, heard, lag: 10) > 0.9)
  }

  @Test(arguments: [1, 2, 6]) func g729(frames: Int) throws {
    let sound = try voice(16_000, rate: 8000)
    let decoder = try #require(G729Decoder())
    let coded = Encoded.g729(sound)
    #expect(coded.count == 200 && coded.allSatisfy { $0.count == 10 })
    let heard = stride(from: 0, to: coded.count, by: frames).flatMap { start in
      decoder.decode(Array(coded[start..<min(start + frames, coded.count)].joined()))
    }
    #expect(heard.count == sound.count)
    #expect(correlation(sound, heard, lag: 100) > 0.85)
  }

  @Test func aPauseOfG729IsFilledWithItsNoise() throws {
    var numbers = SeededNumbers(7)
    let noise = { (count: Int) in (0..<count).map { _ in Int16(numbers.next() % 200) - 100 } }
    let sound = noise(8000) + (try voice(16_000, rate: 8000)) + noise(24_000)
    let coded = Encoded.g729(sound, withPauses: true)
    let first = try #require(coded[300...].firstIndex { $0.count == 2 })
    #expect(coded[first...].contains { $0.isEmpty })
    let decoder = try #require(G729Decoder())
    for index in 0..<first - 1 { _ = decoder.decode(coded[index]) }
    #expect(!decoder.isPausing)
    // The description stands behind the packet's last frame of speech.
    #expect(decoder.decode(coded[first - 1] + coded[first]).count == 160 && decoder.isPausing)
    let filled = decoder.conceal(8000)
    #expect(filled.count == 8000 && (10...300).contains(level(filled)), "\(level(filled))")
    _ = decoder.decode(coded[0])
    #expect(!decoder.isPausing)
  }

  @Test(arguments: [8000, 16_000, 48_000]) func opus(rate: Int) throws {
    let decoder = try #require(OpusDecoder(sampleRate: rate))
    let heard = Encoded.opus(try voice(16_000, rate: 16_000), rate: 16_000).flatMap { decoder.decode($0) }
    #expect(heard.count == rate)
    // The sound comes 6.5 ms late, of which the decoder's start takes some. Of three samples at 48000 one is enough.
    let step = max(1, rate / 16_000)
    let compared = stride(from: rate / 4, to: rate, by: step).map { heard[$0] }
    let wanted = Array(try voice(rate / step, rate: rate / step)[(rate / step / 4)...])
    let found = correlation(wanted, compared, lag: rate / step / 100)
    #expect(found > 0.75, "\(found)")
  }

  @Test func stereoOpusIsMixed() throws {
    let left = try voice(48_000, rate: 16_000)
    let decoder = try #require(OpusDecoder(sampleRate: 16_000))
    let heard = Encoded.opus(left.flatMap { [$0, 0] }, rate: 16_000, channels: 2).flatMap { decoder.decode($0) }
    #expect(heard.count == left.count)
    #expect(correlation(left, heard, lag: 150) > 0.8)
  }

  /// The packet after a lost one repeats it at a lower rate: better than what can be guessed.
  @Test func aLostOpusPacketIsInTheNext() throws {
    let packets = try Encoded.opus(voice(48_000, rate: 16_000), rate: 16_000)
    let decoder = try #require(OpusDecoder(sampleRate: 16_000))
    let whole = packets.flatMap { decoder.decode($0) }
    var (recovered, guessed) = (0.0, 0.0)
    for lost in stride(from: 30, to: packets.count - 1, by: 13) {
      let wanted = Array(whole[lost * 320..<(lost + 1) * 320])
      for isRepeated in [true, false] {
        let decoder = try #require(OpusDecoder(sampleRate: 16_000))
        for index in 0..<lost { _ = decoder.decode(packets[index]) }
        #expect(packets[lost + 1].withUnsafeBytes { decoder.length(of: $0) } == 320)
        let heard = isRepeated ? decoder.recover(320, from: packets[lost + 1]) : decoder.conceal(320)
        #expect(heard.count == 320)
        let value = correlation(wanted, heard, lag: 0)
        if isRepeated { recovered += value } else { guessed += value }
      }
    }
    #expect(recovered > guessed, "\(recovered) \(guessed)")
  }

  @Test func l16() throws {
    let mono = try #require(L16Decoder(sampleRate: 44_100, channels: 1))
    #expect(mono.decode([0x12, 0x34, 0xFF, 0xFF, 0x80]) == [0x1234, -1])
    let stereo = try #require(L16Decoder(sampleRate: 44_100, channels: 2))
    #expect(stereo.decode([0x00, 0x10, 0x00, 0x20, 0x80, 0x00, 0x80, 0x00, 1, 2]) == [0x18, -32_768])
    #expect(L16Decoder(sampleRate: 44_100, channels: 0) == nil)
    #expect(L16Decoder(sampleRate: 0, channels: 1) == nil)
  }

  /// What is filled in goes on like the voice, and fades.
  @Test(arguments: [DecodableCodec.g722, .gsm, .g729, .opus]) func concealment(codec: DecodableCodec) throws {
    let decoder = try #require(codec.makeDecoder(preferredRate: 16_000))
    let rate = decoder.sampleRate
    let sound = sine(200, rate * 2, rate: rate)
    let packets: [[UInt8]] =
      switch codec {
      case .g722: try Encoded.g722(sound).packets
      case .gsm: Encoded.gsm(sound)
      case .g729: Encoded.g729(sound)
      default: Encoded.opus(sound, rate: rate)
      }
    for packet in packets[..<50] { _ = decoder.decode(packet) }
    let filled = decoder.conceal(rate / 50)
    #expect(filled.count == rate / 50)
    #expect(level(filled) > 2000, "\(level(filled))")
    #expect(level(decoder.conceal(rate / 10).suffix(rate / 100)) < level(filled))
  }

  @Test(arguments: [(30, 31.62), (50, 316.2), (70, 3162)]) func comfortNoise(_ level: UInt8, _ divisor: Double) {
    var noise = ComfortNoise()
    [level, 99].withUnsafeBytes { noise.describe($0) }
    let samples = made(16_000) { buffer in
      noise.fill(buffer)
      return buffer.count
    }
    let ratio = DecodersTests.level(samples) * divisor / 32_768
    #expect((0.9...1.1).contains(ratio), "\(ratio)")
  }

  /// Whatever the bytes and however many, nothing is written beyond the buffer and nothing traps.
  @Test(arguments: [
    DecodableCodec.pcmu, .g722, .gsm, .g729, .opus, .l16(sampleRate: 44_100, channels: 2),
    .l16(sampleRate: 16_000, channels: 7),
  ]) func anyBytes(codec: DecodableCodec) throws {
    var numbers = SeededNumbers(3)
    let decoder = try #require(codec.makeDecoder(preferredRate: 48_000))
    let guarded = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 10_100)
    defer { guarded.deallocate() }
    var whole = 0
    for round in 0..<400 {
      let length = [0, 1, 2, 9, 10, 11, 33, 65, 160, 1500, 65_507][round % 11]
      var payload = (0..<length).map { _ in UInt8(truncatingIfNeeded: numbers.next()) }
      // Else no packet would look like GSM.
      if codec == .gsm { for index in stride(from: 0, to: length, by: 33) { payload[index] |= 0xD0 } }
      let capacity = [0, 1, 79, 80, 160, 5760, 10_000][round % 7]
      guarded.update(repeating: 0x5A5A)
      let room = UnsafeMutableBufferPointer(rebasing: guarded[..<capacity])
      let count =
        switch round % 5 {
        case 0: decoder.conceal(into: room)
        case 1: payload.withUnsafeBytes { decoder.recover(from: $0, into: room) }
        default: payload.withUnsafeBytes { decoder.decode($0, into: room) }
        }
      if !(0...capacity).contains(count) || guarded[capacity...].contains(where: { $0 != 0x5A5A }) { break }
      whole += 1
      _ = payload.withUnsafeBytes { decoder.length(of: $0) }
    }
    #expect(whole == 400)
  }
}
