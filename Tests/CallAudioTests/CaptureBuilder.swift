import Audio
import Capture
import Frames
import RTP
import Telephony
import Testing

/// A capture made packet by packet.
struct CaptureBuilder {
  private var records: [(time: Int64, bytes: [UInt8])] = []

  /// A point in time, in microseconds since 1970, at which all calls of the tests begin.
  static let start: Int64 = 1_350_000_000_000_000

  /// The file's bytes, its records in order of their times (those of one time as they were added).
  var bytes: [UInt8] {
    let order = records.indices.sorted { (records[$0].time, $0) < (records[$1].time, $1) }
    return PcapFormat.fileHeader + order.flatMap { records[$0].bytes }
  }

  /// The file's bytes, its records in the order in which they were added.
  var unorderedBytes: [UInt8] { PcapFormat.fileHeader + records.flatMap(\.bytes) }

  /// - Parameter time: microseconds after `start`.
  mutating func datagram(_ payload: [UInt8], _ from: String, _ to: String, at time: Int64) {
    guard let source = Endpoint(from), let target = Endpoint(to) else { return }
    let isIPv6 = source.address.isIPv6
    var frame = [UInt8](
      repeating: 0, count: PcapFormat.frameLength(payloadLength: payload.count, isIPv6: isIPv6))
    frame.withUnsafeMutableBytes { buffer in
      payload.withUnsafeBytes {
        _ = PcapFormat.writeUDPFrame(
          into: buffer, time: WallTime(microseconds: Self.start + time), from: FrameAddress(source),
          to: FrameAddress(target), payload: $0)
      }
    }
    records.append((time, frame))
  }

  /// Leaves of the IPv4 datagram that was added last so many bytes of its payload, as a snap length does.
  mutating func cutLast(to count: Int) {
    let length = PcapFormat.frameLength(payloadLength: count, isIPv6: false)
    records[records.count - 1].bytes.removeLast(records[records.count - 1].bytes.count - length)
    // The record's own header takes 16.
    let captured = UInt32(length - 16)
    withUnsafeBytes(of: captured.littleEndian) { records[records.count - 1].bytes.replaceSubrange(8..<12, with: $0) }
  }

  /// Adds any Ethernet frame.
  mutating func frame(_ bytes: [UInt8], at time: Int64) {
    let stamp = Self.start + time
    let words = [stamp / 1_000_000, stamp % 1_000_000, Int64(bytes.count), Int64(bytes.count)]
    let head = words.flatMap { word in withUnsafeBytes(of: UInt32(word).littleEndian) { Array($0) } }
    records.append((time, head + bytes))
  }

  mutating func rtp(
    _ payload: [UInt8], type: UInt8, sequence: UInt16, timestamp: UInt32, ssrc: UInt32, _ from: String, _ to: String,
    at time: Int64
  ) {
    var packet = [UInt8](repeating: 0, count: 12)
    let header = RTPHeader(payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
    packet.withUnsafeMutableBytes { _ = header.write(into: $0) }
    datagram(packet + payload, from, to, at: time)
  }

  /// An SDP body.
  static func sdp(_ media: String, types: String = "8 0", extra: String = "") -> String {
    let endpoint = Endpoint(media)
    let address = endpoint?.address.description ?? ""
    let family = endpoint?.address.isIPv6 == true ? "IP6" : "IP4"
    return """
      v=0\r\no=- 1 1 IN \(family) \(address)\r\ns=-\r\nc=IN \(family) \(address)\r\nt=0 0\r\n\
      m=audio \(endpoint?.port ?? 0) RTP/AVP \(types)\r\n\(extra)
      """
  }

  /// A SIP message of a call. `line` is the start line; the tags tell who sends.
  mutating func sip(
    _ line: String, callID: String = "one@test", cseq: String = "1 INVITE", toTag: String? = nil, sdp: String = "",
    headers: String = "", _ from: String, _ to: String, at time: Int64
  ) {
    let text = """
      \(line)\r\nVia: SIP/2.0/UDP \(from);branch=z9hG4bK\(cseq.utf8.first ?? 48)\r\n\
      From: <sip:03472619287@test>;tag=caller\r\nTo: <sip:799@test>\(toTag.map { ";tag=\($0)" } ?? "")\r\n\
      Call-ID: \(callID)\r\nCSeq: \(cseq)\r\nMax-Forwards: 70\r\n\(headers)\
      \(sdp.isEmpty ? "" : "Content-Type: application/sdp\r\n")Content-Length: \(sdp.utf8.count)\r\n\r\n\(sdp)
      """
    datagram(Array(text.utf8), from, to, at: time)
  }

  /// INVITE, 200 and (unless told otherwise) BYE of a call with these media addresses.
  mutating func call(
    _ callID: String = "one@test", caller: String = "192.0.2.1:16384", called: String = "192.0.2.2:16386",
    types: String = "8 0", extra: String = "", headers: String = "", from: Int64 = 0, to: Int64? = nil,
    signalling: (String, String) = ("192.0.2.1:5060", "192.0.2.2:5060")
  ) {
    let (a, b) = signalling
    sip(
      "INVITE sip:799@test SIP/2.0", callID: callID, sdp: Self.sdp(caller, types: types, extra: extra),
      headers: headers, a, b, at: from)
    sip(
      "SIP/2.0 200 OK", callID: callID, toTag: "called", sdp: Self.sdp(called, types: types, extra: extra),
      headers: headers, b, a, at: from + 1000)
    if let to {
      sip("BYE sip:799@test SIP/2.0", callID: callID, cseq: "2 BYE", toTag: "called", headers: headers, a, b, at: to)
    }
  }
}

/// A sender of G.711 whose packets the tests place by hand.
struct TestStream {
  var law: G711
  var type: UInt8
  var ssrc: UInt32
  var from: String
  var to: String
  var firstSequence: UInt16 = 100
  var firstTimestamp: UInt32 = 1000
  /// Sound that is nowhere silent, so that a sample in the wrong place shows.
  var codes: [UInt8]

  static let caller = "192.0.2.1:16384"
  static let called = "192.0.2.2:16386"

  init(
    _ law: G711, ssrc: UInt32 = 1, from: String = TestStream.caller, to: String = TestStream.called,
    packets: Int = 50, seed: UInt64 = 1
  ) {
    self.law = law
    type = law == .aLaw ? 8 : 0
    self.ssrc = ssrc
    self.from = from
    self.to = to
    var generator = SeededGenerator(seed: seed)
    codes = (0..<packets * 160).map { _ in UInt8.random(in: 0...255, using: &generator) & 0x7F }
  }

  var packetCount: Int { codes.count / 160 }

  func payload(_ index: Int) -> [UInt8] { Array(codes[index * 160..<index * 160 + 160]) }

  /// Adds packet `index` at `time`, in microseconds.
  func send(_ index: Int, into capture: inout CaptureBuilder, at time: Int64) {
    capture.rtp(
      payload(index), type: type, sequence: firstSequence &+ UInt16(truncatingIfNeeded: index),
      timestamp: firstTimestamp &+ UInt32(truncatingIfNeeded: index * 160), ssrc: ssrc, from, to, at: time)
  }

  /// Adds all packets, one every 20 ms from `time` on.
  func sendAll(into capture: inout CaptureBuilder, from time: Int64, except: Set<Int> = []) {
    for index in 0..<packetCount where !except.contains(index) {
      send(index, into: &capture, at: time + Int64(index) * 20_000)
    }
  }

  /// The samples of these packets.
  func samples(_ range: Range<Int>) -> [Int16] {
    law.decode(Array(codes[range.lowerBound * 160..<range.upperBound * 160]))
  }
  var samples: [Int16] { samples(0..<packetCount) }
}

/// Silence.
func silence(_ count: Int) -> [Int16] { [Int16](repeating: 0, count: count) }

/// What came out of a conversion, channel by channel.
struct Heard {
  var survey: CallSurveyOutcome
  /// By file, then by channel.
  var files: [[[Int16]]]

  var left: [Int16] { files.first?.first ?? [] }
  var right: [Int16] { files.first?.last ?? [] }
}
