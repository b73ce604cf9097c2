import CSRTP
import Telephony
import Testing

@testable import RTPEngine

/// One end of SRTP, by the C wrapper alone.
final class SRTPContext {
  private let context: OpaquePointer

  init(sending key: [UInt8], shortTag: Bool = false) throws {
    context = try #require(pikett_srtp_sender(key, shortTag ? 1 : 0))
  }

  init(receiving key: [UInt8], shortTag: Bool = false, name: [UInt8] = []) throws {
    context = try #require(pikett_srtp_receiver(key, shortTag ? 1 : 0, name, name.count))
  }

  deinit { pikett_srtp_free(context) }

  func protect(_ packet: [UInt8], control: Bool = false) -> [UInt8] {
    var buffer = packet + [UInt8](repeating: 0, count: Int(PIKETT_SRTP_GROWTH))
    let length = buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return 0 }
      return control
        ? pikett_srtp_protect_rtcp(context, base, packet.count) : pikett_srtp_protect(context, base, packet.count)
    }
    return Array(buffer[..<length])
  }

  func unprotect(_ packet: [UInt8], control: Bool = false) -> (plain: [UInt8], verdict: pikett_srtp_verdict) {
    var buffer = packet
    var length = packet.count
    let verdict = buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress else { return pikett_srtp_unusable }
      return control
        ? pikett_srtp_unprotect_rtcp(context, base, &length) : pikett_srtp_unprotect(context, base, &length)
    }
    return (Array(buffer[..<length]), verdict)
  }
}

/// Bytes written as hexadecimal digits.
func hex(_ text: String) -> [UInt8] {
  let digits = text.utf8.compactMap(\.hexadecimalValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The master key and salt of RFC 3711 B.3; the packets were made by an independent program from RFC 3711's text, whose
/// key derivation gives the values of B.3.
@Suite("SRTP vectors")
struct SRTPVectorTests {
  private let key = hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")
  private let plain = hex("800f1234decafbadcafebabe" + String(repeating: "ab", count: 16))
  private let long = hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb")
  private let control = hex("81c8000bcafebabe" + String(repeating: "ab", count: 16))
  private let reports = [
    hex("81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798"),
    hex("81c8000bcafebabe 621934ea9f788cdad295b3a512d8bc5f 80000002 c8dc9c552c823658cdac"),
  ]

  @Test("RTP with both suites, and back")
  func packets() throws {
    let short = hex("800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc")
    #expect(try SRTPContext(sending: key).protect(plain) == long)
    #expect(try SRTPContext(sending: key, shortTag: true).protect(plain) == short)
    let (back, verdict) = try SRTPContext(receiving: key).unprotect(long)
    #expect(back == plain && verdict == pikett_srtp_ok)
    let (shortBack, shortVerdict) = try SRTPContext(receiving: key, shortTag: true).unprotect(short)
    #expect(shortBack == plain && shortVerdict == pikett_srtp_ok)
  }

  @Test("The sequence number rolls over")
  func rollover() throws {
    let last = hex("8008ffffdecafbadcafebabe 000102030405060708090a0b0c0d0e0f10111213")
    let first = hex("80080000decafc4dcafebabe 000102030405060708090a0b0c0d0e0f10111213")
    let wire = [
      hex("8008ffffdecafbadcafebabe58c43f542802acd92f48fe341db1b81cf83e8a0e5d6839bdb24eee268270"),
      hex("80080000decafc4dcafebabe8f4650853339128665db16365a5b93fe316d25b698ea5c022816d6b1e148"),
    ]
    let sender = try SRTPContext(sending: key)
    #expect([sender.protect(last), sender.protect(first)] == wire)
    let receiver = try SRTPContext(receiving: key)
    #expect(wire.map { receiver.unprotect($0).plain } == [last, first])
    // The last of the old round, late: it came already.
    #expect(receiver.unprotect(wire[0]).verdict == pikett_srtp_repeated)
  }

  @Test("RTCP counts its packets and always has the long tag")
  func controlPackets() throws {
    for shortTag in [false, true] {
      let sender = try SRTPContext(sending: key, shortTag: shortTag)
      #expect([sender.protect(control, control: true), sender.protect(control, control: true)] == reports)
      let receiver = try SRTPContext(receiving: key, shortTag: shortTag)
      for report in reports { #expect(receiver.unprotect(report, control: true).plain == control) }
      #expect(receiver.unprotect(reports[0], control: true).verdict == pikett_srtp_repeated)
    }
  }

  @Test("A key's name stands before the tag, and in RTCP too")
  func keyName() throws {
    let receiver = try SRTPContext(receiving: key, name: [0, 0, 0, 1])
    let named = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402 00000001 b78d6acc99ea179b8dbb")
    let other = hex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402 00000002 b78d6acc99ea179b8dbb")
    #expect(receiver.unprotect(other).verdict == pikett_srtp_forged)
    #expect(receiver.unprotect(long).verdict != pikett_srtp_ok)
    #expect(receiver.unprotect(named).plain == plain)
    let report = hex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a8 80000001 00000001 993e08cd54d6c1230798")
    #expect(receiver.unprotect(report, control: true).plain == control)
  }

  @Test("Every changed bit is noticed, and the packet is left as it was")
  func forged() throws {
    let receiver = try SRTPContext(receiving: key)
    // The first byte decides what is read as header; what follows from it is noticed like all else.
    for place in 0..<long.count * 8 {
      var changed = long
      changed[place / 8] ^= 1 << (place % 8)
      let (left, verdict) = receiver.unprotect(changed)
      #expect(verdict != pikett_srtp_ok && left == changed, "bit \(place)")
    }
    #expect(receiver.unprotect(long).plain == plain)
  }

  @Test("No length is too short", arguments: 0...40)
  func truncated(length: Int) throws {
    let receiver = try SRTPContext(receiving: key, name: length % 2 == 0 ? [] : [1, 2, 3])
    #expect(receiver.unprotect(Array((long + long).prefix(length))).verdict != pikett_srtp_ok || length == long.count)
    #expect(
      receiver.unprotect(Array(reports[0].prefix(length)), control: true).verdict != pikett_srtp_ok || length >= 38)
  }

  @Test("Streams beyond 256 are not taken, those before live on")
  func manyStreams() throws {
    let sender = try SRTPContext(sending: key)
    let receiver = try SRTPContext(receiving: key)
    func packet(_ stream: Int, _ sequence: UInt8) -> [UInt8] {
      [0x80, 8, 0, sequence, 0, 0, 0, 0, 0, 0, UInt8(stream >> 8), UInt8(stream & 255), 1, 2, 3]
    }
    for stream in 0..<256 { #expect(receiver.unprotect(sender.protect(packet(stream, 1))).verdict == pikett_srtp_ok) }
    #expect(receiver.unprotect(sender.protect(packet(256, 1))).verdict == pikett_srtp_unusable)
    #expect(receiver.unprotect(sender.protect(packet(0, 2))).verdict == pikett_srtp_ok)
    #expect(receiver.unprotect(sender.protect(packet(255, 2))).verdict == pikett_srtp_ok)
  }

  @Test("A number is never used twice")
  func repeatedNumber() throws {
    let sender = try SRTPContext(sending: key)
    #expect(sender.protect(plain) == long)
    #expect(sender.protect(Array(plain.dropLast()) + [0]).isEmpty)
  }
}
