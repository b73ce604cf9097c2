import Hunting
import Media
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Encrypted sound, as `Secure.txt` and the peers want it.
@Suite struct SecureStories {
  /// What was negotiated with whom, in the order of the legs.
  private func keys(_ scene: Scene, _ phone: Phone) -> MediaKeys? {
    scene.shell.media.sorted { $0.key < $1.key }.first { $0.value.flow.remote == phone.address }?.value.negotiated?.keys
  }

  private func keys(_ phone: Phone) -> MediaKeys? {
    phone.last.flatMap { phone.lines[$0]?.audio.negotiated?.keys }
  }

  /// Our keys with this phone are the phone's, the other way round.
  private func expectSame(_ scene: Scene, _ phone: Phone, _ location: SourceLocation = #_sourceLocation) {
    let (ours, theirs) = (keys(scene, phone), keys(phone))
    #expect(ours != nil && ours?.send == theirs?.receive && ours?.receive == theirs?.send, sourceLocation: location)
  }

  private func offers(_ scene: Scene, to phone: Phone) -> [String] {
    scene.shell.steps.flatMap(\.commands).compactMap { command in
      guard case .transmit(.request(let request), let flow) = command, request.method == .invite,
        flow.remote == phone.address
      else { return nil }
      return String(decoding: request.body, as: UTF8.self)
    }
  }

  @Test func `a caller who encrypts is answered with keys, and so is a phone that must`() throws {
    let scene = try Scene(["732/Secure.txt": "required"])
    scene.caller.security = .required
    scene[732].security = .accepted
    scene[732].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { scene in
      self.expectSame(scene, scene.caller)
      self.expectSame(scene, scene[732])
      #expect(self.keys(scene, scene.caller) != self.keys(scene, scene[732]))
      // Hold and resume by the caller, as a phone that keeps its keys does it.
      let before = self.keys(scene, scene.caller)
      for _ in 0..<2 { scene.caller.refresh() }
      scene.at(.seconds(12)) { scene in
        #expect(self.keys(scene, scene.caller) == before)
        self.expectSame(scene, scene.caller)
      }
    }
    try scene.run(until: .seconds(40))
    #expect(offers(scene, to: scene[732]).allSatisfy { $0.contains(" RTP/SAVP ") && $0.contains("a=crypto:2 ") })
    #expect(try scene.ending().detail.answer != nil)
    // What is recorded shows no key.
    let recorded = scene.shell.recordings.values.flatMap(\.frames).map {
      String(decoding: $0.message.serialized(), as: UTF8.self)
    }
    #expect(recorded.contains { $0.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****") })
    #expect(!recorded.contains { $0.contains("inline:") && !$0.contains("inline:****") })
    try scene.expectClean()
  }

  @Test func `without Secure the phones are offered plain sound, and the caller may still encrypt`() throws {
    let scene = try Scene()
    scene.caller.security = .offered
    scene[732].security = .accepted
    scene[732].plan = { _ in .answers(after: .seconds(3), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { scene in
      self.expectSame(scene, scene.caller)
      #expect(self.keys(scene, scene[732]) == nil)
    }
    try scene.run(until: .seconds(40))
    #expect(offers(scene, to: scene[732]).allSatisfy { $0.contains(" RTP/AVP ") && !$0.contains("a=crypto") })
    try scene.expectClean()
  }

  @Test func `a trunk that must encrypt and does not: 488, said in the log and in the CDR`() throws {
    let scene = try Scene(["trunks/GW14/Secure.txt": "required"])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(5))
    let line = try #require(scene.caller.last.flatMap { scene.caller.lines[$0] })
    #expect(line.refusal == 488)
    #expect(
      scene.shell.events.contains {
        if case .refused(_, _, _, 488, .unusableOffer(.notSecure)) = $0 { true } else { false }
      })
    #expect("\(SDPError.notSecure)".contains("Secure.txt demands secure media"))
    #expect(scene.shell.refused.count + scene.shell.endings.count == 1)
    try scene.expectClean()
  }

  @Test func `keys we cannot use: 488`() throws {
    let scene = try Scene()
    scene.at(.zero) { scene in
      let plain = String(decoding: sdp(endpoint("192.0.2.9:4000")), as: UTF8.self)
      let offer = plain.replacing("RTP/AVP", with: "RTP/SAVP") + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ\r\n"
      scene.caller.call("799*731", offer: Array(offer.utf8))
    }
    try scene.run(until: .seconds(5))
    #expect(scene.caller.last.flatMap { scene.caller.lines[$0]?.refusal } == 488)
    try scene.expectClean()
  }

  @Test func `a phone that must encrypt and answers plain is no answer: the next is rung`() throws {
    let scene = try Scene(["732/Secure.txt": "required"])
    scene[732].answers = { _ in sdp(endpoint("198.51.100.32:4000")) }
    scene[732].plan = { _ in .answers(after: .seconds(1)) }
    scene[733].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(40))
    #expect(try scene.ending().detail.answeredExtension == "733")
    #expect(
      scene.shell.events.contains { if case .mediaFault(_, _, .notSecure) = $0 { true } else { false } })
    try scene.expectClean()
  }

  @Test func `in mid-call, too, what must be encrypted does not become plain`() throws {
    let scene = try Scene(["732/Secure.txt": "required"])
    scene[732].security = .accepted
    scene[732].plan = { _ in .answers(after: .seconds(1), hangsUpAfter: .seconds(20)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { scene in
      if let leg = scene[732].last { scene[732].reoffer(leg, direction: .sendReceive) }
    }
    scene.at(.seconds(7)) { scene in
      self.expectSame(scene, scene[732])
      let events = scene[732].last.flatMap { scene[732].lines[$0]?.events } ?? []
      #expect(events.contains { if case .offerRefused(488) = $0 { true } else { false } })
    }
    try scene.run(until: .seconds(40))
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  @Test func `a trunk's Secure counts for its forks, the user's for his desk phone, and the stricter of both`() throws {
    let site = SceneSite.read([
      "trunks/MOBILE/Secure.txt": "required", "731/Fork.txt": "3482619288", "731/Secure.txt": "optional",
      "733/Contact.txt": nil, "trunks/PBX/Secure.txt": "optional", "733/Secure.txt": "required",
    ])
    let directions = Directions(
      site: site, hosts: KnownHosts(), route: { remote, _ in Places.flow(to: remote) },
      advertised: { _ in ("192.0.2.1", 5060) },
      contacts: { number in
        [
          RegisteredContact(
            uri: SIPURI(user: number, host: "198.51.100.9"), flow: Places.flow(to: Places.phone(731)),
            expiresAt: Instant(nanoseconds: 0), expiresAtWall: WallTime(microseconds: 0),
            registeredAt: WallTime(microseconds: 0), callID: "x", cseq: 1)
        ]
      })
    let calling = Directions.Calling(caller: CallerName("1"), dialled: "720")
    func security(_ phone: Branch.Phone, _ number: String) -> Set<MediaSecurity> {
      Set(
        directions.routes(to: phone, of: number, calling: calling).flatMap { $0.lines }
          .flatMap { $0.hosts + $0.own }.map { $0.security })
    }
    #expect(security(.fork("3482619288"), "731") == [.required])
    #expect(security(.desk, "731") == [.offered])
    #expect(security(.desk, "732") == [.accepted])
    #expect(security(.desk, "733") == [.required])
  }
}
