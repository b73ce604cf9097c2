import Audio
import Capture
import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// Senders, networks and capturing machines that do not keep to the plain rhythm of a packet every 20 ms.
@Suite struct TimeVarietyTests {
  /// A sender that changes the length of its packets in mid-stream.
  @Test func anotherPacketTime() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw, packets: 120)
    var sequence: UInt16 = 65_530
    var position = 0
    for length in [Int](repeating: 160, count: 30) + [Int](repeating: 480, count: 20) + [Int](repeating: 80, count: 60)
    {
      capture.rtp(
        Array(stream.codes[position..<position + length]), type: 8, sequence: sequence,
        timestamp: UInt32(truncatingIfNeeded: position) &+ 0xFFFF_F000, ssrc: 1, stream.from, stream.to,
        at: Int64(position + length) * 125)
      sequence &+= 1
      position += length
    }
    let heard = try convert(capture.bytes)
    // What is longer comes later: the first short ones tell where the stream lies, within the difference.
    let wanted = Array(stream.samples.prefix(position))
    expectSame(heard.left, wanted)
    #expect(heard.survey.calls.first?.left.lostCount == 0)
  }

  /// Discontinuous transmission: nothing is sent in pauses, the numbers go on, the timestamps leap.
  @Test func pausesInWhichNothingIsSent() throws {
    var capture = CaptureBuilder()
    capture.call()
    let stream = TestStream(.aLaw, packets: 400)
    var generator = SeededGenerator(seed: 8)
    var wanted: [Int16] = silence(400 * 160)
    var sequence: UInt16 = 1
    for index in 0..<400 where index % 100 < 40 {
      capture.rtp(
        stream.payload(index), type: 8, sequence: sequence, timestamp: UInt32(index * 160), ssrc: 1, stream.from,
        stream.to, at: Int64(index) * 20_000 + (index == 0 ? 0 : Int64.random(in: 0...30_000, using: &generator)))
      wanted.replaceSubrange(index * 160..<(index + 1) * 160, with: stream.samples(index..<index + 1))
      sequence &+= 1
    }
    let heard = try convert(capture.bytes)
    expectSame(heard.left, Array(wanted.prefix(340 * 160)))
    #expect(heard.survey.calls.first?.left.lostCount == 0)
  }

  /// The capturing machine's clock is set back in the middle of the call.
  @Test(arguments: [700_000, 5_000_000] as [Int64]) func aClockThatIsSetBack(by step: Int64) throws {
    var capture = CaptureBuilder()
    capture.call()
    let left = TestStream(.aLaw, packets: 400)
    let right = TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, packets: 400, seed: 2)
    for index in 0..<400 {
      let shift = index < 300 ? 0 : step
      left.send(index, into: &capture, at: Int64(index) * 20_000 - shift)
      right.send(index, into: &capture, at: Int64(index) * 20_000 + 1000 - shift)
    }
    let heard = try convert(capture.unorderedBytes)
    expectSame(heard.left, left.samples + silence(8))
    expectSame(heard.right, silence(8) + right.samples)
  }

  /// Both directions of a long call, each with a clock of its own, against the capture's.
  @Test func bothClocksDrift() throws {
    var capture = CaptureBuilder()
    capture.call()
    let rates = [
      (TestStream(.aLaw, packets: 100), 150e-6),
      (TestStream(.aLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, packets: 100, seed: 3), -150e-6),
    ]
    let packets = 50 * 600
    for (stream, drift) in rates {
      for index in 0..<packets {
        capture.rtp(
          stream.payload(index % 100), type: 8, sequence: UInt16(truncatingIfNeeded: index),
          timestamp: UInt32(truncatingIfNeeded: index * 160), ssrc: stream.ssrc, stream.from, stream.to,
          at: Int64(Double(index) * 20_000 * (1 + drift)))
      }
    }
    let heard = try convert(capture.bytes)
    for (channel, (stream, drift)) in zip([heard.left, heard.right], rates) {
      // The last packet but some lies where it was sent, to 3 ms, although the clocks are 180 ms apart by then.
      let index = packets - 150
      let place = Int(Double(index) * 160 * (1 + drift))
      let first = stream.samples(index % 100..<index % 100 + 1)
      let found = (place - 24...place + 24).contains { start in
        zip(channel[start..<start + 120], first).count { $0 == $1 } > 100
      }
      #expect(found)
    }
  }
}
