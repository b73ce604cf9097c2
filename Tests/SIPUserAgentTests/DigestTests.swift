import SIPMessage
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct DigestTests {
  @Test func `the reference hashes give the RFCs' own vectors`() {
    #expect(hexadecimal(ReferenceHashes.md5([])) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(hexadecimal(ReferenceHashes.md5(Array("message digest".utf8))) == "f96b697d7cb7938d525a2f31aaf161d0")
    #expect(
      hexadecimal(ReferenceHashes.sha256(Array("abc".utf8)))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  /// RFC 7616 §3.9.1, and RFC 2617 §3.5.
  @Test(arguments: [
    (DigestAlgorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
    (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
  ])
  func `RFC 7616 3.9.1`(algorithm: DigestAlgorithm, expected: String) {
    let proof = DigestProof(
      algorithm: algorithm, user: "Mufasa", realm: "http-auth@example.org", method: "GET", uri: "/dir/index.html",
      nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
      protection: .init(nonceCount: "00000001", cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"))
    #expect(proof.response(password: Redacted("Circle of Life"), functions: ReferenceHashes.functions) == expected)
  }

  @Test func `RFC 2617 3.5`() {
    let proof = DigestProof(
      algorithm: .md5, user: "Mufasa", realm: "testrealm@host.com", method: "GET", uri: "/dir/index.html",
      nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093", protection: .init(nonceCount: "00000001", cnonce: "0a4f113b"))
    #expect(
      proof.response(password: Redacted("Circle Of Life"), functions: ReferenceHashes.functions)
        == "6629fae49393a05397450978507c4ef1")
  }

  @Test func `tokens are known in any case, session variants are not`() {
    #expect(DigestAlgorithm(token: nil) == .md5)
    #expect(DigestAlgorithm(token: "md5") == .md5)
    #expect(DigestAlgorithm(token: "sha-256") == .sha256)
    #expect(DigestAlgorithm(token: "MD5-sess") == nil)
    #expect(DigestAlgorithm(token: "SHA-512-256") == nil)
  }

  // MARK: - Nonces

  private func maker(_ seed: UInt64 = 1) -> NonceMaker {
    NonceMaker(functions: ReferenceHashes.functions, random: .seeded(seed))
  }

  @Test func `a nonce is ours for its lifetime and old afterwards`() {
    let maker = maker()
    let made = Instant(nanoseconds: 5_000_000_000)
    let nonce = maker.make(at: made)
    #expect(maker.judge(nonce, at: made) == .valid(made))
    #expect(maker.judge(nonce, at: made + .seconds(300)) == .valid(made))
    #expect(maker.judge(nonce, at: made + .seconds(301)) == .old)
    #expect(maker.make(at: made) != nonce)
  }

  @Test func `whatever is changed in a nonce makes it foreign`() {
    let maker = maker()
    let now = Instant(nanoseconds: 0)
    let nonce = maker.make(at: now)
    for index in nonce.utf8.indices {
      var bytes = Array(nonce.utf8)
      let place = nonce.utf8.distance(from: nonce.startIndex, to: index)
      bytes[place] = bytes[place] == 0x30 ? 0x31 : 0x30
      #expect(maker.judge(String(decoding: bytes, as: UTF8.self), at: now) == .foreign)
    }
    #expect(maker.judge("", at: now) == .foreign)
    #expect(maker.judge(nonce + "0", at: now) == .foreign)
    #expect(self.maker(2).judge(nonce, at: now) == .foreign)
  }

  @Test func `nonce counts rise, and the table is bounded without opening a hole`() {
    var counts = NonceCounts(limit: 4)
    // Nonce, second in which it was made, count, second of the use.
    let script: [(String, Int, UInt32, Int, Bool)] =
      [("a", 0, 1, 0, true), ("a", 0, 1, 0, false), ("a", 0, 3, 0, true), ("a", 0, 2, 0, false)]
      + (1...10).map { ("n\($0)", $0, 1, $0, true) }
      // Forgotten, so no longer taken.
      + [("a", 0, 9, 10, false), ("n1", 1, 2, 10, false)]
    for (nonce, made, number, at, expected) in script {
      let taken = counts.use(
        nonce, made: Instant(nanoseconds: 0) + .seconds(made), number: number,
        at: Instant(nanoseconds: 0) + .seconds(at))
      #expect(taken == expected, "\(nonce) \(number)")
      #expect(counts.count <= 4)
    }
    // Their time over, they leave by themselves.
    let late = Instant(nanoseconds: 0) + .seconds(400)
    let taken = counts.use("late", made: late, number: 1, at: late)
    #expect(taken)
    #expect(counts.count == 1)
  }

  // MARK: - Server

  private struct Case: Sendable {
    var name: String
    var password = "geheim"
    var user = "731"
    var realm = "pikett"
    var uri = "sip:799@192.0.2.1"
    var algorithm: String? = "MD5"
    var qop: String? = "auth"
    var nc: String? = "00000001"
    var age = 0
    var expected: String
  }

  @Test func `the server's verdicts`() throws {
    let cases = [
      Case(name: "right", expected: "passed"),
      Case(name: "SHA-256", algorithm: "SHA-256", expected: "passed"),
      Case(name: "no algorithm named", algorithm: nil, expected: "passed"),
      Case(name: "RFC 2069", qop: nil, expected: "passed"),
      Case(name: "wrong password", password: "falsch", expected: "failed"),
      Case(name: "nobody", user: "999", expected: "failed"),
      Case(name: "another realm", realm: "other", expected: "none"),
      Case(name: "another destination", uri: "sip:700@192.0.2.1", expected: "failed"),
      Case(name: "another host, as NATs write", uri: "sip:799@10.0.0.1", expected: "passed"),
      Case(name: "unknown algorithm", algorithm: "MD5-sess", expected: "failed"),
      Case(name: "auth-int", qop: "auth-int", expected: "failed"),
      Case(name: "short nc", nc: "1", expected: "failed"),
      Case(name: "no nc", nc: nil, expected: "failed"),
      Case(name: "old nonce", age: 301, expected: "stale"),
    ]
    for test in cases {
      var server = DigestAuthenticator(functions: ReferenceHashes.functions, random: .seeded(7))
      let made = Instant(nanoseconds: 0)
      let nonce = server.nonces.make(at: made)
      var request = Request(.invite, try SIPURI("sip:799@192.0.2.1"))
      let proof = DigestProof(
        algorithm: test.algorithm == "SHA-256" ? .sha256 : .md5, user: test.user, realm: test.realm, method: "INVITE",
        uri: test.uri, nonce: nonce,
        protection: test.qop == nil ? nil : .init(nonceCount: test.nc ?? "", cnonce: "abc"))
      request.headers.add(
        "Authorization",
        DigestCredentials(
          username: test.user, realm: test.realm, nonce: nonce, uri: test.uri,
          response: proof.response(password: Redacted(test.password), functions: ReferenceHashes.functions),
          algorithm: test.algorithm, cnonce: "abc", qop: test.qop, nc: test.qop == nil ? nil : test.nc
        ).description)
      let passwords = { (user: String) in user == "731" ? Redacted("geheim") : nil }
      let verdict = server.check(request, realm: "pikett", passwords: passwords, at: made + .seconds(test.age))
      #expect("\(verdict)".prefix { $0 != "(" } == test.expected, "\(test.name)")
      if test.expected == "passed" {
        let again = server.check(request, realm: "pikett", passwords: passwords, at: made)
        #expect(again == .replayed(user: "731"), "\(test.name)")
      }
    }
  }

  @Test func `who has used SHA-256 is offered it`() throws {
    let server = DigestAuthenticator(functions: ReferenceHashes.functions, random: .seeded(7))
    var request = Request(.register, try SIPURI("sip:192.0.2.1"))
    let plain = server.challenges(
      to: request, realm: "pikett", algorithms: [.md5], isStale: false, at: Instant(nanoseconds: 0))
    #expect(try plain.map { try DigestChallenge($0).algorithm } == ["MD5"])
    request.headers.add(
      "Authorization",
      DigestCredentials(
        username: "731", realm: "pikett", nonce: "x", uri: "sip:192.0.2.1", response: "00", algorithm: "SHA-256"
      ).description)
    let both = server.challenges(
      to: request, realm: "pikett", algorithms: [.md5], isStale: true, at: Instant(nanoseconds: 0))
    #expect(try both.map { try DigestChallenge($0).algorithm } == ["SHA-256", "MD5"])
    #expect(try DigestChallenge(both[0]).isStale)
    #expect(try DigestChallenge(both[0]).qop == ["auth"])
  }

  // MARK: - Client

  private func challenged(_ status: Int, _ challenges: DigestChallenge...) -> Response {
    var response = Response(status)
    for challenge in challenges {
      response.headers.add(status == 407 ? "Proxy-Authenticate" : "WWW-Authenticate", challenge.description)
    }
    return response
  }

  @Test func `the client answers a realm once, and a stale nonce once more`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    let challenge = DigestChallenge(realm: "r", nonce: "n1", opaque: "o", algorithm: "MD5", qop: ["auth"])
    var stale = challenge
    stale.nonce = "n2"
    stale.isStale = true
    #expect(client.take(challenged(401, challenge)) == nil)
    var request = Request(.invite, try SIPURI("sip:732@192.0.2.1"))
    client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(3))
    let first = try #require(request.headers.digestCredentials("Authorization").first)
    #expect(first.nc == "00000001" && first.opaque == "o" && first.qop == "auth" && first.uri == "sip:732@192.0.2.1")
    let proof = DigestProof(
      algorithm: .md5, user: "731", realm: "r", method: "INVITE", uri: first.uri, nonce: "n1",
      protection: .init(nonceCount: "00000001", cnonce: first.cnonce ?? ""))
    #expect(first.response == proof.response(password: Redacted("geheim"), functions: ReferenceHashes.functions))
    #expect(client.take(challenged(401, stale)) == nil)
    #expect(client.take(challenged(401, stale)) == "r")
    #expect(client.take(challenged(401, challenge)) == "r")
  }

  @Test func `a nonce that has served and is replaced is answered anew, though nobody calls it stale`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    func challenge(_ nonce: String) -> Response {
      challenged(401, DigestChallenge(realm: "r", nonce: nonce, qop: ["auth"]))
    }
    #expect(client.take(challenge("n1")) == nil)
    #expect(client.take(challenge("n2")) == "r")
    client.accepted()
    #expect(client.take(challenge("n1")) == "r")
    #expect(client.take(challenge("n2")) == nil)
    #expect(client.take(challenge("n3")) == "r")
  }

  @Test func `proxy and server are answered side by side, with rising counts`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    #expect(client.take(challenged(407, DigestChallenge(realm: "p", nonce: "a", qop: ["auth"]))) == nil)
    #expect(client.take(challenged(401, DigestChallenge(realm: "s", nonce: "b", qop: ["auth", "auth-int"]))) == nil)
    var request = Request(.bye, try SIPURI("sip:732@192.0.2.1"))
    for count in ["00000001", "00000002"] {
      client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(3))
      #expect(request.headers.digestCredentials("Proxy-Authorization").map(\.nc) == [count])
      #expect(request.headers.digestCredentials("Authorization").map(\.nc) == [count])
    }
  }

  @Test func `proxy and server may ask in one answer`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    var both = challenged(401, DigestChallenge(realm: "r", nonce: "b", qop: ["auth"]))
    both.headers.add("Proxy-Authenticate", DigestChallenge(realm: "r", nonce: "a", qop: ["auth"]).description)
    #expect(client.take(both) == nil)
    var request = Request(.register, try SIPURI("sip:192.0.2.1"))
    client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(3))
    #expect(request.headers.digestCredentials("Proxy-Authorization").map(\.nonce) == ["a"])
    #expect(request.headers.digestCredentials("Authorization").map(\.nonce) == ["b"])
  }

  @Test func `a server that gives itself another realm is answered under it`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    #expect(client.take(challenged(401, DigestChallenge(realm: "old", nonce: "a", qop: ["auth"]))) == nil)
    client.accepted()
    #expect(client.take(challenged(401, DigestChallenge(realm: "new", nonce: "b", qop: ["auth"]))) == nil)
    var request = Request(.register, try SIPURI("sip:192.0.2.1"))
    client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(3))
    #expect(request.headers.digestCredentials("Authorization").contains { $0.realm == "new" && $0.nonce == "b" })
    #expect(client.take(challenged(401, DigestChallenge(realm: "new", nonce: "c", qop: ["auth"]))) == "new")
  }

  @Test func `the first algorithm that we know is taken`() throws {
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    let response = challenged(
      401, DigestChallenge(realm: "r", nonce: "n", algorithm: "SHA-512-256", qop: ["auth"]),
      DigestChallenge(realm: "r", nonce: "n", algorithm: "SHA-256", qop: ["auth"]),
      DigestChallenge(realm: "r", nonce: "n", algorithm: "MD5", qop: ["auth"]))
    #expect(client.take(response) == nil)
    var request = Request(.invite, try SIPURI("sip:732@192.0.2.1"))
    client.authorize(&request, functions: ReferenceHashes.functions, random: .seeded(3))
    #expect(request.headers.digestCredentials("Authorization").map(\.algorithm) == ["SHA-256"])
  }

  @Test func `what cannot be answered is told by its realm`() {
    var nobody = DigestClient(nil)
    #expect(nobody.take(challenged(401, DigestChallenge(realm: "r", nonce: "n"))) == "r")
    var client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    #expect(client.take(challenged(401)) == "")
    #expect(client.take(challenged(401, DigestChallenge(realm: "r", nonce: "n", qop: ["auth-int"]))) == "r")
  }

  @Test func `no secret shows in what describes a client or a peer`() {
    let client = DigestClient(Credentials(user: "731", password: Redacted("geheim")))
    let settings = UserAgentSettings(users: [UserPeer(number: "731", password: Redacted("geheim"))])
    #expect(!"\(client)".contains("geheim"))
    #expect(!"\(settings)".contains("geheim"))
    #expect(!"\(PeerDirectory(settings))".contains("geheim"))
  }
}
