import Audio
import Capture
import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// From spoken words by a lossy network into a capture, and from there to the WAV: the words are there, and where they
/// were spoken.
@Suite struct RoundTripTests {
  /// 5 % loss, 60 ms of jitter, and duplicates; both clocks as they are in the world.
  @Test(arguments: 1...UInt64(12)) func wordsLieWhereTheyWereSpoken(seed: UInt64) throws {
    let drift = [0, 100, -100][Int(seed % 3)]
    try roundTrip(
      seed, spoken("demo-caller"), spoken("demo-technician"),
      milliseconds: [20, 10, 30, 60][Int(seed / 3 % 4)], duplicates: seed % 2 == 0 ? 0.02 : 0, drift: Double(drift))
  }

  /// Six minutes, in which the caller's clock loses 36 ms on the capture's, and the technician's gains as many. The words
  /// are stretched as the clock was: over a window by more than a sample, so that it fits less well than 0.9.
  @Test func clocksThatDrift() throws {
    let words = { (name: String) in Array(repeating: try spoken(name), count: 43).flatMap(\.self) }
    try roundTrip(77, words("demo-caller"), words("demo-technician"), drift: 100, step: 16_000 * 8, least: 0.5)
  }

  func roundTrip(
    _ seed: UInt64, _ left: [Int16], _ right: [Int16], milliseconds: Int = 20, duplicates: Double = 0, drift: Double,
    step: Int = SpokenWindow.length / 2, least: Double = 0.9
  ) throws {
    var capture = CaptureBuilder()
    let begin: Int64 = 700_000
    let length = Int64(max(left.count, right.count)) * 125
    capture.call(to: begin + length + 1_000_000)
    let senders = [
      (left, drift, TestStream.caller, TestStream.called), (right, -drift, TestStream.called, TestStream.caller),
    ]
    var lists: [ArrivalList] = []
    for (index, (words, drift, from, to)) in senders.enumerated() {
      let list = ArrivalList(
        seed: seed &* 2 &+ UInt64(index), packets: words.count / (milliseconds * 8), milliseconds: milliseconds,
        duplicates: duplicates, drift: drift)
      var stream = TestStream(.aLaw, ssrc: UInt32(index + 1), from: from, to: to, packets: 0)
      stream.codes = G711.aLaw.encode(words)
      for arrival in list.arrivals {
        let samples = list.samplesPerPacket
        capture.rtp(
          Array(stream.codes[arrival.packet * samples..<(arrival.packet + 1) * samples]), type: 8,
          sequence: 65_400 &+ UInt16(truncatingIfNeeded: arrival.packet),
          timestamp: UInt32.max - 20_000 &+ UInt32(arrival.packet * samples), ssrc: stream.ssrc, from, to,
          at: begin + arrival.time)
      }
      lists.append(list)
    }
    let heard = try convert(capture.bytes)
    let call = try #require(heard.survey.calls.first)
    let place = Int((CaptureBuilder.start + begin - call.start.microseconds) / 125)
    for (index, (words, drift, _, _)) in senders.enumerated() {
      let windows = SpokenWindow.all(
        of: words, without: lists[index].lost, samplesPerPacket: lists[index].samplesPerPacket,
        in: index == 0 ? heard.left : heard.right, at: place, slowness: drift, step: step)
      try #require(windows.count >= 6)
      let worst = windows.map(\.correlation).min() ?? 0
      let farthest = windows.map(\.offset.magnitude).max() ?? .max
      #expect(worst >= least, "channel \(index): \(windows.filter { $0.correlation < least })")
      #expect(farthest <= 160, "channel \(index): \(windows.filter { $0.offset.magnitude > 160 })")
    }
  }

  func spoken(_ name: String) throws -> [Int16] {
    try WAVE.telephoneSound(readFile(fixture("../prompts/en/\(name).wav")))
  }
}
