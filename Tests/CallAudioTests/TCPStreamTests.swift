import SIPMessage
import Telephony
import Testing

@testable import CallAudio

/// TCP segments in any order become the messages that were sent.
@Suite struct TCPStreamTests {
  private static func message(_ number: Int, length: Int = 0) -> [UInt8] {
    let body = String(repeating: "x", count: length) + "\r\n"
    return Array(
      """
      INFO sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK\(number)\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n\
      Call-ID: \(number)\r\nCSeq: \(number) INFO\r\nMax-Forwards: 70\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)
      """.utf8)
  }

  private struct Segment {
    var start: Int
    var bytes: [UInt8]
    var missing = 0
  }

  private static let first: UInt32 = 0xFFFF_FF00  // the numbers wrap around in the first message

  /// Feeds segments, 1 ms apart.
  private func feed(
    _ segments: [Segment], into stream: TCPStream = TCPStream(firstSequence: first), apart: Int64 = 1_000_000
  ) -> [String] {
    var stream = stream
    var found: [TCPStream.Found] = []
    for (index, segment) in segments.enumerated() {
      found += stream.take(
        segment.bytes.span.bytes, missing: segment.missing,
        sequence: Self.first &+ UInt32(truncatingIfNeeded: segment.start), at: Int64(index) * apart)
    }
    return (found + stream.finish()).compactMap(\.message.headers.callID)
  }

  /// Cuts bytes into segments of these sizes, again and again.
  private func cut(_ bytes: [UInt8], _ sizes: [Int]) -> [Segment] {
    var segments: [Segment] = []
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + sizes[segments.count % sizes.count])
      segments.append(Segment(start: start, bytes: Array(bytes[start..<end])))
      start = end
    }
    return segments
  }

  private static let five = (1...5).map { message($0, length: $0 * 100) }
  private static let names = ["1", "2", "3", "4", "5"]

  @Test(arguments: [[1], [7, 300], [100], [536], [1460], [100_000]]) func anySizes(sizes: [Int]) {
    #expect(feed(cut(Self.five.flatMap(\.self), sizes)) == Self.names)
  }

  @Test func disorderRepetitionAndOverlap() {
    let bytes = Self.five.flatMap(\.self)
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<200 {
      var segments = cut(bytes, [Int.random(in: 20...900, using: &generator)])
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        let start = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, start + Int.random(in: 1...1200, using: &generator))
        let place = Int.random(in: 0...segments.count, using: &generator)
        segments.insert(Segment(start: start, bytes: Array(bytes[start..<end])), at: place)
      }
      for index in segments.indices.dropLast() where Int.random(in: 0..<3, using: &generator) == 0 {
        segments.swapAt(index, min(segments.count - 1, index + Int.random(in: 1...4, using: &generator)))
      }
      #expect(feed(segments) == Self.names)
    }
  }

  @Test func keepAlivesAndProbesAreNoMessages() {
    var bytes: [UInt8] = [13, 10, 13, 10]
    for message in Self.five { bytes += message + [13, 10, 13, 10] }
    var segments = cut(bytes, [200])
    segments.insert(Segment(start: 199, bytes: [0]), at: 1)
    #expect(feed(segments) == Self.names)
  }

  @Test func whatIsLostCostsItsOwnMessageOnly() {
    var starts = [0]
    for message in Self.five { starts.append(starts[starts.count - 1] + message.count) }
    let segments = Self.five.indices.map { Segment(start: starts[$0], bytes: Self.five[$0]) }
    for lost in 1..<4 {
      var rest = segments
      rest.remove(at: lost)
      #expect(feed(rest) == Self.names.enumerated().filter { $0.offset != lost }.map(\.element))
      // Without the end's help too, after the longest wait.
      #expect(feed(rest, apart: 4_000_000_000).count == 4)
    }
    // A part of the second is lost: the third begins in the middle of a segment.
    let bytes = Self.five.flatMap(\.self)
    let pieces = cut(bytes, [starts[1] + 60])
    #expect(feed(pieces.enumerated().filter { $0.offset != 1 }.map(\.element)).last == "5")
  }

  @Test func whatTheCaptureHasCutIsPassedOver() {
    var starts = [0]
    for message in Self.five { starts.append(starts[starts.count - 1] + message.count) }
    let segments = Self.five.indices.map { index in
      let kept = index == 2 ? 96 : Self.five[index].count
      return Segment(
        start: starts[index], bytes: Array(Self.five[index].prefix(kept)), missing: Self.five[index].count - kept)
    }
    #expect(feed(segments) == ["1", "2", "4", "5"])
  }

  @Test func aCaptureThatBeginsInTheMiddle() {
    let bytes = Self.five.flatMap(\.self)
    for start in [1, 200, 400, 700] {
      let rest = cut(Array(bytes[start...]), [500]).map { Segment(start: $0.start + start, bytes: $0.bytes) }
      let found = feed(rest, into: TCPStream())
      #expect(found == Array(Self.names.suffix(found.count)) && found.count >= 2)
      // Its second segment first.
      var swapped = rest
      swapped.swapAt(0, 1)
      let later = feed(swapped, into: TCPStream())
      #expect(later == Array(Self.names.suffix(later.count)) && later.count >= 1)
    }
  }

  @Test func otherProtocolsAreLetGoOf() {
    for start in [
      [0x16, 3, 1, 2, 0, 1], Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), Array("SSH-2.0-OpenSSH_9\r\n".utf8),
    ] as [[UInt8]] {
      var stream = TCPStream(firstSequence: 1)
      #expect(stream.take(start.span.bytes, missing: 0, sequence: 1, at: 0).isEmpty)
      #expect(stream.isForeign && stream.size == 0)
      // Proxies change over: a message in it is found all the same.
      let message = Self.message(1)
      #expect(stream.take(message.span.bytes, missing: 0, sequence: 9000, at: 0).count == 1)
    }
    var unknown = TCPStream()
    for index in 0..<20 as Range<UInt32> {
      _ = unknown.take([UInt8](repeating: 7, count: 1000).span.bytes, missing: 0, sequence: index * 1000, at: 0)
    }
    #expect(unknown.isForeign && unknown.size == 0)
  }

  @Test func whatIsKeptIsBounded() {
    var stream = TCPStream(firstSequence: 1)
    var generator = SeededGenerator(seed: 2)
    let junk = [UInt8](repeating: 0x41, count: 1400)
    for _ in 0..<3000 {
      _ = stream.take(
        junk.span.bytes, missing: 0, sequence: UInt32.random(in: 0...UInt32.max, using: &generator), at: 0)
      #expect(stream.size <= 2 * TCPStream.mostWaitingBytes)
    }
  }
}
