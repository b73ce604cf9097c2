import Audio
import PikettTesting
import Telephony
import Testing

@testable import CallAudio

/// Whole captures, against an independent way to the same sound: tshark takes the packets apart, sox decodes them.
@Suite struct IndependentTests {
  /// A stream as tshark names it, and where it belongs in our output.
  struct Case: Sendable {
    var capture: String
    var ssrc: String
    var type: String
    var call: Int
    var channel: Int
    /// How far, in samples, our beginning may be from the first packet's arrival (jitter).
    var slack = 400
  }

  @Test(arguments: [
    Case(capture: "one-call.pcap", ssrc: "0x1001", type: "8", call: 1, channel: 0),
    Case(capture: "one-call.pcapng", ssrc: "0x2001", type: "8", call: 1, channel: 1),
    Case(capture: "pppoe.pcap", ssrc: "0x1001", type: "8", call: 1, channel: 0),
    Case(capture: "two-calls.pcap", ssrc: "0x3001", type: "0", call: 1, channel: 1),
    Case(capture: "two-calls.pcap", ssrc: "0x3002", type: "8", call: 2, channel: 1),
    Case(capture: "keys.pcap", ssrc: "0x1001", type: "8", call: 1, channel: 0),
    Case(capture: "session.pcap", ssrc: "0x1001", type: "8", call: 1, channel: 0),
    Case(capture: "session.pcap", ssrc: "0x2001", type: "8", call: 1, channel: 1),
  ]) func tsharkAndSoxHearTheSame(_ one: Case) throws {
    try expectSameAsTsharkAndSox(one, in: fixture("captures/\(one.capture)"))
  }

  @Test(arguments: [
    Case(capture: "SIP_CALL_RTP_G711.pcap", ssrc: "0x58f33dea", type: "8", call: 1, channel: 0),
    // Its timestamps gain 100 ms on its packets in half a minute.
    Case(capture: "SIP_CALL_RTP_G711.pcap", ssrc: "0xd2bd4e3e", type: "8", call: 1, channel: 1, slack: 1000),
    Case(capture: "sip-rtp-g711.pcap", ssrc: "0x343da99b", type: "0", call: 1, channel: 1),
    Case(capture: "sip-rtp-g711.pcap", ssrc: "0x343ffa34", type: "8", call: 2, channel: 1),
    Case(capture: "nb6-telephone.pcap", ssrc: "0x446e4b53", type: "8", call: 1, channel: 0),
    Case(capture: "nb6-telephone.pcap", ssrc: "0x2d7b0b2c", type: "8", call: 1, channel: 1, slack: 800),
    Case(capture: "ndpi-sip.pcap", ssrc: "0x3796cb71", type: "8", call: 1, channel: 0),
    Case(capture: "SIP_DTMF2.pcap", ssrc: "0x5711bf84", type: "8", call: 1, channel: 1),
  ]) func tsharkAndSoxHearTheSameOfRealCalls(_ one: Case) throws {
    guard let path = corpusCapture(one.capture) else { return }
    try expectSameAsTsharkAndSox(one, in: path)
  }

  private func expectSameAsTsharkAndSox(_ one: Case, in path: String) throws {
    let heard = try convert(readFile(path))
    try #require(heard.files.count >= one.call)
    let ours = heard.files[one.call - 1][one.channel]

    let (status, output) = run([
      "tshark", "-r", path, "-o", "rtp.heuristic_rtp:TRUE", "-Y",
      "rtp.ssrc == \(one.ssrc) && rtp.p_type == \(one.type)",
      "-T", "fields", "-e", "frame.time_epoch", "-e", "rtp.seq", "-e", "rtp.timestamp", "-e", "rtp.payload",
    ])
    try #require(status == 0, "tshark is needed for this test")
    let packets = output.split(separator: "\n").compactMap {
      line -> (time: Double, timestamp: UInt32, codes: [UInt8])? in
      let fields = line.split(separator: "\t")
      guard fields.count == 4, let time = Double(fields[0]), let stamp = UInt32(fields[2]) else { return nil }
      let digits = Array(fields[3].utf8.filter { $0 != 0x3A })
      let codes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
      }
      return (time, stamp, codes)
    }
    try #require(packets.count > 5)

    // Decoded by sox, packet after packet.
    let directory = TemporaryDirectory()
    let raw = try directory.write("in.raw", packets.flatMap(\.codes))
    let law = one.type == "8" ? "a-law" : "mu-law"
    let sox = run([
      "sox", "-t", "raw", "-r", "8000", "-c", "1", "-e", law, "-b", "8", raw, "-t", "raw", "-e", "signed", "-b", "16",
      "-L", directory.file("out.raw"),
    ])
    try #require(sox.status == 0, "sox is needed for this test")
    let bytes = try readFile(directory.file("out.raw"))
    let decoded = stride(from: 0, to: bytes.count - 1, by: 2).map {
      Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }

    // Where a packet is in ours is found by its timestamp, from the place of the first; only that may be off a little.
    let call = heard.survey.calls[one.call - 1]
    let begin = Double(call.start.microseconds) / 1e6
    let expected = Int(((packets[0].time - begin) * 8000).rounded())
    let first = Array(decoded[..<packets[0].codes.count])
    let place = try #require(
      (max(0, expected - one.slack)...expected + one.slack).first { start in
        start + first.count <= ours.count && Array(ours[start..<start + first.count]) == first
          && second(packets, decoded, ours, from: start)
      }, "the first packet is not within \(one.slack) samples of where it arrived")
    var offset = 0
    var matching = 0
    var drift = 0
    var corrections = 0
    for packet in packets {
      let wanted = decoded[offset..<offset + packet.codes.count]
      offset += packet.codes.count
      let start = place + Int(Int32(bitPattern: packet.timestamp &- packets[0].timestamp))
      let stands = { (drift: Int) in
        let range = start + drift..<start + drift + wanted.count
        return range.lowerBound >= 0 && range.upperBound <= ours.count && ours[range] == wanted
      }
      if !stands(drift) {
        // One sender's timestamps fall behind its packets by 60 ms and more at each pause; ours stay with the packets.
        let arrival = Int(((packet.time - begin) * 8000).rounded()) - start
        guard let found = (arrival - one.slack...arrival + one.slack).first(where: stands) else { continue }
        drift = found
        corrections += 1
      }
      matching += 1
    }
    #expect(matching == packets.count, "\(matching) of \(packets.count) packets stand where they belong")
    #expect(corrections <= 3)
  }

  /// Silence looks alike everywhere; the second packet must be in its place as well.
  private func second(
    _ packets: [(time: Double, timestamp: UInt32, codes: [UInt8])], _ decoded: [Int16], _ ours: [Int16], from start: Int
  ) -> Bool {
    let length = packets[0].codes.count
    let next = start + Int(Int32(bitPattern: packets[1].timestamp &- packets[0].timestamp))
    let wanted = Array(decoded[length..<length + packets[1].codes.count])
    return next >= 0 && next + wanted.count <= ours.count && Array(ours[next..<next + wanted.count]) == wanted
  }

  @Test(arguments: ["ipv6frag.pcap", "ndpi-sip_hello.pcapng", "tcpdump-rtp-seg-fault-1.pcapng"])
  func nothingToHearInRealCaptures(name: String) throws {
    guard let path = corpusCapture(name) else { return }
    #expect(try convert(readFile(path)).files.isEmpty)
  }
}
