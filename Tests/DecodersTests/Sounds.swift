import Audio
import CEncoders
import Decoders
import PikettTesting
import Testing

import func Glibc.sin
import func Glibc.sqrt

/// A person speaking, at any rate.
func voice(_ count: Int, rate: Int, asking: String = #filePath) throws -> [Int16] {
  let root = try #require(packageRoot(above: asking))
  let wave = try WAVE(readFile("\(root)/data/prompts/en/announcement.wav"))
  let resampler = try #require(Resampler(from: wave.sampleRate, to: rate))
  return Array(resampler.resample(wave.channel(0))[..<count])
}

func sine(_ frequency: Double, _ count: Int, rate: Int, amplitude: Double = 10_000) -> [Int16] {
  (0..<count).map { Int16((amplitude * sin(2 * .pi * frequency * Double($0) / Double(rate))).rounded()) }
}

/// The greatest correlation of a with b moved by up to `lag` samples.
func correlation(_ a: [Int16], _ b: [Int16], lag: Int) -> Double {
  (-lag...lag).map { move in
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    let first = max(0, -move)
    for index in first..<max(first, min(a.count, b.count - move)) {
      let (x, y) = (Double(a[index]), Double(b[index + move]))
      ab += x * y
      aa += x * x
      bb += y * y
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0
  }.max() ?? 0
}

/// Root mean square.
func level(_ samples: some Collection<Int16>) -> Double {
  sqrt(samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, samples.count)))
}

/// The samples that `body` writes.
func made(_ capacity: Int, _ body: (UnsafeMutableBufferPointer<Int16>) -> Int) -> [Int16] {
  [Int16](unsafeUninitializedCapacity: capacity) { buffer, count in
    buffer.initialize(repeating: 0)
    count = body(buffer)
  }
}

extension AudioDecoder {
  func decode(_ payload: [UInt8]) -> [Int16] {
    made(48_000) { buffer in payload.withUnsafeBytes { decode($0, into: buffer) } }
  }

  func conceal(_ wanted: Int) -> [Int16] { made(wanted) { conceal(into: $0) } }

  func recover(_ wanted: Int, from next: [UInt8]) -> [Int16] {
    made(wanted) { buffer in next.withUnsafeBytes { recover(from: $0, into: buffer) } }
  }
}

/// Repeatable numbers.
struct SeededNumbers {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}

/// What the encoders make of a sound, by packets.
enum Encoded {
  /// By ffmpeg; what its decoder makes of it again, too.
  static func g722(_ samples: [Int16]) throws -> (packets: [[UInt8]], reference: [Int16]) {
    let directory = TemporaryDirectory()
    let linear = try directory.write(
      "x.raw", samples.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] })
    let coded = directory.file("x.g722")
    let again = directory.file("y.raw")
    let quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y"]
    let encoding = run(quiet + ["-f", "s16le", "-ar", "16000", "-ac", "1", "-i", linear, "-f", "g722", coded])
    #expect(encoding.status == 0, "\(encoding.output)")
    let decoding = run(quiet + ["-f", "g722", "-i", coded, "-f", "s16le", again])
    #expect(decoding.status == 0, "\(decoding.output)")
    let bytes = try readFile(again)
    let reference = stride(from: 0, to: bytes.count - 1, by: 2).map {
      Int16(truncatingIfNeeded: Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8)
    }
    return (cut(try readFile(coded), 160), reference)
  }

  static func gsm(_ samples: [Int16], frames: Int = 1) -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0, count: samples.count / 160 * 33 + 33)
    let count = Int(test_gsm(samples, Int32(samples.count / 160 * 160), &bytes))
    return cut(Array(bytes[..<count]), 33 * frames)
  }

  /// By frames; empty for one that is not sent.
  static func g729(_ samples: [Int16], withPauses: Bool = false) -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0, count: samples.count / 80 * 16 + 16)
    let count = Int(test_g729(samples, Int32(samples.count), withPauses ? 1 : 0, &bytes))
    var frames: [[UInt8]] = []
    var place = 0
    while place < count {
      let length = Int(bytes[place])
      frames.append(Array(bytes[place + 1..<place + 1 + length]))
      place += 1 + length
    }
    return frames
  }

  static func opus(_ samples: [Int16], rate: Int = 48_000, channels: Int = 1) -> [[UInt8]] {
    var bytes = [UInt8](repeating: 0, count: 400_000)
    let count = Int(
      test_opus(
        samples, Int32(samples.count / channels), Int32(rate), Int32(channels), Int32(rate / 50), &bytes,
        Int32(bytes.count)))
    var packets: [[UInt8]] = []
    var place = 0
    while place + 2 <= count {
      let length = Int(bytes[place]) << 8 | Int(bytes[place + 1])
      packets.append(Array(bytes[place + 2..<place + 2 + length]))
      place += 2 + length
    }
    return packets
  }

  private static func cut(_ bytes: [UInt8], _ length: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: length).map { Array(bytes[$0..<min($0 + length, bytes.count)]) }
  }
}
