import Audio
import CSRTP
import Glibc
import RTP
import Telephony
import Testing

@testable import RTPEngine

/// The keys of a leg, and its far end.
struct SecurePeer {
  var keys: LegKeys
  let sender: SRTPContext
  let receiver: SRTPContext

  /// - Parameter seed: what the keys are made of.
  init(_ seed: UInt64, shortTag: Bool = false, name: [UInt8] = []) throws {
    let ours = bytes(30, seed: seed)
    let theirs = bytes(30, seed: seed + 1000)
    keys = LegKeys(
      send: .init(master: Redacted(ours), hasShortTag: shortTag),
      receive: .init(master: Redacted(theirs), name: name, hasShortTag: shortTag))
    sender = try SRTPContext(sending: theirs, shortTag: shortTag)
    receiver = try SRTPContext(receiving: ours, shortTag: shortTag)
  }
}

extension Phone {
  /// The RTP packet of the next 20 ms, as it would go out in the plain.
  func nextPacket(_ payload: [UInt8]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 12)
    let header = RTPHeader(payloadType: payloadType, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc)
    _ = bytes.withUnsafeMutableBytes { header.write(into: $0) }
    sequence &+= 1
    timestamp &+= UInt32(payload.count)
    return bytes + payload
  }

  func speak(_ payload: [UInt8], to peer: SecurePeer) { sendRaw(peer.sender.protect(nextPacket(payload))) }

  /// The next RTP packet, decrypted; what the wire held must not show its payload.
  func hear(from peer: SecurePeer, tag: Int = 10) throws -> Packet {
    let wire = try receiveDatagram(sockets.rtp)
    let (bytes, verdict) = peer.receiver.unprotect(wire)
    guard verdict == pikett_srtp_ok, wire.count == bytes.count + tag else { throw TestFault("not authentic: \(wire)") }
    let header = try bytes.withUnsafeBytes { try RTPHeader(parsing: $0) }
    let payload = Array(bytes[header.payloadRange])
    #expect(Array(wire[header.payloadRange]) != payload)
    return Packet(header: header, payload: payload, bytes: bytes)
  }
}

extension EngineTests {
  @Suite("Encrypted legs")
  struct SecureLegTests {
    let said = (0..<6).map { bytes(160, seed: UInt64($0)) }

    @Test("Plain and encrypted speak with each other; so do two encrypted legs of different suites")
    func relay() throws {
      let bench = try Bench()
      let alicesKeys = try SecurePeer(1)
      let carolsKeys = try SecurePeer(2, shortTag: true, name: [0, 0, 0, 7])
      let (a, alice, _) = try bench.leg { $0.keys = alicesKeys.keys }
      let (b, bob, _) = try bench.leg()
      let (c, carol, _) = try bench.leg { $0.keys = carolsKeys.keys }
      let named = try SRTPContext(receiving: bytes(30, seed: 1002), shortTag: true)
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      for payload in said { alice.speak(payload, to: alicesKeys) }
      #expect(try bob.hear(6).map(\.payload) == said)
      for payload in said { bob.speak(payload) }
      #expect(try (0..<6).map { _ in try alice.hear(from: alicesKeys).payload } == said)

      bench.engine.send(.bridge(a, c))
      try bench.settle()
      for payload in said { alice.speak(payload, to: alicesKeys) }
      #expect(try (0..<6).map { _ in try carol.hear(from: carolsKeys, tag: 4).payload } == said)
      for payload in said {
        // Carol's packets bear their key's name, which stands before the tag.
        let wire = carolsKeys.sender.protect(carol.nextPacket(payload))
        #expect(named.unprotect(wire).verdict == pikett_srtp_ok)
        carol.sendRaw(Array(wire.dropLast(4)) + [0, 0, 0, 7] + wire.suffix(4))
      }
      #expect(try (0..<6).map { _ in try alice.hear(from: alicesKeys).payload } == said)
      for leg in [a, c] { #expect(try bench.close(leg).packetsUnauthentic == 0) }
    }

    @Test("Whoever has the key is heard from any address, after five packets")
    func fromAnywhere() throws {
      let bench = try Bench()
      let keys = try SecurePeer(7)
      let (a, _, local) = try bench.leg { $0.keys = keys.keys }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let elsewhere = try Phone("127.0.0.5", speaksTo: local)
      for payload in said { elsewhere.speak(payload, to: keys) }
      #expect(try bob.hear(2).map(\.payload) == Array(said[4...]))
      bob.speak(said[0])
      #expect(try elsewhere.hear(from: keys).payload == said[0])
      #expect(try bench.close(a).packetsRefused == 4)
    }

    @Test("G.722 too: encrypted on one side, translated for the plain one")
    func wideband() throws {
      let bench = try Bench()
      let peer = try SecurePeer(5)
      let (a, phone, _) = try bench.leg {
        $0.keys = peer.keys
        ($0.sendsG722, $0.sendPayloadType, $0.receiveG722, $0.receivePayloadTypes) = (true, 9, [9], [:])
      }
      let (b, plain, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      phone.payloadType = 9
      phone.speak(bytes(160), to: peer)
      let there = try plain.hear()
      #expect(there.header.payloadType == 8 && there.payload.count == 160)
      plain.speak(bytes(240, seed: 2))
      let here = try phone.hear(from: peer)
      #expect(here.header.payloadType == 9 && here.payload.count == 240)
      #expect(try bench.close(a).packetsUnauthentic == 0)
    }

    @Test("Sound, key presses and reports are encrypted; key presses and reports of the peer are understood")
    func ownSound() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(100) }
      let peer = try SecurePeer(3)
      let (leg, phone, _) = try bench.leg {
        $0.keys = peer.keys
        $0.telephoneEventSend = 101
        $0.telephoneEventReceive = 101
      }
      bench.engine.send(.play(leg, Sound(noise(320)), loops: false, token: 1))
      let sound = try (0..<2).flatMap { _ in try phone.hear(from: peer).payload }
      #expect(sound == noise(320).map { G711.aLaw.encode($0) })
      bench.engine.send(.sendDigit(leg, "5", milliseconds: 60))
      #expect(try phone.hear(from: peer).header.payloadType == 101)

      var event = [UInt8](repeating: 0, count: 4)
      _ = event.withUnsafeMutableBytes { TelephoneEvent(code: 1, isEnd: false, duration: 160).write(into: $0) }
      phone.payloadType = 101
      phone.speak(event, to: peer)
      #expect(try bench.waitForDigit(leg, by: .event) == "1")

      let report = peer.receiver.unprotect(try phone.hearControl(), control: true)
      #expect(report.verdict == pikett_srtp_ok && report.plain[1] == 200)
      let lost: UInt32 = 2
      let ours = Array(report.plain[4..<8])
      let about: [UInt8] =
        [0x81, 201, 0, 7, 1, 2, 3, 4] + ours + [0, 0, 0, UInt8(lost)] + [UInt8](repeating: 0, count: 16)
      phone.sendControl(peer.sender.protect(about, control: true))
      phone.sendControl(about)
      #expect(peer.receiver.unprotect(try phone.hearControl(), control: true).verdict == pikett_srtp_ok)
      #expect(peer.receiver.unprotect(try phone.hearControl(), control: true).verdict == pikett_srtp_ok)
      let statistics = try bench.close(leg)
      #expect(statistics.remoteLost == Int32(lost))
      #expect(statistics.packetsUnauthentic == 1)
    }

    @Test("Who has not the key is neither heard nor recorded, and learns nothing; what came twice counts once")
    func attack() throws {
      var template = Array("/tmp/pikett-secure-XXXXXX\0".utf8CString)
      guard mkdtemp(&template) != nil else { throw TestFault("mkdtemp") }
      let folder = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let recording = RecordingID(rawValue: 1)
      let bench = try Bench()
      let peer = try SecurePeer(4)
      let wrong = try SecurePeer(5)
      let (a, alice, local) = try bench.leg { $0.keys = peer.keys }
      let (b, bob, _) = try bench.leg()
      let stranger = try Phone("127.0.0.2", speaksTo: local)
      let path = folder + "/call.pcap"
      defer {
        unlink(path)
        rmdir(folder)
      }
      bench.engine.send(.startRecording(recording, path: path))
      bench.engine.send(.tap(a, recording, localAddressShown: local))
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      // Before the peer has spoken, from elsewhere and from his own address; a valid packet of his, sent twice.
      for payload in said {
        stranger.speak(payload)
        stranger.speak(payload, to: wrong)
        alice.speak(payload)
        alice.sendControl([0x80, 201, 0, 1, 1, 2, 3, 4])
      }
      for index in 0..<6 {
        let wire = peer.sender.protect(alice.nextPacket(said[index]))
        alice.sendRaw(wire)
        stranger.sendRaw(wire)
        alice.sendRaw(wire)
        stranger.speak(said[index])
      }
      #expect(try bob.hear(6).map(\.payload) == said)
      // What is said to her goes to her, encrypted.
      bob.speak(said[0])
      #expect(try alice.hear(from: peer).payload == said[0])
      alice.speak(said[1], to: peer)
      #expect(try bob.hear().payload == said[1])
      #expect(bob.hearsNothing && stranger.hearsNothing)
      bench.engine.send(.stopRecording(recording))
      try bench.events.wait { if case .recordingClosed(recording, _) = $0 { true } else { nil } }
      let frames = try readCapture(path)
      #expect(frames.allSatisfy { $0.source == alice.endpoint || $0.target == alice.endpoint })
      let fromAlice: [[UInt8]] = frames.filter { $0.source == alice.endpoint }.map { Array($0.payload.dropFirst(12)) }
      #expect(fromAlice == said + [said[1]], "recorded in the plain")
      let toAlice: [[UInt8]] = frames.filter { $0.target == alice.endpoint }.map { Array($0.payload.dropFirst(12)) }
      #expect(toAlice == [said[0]])
      let statistics = try bench.close(a)
      #expect(statistics.packetsReceived == 7)
      // Of each first round 3 RTP and 1 RTCP, of each second 3.
      #expect(statistics.packetsUnauthentic == 6 * 4 + 6 * 3)
    }

    @Test("A new key of the peer's: what he sent under the old one is heard until the first under the new")
    func newKey() throws {
      let bench = try Bench()
      var peer = try SecurePeer(6)
      let next = try SecurePeer(7)
      let (a, alice, _) = try bench.leg { $0.keys = peer.keys }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      for payload in said[..<2] { alice.speak(payload, to: peer) }
      for payload in said[..<2] { bob.speak(payload) }
      #expect(try bob.hear(2).map(\.payload) == Array(said[..<2]))
      #expect(try (0..<2).map { _ in try alice.hear(from: peer).payload } == Array(said[..<2]))
      // Only his key changes: ours goes on where it was.
      peer.keys.receive = next.keys.receive
      var media = LegMedia(remote: alice.endpoint)
      media.keys = peer.keys
      bench.engine.send(.describe(a, media))
      try bench.settle()
      alice.speak(said[2], to: peer)
      alice.speak(said[3], to: next)
      alice.speak(said[4], to: peer)
      alice.speak(said[5], to: next)
      #expect(try bob.hear(3).map(\.payload) == [said[2], said[3], said[5]])
      // The same SDP again, as a session refresh brings it: nothing begins anew.
      bench.engine.send(.describe(a, media))
      try bench.settle()
      bob.speak(said[2])
      #expect(try alice.hear(from: peer).payload == said[2])
      alice.speak(said[0], to: next)
      #expect(try bob.hear().payload == said[0])
      #expect(try bench.close(a).packetsUnauthentic == 1)
    }

    @Test("A leg that becomes encrypted, and plain again")
    func change() throws {
      let bench = try Bench()
      let peer = try SecurePeer(8)
      let (a, alice, _) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      var media = LegMedia(remote: alice.endpoint)
      for (round, keys) in [nil, peer.keys, nil].enumerated() {
        media.keys = keys
        bench.engine.send(.describe(a, media))
        try bench.settle()
        if keys == nil { alice.speak(said[round]) } else { alice.speak(said[round], to: peer) }
        #expect(try bob.hear().payload == said[round])
        bob.speak(said[round])
        let heard = keys == nil ? try alice.hear() : try alice.hear(from: peer)
        #expect(heard.payload == said[round])
      }
    }

    @Test("A key of the wrong length leaves the leg deaf and mute, not plain")
    func badKey() throws {
      let bench = try Bench()
      var peer = try SecurePeer(9)
      peer.keys.send.master = Redacted([1, 2, 3])
      peer.keys.receive.master = Redacted([])
      let (a, alice, _) = try bench.leg { $0.keys = peer.keys }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(said[0])
      alice.speak(said[0], to: peer)
      bob.speak(said[0])
      let statistics = try bench.close(a)
      #expect(statistics.packetsUnauthentic == 2 && statistics.packetsSent == 0)
      #expect(bob.hearsNothing && alice.hearsNothing)
    }

    @Test("Keys do not show in what a description prints")
    func redacted() throws {
      let keys = try SecurePeer(10).keys
      #expect("\(keys)".contains("[redacted]") && !"\(keys)".contains("\(keys.send.master.secret[0]), "))
    }
  }
}
