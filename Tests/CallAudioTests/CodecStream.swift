import CEncoders
import CSRTP
import Codecs
import Telephony
import Testing

import func Glibc.sin
import func Glibc.sqrt

@testable import CallAudio

/// A sender of any codec whose packets the tests place by hand: 20 ms each.
struct CodecStream {
  var type: UInt8
  var packets: [[UInt8]]
  /// Units of the timestamps a packet.
  var step: UInt32 = 160
  var ssrc: UInt32 = 1
  var from = TestStream.caller
  var to = TestStream.called
  var firstSequence: UInt16 = 65_500
  var firstTimestamp: UInt32 = 1000

  static func gsm(_ samples: [Int16]) -> CodecStream {
    var bytes = [UInt8](repeating: 0, count: samples.count / 160 * 33)
    _ = test_gsm(samples, Int32(samples.count / 160 * 160), &bytes)
    return CodecStream(type: 3, packets: stride(from: 0, to: bytes.count, by: 33).map { Array(bytes[$0..<$0 + 33]) })
  }

  static func opus(_ samples: [Int16]) -> CodecStream {
    var bytes = [UInt8](repeating: 0, count: 200_000)
    let count = Int(test_opus(samples, Int32(samples.count), 16_000, 1, 320, &bytes, Int32(bytes.count)))
    var packets: [[UInt8]] = []
    var place = 0
    while place + 2 <= count {
      let length = Int(bytes[place]) << 8 | Int(bytes[place + 1])
      packets.append(Array(bytes[place + 2..<place + 2 + length]))
      place += 2 + length
    }
    return CodecStream(type: 111, packets: packets, step: 960)
  }

  /// Big endian samples at `rate`.
  static func l16(_ samples: [Int16], rate: Int, type: UInt8) -> CodecStream {
    let step = rate / 50
    let packets = stride(from: 0, to: samples.count, by: step).map { start in
      samples[start..<min(samples.count, start + step)].flatMap {
        [UInt8(truncatingIfNeeded: $0 >> 8), UInt8(truncatingIfNeeded: $0)]
      }
    }
    return CodecStream(type: type, packets: packets, step: UInt32(step))
  }

  /// A whole RTP packet.
  func packet(_ index: Int) -> [UInt8] {
    let sequence = firstSequence &+ UInt16(truncatingIfNeeded: index)
    let timestamp = firstTimestamp &+ UInt32(truncatingIfNeeded: index) &* step
    let words = [timestamp, ssrc].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    return [0x80, type, UInt8(sequence >> 8), UInt8(truncatingIfNeeded: sequence)] + words + packets[index]
  }

  func send(_ index: Int, into capture: inout CaptureBuilder, at time: Int64) {
    capture.datagram(packet(index), from, to, at: time)
  }

  func sendAll(into capture: inout CaptureBuilder, from time: Int64 = 0, except: Set<Int> = []) {
    for index in packets.indices where !except.contains(index) {
      send(index, into: &capture, at: time + Int64(index) * 20_000)
    }
  }
}

/// A sound that is nowhere silent: two sines whose loudness changes.
func song(_ count: Int, rate: Int) -> [Int16] {
  (0..<count).map { index in
    let time = Double(index) / Double(rate)
    let level = 0.6 + 0.4 * sin(2 * .pi * 2 * time)
    return Int16(5000 * level * (sin(2 * .pi * 310 * time) + sin(2 * .pi * 1130 * time)))
  }
}

/// Root mean square.
func level(_ samples: some Collection<Int16>) -> Double {
  sqrt(samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, samples.count)))
}

/// How alike two sounds are that begin together: 1 is the same but for loudness.
func likeness(_ a: some Collection<Int16>, _ b: some Collection<Int16>) -> Double {
  var (ab, aa, bb) = (0.0, 0.0, 0.0)
  for (x, y) in zip(a, b) {
    ab += Double(x) * Double(y)
    aa += Double(x) * Double(x)
    bb += Double(y) * Double(y)
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0
}

/// The keys heard in a sound of 8000 Hz.
func keys(in samples: [Int16]) -> String {
  guard let detector = ToneDetector() else { return "" }
  detector.feed(samples)
  return detector.digits()
}

/// What a sender of SRTP makes of packets.
final class SRTPSender {
  private let context: OpaquePointer

  init(_ key: [UInt8], shortTag: Bool = false) throws {
    context = try #require(pikett_srtp_sender(key, shortTag ? 1 : 0))
  }

  deinit { pikett_srtp_free(context) }

  func protect(_ packet: [UInt8]) -> [UInt8] {
    var buffer = packet + [UInt8](repeating: 0, count: Int(PIKETT_SRTP_GROWTH))
    let length = buffer.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { pikett_srtp_protect(context, $0, packet.count) } ?? 0
    }
    return Array(buffer[..<length])
  }
}
