import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Pikett and the trunks at which it registers, on the simulated network.
@Suite struct TrunkStories {
  static let home = endpoint("192.0.2.50:5060")
  static let spare = endpoint("192.0.2.51:5060")

  /// A line at a provider, and no OPTIONS elsewhere that would stand between.
  static let site: [String: String?] = [
    "trunks/LINE/Host.txt": "192.0.2.50", "trunks/LINE/Login.txt": "line", "trunks/LINE/Password.txt": "geheim",
    "trunks/LINE/Domain.txt": "provider.example", "trunks/LINE/Qualify.txt": "none",
    "trunks/GW14/Qualify.txt": "none", "trunks/PBX/Qualify.txt": "none", "trunks/MOBILE/Qualify.txt": "none",
  ]

  private func provider(
    _ scene: Scene, _ name: String = "LINE", at address: Endpoint = home, limits: RegistrarLimits = RegistrarLimits()
  ) -> Provider {
    scene.network.detail = { message in
      let asked = (try? message.headers.contacts())?.first?.expires.map { "expires=\($0)" }
      let proof = message.headers.has("Authorization") ? "with proof" : nil
      let detail = [asked, proof].compactMap { $0 }.joined(separator: " ")
      return detail.isEmpty ? nil : detail
    }
    scene.shell.names[address] = name
    return Provider(name, at: address, on: scene.network, users: ["line": "geheim"], limits: limits)
  }

  private func notes(_ scene: Scene) -> [TrunkNote] {
    scene.shell.events.compactMap { if case .trunk("LINE", let note) = $0 { note } else { nil } }
  }

  private func changes(_ more: [String: String?]) -> [String: String?] { Self.site.merging(more) { $1 } }

  // MARK: Registration

  @Test func `registered with digest, refreshed without being asked again, and taken back at the end`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(300)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(302))
    scene.expectLadder("registers")
    #expect(provider.contacts(of: "line").isEmpty)
    #expect(notes(scene) == [.registered(at: Self.home, seconds: 300)])
    let first = try #require(provider.requests(.register).first)
    #expect(first.uri.description == "sip:provider.example")
    #expect(first.headers["To"] == "<sip:line@provider.example>")
    #expect(Set(provider.requests(.register).compactMap(\.headers.callID)).count == 1)
    try scene.expectClean()
  }

  @Test func `a registrar that grants more than five minutes only`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene, limits: RegistrarLimits(minExpires: 600))
    scene.at(.zero) { $0.shell.take(.start) }
    try scene.run(until: .seconds(10))
    scene.expectLadder("registers-423")
    #expect(provider.contacts(of: "line").count == 1)
    #expect(notes(scene) == [.registered(at: Self.home, seconds: 600)])
    scene.at(.seconds(11)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a wrong password is said once, and tried again at once when its file changes`() throws {
    let scene = try Scene(changes(["trunks/LINE/Password.txt": "falsch"]))
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(400)) { $0.shell.take(.siteChanged(SceneSite.read(Self.site))) }
    try scene.run(until: .seconds(399))
    #expect(provider.contacts(of: "line").isEmpty)
    #expect((6...12).contains(provider.requests(.register).count))
    try scene.run(until: .seconds(401))
    #expect(provider.contacts(of: "line").count == 1)
    #expect(
      notes(scene) == [
        .registrationRefused(status: 401, reason: "Unauthorized", at: Self.home),
        .registered(at: Self.home, seconds: 300),
      ])
    // Nothing that is said holds a password.
    #expect(!"\(scene.shell.events)".contains("geheim") && !"\(scene.shell.events)".contains("falsch"))
    scene.at(.seconds(402)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a registrar that has forgotten its nonces is answered anew`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(100)) { _ in provider.restart(seed: 99) }
    try scene.run(until: .seconds(280))
    #expect(provider.contacts(of: "line").count == 1)
    #expect(provider.requests(.register).count == 4)
    #expect(notes(scene).count == 1)
    scene.at(.seconds(281)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a silent host leads to the next, and back when it lives again`() throws {
    let scene = try Scene(
      changes(["trunks/LINE/Host.txt": "192.0.2.50,192.0.2.51", "trunks/LINE/Qualify.txt": "25"]))
    let (first, second) = (provider(scene), provider(scene, "SPARE", at: Self.spare))
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(100)) { _ in first.isDead = true }
    scene.at(.seconds(600)) { _ in first.isDead = false }
    try scene.run(until: .seconds(90))
    #expect(first.contacts(of: "line").count == 1 && second.contacts(of: "line").isEmpty)
    try scene.run(until: .seconds(200))
    // OPTIONS have found it dead before the registration is due.
    #expect(!scene.shell.control.lines.isAlive("LINE", Self.home, at: scene.network.now.instant))
    #expect(scene.shell.control.lines.isAlive("LINE", at: scene.network.now.instant))
    try scene.run(until: .seconds(310))
    #expect(second.contacts(of: "line").count == 1)
    try scene.run(until: .seconds(640))
    #expect(first.contacts(of: "line").count == 1)
    #expect(
      notes(scene) == [
        .registered(at: Self.home, seconds: 300), .silent(Self.home), .registered(at: Self.spare, seconds: 300),
        .back(Self.home), .registered(at: Self.home, seconds: 300),
      ])
    scene.at(.seconds(641)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a trunk's own realm and a proxy's are both answered`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    var challenged = false
    provider.answers = { request in
      guard request.method == .register, !challenged else { return nil }
      challenged = true
      return 407
    }
    provider.lines = [("Proxy-Authenticate", DigestChallenge(realm: "edge", nonce: "n1", qop: ["auth"]).description)]
    scene.at(.zero) { $0.shell.take(.start) }
    try scene.run(until: .seconds(5))
    #expect(provider.contacts(of: "line").count == 1)
    let last = try #require(provider.requests(.register).last)
    #expect(last.headers.has("Authorization") && last.headers.has("Proxy-Authorization"))
    scene.at(.seconds(6)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a trunk without a way is tried again, and the others are not held up`() throws {
    let scene = try Scene(changes(["trunks/LINE/Host.txt": "sip.provider.example"]))
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(60)) {
      $0.shell.take(.hostsResolved(KnownHosts(addresses: ["sip.provider.example": [Self.home.address]])))
    }
    try scene.run(until: .seconds(61))
    #expect(provider.contacts(of: "line").count == 1)
    #expect(
      notes(scene) == [.unresolved(["sip.provider.example"]), .registered(at: Self.home, seconds: 300)])
    scene.at(.seconds(62)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  // MARK: The site changes

  @Test func `a trunk that is added registers, one that is removed takes its registration back`() throws {
    let without = Self.site.filter { !$0.key.hasPrefix("trunks/LINE") }
    let scene = try Scene(without)
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(10)) { $0.shell.take(.siteChanged(SceneSite.read(Self.site))) }
    scene.at(.seconds(20)) { $0.shell.take(.siteChanged(SceneSite.read(without))) }
    try scene.run(until: .seconds(15))
    #expect(provider.contacts(of: "line").count == 1)
    try scene.run(until: .seconds(25))
    #expect(provider.contacts(of: "line").isEmpty)
    #expect(notes(scene).last == .unregistered(at: Self.home))
    try scene.expectClean()
  }

  @Test(arguments: [
    ["trunks/LINE/Login.txt": "line2", "trunks/LINE/Password.txt": "zwei"], ["trunks/LINE/Domain.txt": "other.example"],
    ["trunks/LINE/Host.txt": "192.0.2.51"], ["trunks/LINE/Proxy.txt": "192.0.2.51"],
  ])
  func `a line that becomes another one leaves the old one`(_ change: [String: String]) throws {
    let scene = try Scene(Self.site)
    let (old, new) = (provider(scene), provider(scene, "SPARE", at: Self.spare))
    for each in [old, new] {
      each.answers = { request in
        // One that knows everybody.
        request.method == .register && (try? request.headers.to())?.uri.user == "line2" ? 200 : nil
      }
    }
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(10)) { $0.shell.take(.siteChanged(SceneSite.read(changes(change.mapValues { $0 })))) }
    try scene.run(until: .seconds(9))
    let before = try #require(old.contacts(of: "line").first)
    try scene.run(until: .seconds(20))
    // The old Contact is gone; the new one has another user, so that taking back the old one cannot hit it.
    #expect(!old.contacts(of: "line").contains { $0.uri.user == before.uri.user })
    let users = (old.requests(.register) + new.requests(.register)).compactMap {
      (try? $0.headers.contacts())?.first?.uri.user
    }
    #expect(Set(users).count == 2)
    #expect(notes(scene).contains(.unregistered(at: Self.home)))
    #expect(notes(scene).filter { if case .registered = $0 { true } else { false } }.count == 2)
    scene.at(.seconds(21)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a new password counts at once and keeps the Contact`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(10)) { scene in
      provider.sets("neu", of: "line")
      scene.shell.take(.siteChanged(SceneSite.read(changes(["trunks/LINE/Password.txt": "neu"]))))
    }
    try scene.run(until: .seconds(20))
    #expect(provider.contacts(of: "line").count == 1)
    #expect(Set(provider.requests(.register).compactMap { (try? $0.headers.contacts())?.first?.uri.user }).count == 1)
    #expect(provider.requests(.register).allSatisfy { $0.headers["Expires"] != "0" })
    scene.at(.seconds(21)) { $0.shell.take(.shutdown) }
    try scene.expectClean()
  }

  @Test func `a call through a trunk that is removed goes on to its end`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { _ in callOurContact(provider, for: "720") }
    scene.at(.seconds(3)) { scene in
      guard let leg = provider.calls.first else { return }
      provider.press("1", leg)
    }
    scene.at(.seconds(10)) {
      $0.shell.take(.siteChanged(SceneSite.read(Self.site.filter { !$0.key.hasPrefix("trunks/LINE") })))
    }
    scene.at(.seconds(20)) { _ in provider.hangUp() }
    try scene.run(until: .seconds(60))
    let ending = try scene.ending()
    #expect(ending.detail.answeredExtension == "732" && ending.detail.origin == "LINE")
    #expect(provider.contacts(of: "line").isEmpty)
    try scene.expectClean()
  }

  // MARK: Calls

  @discardableResult
  private func callOurContact(_ provider: Provider, for number: String, host: String = "provider.example") -> LegID? {
    guard let contact = provider.contacts(of: "line").first else { return nil }
    return provider.call(contact.uri, for: NameAddress(SIPURI(user: number, host: host)))
  }

  @Test func `a call to our Contact is for the number in To`() throws {
    let scene = try Scene(Self.site)
    let provider = provider(scene)
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { _ in callOurContact(provider, for: "+390471999720") }
    scene.at(.seconds(3)) { _ in provider.press("1", provider.calls[0]) }
    scene.at(.seconds(10)) { _ in provider.hangUp() }
    scene.at(.seconds(20)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(30))
    scene.expectLadder("did-in-to")
    let ending = try scene.ending()
    #expect(ending.detail.dialled == "+390471999720" && ending.detail.origin == "LINE")
    #expect(ending.caller.text == "+41791112233")
    try scene.expectClean()
  }

  @Test func `our Contact is known from wherever the provider calls, and nothing else is`() throws {
    let scene = try Scene(Self.site)
    let home = provider(scene)
    let elsewhere = Provider("EDGE", at: endpoint("203.0.113.10:5060"), on: scene.network, seed: 8)
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { _ in
      guard let contact = home.contacts(of: "line").first else { return }
      let did = NameAddress(SIPURI(user: "720", host: "provider.example"))
      elsewhere.call(contact.uri, for: did)
      var other = contact.uri
      other.user = other.user.map { String($0.dropLast()) + "x" }
      elsewhere.call(other, for: did)
      elsewhere.call(SIPURI(user: "720", host: "192.0.2.1"), for: did)
    }
    scene.at(.seconds(10)) { scene in
      elsewhere.hangUp()
      scene.shell.take(.shutdown)
    }
    try scene.run(until: .seconds(60))
    #expect(elsewhere.calls.map { elsewhere.status($0) } == [200, 401, 401])
    try scene.expectClean()
  }

  @Test func `a call out is answered with the trunk's password and goes to the domain through the proxy`() throws {
    let scene = try Scene(
      changes([
        "ExternalTrunk.txt": "LINE", "732/Fork.txt": "3482619288", "732/ForkConfirm.txt": "none",
        "trunks/LINE/Proxy.txt": "192.0.2.51", "trunks/LINE/Prefix.txt": "0",
      ]))
    let proxy = provider(scene, "PROXY", at: Self.spare)
    var challenged = false
    proxy.answers = { request in
      guard request.method == .invite, !challenged else { return nil }
      challenged = true
      return 407
    }
    proxy.lines = [("Proxy-Authenticate", DigestChallenge(realm: "edge", nonce: "n1", qop: ["auth"]).description)]
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { $0.caller.call("799*731") }
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    scene.at(.seconds(11)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(20))
    let invites = proxy.requests(.invite)
    #expect(invites.map(\.uri.description) == Array(repeating: "sip:03482619288@provider.example", count: 2))
    #expect(invites.last?.headers.has("Proxy-Authorization") == true)
    #expect(proxy.requests(.register).first?.uri.description == "sip:provider.example")
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  /// An emergency gets out although somebody has changed the password at the provider.
  @Test(arguments: [401, 403, 407])
  func `a trunk that refuses our password, or us, does not keep the call from the next`(
    _ status: Int
  ) throws {
    let scene = try Scene(changes(["ExternalTrunk.txt": "LINE,MOBILE", "732/Fork.txt": "3482619288"]))
    let provider = provider(scene)
    provider.answers = { $0.method == .invite ? status : nil }
    let challenge = DigestChallenge(realm: "edge", nonce: "n1", qop: ["auth"]).description
    provider.lines = [("Proxy-Authenticate", challenge), ("WWW-Authenticate", challenge)]
    scene.mobile.plan = { _ in .answers(after: .seconds(1), keys: [(.seconds(2), "1")]) }
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { $0.caller.call("799*731") }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    scene.at(.seconds(21)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(30))
    // Once without a proof or with the caller's number, and once more with it or with ours.
    #expect(provider.requests(.invite).count == 2)
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  /// RFC 3608: what the registrar has said at registration is the way of our calls.
  @Test func `a call out goes through the proxies that the registrar has named`() throws {
    let scene = try Scene(
      changes(["ExternalTrunk.txt": "LINE", "732/Fork.txt": "3482619288", "732/ForkConfirm.txt": "none"]))
    let provider = provider(scene)
    provider.answers = { $0.method == .register && $0.headers.has("Authorization") ? 200 : nil }
    provider.lines = [("Service-Route", "<sip:edge.provider.example;lr>")]
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(1)) { $0.caller.call("799*731") }
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    scene.at(.seconds(11)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(20))
    let invites = provider.requests(.invite)
    #expect(!invites.isEmpty)
    #expect(invites.allSatisfy { $0.headers.lines("Route") == ["<sip:edge.provider.example;lr>"] })
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  // MARK: Who lives

  @Test func `a trunk that no longer answers OPTIONS is passed over`() throws {
    let scene = try Scene(
      changes([
        "ExternalTrunk.txt": "LINE,MOBILE", "732/Fork.txt": "3482619288", "trunks/LINE/Qualify.txt": "25",
        "trunks/LINE/Login.txt": nil, "trunks/LINE/Password.txt": nil,
      ]))
    let provider = provider(scene)
    scene.mobile.plan = { _ in .answers(after: .seconds(1), keys: [(.seconds(2), "1")]) }
    scene.at(.zero) { $0.shell.take(.start) }
    scene.at(.seconds(30)) { _ in provider.isDead = true }
    scene.at(.seconds(100)) { $0.caller.call("799*731") }
    scene.at(.seconds(120)) { $0.caller.hangUp() }
    scene.at(.seconds(121)) { $0.shell.take(.shutdown) }
    try scene.run(until: .seconds(130))
    #expect(notes(scene) == [.silent(Self.home)])
    #expect(provider.requests(.invite).isEmpty)
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }
}
