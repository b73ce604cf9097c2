import SIPMessage
import Testing

@Suite struct MaskingTests {
  private static let body =
    "v=0\r\nk=clear:topsecret\r\nm=audio 4000 RTP/SAVP 8\r\n"
    + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:topsecretkey|2^20|1:4\r\nA=Crypto:topsecret\r\n"
    + "a=key-mgmt:mikey topsecret\r\n a= crypto : topsecret\r\na=sendrecv\r\n"

  private static let text =
    "INVITE sip:720@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKm\r\n"
    + "From: <sip:731@192.0.2.1>;tag=1\r\nTo: <sip:720@192.0.2.10>\r\nCall-ID: m\r\nCSeq: 1 INVITE\r\n"
    + "authorization :\r\n Digest username=\"731\", realm=\"pikett\",\r\n\tnonce=\"topsecret1\", uri=\"sip:x\", "
    + "response=\"topsecret2\", cnonce=\"topsecret3\"\r\nProxy-Authorization: Basic topsecret4\r\n"
    + "Authorization: Digest topsecret5\r\nAuthentication-Info: rspauth=\"topsecret6\"\r\n"
    + "Subject: Authorization: stays\r\nContent-Type: application/sdp\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    + body

  @Test func message() throws {
    let masked = try parseMessage(Array(MaskingTests.text.utf8)).masked()
    let text = String(decoding: masked.serialized(), as: UTF8.self)
    #expect(!text.contains("topsecret"))
    #expect(masked.headers.lines("Authorization").first == "Digest [masked] username=\"731\", realm=\"pikett\"")
    #expect(masked.headers["Proxy-Authorization"] == "Basic [masked]")
    #expect(masked.headers.lines("Authorization").last == "Digest [masked]")
    #expect(masked.headers["Authentication-Info"] == "[masked]")
    #expect(masked.headers["Subject"] == "Authorization: stays")
    #expect(masked.body.count == MaskingTests.body.utf8.count)
    #expect(text.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****"))
    #expect(text.contains("a=sendrecv\r\n"))
    #expect(masked.masked().body == masked.body)
  }

  @Test func wire() throws {
    let original = Array(MaskingTests.text.utf8)
    let masked = maskedWire(original)
    let text = String(decoding: masked, as: UTF8.self)
    #expect(!text.contains("topsecret"))
    #expect(text.contains("authorization : Digest [masked] username=\"731\", realm=\"pikett\"\r\nProxy"))
    let read = try parseMessage(masked)
    let expected = try parseMessage(original).masked()
    #expect(read.body == expected.body)
    #expect(read.headers.lines("Via") == expected.headers.lines("Via"))
    #expect(read.headers.lines("Authorization").count == 2)
  }

  @Test func whatHoldsNoSecretStaysByteForByte() {
    for fixture in Fixture.all where !String(decoding: fixture.message, as: UTF8.self).contains("Authorization") {
      #expect(maskedWire(fixture.message) == fixture.message, "\(fixture.name)")
    }
    for bytes: [UInt8] in [[], [0x0A], [0x0D], [0, 0xFF, 0x0A, 0x20], Array("\r\n\r\nx".utf8)] {
      #expect(maskedWire(bytes) == bytes)
    }
  }

  @Test func cutOffMessages() {
    let bytes = Array(MaskingTests.text.utf8)
    for end in bytes.indices {
      let masked = String(decoding: maskedWire(Array(bytes[..<end])), as: UTF8.self)
      #expect(!masked.contains("topsec"), "cut at \(end)")
    }
  }
}
