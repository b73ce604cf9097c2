import Audio
import Codecs
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  /// G.722 (payload type 9) on one leg or both.
  @Suite("G.722")
  struct WidebandTests {
    private let wide: (inout LegMedia) -> Void = {
      ($0.sendsG722, $0.sendPayloadType, $0.receiveG722, $0.receivePayloadTypes) = (true, 9, [9], [:])
    }

    /// A second of something like a voice: a pitch that glides, with its harmonics, louder and softer.
    private let words: [Int16] = {
      var phase = 0.0
      return (0..<8000).map { index in
        phase += 0.02 + 0.03 * Double(index % 3000) / 3000
        let wave = (1...6).reduce(0.0) { $0 + triangle(phase * Double($1)) / Double($1) }
        return Int16(wave * 5000 * (0.3 + triangle(Double(index) / 2500).magnitude))
      }
    }()

    private static func triangle(_ x: Double) -> Double { 4 * (x - x.rounded(.down) - 0.5).magnitude - 1 }

    /// The best correlation of `heard` with `said`, delayed by 0 to 40 samples.
    private func correlation(_ said: [Int16], _ heard: [Int16]) -> Double {
      (0...40).map { delay in
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for (x, y) in zip(said.dropFirst(400), heard.dropFirst(400 + delay)) {
          (xy, xx, yy) = (xy + Double(x) * Double(y), xx + Double(x) * Double(x), yy + Double(y) * Double(y))
        }
        return xx > 0 && yy > 0 ? xy / (xx * yy).squareRoot() : 0
      }.max() ?? 0
    }

    private func encode(_ samples: [Int16], by codec: G722) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: samples.count)
      samples.withUnsafeBufferPointer { samples in bytes.withUnsafeMutableBytes { codec.encode(samples, into: $0) } }
      return bytes
    }

    private func decode(_ bytes: [UInt8]) throws -> [Int16] {
      let codec = try #require(G722())
      var samples = [Int16](repeating: 0, count: bytes.count)
      bytes.withUnsafeBytes { bytes in samples.withUnsafeMutableBufferPointer { codec.decode(bytes, into: $0) } }
      return samples
    }

    private func power(_ samples: [Int16]) -> Double {
      samples.dropFirst(400).reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, samples.count - 400))
    }

    @Test("Between two sides that have it, packets go through as they are")
    func through() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg(describe: wide)
      let (b, bob, _) = try bench.leg(describe: wide)
      (alice.payloadType, bob.payloadType) = (9, 9)
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      for seed in 0..<5 as Range<UInt64> {
        alice.speak(bytes(160, seed: seed))
        bob.speak(bytes(320, seed: seed + 100))
      }
      let heard = try bob.hear(5)
      #expect(heard.map(\.payload) == (0..<5).map { bytes(160, seed: $0) })
      #expect(heard.allSatisfy { $0.header.payloadType == 9 })
      // Its clock runs at 8000 Hz, whatever it is sampled at.
      #expect(heard[4].header.timestamp &- heard[0].header.timestamp == 640)
      #expect(try alice.hear(5).map(\.payload) == (0..<5).map { bytes(320, seed: $0 + 100) })
    }

    @Test(
      "To and from either law it is translated, and sounds as it was said", arguments: [G711.aLaw, .muLaw], [20, 30])
    func translated(law: G711, ptime: Int) throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg(describe: wide)
      let (b, bob, _) = try bench.leg { ($0.sendLaw, $0.sendPayloadType) = (law, law == .aLaw ? 8 : 0) }
      (alice.payloadType, bob.payloadType) = (9, law == .aLaw ? 8 : 0)
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let size = ptime * 8
      let codec = try #require(G722())
      var (toBob, toAlice): ([Int16], [UInt8]) = ([], [])
      for start in stride(from: 0, to: words.count - size + 1, by: size) {
        let piece = Array(words[start..<start + size])
        alice.speak(encode(piece, by: codec))
        bob.speak(law.encode(piece))
        let (there, here) = (try bob.hear(), try alice.hear())
        #expect(there.header.payloadType == bob.payloadType && there.payload.count == size)
        #expect(here.header.payloadType == 9 && here.payload.count == size)
        toBob += law.decode(there.payload)
        toAlice += here.payload
      }
      let back = try decode(toAlice)
      for heard in [toBob, back] {
        #expect(correlation(words, heard) > 0.97)
        let ratio = power(heard) / power(words)
        #expect(ratio > 0.8 && ratio < 1.25, "\(ratio)")
      }
    }

    @Test("What we play is encoded for the leg, noise and key tones too")
    func ownSound() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg(describe: wide)
      let (b, bob, _) = try bench.leg { $0.comfortNoise = 13 }
      bench.engine.send(.play(a, Sound(words), loops: false, token: 1))
      let heard = try alice.hear(50)
      #expect(heard.allSatisfy { $0.header.payloadType == 9 && $0.payload.count == 160 })
      #expect(correlation(words, try decode(heard.flatMap(\.payload))) > 0.97)
      // No telephone-event: as tones.
      bench.engine.send(.sendDigit(a, "7", milliseconds: 100))
      let detector = try #require(ToneDetector())
      // As the phone decodes it: one stream.
      let whole = try decode((heard + (try alice.hear(8))).flatMap(\.payload))
      detector.feed(Array(whole.suffix(8 * 160)))
      #expect(detector.digits() == "7")
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      bob.send([40], type: 13)
      let noise = power(try decode(try alice.hear(50).flatMap(\.payload)))
      // -40 dB of 32768², within 2 dB.
      #expect(noise > 67_000 && noise < 170_000, "\(noise)")
    }

    @Test("Key tones in it are heard, alone and in a translated talk", arguments: [false, true])
    func tones(isBridged: Bool) throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg(describe: wide)
      let (b, bob, _) = try bench.leg()
      alice.payloadType = 9
      if isBridged { bench.engine.send(.bridge(a, b)) }
      bench.engine.send(.detectTones(a, true))
      try bench.settle()
      let audio = try #require(Tone(dtmf: "8", milliseconds: 80, pause: 80)).samples()
      let codec = try #require(G722())
      for start in stride(from: 0, to: audio.count, by: 160) {
        alice.speak(encode(Array(audio[start..<start + 160]), by: codec))
      }
      #expect(try bench.waitForDigit(a, by: .tone) == "8")
      if isBridged { #expect(try bob.hear(8).allSatisfy { $0.header.payloadType == 8 }) }
    }

    @Test("A side that goes over to G.711 in mid-call, and back: one stream, each side in its own codec")
    func changed() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg(describe: wide)
      let (b, bob, _) = try bench.leg(describe: wide)
      (alice.payloadType, bob.payloadType) = (9, 9)
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160))
      var heard = [try bob.hear()]
      bench.engine.send(.describe(b, LegMedia(remote: bob.endpoint)))
      try bench.settle()
      alice.speak(bytes(160, seed: 2))
      heard.append(try bob.hear())
      bob.payloadType = 8
      bob.speak(bytes(160, seed: 3))
      #expect(try alice.hear().header.payloadType == 9)
      var media = LegMedia(remote: bob.endpoint)
      wide(&media)
      bench.engine.send(.describe(b, media))
      try bench.settle()
      alice.speak(bytes(160, seed: 4))
      heard.append(try bob.hear())
      #expect(heard.map(\.header.payloadType) == [9, 8, 9])
      #expect(heard[2].payload == bytes(160, seed: 4))
      for (x, y) in zip(heard, heard.dropFirst()) {
        #expect(y.header.sequenceNumber == x.header.sequenceNumber &+ 1 && y.header.ssrc == x.header.ssrc)
        #expect(y.header.timestamp &- x.header.timestamp == 160)
      }
    }
  }
}
