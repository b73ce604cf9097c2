import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Who may speak")
  struct SourceTests {
    @Test("After the first packet, nobody else is heard: not from another port, not from another address")
    func injection() throws {
      let bench = try Bench()
      let (a, alice, local) = try bench.leg()
      let (b, bob, _) = try bench.leg()
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160))
      _ = try bob.hear()
      let samePlace = try Phone("127.0.0.1", speaksTo: local)
      let otherPlace = try Phone("127.0.0.2", speaksTo: local)
      for _ in 0..<20 {
        samePlace.speak(bytes(160, seed: 66))
        otherPlace.speak(bytes(160, seed: 67))
        otherPlace.sendControl([0x80, 201, 0, 1, 1, 2, 3, 4])
      }
      alice.sendRaw([1, 2, 3])
      alice.speak(bytes(160, seed: 2))
      #expect(try bob.hear().payload == bytes(160, seed: 2))
      let statistics = try bench.close(a)
      #expect(statistics.packetsReceived == 2)
      // The RTCP socket's packets may wait still.
      #expect((41...61).contains(statistics.packetsRefused))
      #expect(bob.hearsNothing)
    }

    @Test("What we send goes where the peer sends from, on another port than its SDP's too")
    func symmetric() throws {
      let bench = try Bench()
      let (leg, phone, local) = try bench.leg()
      let behindNAT = try Phone("127.0.0.1", speaksTo: local)
      behindNAT.speak(bytes(160))
      try bench.settle()
      bench.engine.send(.play(leg, Sound(noise(160)), loops: false, token: 1))
      #expect(try behindNAT.hear().payload.count == 160)
      #expect(phone.hearsNothing)
    }

    @Test("A peer that never speaks hears us at its SDP's address; a new SDP moves the stream")
    func moved() throws {
      let bench = try Bench()
      let (leg, phone, local) = try bench.leg()
      bench.engine.send(.play(leg, Sound(noise(8000)), loops: true, token: 1))
      let before = try phone.hear()
      let other = try Phone("127.0.0.2", speaksTo: local)
      bench.engine.send(.describe(leg, LegMedia(remote: other.endpoint)))
      let after = try other.hear()
      #expect(after.header.ssrc == before.header.ssrc)
      #expect(after.header.sequenceNumber &- before.header.sequenceNumber < 1000)
    }

    @Test("A leg without an address, or whose peer is held, neither sends nor takes")
    func held() throws {
      let bench = try Bench()
      let (a, alice, _) = try bench.leg { $0.receives = false }
      let (b, bob, _) = try bench.leg { $0.remote = nil }
      bench.engine.send(.bridge(a, b))
      try bench.settle()
      alice.speak(bytes(160))
      bob.speak(bytes(160))
      #expect(try bench.close(b).packetsSent == 0)
      #expect(try bench.close(a).packetsSent == 0)
      #expect(alice.hearsNothing && bob.hearsNothing)
    }

    @Test("Packets that have waited too long count, but only the newest are passed on")
    func stale() throws {
      let loop = try ManualLoop()
      let (a, alice) = try loop.leg()
      let (b, bob) = try loop.leg()
      loop.perform(.bridge(a, b))
      for index in 0..<40 { alice.speak(bytes(160, seed: UInt64(index))) }
      loop.loop.dropStale(Int(a.slot))
      let heard = try bob.hear(3)
      #expect(heard.map(\.payload) == (37..<40).map { bytes(160, seed: $0) })
      #expect(bob.hearsNothing)
      #expect(loop.loop.legs[Int(a.slot)].statistics.packetsReceived == 40)
      #expect(loop.loop.legs[Int(a.slot)].statistics.packetsStale == 37)
    }

    @Test("A flood of key presses is told 16 times a second at most")
    func digitFlood() throws {
      let loop = try ManualLoop()
      let (a, alice) = try loop.leg()
      for index in 0..<100 {
        alice.press(UInt8(index % 10), type: 101, packets: 3)
        loop.loop.turn(timeout: 1000)
        loop.loop.turn(timeout: 1000)
        loop.loop.turn(timeout: 1000)
      }
      let digits = loop.events.all.count { if case .digit(a, _, _, _) = $0 { true } else { false } }
      #expect((10...64).contains(digits))
    }
  }
}

/// The loop without its thread: a test turns it by hand.
final class ManualLoop {
  let events = EventLog()
  let exchange: CommandExchange
  let loop: MediaLoop

  init() throws {
    var configuration = MediaEngine.Configuration()
    configuration.maxLegs = 8
    let events = events
    guard let exchange = CommandExchange(maxLegs: 8), let ring = RecorderRing(bytes: 0),
      let loop = MediaLoop(configuration, exchange: exchange, ring: ring, onEvent: { events.append($0) })
    else { throw TestFault("no loop") }
    self.exchange = exchange
    self.loop = loop
    exchange.begin()
  }

  deinit {
    exchange.send(.end)
    loop.turn(timeout: 1000)
  }

  func leg() throws -> (Leg, Phone) {
    guard let address = IPAddress("127.0.0.1") else { throw TestFault("no address") }
    let sockets = try TestPorts.bind(address)
    let phone = try Phone(speaksTo: Endpoint(address, sockets.port))
    let leg = try exchange.open(sockets)
    loop.turn(timeout: 1000)
    loop.perform(.describe(leg, LegMedia(remote: phone.endpoint, telephoneEventReceive: 101)))
    return (leg, phone)
  }

  func perform(_ command: EngineCommand) { loop.perform(command) }
}
