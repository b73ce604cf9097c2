import Audio
import Capture
import Decoders
import Testing

@testable import CallAudio

/// SRTP whose keys the capture's SDP holds (RFC 4568).
@Suite struct EncryptedCallTests {
  private static let keys: [[UInt8]] = (0..<3).map { (seed: Int) -> [UInt8] in
    (0..<30).map { (index: Int) -> UInt8 in UInt8(index * 5 + seed * 31 + 1) }
  }

  /// `a=crypto` with one of the keys.
  private func line(_ key: Int, tag: Int = 1, suite: String = "AES_CM_128_HMAC_SHA1_80", more: String = "") -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let bytes = Self.keys[key].map { Int($0) }
    let text = stride(from: 0, to: 30, by: 3).map { (place: Int) -> String in
      let word: Int = bytes[place] << 16 | bytes[place + 1] << 8 | bytes[place + 2]
      return String([digits[word >> 18], digits[word >> 12 & 63], digits[word >> 6 & 63], digits[word & 63]])
    }.joined()
    return "a=crypto:\(tag) \(suite) inline:\(text)\(more)\r\n"
  }

  /// INVITE and 200 with these lines in their SDP.
  private func call(
    _ capture: inout CaptureBuilder, caller: String, called: String, profile: String = "RTP/SAVP", at time: Int64 = 0,
    cseq: String = "1 INVITE"
  ) {
    let (a, b) = ("192.0.2.1:5060", "192.0.2.2:5060")
    let sdp = { (media: String, lines: String) in
      CaptureBuilder.sdp(media, extra: lines).replacing("RTP/AVP", with: profile)
    }
    capture.sip(
      "INVITE sip:799@test SIP/2.0", cseq: cseq, sdp: sdp(TestStream.caller, caller), a, b, at: time)
    capture.sip(
      "SIP/2.0 200 OK", cseq: cseq, toTag: "called", sdp: sdp(TestStream.called, called), b, a, at: time + 1000)
  }

  /// The tags of the last packet may be counted as sound.
  private func sound(_ heard: [Int16]) -> [Int16] {
    #expect(heard[min(8000, heard.count)...].allSatisfy { $0 == 0 } && heard.count <= 8010)
    return Array(heard.prefix(8000))
  }

  private func send(
    _ stream: TestStream, _ sender: SRTPSender?, _ range: Range<Int>, into capture: inout CaptureBuilder,
    damaged: Set<Int> = []
  ) {
    let all = CodecStream(
      type: stream.type, packets: (0..<stream.packetCount).map(stream.payload), ssrc: stream.ssrc,
      firstSequence: stream.firstSequence, firstTimestamp: stream.firstTimestamp)
    for index in range {
      var bytes = sender?.protect(all.packet(index)) ?? all.packet(index)
      if damaged.contains(index) { bytes[20] ^= 1 }
      capture.datagram(bytes, stream.from, stream.to, at: Int64(index) * 20_000)
    }
  }

  private let left = TestStream(.aLaw)
  private let right = TestStream(.muLaw, ssrc: 2, from: TestStream.called, to: TestStream.caller, seed: 2)

  /// Each side under its own key; the offer has two suites, of which the answer takes the second.
  @Test func bothDirections() throws {
    var capture = CaptureBuilder()
    call(
      &capture, caller: line(2) + line(0, tag: 2, suite: "AES_CM_128_HMAC_SHA1_32", more: "|2^31"),
      called: line(1, tag: 2, suite: "AES_CM_128_HMAC_SHA1_32"))
    send(left, try SRTPSender(Self.keys[0], shortTag: true), 0..<50, into: &capture)
    send(right, try SRTPSender(Self.keys[1], shortTag: true), 0..<50, into: &capture)
    let heard = try convert(capture.bytes)
    expectSame(sound(heard.left), left.samples)
    expectSame(sound(heard.right), right.samples)
  }

  @Test func aPacketThatWasChangedIsDropped() throws {
    var capture = CaptureBuilder()
    call(&capture, caller: line(0), called: line(1))
    send(left, try SRTPSender(Self.keys[0]), 0..<50, into: &capture, damaged: [7])
    expectSame(sound(try convert(capture.bytes).left), left.samples(0..<7) + silence(160) + left.samples(8..<50))
  }

  /// A new offer brings a new key; the stream goes on under it.
  @Test func newKeysInMidCall() throws {
    var capture = CaptureBuilder()
    call(&capture, caller: line(0), called: line(1))
    call(&capture, caller: line(2), called: line(1), at: 490_000, cseq: "2 INVITE")
    send(left, try SRTPSender(Self.keys[0]), 0..<25, into: &capture)
    send(left, try SRTPSender(Self.keys[2]), 25..<50, into: &capture)
    expectSame(sound(try convert(capture.bytes).left), left.samples)
  }

  /// Sequence numbers that wrapped before the capture's first packet, and do so again in it.
  @Test func captureFromMidCallOn() throws {
    var capture = CaptureBuilder()
    call(&capture, caller: line(0), called: line(1))
    let sender = try SRTPSender(Self.keys[0])
    // Packets that nobody recorded bring the sender's count of wraps to 2.
    var unseen = CodecStream(type: 8, packets: [[1]])
    for sequence in stride(from: 0, to: 3 * 65_536 - 30, by: 20_000) {
      unseen.firstSequence = UInt16(truncatingIfNeeded: sequence)
      _ = sender.protect(unseen.packet(0))
    }
    var stream = left
    stream.firstSequence = 65_510
    send(stream, sender, 0..<50, into: &capture)
    expectSame(sound(try convert(capture.bytes).left), stream.samples)
  }

  /// All streams share what the search may cost.
  @Test func theSearchForKeysEnds() throws {
    let sender = try SRTPSender(Self.keys[0])
    var stream = CodecStream(type: 8, packets: [[1]])
    for sequence in stride(from: 0, to: 3 * 65_536, by: 20_000) {
      stream.firstSequence = UInt16(truncatingIfNeeded: sequence)
      _ = sender.protect(stream.packet(0))
    }
    let packet = sender.protect(stream.packet(0).enumerated().map { $0.offset == 3 ? $0.element &+ 1 : $0.element })
    let keys = Self.keys.reversed().map { StreamKeyMaterial(master: $0, hasShortTag: false) }
    let hasFound = { (budget: SearchBudget) in
      packet.withUnsafeBytes { StreamDecryptor(keys, ssrc: 1, budget).decrypt($0) != nil }
    }
    let budget = SearchBudget(tries: 250)
    #expect(hasFound(budget))
    #expect(!hasFound(budget))
  }

  /// Our own recordings hold plain RTP, and stars in place of the keys.
  @Test func starsInPlaceOfTheKeyArePlain() throws {
    var capture = CaptureBuilder()
    let stars = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:\(String(repeating: "*", count: 40))\r\n"
    call(&capture, caller: stars, called: stars)
    send(left, nil, 0..<50, into: &capture)
    expectSame(sound(try convert(capture.bytes).left), left.samples)
  }

  /// A phone that offers keys to one that takes none, and a capture whose maker decrypted the sound.
  @Test(arguments: ["RTP/AVP", "RTP/SAVP"]) func plainInSpiteOfKeys(profile: String) throws {
    var capture = CaptureBuilder()
    call(&capture, caller: line(0), called: profile == "RTP/AVP" ? "" : line(1), profile: profile)
    send(left, nil, 0..<50, into: &capture)
    expectSame(sound(try convert(capture.bytes).left), left.samples)
  }

  @Test func wrongKeysGiveSilence() throws {
    var capture = CaptureBuilder()
    call(&capture, caller: line(0), called: line(1))
    send(left, try SRTPSender(Self.keys[2]), 0..<50, into: &capture)
    send(right, try SRTPSender(Self.keys[1]), 0..<50, into: &capture)
    let heard = try convert(capture.bytes)
    #expect(heard.left.allSatisfy { $0 == 0 })
    #expect(sound(heard.right) == right.samples)
  }
}
