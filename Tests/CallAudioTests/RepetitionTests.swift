import Audio
import Capture
import PikettTesting
import Testing

@testable import CallAudio

/// Packets that the capture holds twice, or in part only.
@Suite struct RepetitionTests {
  /// - Parameter delays: each packet comes again so much later, in microseconds.
  private func survey(
    losing lost: Set<Int>, again delays: [Int64], firstTimestamp: UInt32 = .max - 3000, packets: Int = 150
  ) throws -> RecordedCall {
    var capture = CaptureBuilder()
    capture.call()
    var stream = TestStream(.aLaw, packets: packets)
    stream.firstSequence = 65_500
    stream.firstTimestamp = firstTimestamp
    for delay in [0] + delays { stream.sendAll(into: &capture, from: 10_000 + delay, except: lost) }
    return try #require(try convert(capture.bytes).survey.calls.first)
  }

  @Test(arguments: [[], [50], [0, 70_000]]) func noneCountsTwiceOrHidesALoss(delays: [Int64]) throws {
    let call = try survey(losing: Set((1..<15).map { $0 * 10 }), again: delays)
    #expect(call.left.packetCount == 136 && call.left.lostCount == 14)
    #expect(call.left.jitter == 0 && call.left.mostJitter == 0)
    #expect(call.left.codecs == [.pcma])
  }

  /// What fills a gap late is no repetition.
  @Test func overtakenPacketsCount() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw)
    for index in 0..<50 {
      for delay in [Int64(0), 100] {
        stream.send(index, into: &capture, at: Int64(index) * 20_000 + (index % 5 == 2 ? 90_000 : 0) + delay)
      }
    }
    let call = try #require(try convert(capture.bytes).survey.calls.first)
    #expect(call.left.packetCount == 50 && call.left.lostCount == 0)
  }

  /// A sender that counts anew from a little before where it stood repeats nothing.
  @Test(arguments: [8000, 3_000_000_000] as [UInt32]) func aSenderThatCountsAnew(step: UInt32) throws {
    var capture = CaptureBuilder()
    capture.call()
    var stream = TestStream(.aLaw, packets: 30)
    stream.sendAll(into: &capture, from: 10_000)
    stream.firstTimestamp &+= step
    stream.sendAll(into: &capture, from: 1_010_000)
    let call = try #require(try convert(capture.bytes).survey.calls.first)
    #expect(call.left.packetCount == 60 && call.left.lostCount == 0)
  }

  /// Key presses and comfort noise among the sound of a codec with a memory: what comes again disturbs nothing.
  @Test(arguments: [false, true]) func decodersGoOn(rendersKeys: Bool) throws {
    let sound = CodecStream.gsm(song(16_000, rate: 8000))
    let heard = try [false, true].map { isTwice in
      var capture = CaptureBuilder()
      capture.call(types: "3 101 13", extra: "a=rtpmap:101 telephone-event/8000\r\n")
      for index in sound.packets.indices {
        let keys = index >= 30 && index < 36
        let noise = index == 60
        var one = sound
        if keys {
          let duration = (index - 29) * 160
          one.packets[index] = [5, index == 35 ? 0x8A : 0x0A, UInt8(duration >> 8), UInt8(duration & 255)]
        } else if noise {
          one.packets[index] = [40]
        }
        one.type = keys ? 101 : noise ? 13 : 3
        // All packets of a key press bear the time of its beginning.
        if keys { one.firstTimestamp &-= UInt32((index - 30) * 160) }
        for delay in isTwice ? [Int64(0), 40] : [0] {
          one.send(index, into: &capture, at: 10_000 + Int64(index) * 20_000 + delay)
        }
      }
      return try convert(capture.bytes, rendersKeys: rendersKeys).left
    }
    expectSame(heard[1], heard[0])
  }

  @Test func packetsCapturedInPart() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw)
    for index in 0..<50 {
      // The fourth has the padding bit, whose count lies in what is missing.
      var packet = [0x80, 8, 0, UInt8(index), 0, 0, UInt8((index * 160) >> 8), UInt8(index * 160 & 255), 0, 0, 0, 1]
      if index == 3 { packet[0] |= 0x20 }
      capture.datagram(packet + stream.payload(index), stream.from, stream.to, at: Int64(index) * 20_000)
      if index >= 3 && index < 8 { capture.cutLast(to: 12 + 40) }
    }
    let heard = try convert(capture.bytes)
    #expect(heard.survey.cutPacketCount == 5)
    #expect(heard.survey.calls.first?.left.packetCount == 50)
    try #require(heard.left.count == 8000)
    expectSame(Array(heard.left[..<(480 + 40)]), Array(stream.samples[..<(480 + 40)]))
    #expect(heard.left[520..<640].allSatisfy { $0 == 0 })
    expectSame(Array(heard.left[1280...]), stream.samples(8..<50))
  }
}
