import Audio
import Frames
import PikettTesting
import Telephony
import Testing

@testable import CallAudio
@testable import Capture

/// Calls whose SIP goes over TCP sound as those do whose SIP goes over UDP.
@Suite struct SIPOverTCPTests {
  private static let phone = IPAddress(bytes: [192, 0, 2, 1])
  private static let server = IPAddress(bytes: [192, 0, 2, 2])

  private func messages() throws -> [(isFromPhone: Bool, bytes: [UInt8])] {
    var capture = CaptureBuilder()
    capture.call(to: 900_000)
    let directory = TemporaryDirectory()
    let file = try CaptureFile(path: directory.write("x.pcap", capture.bytes))
    var reader = try file.reader()
    var found: [(Bool, [UInt8])] = []
    while reader.next() {
      found.append((reader.datagram.source.low == 0xC000_0201, reader.payload.withUnsafeBytes { Array($0) }))
    }
    return found
  }

  /// The call's SIP over one connection, in segments of `size`; `order` disorders those of one message.
  private func capture(size: Int, withHandshake: Bool = true, order: ([Int]) -> [Int] = { $0 }) throws -> CaptureBuilder
  {
    let phone = try #require(Self.phone)
    let server = try #require(Self.server)
    var capture = CaptureBuilder()
    var sequence: [Bool: UInt32] = [true: 4_294_967_000, false: 77]
    func send(_ payload: [UInt8], _ isFromPhone: Bool, _ number: UInt32, flags: UInt8 = 24, at time: Int64) {
      let (from, to, source, target): (IPAddress, IPAddress, UInt16, UInt16) =
        isFromPhone ? (phone, server, 40_000, 5060) : (server, phone, 5060, 40_000)
      let segment = PacketBytes.tcp(payload, from: source, to: target, sequence: number, flags: flags)
      capture.frame(PacketBytes.ethernet(PacketBytes.ip(segment, next: 6, from: from, to: to)), at: time)
    }
    if withHandshake {
      send([], true, 4_294_966_999, flags: 2, at: -30)
      send([], false, 76, flags: 18, at: -20)
    }
    for (index, message) in try messages().enumerated() {
      let number = sequence[message.isFromPhone] ?? 0
      let starts = Array(stride(from: 0, to: message.bytes.count, by: size))
      for (place, start) in order(starts).enumerated() {
        let part = Array(message.bytes[start..<min(start + size, message.bytes.count)])
        send(
          part, message.isFromPhone, number &+ UInt32(truncatingIfNeeded: start),
          at: [0, 1000, 900_000][index] + Int64(place))
      }
      sequence[message.isFromPhone] = number &+ UInt32(truncatingIfNeeded: message.bytes.count)
    }
    TestStream(.aLaw, packets: 30).sendAll(into: &capture, from: 20_000)
    TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, packets: 30, seed: 2)
      .sendAll(into: &capture, from: 30_000)
    return capture
  }

  private func expected() throws -> Heard {
    var capture = CaptureBuilder()
    capture.call(to: 900_000)
    TestStream(.aLaw, packets: 30).sendAll(into: &capture, from: 20_000)
    TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, packets: 30, seed: 2)
      .sendAll(into: &capture, from: 30_000)
    return try convert(capture.bytes)
  }

  private func check(_ capture: CaptureBuilder) throws {
    let heard = try convert(capture.bytes)
    let expected = try expected()
    #expect(heard.survey.calls.count == 1 && heard.survey.calls.first?.caller == "03472619287")
    expectSame(heard.left, expected.left)
    expectSame(heard.right, expected.right)
    #expect(heard.left.count == 30 * 160 + 80)
  }

  @Test(arguments: [10_000, 536, 100]) func wholeAndInSegments(size: Int) throws {
    try check(capture(size: size))
    try check(capture(size: size, withHandshake: false))
  }

  @Test func outOfOrder() throws {
    try check(capture(size: 120) { Array($0.reversed()) })
    try check(capture(size: 120) { $0.flatMap { [$0, $0] } })
    var generator = SeededGenerator(seed: 3)
    try check(capture(size: 50) { $0.shuffled(using: &generator) })
  }

  /// An independent dissector finds the same three messages.
  @Test func tsharkSeesTheSame() throws {
    let directory = TemporaryDirectory()
    let path = try directory.write("x.pcap", capture(size: 120) { Array($0.reversed()) }.bytes)
    let (status, output) = run([
      "tshark", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", path, "-Y", "sip", "-T", "fields", "-e", "sip.Call-ID",
    ])
    try #require(status == 0)
    #expect(output.split(separator: "\n").count == 3)
  }

  @Test func manyConnectionsAreBounded() throws {
    var connections = SIPConnections()
    let start = Array("INVITE sip:a@b SIP/2.0\r\n".utf8) + [UInt8](repeating: 0x41, count: 1300)
    for index in 0..<10_000 {
      let source = FrameAddress(ipv4: UInt32(index), port: 1)
      _ = connections.take(
        TCPSegment(sequence: 1, isSYN: false, length: start.count), start.span.bytes, from: source,
        to: FrameAddress(ipv4: 1, port: 5060), time: Int64(index))
    }
    #expect(connections.count <= SIPConnections.mostStreams && connections.heldBytes <= SIPConnections.mostBytes)
  }
}
