import Glibc
import RTP
import Telephony
import Testing

@testable import RTPEngine

/// Somebody at another address who knows everything about a call but its keys: sprays all its ports with RTP of the negotiated
/// types, under the peer's own SSRC and in its sequence, and with RTCP.
final class Sprayer {
  /// What he says; nobody else does.
  static let words = [UInt8](repeating: 0x6D, count: 160)
  private let mouths: [Phone]

  /// - Parameters:
  ///   - address: where he is.
  ///   - ports: the RTP ports; RTCP's are the next ones.
  init(at address: String = "127.0.0.66", _ ports: [Endpoint]) throws {
    mouths = try ports.flatMap { port in
      try [port, Endpoint(port.address, port.port + 1)].map { try Phone(address, speaksTo: $0) }
    }
  }

  /// Ten packets in sequence to each port, of each type, and reports.
  /// - Parameter phone: whose numbers he has guessed.
  /// - Returns: how many datagrams went to each port.
  @discardableResult
  func spray(like phone: Phone) -> Int {
    for mouth in mouths {
      (mouth.ssrc, mouth.sequence, mouth.timestamp) = (phone.ssrc, phone.sequence, phone.timestamp)
      for _ in 0..<10 { mouth.speak(Self.words) }
      mouth.press(1, type: 101)
      for _ in 0..<6 { mouth.send([20], type: 13) }
      // A report, and the end of the stream.
      let ssrc = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: phone.ssrc >> $0) }
      mouth.sendRaw([0x80, 201, 0, 1] + ssrc)
      mouth.sendRaw([0x80, 201, 0, 1] + ssrc + [0x81, 203, 0, 1] + ssrc)
    }
    return 24
  }

  /// True if nobody has sent him anything.
  var hearsNothing: Bool {
    mouths.allSatisfy { $0.hearsNothing && (try? receiveDatagram($0.sockets.rtcp, limit: .zero)) == nil }
  }
}

extension EngineTests {
  /// Nothing that another address sends is heard, recorded or relayed, whatever a leg is doing.
  @Suite("Injection")
  struct InjectionTests {
    /// A recorded call between two phones that take everything there is.
    private struct Call {
      let bench: Bench
      let a: Leg, b: Leg
      let alice: Phone, bob: Phone
      let sprayer: Sprayer
      let recording = RecordingID(rawValue: 1)
      let path: String

      init() throws {
        bench = try Bench { $0.reportInterval = .milliseconds(50) }
        let everything: (inout LegMedia) -> Void = {
          ($0.comfortNoise, $0.telephoneEventSend, $0.telephoneEventReceive) = (13, 101, 101)
        }
        let (a, b) = (try bench.leg(describe: everything), try bench.leg(describe: everything))
        (self.a, alice, self.b, bob) = (a.leg, a.phone, b.leg, b.phone)
        sprayer = try Sprayer([a.local, b.local])
        path = "/tmp/pikett-injection-\(getpid())-\(a.local.port).pcap"
        bench.engine.send(.startRecording(recording, path: path))
        bench.engine.send(.tap(self.a, recording, localAddressShown: a.local))
        bench.engine.send(.detectTones(self.a, true))
        bench.engine.send(.bridge(self.a, self.b))
        try bench.settle()
      }

      /// Both say something new, and each hears the other and nothing else.
      func talk() throws {
        for round in 0..<3 as Range<UInt64> {
          for (speaker, hearer) in [(alice, bob), (bob, alice)] {
            let words = bytes(160, seed: round + UInt64(speaker.sequence))
            speaker.speak(words)
            #expect(try hearer.hear().payload == words)
          }
        }
        #expect(alice.hearsNothing && bob.hearsNothing && sprayer.hearsNothing)
      }

      /// Ends the call: all that came from elsewhere was refused, and stands nowhere.
      func end(refused: Int, received: Int) throws {
        // Reports that go out now were made after all that has come was read.
        for phone in [alice, bob] {
          while (try? receiveDatagram(phone.sockets.rtcp, limit: .zero)) != nil {}
          _ = try phone.hearControl()
          _ = try phone.hearControl()
        }
        bench.engine.send(.stopRecording(recording))
        try bench.events.wait { if case .recordingClosed(recording, _) = $0 { true } else { nil } }
        defer { unlink(path) }
        for leg in [a, b] {
          let statistics = try bench.close(leg)
          #expect(statistics.packetsRefused == refused)
          #expect(statistics.packetsReceived == received)
          #expect(statistics.packetsLost == 0)
        }
        #expect(sprayer.hearsNothing)
        #expect(!bench.events.all.contains { if case .digit = $0 { true } else { false } })
        let frames = try readCapture(path)
        let addresses = Set(frames.flatMap { [$0.source.address.description, $0.target.address.description] })
        #expect(addresses == ["127.0.0.1"])
        #expect(frames.count >= 2 * received)
        #expect(!frames.contains { Array($0.payload.suffix(160)) == Sprayer.words })
      }
    }

    @Test("Before the first packet of either side")
    func atTheBeginning() throws {
      let call = try Call()
      var count = 0
      for _ in 0..<3 {
        count += 2 * call.sprayer.spray(like: call.alice)
        try call.bench.settle()
      }
      try call.talk()
      try call.end(refused: count, received: 3)
    }

    @Test("While both speak, with their own numbers")
    func inTheTalk() throws {
      let call = try Call()
      var count = 0
      for index in 0..<4 {
        try call.talk()
        count += 2 * call.sprayer.spray(like: index % 2 == 0 ? call.alice : call.bob)
      }
      try call.talk()
      try call.end(refused: count, received: 15)
    }

    @Test("After a new SDP: of the same address, of another port, without an address, and back")
    func newDescription() throws {
      let call = try Call()
      try call.talk()
      var count = 0
      let moved = try Phone(speaksTo: Endpoint(call.alice.endpoint.address, 9))
      let places = [
        call.alice.endpoint, moved.endpoint, nil, Endpoint(call.alice.endpoint.address, 9), call.alice.endpoint,
      ]
      for place in places {
        for (leg, phone) in [(call.a, call.alice), (call.b, call.bob)] {
          var media = LegMedia(remote: phone === call.alice ? place : phone.endpoint)
          (media.comfortNoise, media.telephoneEventSend, media.telephoneEventReceive) = (13, 101, 101)
          call.bench.engine.send(.describe(leg, media))
        }
        try call.bench.settle()
        count += 2 * call.sprayer.spray(like: call.alice)
        // Until it is read, lest the sockets' queues grow full.
        for phone in [call.alice, call.bob] { _ = try? receiveDatagram(phone.sockets.rtcp, limit: .milliseconds(100)) }
      }
      #expect(call.bob.hearsNothing && moved.hearsNothing)
      try call.talk()
      try call.end(refused: count, received: 6)
    }

    @Test(
      "After a silence of any length, of a leg that has spoken and of one that never has", arguments: [true, false])
    func afterSilence(hasSpoken: Bool) throws {
      let loop = try ManualLoop()
      let (a, alice) = try loop.leg()
      let (b, bob) = try loop.leg()
      loop.perform(.bridge(a, b))
      if hasSpoken {
        alice.speak(bytes(160))
        loop.loop.turn(timeout: 1000)
        #expect(try bob.hear().payload == bytes(160))
      }
      let stranger = PacketSource(ipv4: 0x7F00_0042, port: 4000)
      for seconds in [3, 4, 60, 3600] as [Int64] {
        for step in 0..<200 as Range<Int64> {
          loop.loop.advance(.milliseconds(step == 0 ? seconds * 1000 : 20))
          var packet = [UInt8](repeating: 0x6D, count: 172)
          let header = RTPHeader(
            payloadType: 8, sequenceNumber: alice.sequence &+ UInt16(step), timestamp: alice.timestamp,
            ssrc: alice.ssrc)
          packet.withUnsafeMutableBytes {
            _ = header.write(into: $0)
            loop.loop.handleRTP(Int(a.slot), $0, from: stranger, isFresh: true)
          }
        }
      }
      #expect(bob.hearsNothing)
      // The owner of the leg is told of it, once.
      let told = loop.events.all.filter { if case .sourceRefused = $0 { true } else { false } }
      #expect(told == [.sourceRefused(a, try #require(stranger.endpoint))])
      let state = loop.loop.legs[Int(a.slot)]
      #expect(state.statistics.packetsRefused == 800)
      #expect(state.latch.target == PacketSource(alice.endpoint))
      // The peer is heard again at its first packet.
      alice.speak(bytes(160, seed: 2))
      loop.loop.turn(timeout: 1000)
      #expect(try bob.hear().payload == bytes(160, seed: 2))
    }

    @Test("Behind a router the peer is heard from its signalling's address, and nobody else is")
    func behindRouter() throws {
      let bench = try Bench()
      let own = try #require(IPAddress("127.0.0.2"))
      let (a, alice, local) = try bench.leg {
        $0.remote = Endpoint("192.168.1.10:5004")
        $0.ownSources = [SourceRange(own)]
      }
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      let router = try Phone("127.0.0.2", speaksTo: local)
      let sprayer = try Sprayer([local])
      sprayer.spray(like: alice)
      for index in 0..<7 as Range<UInt64> { router.speak(bytes(160, seed: index)) }
      #expect(try bob.hear(3).map(\.payload) == (4..<7).map { bytes(160, seed: $0) })
      bob.speak(bytes(160))
      #expect(try router.hear().payload == bytes(160))
      #expect(bob.hearsNothing && sprayer.hearsNothing && alice.hearsNothing)
    }
  }
}
