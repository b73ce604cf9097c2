import SIPMessage
import Testing

@Suite struct DigestTests {
  @Test func challenge() throws {
    // RFC 3261 §20.44.
    let text =
      "Digest realm=\"atlanta.com\",\r\n domain=\"sip:boxesbybob.com\", qop=\"auth,auth-int\", nonce=\"f84f1cec\", "
      + "opaque=\"\", stale=FALSE, algorithm=MD5"
    let challenge = try DigestChallenge(text.replacing("\r\n", with: ""))
    #expect(challenge.realm == "atlanta.com")
    #expect(challenge.nonce == "f84f1cec")
    #expect(challenge.opaque == "")
    #expect(challenge.qop == ["auth", "auth-int"])
    #expect(!challenge.isStale)
    #expect(challenge.algorithm == "MD5")
    #expect(challenge.domain == "sip:boxesbybob.com")
    #expect(try DigestChallenge(challenge.description) == challenge)
    let stale = DigestChallenge(realm: "a \"b\" \\", nonce: "n", algorithm: "SHA-256", qop: ["auth"], isStale: true)
    #expect(
      stale.description
        == "Digest realm=\"a \\\"b\\\" \\\\\", nonce=\"n\", stale=true, algorithm=SHA-256, qop=\"auth\"")
    #expect(try DigestChallenge(stale.description) == stale)
  }

  @Test func credentials() throws {
    // RFC 3261 §20.7, with what RFC 7616 adds; unquoted values as some phones send them.
    let credentials = try DigestCredentials(
      "digest username=\"731\",realm=\"pikett\" , nonce=\"84a4\",uri=\"sip:pikett\", response=\"7587245234B3\","
        + "algorithm=\"MD5\", cnonce=abc, qop=auth,nc=00000001, opaque=\"o\", unknown=\"a,b\"")
    #expect(
      credentials
        == DigestCredentials(
          username: "731", realm: "pikett", nonce: "84a4", uri: "sip:pikett", response: "7587245234b3",
          algorithm: "MD5",
          cnonce: "abc", opaque: "o", qop: "auth", nc: "00000001"))
    #expect(
      credentials.description
        == "Digest username=\"731\", realm=\"pikett\", nonce=\"84a4\", uri=\"sip:pikett\", response=\"7587245234b3\", "
        + "algorithm=MD5, cnonce=\"abc\", opaque=\"o\", qop=auth, nc=00000001")
    #expect(try DigestCredentials(credentials.description) == credentials)
  }

  @Test(arguments: [
    "", "Digest", "Basic abc", "NoOneKnowsThisScheme opaque-data=here", "Digest realm", "Digest realm=\"a",
    "Digest realm=\"a\"b, nonce=c", "Digest =x", "Digestrealm=\"a\"", "Digest nonce=\"n\"", "Digest realm=\"r\"",
  ])
  func refused(_ text: String) {
    #expect(throws: HeaderError.self) { try DigestChallenge(text) }
    #expect(throws: HeaderError.self) { try DigestCredentials(text) }
  }

  @Test func otherSchemesArePassedOver() {
    let headers = Headers([
      ("WWW-Authenticate", "Basic realm=\"x\""), ("WWW-Authenticate", "Digest realm=\"x\", nonce=\"1\""),
      ("WWW-Authenticate", "Digest realm=\"x\", nonce=\"2\", algorithm=SHA-256"), ("Authorization", "Digest broken"),
    ])
    #expect(headers.digestChallenges("WWW-Authenticate").map(\.nonce) == ["1", "2"])
    #expect(headers.digestCredentials("Authorization").isEmpty)
  }

  @Test func nothingBreaksOut() throws {
    let hostile = "a\"\r\nVia: x, y=\"z"
    let credentials = DigestCredentials(
      username: hostile, realm: hostile, nonce: hostile, uri: hostile, response: hostile, algorithm: hostile,
      cnonce: hostile, opaque: hostile, qop: hostile, nc: hostile)
    #expect(!credentials.description.utf8.contains { $0 == 0x0D || $0 == 0x0A })
    #expect(try DigestCredentials(credentials.description).username == "a\"  Via: x, y=\"z")
  }
}
