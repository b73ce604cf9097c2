import PikettTesting
import Telephony
import Testing

@testable import SDP

/// Offers and answers with keys (RFC 4568), as baresip, linphone, snom and others make them.
@Suite struct SecureOfferTests {
  private let local: Endpoint
  private let key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
  private let otherKey = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"

  init() throws { local = try #require(Endpoint("192.0.2.1:30000")) }

  private func machine(_ security: MediaSecurity = .accepted, seed: UInt64 = 1) -> OfferAnswer {
    OfferAnswer(sessionID: 1, security: security, random: .seeded(seed))
  }

  private func body(_ lines: [String]) -> [UInt8] {
    let head = ["v=0", "o=- 1 1 IN IP4 192.0.2.9", "s=-", "c=IN IP4 192.0.2.9", "t=0 0"]
    return Array((head + lines).joined(separator: "\r\n").utf8)
  }

  private func refusal<Result>(_ work: () throws(SDPError) -> Result) -> SDPError? {
    do throws(SDPError) {
      _ = try work()
      return nil
    } catch {
      return error
    }
  }

  private func lines(_ sdp: [UInt8], _ prefix: String) -> [String] {
    String(decoding: sdp, as: UTF8.self).split(separator: "\r\n").map(String.init).filter { $0.hasPrefix(prefix) }
  }

  private func crypto(_ tag: Int, _ suite: String = "AES_CM_128_HMAC_SHA1_80", _ key: String? = nil) -> String {
    "a=crypto:\(tag) \(suite) inline:\(key ?? self.key)"
  }

  /// The media lines of the answer, and the tag and suite of each of its crypto lines.
  private func answered(_ lines: [String], _ security: MediaSecurity = .accepted) -> (media: [String], crypto: [String])
  {
    var machine = machine(security)
    guard let (sdp, audio) = try? machine.answer(body(lines), local: local) else { return ([], []) }
    let crypto = self.lines(sdp, "a=crypto:")
    #expect((audio.keys != nil) == !crypto.isEmpty)
    return (
      self.lines(sdp, "m="), crypto.map { $0.dropFirst(9).split(separator: " ").prefix(2).joined(separator: " ") }
    )
  }

  @Test func `what we answered is offered again by a refresh, and its answer may bring a new key and port`() throws {
    var machine = machine()
    let (_, first) = try machine.answer(body(["m=audio 6000 RTP/SAVP 8 0", crypto(4)]), local: local)
    let audio = try machine.accept(body(["m=audio 7000 RTP/SAVP 8", crypto(4, "AES_CM_128_HMAC_SHA1_80", otherKey)]))
    #expect(audio.remote?.port == 7000)
    #expect(audio.keys?.send == first.keys?.send)
    #expect(audio.keys?.receive != first.keys?.receive)
    #expect(refusal { () throws(SDPError) in try machine.accept(body(["m=audio 7000 RTP/AVP 8"])) } == .notSecure)
  }

  /// UPDATE before the 200, which then has no description of its own.
  @Test func `an offer that we answered before the call was answered stands for the answer to our first`() throws {
    var machine = machine(.required)
    _ = machine.makeOffer(local: local)
    let update = body(["m=audio 6000 RTP/SAVP 0 8", crypto(1), crypto(2, "AES_CM_128_HMAC_SHA1_32")])
    let (_, first) = try machine.answer(update, local: local)
    let audio = try machine.accept(update)
    #expect(audio.keys == first.keys && audio.codec == first.codec)
  }

  @Test func theFirstLineWeCanFulfilIsAnsweredWithItsTagAndAKeyOfOurs() throws {
    var machine = machine()
    let (sdp, audio) = try machine.answer(
      body([
        "m=audio 6000 RTP/SAVP 8 101", crypto(1, "AES_256_CM_HMAC_SHA1_80", key + "AAAAAAAAAAAAAAAAAAAAAA=="),
        crypto(4, "AES_CM_128_HMAC_SHA1_32"), crypto(3), "a=rtpmap:101 telephone-event/8000",
      ]), local: local)
    #expect(lines(sdp, "m=") == ["m=audio 30000 RTP/SAVP 8 101"])
    let line = try #require(lines(sdp, "a=crypto:").first.flatMap { CryptoLine(String($0.dropFirst(9))) })
    #expect(lines(sdp, "a=crypto:").count == 1)
    #expect(line.tag == 4 && line.key == audio.keys?.send && line.key.suite == .sha1With32Bits)
    #expect(audio.keys?.receive.key.secret == Array("YS___semctl () {\t220;}\n}\nunles".utf8))
    #expect(line.key.key.secret.count == 30 && line.key != audio.keys?.receive)
    #expect(Set(line.key.key.secret).count > 10)
  }

  @Test func whatPhonesOffer() {
    // baresip srtp-mand, srtp (keys in the plain offer), srtp-mandf.
    let both = [crypto(1), crypto(2, "AES_CM_128_HMAC_SHA1_32")]
    for (transport, security) in [
      ("RTP/SAVP", MediaSecurity.accepted), ("RTP/AVP", .accepted), ("RTP/SAVPF", .accepted), ("RTP/SAVP", .required),
      ("RTP/AVP", .required), ("rtp/savp", .offered),
    ] {
      let (media, crypto) = answered(["m=audio 6000 \(transport) 8"] + both, security)
      #expect(media == ["m=audio 30000 \(transport) 8"] && crypto == ["1 AES_CM_128_HMAC_SHA1_80"], "\(transport)")
    }
    // snom, grandstream: the audio twice.
    let twice = ["m=audio 6000 RTP/SAVP 8"] + both + ["m=audio 6000 RTP/AVP 8"]
    let reversed = ["m=audio 6000 RTP/AVP 8", "m=audio 6000 RTP/SAVP 8"] + both
    #expect(answered(twice).media == ["m=audio 30000 RTP/SAVP 8", "m=audio 0 RTP/AVP 8"])
    #expect(answered(reversed).media == ["m=audio 0 RTP/AVP 8", "m=audio 30000 RTP/SAVP 8"])
    // The encrypted one cannot be had: the plain one is, if it may.
    let half = ["m=audio 6000 RTP/SAVP 8", crypto(1, "AEAD_AES_128_GCM"), "m=audio 6000 RTP/AVP 8"]
    #expect(answered(half).media == ["m=audio 0 RTP/SAVP 8", "m=audio 30000 RTP/AVP 8"])
    #expect(answered(half).crypto.isEmpty)
    // linphone with ZRTP and others, optional: what is not for us is passed over.
    #expect(
      answered(["m=audio 6000 RTP/AVP 8", "a=zrtp-hash:1.10 00ff", crypto(1, "X")]).media == ["m=audio 30000 RTP/AVP 8"]
    )
  }

  @Test func whatIsRefused() {
    let savp = "m=audio 6000 RTP/SAVP 8"
    let cases: [([String], MediaSecurity, SDPError)] = [
      ([savp], .accepted, .noCommonCrypto),
      ([savp, crypto(1, "AES_CM_128_HMAC_SHA1_80", "short")], .accepted, .noCommonCrypto),
      ([savp, crypto(1) + " UNENCRYPTED_SRTP"], .accepted, .noCommonCrypto), ([savp], .required, .noCommonCrypto),
      (["m=audio 6000 RTP/AVP 8"], .required, .notSecure),
      (["m=audio 6000 RTP/AVPF 8", crypto(1, "X")], .required, .notSecure),
      ([savp, "m=audio 6000 RTP/AVP 8"], .required, .noCommonCrypto),
      (["m=audio 0 RTP/SAVP 8", crypto(1)], .required, .noAudio),
      (["m=audio 6000 UDP/TLS/RTP/SAVPF 8", crypto(1)], .accepted, .noAudio),
      (["m=audio 6000 RTP/SAVP 18", crypto(1)], .accepted, .noCommonCodec),
      // Of the session, as nobody may write it.
      ([crypto(1), savp], .accepted, .noCommonCrypto),
    ]
    for (lines, security, fault) in cases {
      var machine = machine(security)
      #expect(refusal { () throws(SDPError) in try machine.answer(body(lines), local: local) } == fault, "\(lines)")
    }
    // Who has no keys to give speaks plain RTP alone.
    var plain = OfferAnswer(sessionID: 1, security: .required)
    #expect(refusal { () throws(SDPError) in try plain.answer(body([savp, crypto(1)]), local: local) } == .noAudio)
    #expect(lines(plain.makeOffer(local: local), "m=") == ["m=audio 30000 RTP/AVP 8 0 101"])
  }

  @Test func whatWeOffer() throws {
    for (security, transport, count) in [
      (MediaSecurity.accepted, "RTP/AVP", 0), (.offered, "RTP/AVP", 2), (.required, "RTP/SAVP", 2),
    ] {
      var machine = machine(security)
      let offer = machine.makeOffer(local: local)
      #expect(lines(offer, "m=") == ["m=audio 30000 \(transport) 8 0 101"])
      let keys = lines(offer, "a=crypto:").compactMap { CryptoLine(String($0.dropFirst(9))) }
      #expect(keys.map(\.tag) == Array(1..<1 + count) && Set(keys.map(\.key.key)).count == count)
      #expect(keys.map(\.key.suite) == Array([.sha1With80Bits, .sha1With32Bits].prefix(count)))
      // The same again, as for the next attempt.
      #expect(lines(machine.makeOffer(local: local), "a=crypto:") == lines(offer, "a=crypto:"))
    }
  }

  @Test func theAnswerNamesOneOfOurLines() throws {
    let savp = "m=audio 6000 RTP/SAVP 8"
    let avp = "m=audio 6000 RTP/AVP 8"
    let short = "AES_CM_128_HMAC_SHA1_32"
    let cases: [(MediaSecurity, [String], SDPError?, CryptoSuite?)] = [
      (.required, [savp, crypto(1)], nil, .sha1With80Bits),
      (.required, [savp, crypto(2, short)], nil, .sha1With32Bits),
      (.required, [savp, crypto(2)], .noCommonCrypto, nil), (.required, [savp, crypto(3)], .noCommonCrypto, nil),
      (.required, [savp], .noCommonCrypto, nil), (.required, [avp], .notSecure, nil),
      (.required, ["m=audio 0 RTP/SAVP 8"], .noAudio, nil), (.offered, [avp, crypto(1)], nil, .sha1With80Bits),
      (.offered, [savp, crypto(1)], nil, .sha1With80Bits), (.offered, [avp], nil, nil),
      (.offered, [avp, crypto(7)], nil, nil), (.accepted, [avp, crypto(1)], nil, nil),
      (.accepted, [savp, crypto(1)], .noAudio, nil),
    ]
    for (security, lines, fault, suite) in cases {
      var machine = machine(security)
      let offered = self.lines(machine.makeOffer(local: local), "a=crypto:").compactMap {
        CryptoLine(String($0.dropFirst(9)))
      }
      var audio: NegotiatedAudio?
      #expect(
        refusal { () throws(SDPError) in audio = try machine.accept(body(lines)) } == fault, "\(security) \(lines)")
      #expect(audio?.keys?.send.suite == suite && audio?.keys?.receive.suite == suite, "\(security) \(lines)")
      if let suite { #expect(offered.contains { $0.key == audio?.keys?.send && $0.key.suite == suite }) }
    }
  }

  @Test func twoOfUsAgreeWhoeverBegins() throws {
    for (first, second, isSecure) in [
      (MediaSecurity.required, MediaSecurity.accepted, true), (.offered, .required, true), (.offered, .accepted, true),
      (.accepted, .offered, false),
    ] {
      var a = machine(first, seed: 1)
      var b = machine(second, seed: 2)
      let (answer, theirs) = try b.answer(a.makeOffer(local: local), local: local)
      let ours = try a.accept(answer)
      #expect((ours.keys != nil) == isSecure)
      #expect(ours.keys?.send == theirs.keys?.receive && ours.keys?.receive == theirs.keys?.send)
      // Hold and resume, by either side: nothing changes about the keys.
      for direction in [Direction.sendOnly, .sendReceive] where isSecure {
        #expect(try b.answer(a.makeOffer(local: local, direction: direction), local: local).1.keys == theirs.keys)
        #expect(try a.answer(b.makeOffer(local: local, direction: direction), local: local).1.keys == ours.keys)
      }
    }
  }

  @Test func ourKeyStaysAsLongAsTheLegIsEncryptedByIt() throws {
    var machine = machine()
    let savp = "m=audio 6000 RTP/SAVP 8"
    func keys(_ lines: [String]) throws -> MediaKeys? { try machine.answer(body(lines), local: local).1.keys }
    let first = try #require(try keys([savp, crypto(1)]))
    // Theirs changes, and its tag.
    let second = try #require(try keys([savp, crypto(2, "AES_CM_128_HMAC_SHA1_80", otherKey)]))
    #expect(second.send == first.send && second.receive != first.receive)
    // Under another suite, and after plain sound, packet numbers begin anew: so must our key.
    let third = try #require(try keys([savp, crypto(1, "AES_CM_128_HMAC_SHA1_32")]))
    #expect(third.send.key != first.send.key)
    #expect(try keys(["m=audio 6000 RTP/AVP 8"]) == nil)
    let fourth = try #require(try keys([savp, crypto(1, "AES_CM_128_HMAC_SHA1_32")]))
    #expect(fourth.send.key != third.send.key)
    // A refused offer changes nothing.
    #expect(refusal { () throws(SDPError) in try machine.answer(body([savp]), local: local) } == .noCommonCrypto)
    #expect(try keys([savp, crypto(1, "AES_CM_128_HMAC_SHA1_32")]) == fourth)
    // Our own offer in mid-call repeats what is in use.
    let offer = machine.makeOffer(local: local)
    #expect(lines(offer, "m=") == ["m=audio 30000 RTP/SAVP 8 0 101"])
    #expect(lines(offer, "a=crypto:").compactMap { CryptoLine(String($0.dropFirst(9)))?.key } == [fourth.send])
    #expect(try machine.accept(body([savp, crypto(1, "AES_CM_128_HMAC_SHA1_32", otherKey)])).keys?.send == fourth.send)
  }
}
