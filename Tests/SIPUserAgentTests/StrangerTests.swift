import SIPMessage
import SIPTransaction
import Telephony
import Testing

@testable import SIPUserAgent

@Suite struct StrangerTests {
  @Test(arguments: ["INVITE", "REGISTER", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER"])
  func `the same 401, and nothing is kept`(method: String) throws {
    var bed = TestBed()
    let actions = try bed.receive(TestBed.request(method, branch: "s"), on: bed.stranger)
    #expect(actions.statuses == [401])
    #expect(actions.responses[0].bareNames == ["Via", "From", "To", "Call-ID", "CSeq", "WWW-Authenticate"])
    #expect(bed.agent.transactions.count == 0)
    #expect(bed.agent.nextDeadline == nil)
    #expect(actions.legs == [])
  }

  @Test func `OPTIONS gets a bare 200`() throws {
    var bed = TestBed()
    let actions = try bed.receive(TestBed.request("OPTIONS", branch: "s"), on: bed.stranger)
    #expect(actions.statuses == [200])
    #expect(actions.responses[0].bareNames == ["Via", "From", "To", "Call-ID", "CSeq"])
    #expect(bed.agent.transactions.count == 0)
  }

  @Test(arguments: ["BYE", "CANCEL", "INFO", "UPDATE", "PRACK", "NOTIFY", "ACK", "FOO"])
  func `all else gets nothing`(method: String) throws {
    var bed = TestBed()
    for to in ["<sip:799@192.0.2.1>", "<sip:799@192.0.2.1>;tag=x"] {
      #expect(try bed.receive(TestBed.request(method, branch: "s", to: to), on: bed.stranger) == [])
    }
    #expect(bed.agent.transactions.count == 0)
  }

  @Test func `a re-INVITE of no dialog and an unknown user look like any other`() throws {
    var bed = TestBed()
    let inDialog = try bed.receive(
      TestBed.request("INVITE", branch: "s", to: "<sip:799@192.0.2.1>;tag=x"), on: bed.stranger)
    #expect(inDialog.statuses == [401])
    let known = try bed.authenticate("REGISTER", user: "731", password: "falsch", on: bed.stranger)
    let unknown = try bed.authenticate("REGISTER", user: "999", password: "falsch", on: bed.stranger)
    #expect(known.statuses == [401] && unknown.statuses == [401])
    #expect(known.responses[0].bareNames == unknown.responses[0].bareNames)
    let challenges = try [known, unknown].map { try DigestChallenge($0.responses[0].headers["WWW-Authenticate"] ?? "") }
    #expect(challenges.map(\.isStale) == [false, false])
    #expect(
      known.notes == [.authenticationFailed(user: "731", source: bed.stranger.remote)])
  }

  @Test func `known peers are told more`() throws {
    var bed = TestBed()
    let cases: [(String, String, [String], Int, HeaderName?)] = [
      ("OPTIONS", "<sip:x@192.0.2.1>", [], 200, "Allow"), ("BYE", "<sip:x@192.0.2.1>;tag=x", [], 481, nil),
      ("INVITE", "<sip:x@192.0.2.1>;tag=x", [], 481, nil), ("MESSAGE", "<sip:x@192.0.2.1>", [], 405, "Allow"),
      ("SUBSCRIBE", "<sip:x@192.0.2.1>", [], 405, "Allow"), ("NOTIFY", "<sip:x@192.0.2.1>", [], 405, "Allow"),
      ("FOO", "<sip:x@192.0.2.1>", [], 501, "Allow"),
      ("INVITE", "<sip:x@192.0.2.1>", ["Require: 100rel, foo"], 420, "Unsupported"),
      ("OPTIONS", "<sip:x@192.0.2.1>", ["Require: foo"], 420, "Unsupported"),
      // Registering needs a password even from a trunk's address.
      ("REGISTER", "<sip:731@192.0.2.1>", [], 401, "WWW-Authenticate"),
    ]
    for (index, (method, to, extra, status, header)) in cases.enumerated() {
      let actions = try bed.receive(
        TestBed.request(method, branch: "k\(index)", to: to, callID: "k\(index)", extra: extra))
      #expect(actions.statuses == [status], "\(method)")
      if let header { #expect(actions.responses[0].headers.has(header), "\(method)") }
    }
    #expect(try bed.receive(TestBed.request("INVITE", branch: "b", callID: "b"), [1], type: "text/x").statuses == [415])
    #expect(try bed.receive(TestBed.request("INVITE", "http://x", branch: "u", callID: "u"), sdp).statuses == [416])
    bed.expectClean()
  }

  @Test func `a flood of strangers leaves nothing behind`() throws {
    var bed = TestBed()
    for index in 0..<5000 {
      let flow = Flow(
        .udp, local: bed.trunk.local, remote: endpoint("203.\(index % 113).\(index / 256).\(index % 256):5060"))
      _ = try bed.receive(
        TestBed.request(index.isMultiple(of: 2) ? "INVITE" : "OPTIONS", branch: "f\(index)", callID: "f\(index)"),
        on: flow)
    }
    #expect(bed.agent.transactions.count == 0)
    #expect(bed.agent.sources.count <= 4096)
    #expect(bed.agent.authenticator.rememberedNonces == 0)
    #expect(bed.agent.nextDeadline == nil)
  }

  // MARK: - Users

  @Test func `a user registers, calls, and is who his password says`() throws {
    var bed = TestBed()
    let registered = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    #expect(registered.statuses == [200])
    #expect(registered.contains(.registrationsChanged(user: "731")))
    let contact = try #require(bed.agent.contacts(of: "731", at: bed.now.instant).first)
    #expect(contact.uri.description == "sip:gw@192.0.2.9:5060")
    #expect(contact.flow == bed.phone)
    #expect(try registered.responses[0].headers.contacts().first?.expires == 3600)
    let call = try bed.authenticate("INVITE", user: "731", password: "geheim", body: sdp, on: bed.phone)
    guard case .incoming(let incoming)? = call.legs.first.flatMap({ call.events(of: $0).first }) else {
      Issue.record("no call")
      return
    }
    #expect(incoming.identity == .user("731"))
    #expect(!incoming.request.headers.has("Authorization"))
    // From a known source, a BYE of no dialog is told so.
    #expect(
      try bed.receive(TestBed.request("BYE", branch: "x", to: "<sip:a@b>;tag=q", callID: "q"), on: bed.phone).statuses
        == [481])
    // The registration ends by itself.
    let expired = bed.pass(.seconds(3600))
    #expect(expired.contains(.registrationsChanged(user: "731")))
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).isEmpty)
  }

  @Test func `registrations of others are forbidden`() throws {
    var settings = TestBed.settings
    settings.users.append(UserPeer(number: "732", password: Redacted("anders")))
    var bed = TestBed(settings)
    let actions = try bed.authenticate("REGISTER", user: "731", password: "geheim", to: "732", on: bed.phone)
    #expect(actions.statuses == [403])
    #expect(bed.agent.registrations(at: bed.now.instant).isEmpty)
  }

  @Test func `too brief a registration is told the minimum`() throws {
    var bed = TestBed()
    let actions = try bed.authenticate(
      "REGISTER", user: "731", password: "geheim", extra: ["Expires: 10"], on: bed.phone)
    #expect(actions.statuses == [423])
    #expect(actions.responses[0].headers["Min-Expires"] == "60")
  }

  @Test func `an old nonce is stale and no failure, a used one too`() throws {
    var bed = TestBed()
    let old = try bed.challenge("REGISTER", on: bed.phone)
    _ = bed.pass(.seconds(301))
    let stale = try bed.answer(old, "REGISTER", user: "731", password: "geheim", on: bed.phone)
    #expect(stale.statuses == [401])
    #expect(stale.notes == [])
    #expect(try DigestChallenge(stale.responses[0].headers["WWW-Authenticate"] ?? "").isStale)
    let fresh = try bed.challenge("REGISTER", on: bed.phone)
    #expect(try bed.answer(fresh, "REGISTER", user: "731", password: "geheim", on: bed.phone).statuses == [200])
    let replay = try bed.answer(fresh, "REGISTER", user: "731", password: "geheim", on: bed.phone)
    #expect(replay.statuses == [401])
    #expect(replay.notes == [.replayed(user: "731", source: bed.phone.remote)])
    #expect(
      try bed.answer(fresh, "REGISTER", user: "731", password: "geheim", count: "00000002", on: bed.phone).statuses
        == [200])
  }

  @Test func `a gateway that registers is a trunk by its login`() throws {
    var settings = TestBed.settings
    settings.trunks.append(
      TrunkPeer(
        name: "GSM", addresses: [], account: "gsm", credentials: Credentials(user: "gsm", password: Redacted("zug"))))
    var bed = TestBed(settings)
    #expect(try bed.authenticate("REGISTER", user: "gsm", password: "zug", to: "gsm", on: bed.phone).statuses == [200])
    #expect(bed.agent.contacts(of: "gsm", at: bed.now.instant).count == 1)
    let call = try bed.authenticate("INVITE", user: "gsm", password: "zug", body: sdp, on: bed.phone)
    guard case .incoming(let incoming)? = call.legs.first.flatMap({ call.events(of: $0).first }) else {
      Issue.record("no call")
      return
    }
    #expect(incoming.identity == .trunk("GSM"))
  }

  @Test func `a phone at a trunk's address is a user once it has registered from there`() throws {
    var bed = TestBed()
    let shared = Flow(.udp, local: bed.trunk.local, remote: endpoint("192.0.2.9:5099"))
    #expect(try bed.authenticate("REGISTER", user: "731", password: "geheim", on: shared).statuses == [200])
    #expect(try bed.receive(TestBed.request("INVITE", branch: "p", callID: "p"), sdp, on: shared).statuses == [401])
    let trunk = try bed.receive(TestBed.request("INVITE", branch: "t", callID: "t"), sdp)
    #expect(trunk.legs.count == 1)
    // A PBX that also registers somebody stays the trunk that it is.
    #expect(try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.trunk).statuses == [200])
    #expect(try bed.receive(TestBed.request("INVITE", branch: "v", callID: "v"), sdp).legs.count == 1)
  }

  @Test func `a reread site drops users who are gone`() throws {
    var bed = TestBed()
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    var settings = TestBed.settings
    settings.users = []
    let actions = bed.agent.apply(settings)
    #expect(actions.filter { if case .registrationsChanged("731") = $0 { true } else { false } }.count == 1)
    #expect(actions.notes == [.unregistered(user: "731", contact: "sip:gw@192.0.2.9:5060")])
    #expect(bed.agent.registrations(at: bed.now.instant).isEmpty)
    #expect(bed.pass(.seconds(4000)).filter { if case .registrationsChanged = $0 { true } else { false } } == [])
  }

  @Test func `registrations survive a restart`() throws {
    var bed = TestBed()
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: bed.phone)
    let stored = bed.agent.registrations(at: bed.now.instant)
    var restarted = TestBed()
    restarted.agent.restore(stored, at: restarted.now)
    #expect(restarted.agent.contacts(of: "731", at: restarted.now.instant).map(\.flow) == [bed.phone])
    #expect(restarted.pass(.seconds(3600)).contains(.registrationsChanged(user: "731")))
  }

  @Test func `a broken connection takes its registrations along`() throws {
    var bed = TestBed()
    let tcp = Flow(.tcp, local: bed.trunk.local, remote: endpoint("198.51.100.7:50000"))
    _ = try bed.authenticate("REGISTER", user: "731", password: "geheim", on: tcp)
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).count == 1)
    #expect(bed.handle(.transportFailed(tcp)).contains(.registrationsChanged(user: "731")))
    #expect(bed.agent.contacts(of: "731", at: bed.now.instant).isEmpty)
  }
}

extension Response {
  /// The names of its headers, in order.
  var bareNames: [String] { headers.fields.map(\.name.text).filter { $0 != "Content-Length" } }
}

extension TestBed {
  /// What a request without credentials is asked.
  mutating func challenge(_ method: String, on flow: Flow) throws -> DigestChallenge {
    let unique = agent.random.token(8)
    let asked = try receive(Self.request(method, branch: "q\(unique)", callID: "q\(unique)"), on: flow)
    return try DigestChallenge(try #require(asked.responses.first?.headers["WWW-Authenticate"]))
  }

  /// The same request with an answer to a challenge.
  /// - Parameter contact: the Contact header's value, none if empty.
  mutating func answer(
    _ challenge: DigestChallenge, _ method: String, user: String, password: String, count: String = "00000001",
    to: String? = nil, contact: String? = nil, extra: [String] = [], body: [UInt8] = [], on flow: Flow
  ) throws -> [UserAgentAction] {
    let unique = agent.random.token(8)
    let uri = method == "REGISTER" ? "sip:192.0.2.1" : "sip:799@192.0.2.1"
    let proof = DigestProof(
      algorithm: .md5, user: user, realm: challenge.realm, method: method, uri: uri, nonce: challenge.nonce,
      protection: .init(nonceCount: count, cnonce: "abc"))
    let credentials = DigestCredentials(
      username: user, realm: challenge.realm, nonce: challenge.nonce, uri: uri,
      response: proof.response(password: Redacted(password), functions: ReferenceHashes.functions), algorithm: "MD5",
      cnonce: "abc", qop: "auth", nc: count)
    let target = method == "REGISTER" ? "<sip:\(to ?? user)@192.0.2.1>" : "<sip:799@192.0.2.1>"
    var request = Self.request(
      method, uri, branch: "a\(unique)", to: target, callID: "a\(unique)",
      extra: ["Authorization: \(credentials.description)"] + extra)
    if let contact {
      let line = contact.isEmpty ? "" : "\nContact: \(contact)"
      request = request.replacing("\nContact: <sip:gw@192.0.2.9:5060>", with: line)
    }
    return try receive(request, body, on: flow)
  }

  mutating func authenticate(
    _ method: String, user: String, password: String, to: String? = nil, extra: [String] = [], body: [UInt8] = [],
    on flow: Flow
  ) throws -> [UserAgentAction] {
    let unique = agent.random.token(8)
    let asked = try receive(Self.request(method, branch: "q\(unique)", callID: "q\(unique)"), on: flow)
    guard let line = asked.responses.first?.headers["WWW-Authenticate"] else { return asked }
    return try answer(
      try DigestChallenge(line), method, user: user, password: password, to: to, extra: extra, body: body, on: flow)
  }
}
