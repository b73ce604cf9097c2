import Audio
import Capture
import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// Captures that are cut off or damaged give what is in them, and never a trap.
@Suite struct DamageTests {
  private func smallCall() -> CaptureBuilder {
    var capture = CaptureBuilder()
    capture.call(to: 400_000)
    TestStream(.aLaw, packets: 10).sendAll(into: &capture, from: 10_000)
    TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, packets: 10, seed: 2)
      .sendAll(into: &capture, from: 10_000)
    return capture
  }

  @Test func cutOffAnywhere() throws {
    let bytes = smallCall().bytes
    let whole = try convert(bytes)
    var lengths: Set<Int> = []
    for length in stride(from: 24, to: bytes.count, by: 37) {
      let heard = try convert(Array(bytes[..<length]))
      guard let call = heard.survey.calls.first else { continue }
      lengths.insert(Int(call.frames(at: 8000)))
      expectSame(
        heard.left, Array(whole.left[..<Int(call.frames(at: 8000))]).silenced(behind: call.left.packetCount * 160))
      expectSame(
        heard.right, Array(whole.right[..<Int(call.frames(at: 8000))]).silenced(behind: call.right.packetCount * 160))
    }
    #expect(lengths == Set((1...10).map { $0 * 160 }))
    #expect(try convert(Array(bytes.dropLast(3))).survey.breakage != nil)
    #expect(whole.survey.breakage == nil)
  }

  @Test func damagedAnywhere() throws {
    let bytes = smallCall().bytes
    var generator = SeededGenerator(seed: 4)
    var converted = 0
    for _ in 0..<600 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        damaged[Int.random(in: 24..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      // What was damaged in its times may be long, and is only looked at.
      if try survey(damaged).calls.contains(where: { $0.frames(at: 8000) > 8000 * 10 }) { continue }
      if try !convert(damaged).files.isEmpty { converted += 1 }
    }
    #expect(converted > 300)
  }

  @Test func garbageAndEmptyFilesAreRefused() throws {
    var generator = SeededGenerator(seed: 4)
    let noise = (0..<10_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    for bytes in [[], [0xD4], noise] {
      let error = #expect(throws: CaptureError.self) { _ = try convert(bytes) }
      guard case .noCapture = error?.kind else {
        Issue.record("expected noCapture, not \(String(describing: error))")
        continue
      }
    }
  }

  @Test func noiseInRTPsClothesIsBounded() throws {
    var capture = CaptureBuilder()
    var generator = SeededGenerator(seed: 9)
    capture.call()
    for index in 0..<60_000 {
      capture.rtp(
        [UInt8](repeating: 1, count: 20), type: 8, sequence: 1, timestamp: generator.next(), ssrc: UInt32(index),
        "198.51.100.1:9", "198.51.100.2:9", at: Int64(index))
    }
    let survey = try survey(capture.bytes)
    #expect(survey.hasTooManyStreams)
    #expect(survey.unclaimedStreamCount == StreamTable.mostStreams)
  }

  @Test func aStreamOfNonsenseTimestamps() throws {
    var capture = CaptureBuilder()
    var generator = SeededGenerator(seed: 10)
    capture.call()
    let stream = TestStream(.aLaw, packets: 100)
    for index in 0..<20_000 {
      capture.rtp(
        stream.payload(index % 100), type: 8, sequence: UInt16.random(in: 0...65_535, using: &generator),
        timestamp: UInt32.random(in: 0...UInt32.max, using: &generator), ssrc: 1, stream.from, stream.to,
        at: Int64(index) * 1000)
    }
    let heard = try convert(capture.bytes)
    #expect(
      heard.survey.calls.first.map { $0.frames(at: 8000) < 8 * 40_000 } == true, "20 s of packets make no hour of sound"
    )
  }

  private func survey(_ bytes: [UInt8]) throws -> CallSurvey {
    let directory = TemporaryDirectory()
    return try CallSurvey(of: CaptureFile(path: directory.write("x.pcap", bytes)))
  }
}

extension [Int16] {
  fileprivate func silenced(behind count: Int) -> [Int16] {
    Array(prefix(count)) + silence(Swift.max(0, self.count - count))
  }
}
