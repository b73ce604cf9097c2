import Audio
import Capture
import Decoders
import RTP
import Telephony
import Testing

import func Glibc.sin

@testable import CallAudio

/// What goes the long way: codecs with a memory, other rates, key tones.
@Suite struct CodecTests {
  private static let reply = (from: TestStream.called, to: TestStream.caller)

  /// The samples that an undisturbed decoder makes.
  private func decoded(_ stream: CodecStream, _ codec: DecodableCodec, rate: Int) throws -> [Int16] {
    let decoder = try #require(codec.makeDecoder(preferredRate: rate))
    return stream.packets.flatMap { packet in
      [Int16](unsafeUninitializedCapacity: 6000) { buffer, count in
        buffer.initialize(repeating: 0)
        count = packet.withUnsafeBytes { decoder.decode($0, into: buffer) }
      }
    }
  }

  @Test func packetsReachADecoderInOrderAndOnce() throws {
    var capture = CaptureBuilder()
    capture.call(types: "3")
    let stream = CodecStream.gsm(song(16_000, rate: 8000))
    for index in stream.packets.indices {
      let late: Int64 = index % 7 == 3 ? 130_000 : 0
      stream.send(index, into: &capture, at: 10_000 + Int64(index) * 20_000 + late)
      if index % 5 == 0 { stream.send(index, into: &capture, at: 35_000 + Int64(index) * 20_000 + late) }
    }
    expectSame(try convert(capture.bytes).left, try decoded(stream, .gsm, rate: 8000))
  }

  @Test func aLossIsFilledAndThenSilent() throws {
    var capture = CaptureBuilder()
    capture.call(types: "3")
    let stream = CodecStream.gsm(song(16_000, rate: 8000))
    stream.sendAll(into: &capture, except: Set(50..<70).union([20]))
    let heard = try convert(capture.bytes).left
    let wanted = try decoded(stream, .gsm, rate: 8000)
    #expect(heard.count == wanted.count)
    expectSame(Array(heard[..<3200]), Array(wanted[..<3200]))
    #expect(level(heard[3200..<3360]) > level(wanted[3200..<3360]) / 3)
    #expect(likeness(heard[4000..<8000], wanted[4000..<8000]) > 0.98)
    // 60 ms of it, then nothing is made up.
    #expect(level(heard[8000..<8160]) > 500)
    #expect(heard[8480..<11_200].allSatisfy { $0 == 0 })
    #expect(likeness(heard[12_000..<16_000], wanted[12_000..<16_000]) > 0.98)
  }

  /// Sequence numbers that go on over a pause: the sender was silent, nothing is lost.
  @Test func aPauseStaysSilent() throws {
    var capture = CaptureBuilder()
    capture.call(types: "3")
    var stream = CodecStream.gsm(song(16_000, rate: 8000))
    for index in 0..<50 { stream.send(index, into: &capture, at: Int64(index) * 20_000) }
    stream.firstTimestamp += 8000
    for index in 50..<100 { stream.send(index, into: &capture, at: 1_000_000 + Int64(index) * 20_000) }
    let wanted = try decoded(stream, .gsm, rate: 8000)
    expectSame(try convert(capture.bytes).left, Array(wanted[..<8000]) + silence(8000) + Array(wanted[8000...]))
  }

  @Test func opusComesAt48kHzOrAsWanted() throws {
    let sound = song(32_000, rate: 16_000)
    let stream = CodecStream.opus(sound)
    var capture = CaptureBuilder()
    capture.call(types: "111", extra: "a=rtpmap:111 opus/48000/2\r\n")
    stream.sendAll(into: &capture)
    let whole = try convert(capture.bytes, rate: 48_000)
    expectSame(whole.left, try decoded(stream, .opus, rate: 48_000))
    expectSame(try convert(capture.bytes, wanted: 16_000, rate: 16_000).left, try decoded(stream, .opus, rate: 16_000))
    let odd = try convert(capture.bytes, wanted: 11_025, rate: 11_025).left
    #expect(odd.count == 22_050)
  }

  /// The packet after the lost one knows it: what is heard is like what was said.
  @Test func aLostOpusPacketIsTakenFromTheNext() throws {
    let stream = CodecStream.opus(song(32_000, rate: 16_000))
    var capture = CaptureBuilder()
    capture.call(types: "111", extra: "a=rtpmap:111 opus/48000/2\r\n")
    stream.sendAll(into: &capture, except: [40, 60, 61])
    let heard = try convert(capture.bytes, wanted: 16_000, rate: 16_000).left
    // 40 from 41; 60 as the decoder guesses it, and 61 from 62.
    let decoder = try #require(OpusDecoder(sampleRate: 16_000))
    var wanted: [Int16] = []
    for (index, packet) in stream.packets.enumerated() {
      wanted += [Int16](unsafeUninitializedCapacity: 320) { buffer, count in
        buffer.initialize(repeating: 0)
        count =
          switch index {
          case 60: decoder.conceal(into: buffer)
          case 40, 61: stream.packets[index + 1].withUnsafeBytes { decoder.recover(from: $0, into: buffer) }
          default: packet.withUnsafeBytes { decoder.decode($0, into: buffer) }
          }
      }
    }
    expectSame(heard, wanted)
  }

  @Test func l16OfItsOwnRate() throws {
    var capture = CaptureBuilder()
    capture.call(types: "97", extra: "a=rtpmap:97 L16/32000/1\r\n")
    let sound = song(32_000, rate: 32_000)
    CodecStream.l16(sound, rate: 32_000, type: 97).sendAll(into: &capture)
    expectSame(try convert(capture.bytes, rate: 32_000).left, sound)
  }

  /// One direction of 8000 Hz, one of 44100: both at 44100 and in their places, the layouts alike.
  @Test(arguments: [ChannelLayout.stereo, .split, .mono]) func twoRates(layout: ChannelLayout) throws {
    var capture = CaptureBuilder()
    capture.call(types: "11 8")
    let wide = song(88_200, rate: 44_100)
    CodecStream.l16(wide, rate: 44_100, type: 11).sendAll(into: &capture)
    var narrow = TestStream(.aLaw, ssrc: 2, from: Self.reply.from, to: Self.reply.to)
    narrow.codes = G711.aLaw.encode(song(8000, rate: 8000))
    narrow.sendAll(into: &capture, from: 500_000)
    let heard = try convert(capture.bytes, layout: layout, rate: 44_100)
    #expect(heard.left.count == 88_200)
    let right = [Int16](repeating: 0, count: 22_050) + Array(song(44_100, rate: 44_100)) + silence(22_050)
    if layout == .mono {
      #expect(likeness(heard.left, zip(wide, right).map { Int16(clamping: Int($0) + Int($1)) }) > 0.999)
      return
    }
    let channels = layout == .split ? heard.files.map { $0[0] } : heard.files[0]
    expectSame(channels[0], wide)
    #expect(likeness(channels[1], right) > 0.999)
    #expect(channels[1][..<22_049].allSatisfy { $0 == 0 } && channels[1][66_151...].allSatisfy { $0 == 0 })
  }

  /// G.711 at another rate has no seams at the packets' borders.
  @Test(arguments: [16_000, 48_000, 22_050]) func aSineOfG711AtOtherRates(rate: Int) throws {
    var capture = CaptureBuilder()
    capture.call(types: "97", extra: "a=rtpmap:97 L16/8000/1\r\n")
    let sound = (0..<16_000).map { Int16(10_000 * sin(2 * .pi * 1000 * Double($0) / 8000)) }
    CodecStream.l16(sound, rate: 8000, type: 97).sendAll(into: &capture)
    let heard = try convert(capture.bytes, wanted: rate, rate: rate).left
    #expect(heard.count == rate * 2)
    let wanted = (0..<rate * 2).map { Int16(10_000 * sin(2 * .pi * 1000 * Double($0) / Double(rate))) }
    let worst = zip(heard, wanted).dropFirst(400).dropLast(400).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(worst < 25, "\(worst)")
  }

  @Test func aPieceOfACall() throws {
    for rate in [8000, 16_000] {
      var capture = CaptureBuilder()
      capture.call()
      let stream = TestStream(.aLaw, packets: 100)
      stream.sendAll(into: &capture, from: 0)
      let whole = try convert(capture.bytes, wanted: rate, rate: rate).left
      let piece = try convert(capture.bytes, wanted: rate, rate: rate, from: 430_500_000, to: 1_250_000_000).left
      expectSame(piece, Array(whole[(rate * 861 / 2000)..<(rate * 5 / 4)]))
      #expect(
        try convert(capture.bytes, wanted: rate, rate: rate, from: 1_900_000_000, to: 5_000_000_000).left.count == rate
          / 10)
    }
  }
}

/// Key presses sent as events, with and without their tones.
@Suite struct KeyToneTests {
  private static let extra = "a=rtpmap:101 telephone-event/8000\r\n"

  /// A press from `time` on, in ms: packets every 20 ms, those of `missing` left out; 900 is the first of three ends.
  private func press(
    _ code: UInt8, _ length: Int, at time: Int, into capture: inout CaptureBuilder, sequence: inout UInt16,
    missing: Set<Int> = []
  ) {
    let timestamp = 1000 + UInt32(time * 8)
    var packets = stride(from: 20, to: length, by: 20).map { (UInt8(10), $0) }
    packets += [(0x8A, length), (0x8A, length), (0x8A, length)]
    for (index, packet) in packets.enumerated() {
      let units = packet.1 * 8
      sequence += 1
      if missing.contains(index) { continue }
      capture.rtp(
        [code, packet.0, UInt8(units >> 8), UInt8(units & 0xFF)], type: 101, sequence: sequence, timestamp: timestamp,
        ssrc: 1, TestStream.caller, TestStream.called, at: Int64(time + min(20 * index, length)) * 1000)
    }
  }

  private func capture(_ body: (inout CaptureBuilder, inout UInt16) -> Void) -> CaptureBuilder {
    var capture = CaptureBuilder()
    capture.call(types: "8 101", extra: Self.extra)
    // A second of quiet on both sides gives the presses their place.
    var quiet = TestStream(.aLaw, packets: 10)
    quiet.codes = [UInt8](repeating: G711.aLaw.silence, count: 1600)
    quiet.sendAll(into: &capture, from: 0)
    var sequence: UInt16 = 109
    body(&capture, &sequence)
    quiet.firstSequence = sequence + 1
    quiet.firstTimestamp = 1000 + 8 * 3000
    quiet.sendAll(into: &capture, from: 3_000_000)
    return capture
  }

  @Test func keysAreHeardWhereTheyWerePressed() throws {
    let capture = capture { capture, sequence in
      press(1, 100, at: 500, into: &capture, sequence: &sequence)
      // Its first packets and all its ends are lost.
      press(5, 200, at: 1000, into: &capture, sequence: &sequence, missing: [0, 1, 9, 10, 11])
      press(11, 120, at: 1500, into: &capture, sequence: &sequence)
      press(11, 120, at: 1800, into: &capture, sequence: &sequence, missing: [6, 7])
      // Flash is no tone.
      press(16, 120, at: 2200, into: &capture, sequence: &sequence)
    }
    let silent = try convert(capture.bytes).left
    #expect(silent.allSatisfy { abs(Int($0)) <= 8 })
    let heard = try convert(capture.bytes, rendersKeys: true).left
    #expect(keys(in: heard) == "15##")
    for (start, length) in [(500, 100), (1000, 180), (1500, 120), (1800, 120)] {
      let tone = heard[start * 8..<(start + length) * 8]
      #expect(level(tone.dropFirst(80).dropLast(80)) > 4000, "\(start)")
      #expect(level(heard[(start * 8 - 200)..<start * 8]) < 10)
      #expect(level(heard[((start + length) * 8)..<((start + length) * 8 + 200)]) < 10)
      // No edge clicks.
      #expect(abs(Int(tone[tone.startIndex])) < 300 && abs(Int(tone[tone.endIndex - 1])) < 300)
    }
    #expect(heard[2200 * 8..<2400 * 8].allSatisfy { abs(Int($0)) <= 8 })
    #expect(
      keys(
        in: try convert(capture.bytes, wanted: 16_000, rate: 16_000, rendersKeys: true).left.enumerated()
          .filter { $0.offset % 2 == 0 }.map(\.element)) == "15##")
  }

  /// While a key is down its tone takes the place of what the sender's microphone gives.
  @Test func aToneStandsInsteadOfTheSound() throws {
    var capture = CaptureBuilder()
    capture.call(types: "8 101", extra: Self.extra)
    let stream = TestStream(.aLaw, packets: 100)
    var sequence: UInt16 = 100
    for index in 0..<100 {
      var moved = stream
      moved.firstSequence = sequence &- UInt16(index)
      moved.send(index, into: &capture, at: Int64(index) * 20_000)
      sequence += 1
      if (40..<50).contains(index) {
        let units = (index - 39) * 160
        capture.rtp(
          [7, index == 49 ? 0x8A : 0x0A, UInt8(units >> 8), UInt8(units & 0xFF)], type: 101, sequence: sequence,
          timestamp: 1000 + 40 * 160, ssrc: 1, stream.from, stream.to, at: Int64(index) * 20_000 + 1000)
        sequence += 1
      }
    }
    let heard = try convert(capture.bytes, rendersKeys: true).left
    expectSame(Array(heard[..<6400]), stream.samples(0..<40))
    expectSame(Array(heard[8000...]), stream.samples(50..<100))
    #expect(keys(in: Array(heard[6400..<8000]) + silence(800)) == "7")
    #expect((4000...6000).contains(level(heard[6600..<7800])))
    expectSame(try convert(capture.bytes).left, stream.samples)
  }

  /// A press longer than a duration can tell goes on under a new timestamp (RFC 4733 §2.5.1.3).
  @Test func aLongPressIsOneTone() {
    var tone = KeyTone(rate: 8000)
    let made = [
      tone.take(TelephoneEvent(code: 3, duration: 60_000), timestamp: 0, frame: 100, clockRate: 8000),
      tone.take(TelephoneEvent(code: 3, duration: 0xFFFF), timestamp: 0, frame: 100, clockRate: 8000),
    ]
    #expect(made == [100..<60_100, 60_100..<65_635])
    let next = TelephoneEvent(code: 3, duration: 800)
    #expect(!tone.isOver(with: next, timestamp: 65_535, frame: 65_635))
    #expect(tone.take(next, timestamp: 65_535, frame: 65_635, clockRate: 8000) == 65_635..<66_435)
    // An old packet changes nothing; the end fades what had sounded on.
    #expect(tone.take(TelephoneEvent(code: 3, duration: 0xFFFF), timestamp: 0, frame: 100, clockRate: 8000) == nil)
    let end = TelephoneEvent(code: 3, isEnd: true, duration: 800)
    #expect(tone.take(end, timestamp: 65_535, frame: 65_635, clockRate: 8000) == 66_395..<66_435)
    #expect(tone.take(end, timestamp: 65_535, frame: 65_635, clockRate: 8000) == nil)
    #expect(tone.finish() == nil)
  }
}

/// A peer whose clock is not the capture's.
@Suite struct SlipTests {
  /// Where the clocks have parted by a sample there is neither a hole nor a jump, at the codec's rate and at others.
  @Test(arguments: [8000, 16_000, 48_000], [-400, 400]) func noHolesWhereClocksPart(rate: Int, millionths: Int64) throws
  {
    var capture = CaptureBuilder()
    capture.call()
    var stream = TestStream(.aLaw, packets: 1500)
    let sound = (0..<1500 * 160).map { Int16(8000 * sin(2 * .pi * 50 * Double($0) / 8000)) }
    stream.codes = G711.aLaw.encode(sound)
    for index in 0..<1500 {
      let time = Int64(index) * 20_000
      stream.send(index, into: &capture, at: time + time * millionths / 1_000_000)
    }
    let heard = try convert(capture.bytes, wanted: rate, rate: rate).left
    // Of 30 s, 12 ms are gained or lost.
    let parted = heard.count - rate * 30
    #expect((parted - Int(millionths) * rate * 30 / 1_000_000).magnitude < rate / 250, "\(parted)")
    // A sine of 50 Hz moves by 1/25 of its height from one sample to the next at 8000 Hz.
    let steepest = zip(heard, heard.dropFirst()).dropLast(rate / 100).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(steepest < 900, "\(steepest)")
  }
}
