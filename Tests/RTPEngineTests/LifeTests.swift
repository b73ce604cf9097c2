import Glibc
import RTP
import Telephony
import Testing

@testable import RTPEngine

extension EngineTests {
  @Suite("Legs' lives")
  struct LifeTests {
    @Test("Closing gives the port and both descriptors back")
    func close() throws {
      let bench = try Bench()
      var ports = MediaPorts(range: 23_100...23_101, address: try #require(IPAddress("127.0.0.1")))
      let leaked = try descriptorsLeaked(in: 200) {
        let leg = try bench.engine.openLeg(try ports.bind())
        #expect(throws: MediaPortsError.self) { try ports.bind() }
        let statistics = try bench.close(leg)
        #expect(statistics.localPort == 23_100)
        ports.release(statistics.localPort)
      }
      #expect(!leaked)
    }

    @Test("An engine leaves no descriptor behind")
    func shutdown() throws {
      let leaked = try descriptorsLeaked(in: 100) {
        let bench = try Bench()
        let first = try bench.leg()
        #expect(bench.engine.shutdown())
        #expect(bench.events.all.contains { if case .legClosed(first.leg, _) = $0 { true } else { false } })
        #expect(throws: MediaEngine.Refusal.notRunning) {
          try bench.engine.openLeg(MediaSockets(port: 0, isIPv6: false, rtp: -1, rtcp: -1))
        }
        bench.engine.send(.closeLeg(first.leg))
      }
      #expect(!leaked)
    }

    @Test("A slot is used again under another name, and the old name does nothing")
    func generations() throws {
      let bench = try Bench { $0.maxLegs = 1 }
      let (old, _, _) = try bench.leg()
      #expect(throws: MediaEngine.Refusal.tooManyLegs) { try bench.leg() }
      _ = try bench.close(old)
      let (new, phone, _) = try bench.leg()
      #expect(new.slot == old.slot)
      #expect(new != old)
      bench.engine.send(.closeLeg(old))
      bench.engine.send(.play(new, Sound(noise(160)), loops: false, token: 1))
      _ = try phone.hear()
    }

    @Test("A silent peer is told, again and again, until it speaks")
    func silence() throws {
      let bench = try Bench()
      let (leg, _, _) = try bench.leg { $0.silenceLimit = .milliseconds(60) }
      let (other, _, _) = try bench.leg()
      let first = try bench.events.wait { if case .silent(leg, let since) = $0 { since } else { nil } }
      try bench.events.wait { _ in
        bench.events.all.count { $0 == .silent(leg, since: first) } >= 2 ? true : nil
      }
      #expect(!bench.events.all.contains { if case .silent(other, _) = $0 { true } else { false } })
    }

    @Test("Silence counts from the first description that limits it, not from the opening")
    func silenceBegins() throws {
      let loop = try ManualLoop()
      let sockets = try TestPorts.bind(try #require(IPAddress("127.0.0.1")))
      let leg = try loop.exchange.open(sockets)
      loop.loop.turn(timeout: 1000)
      func silences() -> [EngineEvent] {
        loop.events.all.filter { if case .silent(leg, _) = $0 { true } else { false } }
      }
      // It rings.
      loop.loop.advance(.seconds(100))
      let answered = loop.loop.now.instant
      var media = LegMedia(remote: Endpoint("127.0.0.1:9"))
      media.silenceLimit = .seconds(60)
      loop.perform(.describe(leg, media))
      loop.loop.passTime(1)
      loop.loop.advance(.seconds(59))
      // A session refresh is no sign of sound.
      loop.perform(.describe(leg, media))
      loop.loop.passTime(1)
      #expect(silences().isEmpty)
      loop.loop.advance(.seconds(1))
      loop.loop.passTime(1)
      #expect(silences() == [.silent(leg, since: answered)])
    }

    @Test("A muted phone behind a router lives by its RTCP, and sound goes where the SDP says all the same")
    func muted() throws {
      let loop = try ManualLoop()
      let (leg, phone) = try loop.leg()
      let slot = Int(leg.slot)
      var media = LegMedia(remote: phone.endpoint)
      media.ownSources = [SourceRange(try #require(IPAddress("127.0.0.2")))]
      media.silenceLimit = .seconds(60)
      loop.perform(.describe(leg, media))
      var report: [UInt8] = [0x80, 201, 0, 1, 1, 2, 3, 4]
      for step in 1...20 as ClosedRange<Int64> {
        loop.loop.advance(.seconds(10))
        let last = PacketSource(ipv4: 0x7F00_0042, port: 4001)
        report.withUnsafeMutableBytes {
          for source in [PacketSource(ipv4: 0x7F00_0002, port: 4001), last] {
            loop.loop.handleRTCP(slot, $0, from: source, isMuxed: false)
          }
        }
        loop.loop.passTime(1)
        #expect(loop.loop.legs[slot].statistics.packetsRefused == UInt64(step))
      }
      #expect(!loop.events.all.contains { if case .silent = $0 { true } else { false } })
      #expect(loop.loop.legs[slot].latch.target == PacketSource(phone.endpoint))
      #expect(loop.loop.reserves[slot].control == PacketSource(ipv4: 0x7F00_0002, port: 4001))
    }

    @Test("Reports tell what was sent and received, under our name; the end is told")
    func reports() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(80) }
      let (leg, phone, _) = try bench.leg { $0.localCNAME = "ticket@pikett" }
      let first = try read(try phone.hearControl())
      #expect(first.receiver && first.name == "ticket@pikett" && first.reception == nil)
      bench.engine.send(.play(leg, Sound(noise(160 * 2)), loops: false, token: 1))
      let packet = try phone.hear(2)[1]
      phone.sequence = 100
      for sequence: UInt16 in [100, 101, 103, 104] {
        phone.sequence = sequence
        phone.speak(bytes(160))
      }
      var report = try read(try phone.hearControl())
      while report.reception == nil || report.sender == nil { report = try read(try phone.hearControl()) }
      #expect(report.sender?.ssrc == packet.header.ssrc)
      #expect(report.sender?.packetCount == 2)
      #expect(report.sender?.octetCount == 320)
      #expect(report.reception?.ssrc == phone.ssrc)
      let ssrc = packet.header.ssrc
      phone.sendControl(
        [0x81, 201, 0, 7, 1, 2, 3, 4] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: ssrc >> $0) }
          + [0, 0, 0, 2] + [0, 0, 0, 0] + [0, 0, 0, 77] + [0, 0, 0, 0] + [0, 0, 0, 0])
      // The engine has read it when a report sent after it comes... which the next one but one is for certain.
      _ = try phone.hearControl()
      _ = try phone.hearControl()
      let statistics = try bench.close(leg)
      #expect(statistics.remoteLost == 2)
      #expect(statistics.remoteJitter == 77)
      #expect(statistics.packetsLost == 1)
      var last = try read(try phone.hearControl())
      while !last.bye { last = try read(try phone.hearControl()) }
    }

    @Test("What the peer reports counts if it can be true, and tells the way there and back")
    func remoteReports() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(60) }
      let (leg, phone, _) = try bench.leg()
      bench.engine.send(.play(leg, Sound(noise(1600)), loops: true, token: 1))
      let ssrc = try phone.hear(3)[0].header.ssrc
      var sent = try read(try phone.hearControl())
      while sent.sender == nil { sent = try read(try phone.hearControl()) }
      let time = try #require(sent.sender).ntpTime.middle
      // One 1/65536 s of holding it is all, then the way back.
      let good = ReceptionReport(
        ssrc: ssrc, fractionLost: 3, cumulativeLost: 2, extendedHighestSequence: 70_000, jitter: 160,
        lastSenderReport: time, delaySinceLastSenderReport: 1)
      var lies = [good, good, good, good]
      lies[0].cumulativeLost = 5_000_000
      lies[1].cumulativeLost = -70_000
      lies[2].jitter = 4_000_000_000
      lies[3].ssrc = ssrc &+ 1
      var strange = good
      (strange.lastSenderReport, strange.cumulativeLost) = (time &+ 1, 1)
      for report in [good] + lies + [strange] { phone.sendControl(receiverReport(report)) }
      _ = try phone.hearControl()
      _ = try phone.hearControl()
      _ = try phone.hearControl()
      let statistics = try bench.close(leg)
      #expect(statistics.remoteLost == 1)
      #expect(statistics.remoteJitter == 160)
      #expect((3...20).contains(try #require(statistics.remoteExpected)))
      let roundTrip = try #require(statistics.roundTrip)
      #expect(roundTrip >= .zero && roundTrip < .seconds(5))
    }

    @Test("What comes of a report before anything was sent is nothing")
    func earlyReport() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(60) }
      let (leg, phone, _) = try bench.leg()
      let report = try read(try phone.hearControl())
      #expect(report.sender == nil)
      var bytes = receiverReport(
        ReceptionReport(ssrc: 0, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0))
      let own = try phone.hearControl()[4..<8]
      bytes.replaceSubrange(8..<12, with: own)
      phone.sendControl(bytes)
      _ = try phone.hearControl()
      _ = try phone.hearControl()
      let statistics = try bench.close(leg)
      #expect(statistics.remoteLost == nil && statistics.remoteJitter == nil && statistics.roundTrip == nil)
    }

    private func receiverReport(_ report: ReceptionReport) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 32)
      bytes.withUnsafeMutableBytes {
        var writer = RTCPWriter($0)
        writer.appendReceiverReport(ssrc: 7, reception: report)
      }
      return bytes
    }

    @Test("RTCP on the RTP port is taken and answered there")
    func muxed() throws {
      let bench = try Bench { $0.reportInterval = .milliseconds(80) }
      let (leg, phone, _) = try bench.leg()
      bench.engine.send(.describe(leg, LegMedia(remote: phone.endpoint, remoteRTCP: phone.endpoint)))
      let datagram = try receiveDatagram(phone.sockets.rtp)
      #expect(try read(datagram).receiver)
      phone.sendRaw([0x80, 201, 0, 1, 1, 2, 3, 4])
      #expect(try bench.close(leg).packetsRefused == 0)
    }

    private struct Report {
      var sender: SenderReport?
      var receiver = false
      var reception: ReceptionReport?
      var name: String?
      var bye = false
    }

    private func read(_ bytes: [UInt8]) throws -> Report {
      var report = Report()
      var reader = RTCPReader(bytes.span.bytes)
      while let item = try reader.next() {
        switch item {
        case .senderReport(let sender): report.sender = sender
        case .receiverReport: report.receiver = true
        case .reception(_, let reception): report.reception = reception
        case .canonicalName(_, let range): report.name = String(decoding: bytes[range], as: UTF8.self)
        case .bye: report.bye = true
        case .other: break
        }
      }
      return report
    }
  }
}
