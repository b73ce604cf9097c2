import RTP
import Telephony
import Testing

@Suite struct StreamRewriterTests {
  private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  private func packet(_ sequence: UInt16, _ timestamp: UInt32, ssrc: UInt32 = 7, marker: Bool = false) -> RTPHeader {
    RTPHeader(
      payloadType: 8, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc, marker: marker, payloadLength: 160)
  }

  private func relay(_ stream: inout StreamRewriter, _ header: RTPHeader, _ milliseconds: Int64) throws -> RTPHeader {
    let out = stream.relay(header, at: at(milliseconds))
    return try #require(out)
  }

  @Test func ownSoundRunsOn() {
    var stream = StreamRewriter(ssrc: 99, sequence: 65_534, timestamp: 4_294_967_200)
    let headers = (0..<4).map { index in
      stream.generate(
        samples: 160, payloadType: 8, payloadLength: 160, at: at(Int64(index) * 20 + Int64(index % 2) * 7))
    }
    #expect(headers.map(\.sequenceNumber) == [65_534, 65_535, 0, 1])
    #expect(headers.map(\.timestamp) == [4_294_967_200, 64, 224, 384])
    #expect(headers.map(\.marker) == [true, false, false, false])
    #expect(headers.allSatisfy { $0.ssrc == 99 && $0.payloadType == 8 })
    #expect(stream.packetCount == 4)
    #expect(stream.octetCount == 640)
  }

  @Test func anotherSourceFollowsWithoutABreak() throws {
    var stream = StreamRewriter(ssrc: 99, sequence: 100, timestamp: 1000)
    _ = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(0))
    _ = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(20))
    // A second later somebody speaks, with numbers of his own.
    let first = try relay(&stream, packet(5000, 77_777), 1020)
    let second = try relay(&stream, packet(5001, 77_937), 1040)
    #expect([first.sequenceNumber, second.sequenceNumber] == [102, 103])
    #expect([first.timestamp, second.timestamp] == [1160 + 8000, 1160 + 8160])
    #expect([first.marker, second.marker] == [true, false])
    #expect(first.ssrc == 99 && second.ssrc == 99)
    // And our own sound again at once: at least one packet's length later.
    let third = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(1041))
    #expect(third.sequenceNumber == 104)
    #expect(third.timestamp == 1160 + 8320)
    #expect(third.marker)
  }

  @Test func lossReorderingAndMarkersPassThrough() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 0, timestamp: 0)
    let sent = [packet(10, 0), packet(12, 320), packet(11, 160), packet(12, 320), packet(13, 480, marker: true)]
    let out = sent.enumerated().compactMap { stream.relay($0.element, at: at(Int64($0.offset) * 20)) }
    #expect(out.map(\.sequenceNumber) == [0, 2, 1, 2, 3])
    #expect(out.map(\.timestamp) == [0, 320, 160, 320, 480])
    #expect(out.map(\.marker) == [true, false, false, false, true])
  }

  @Test func whatCameBeforeTheTakeOverIsDropped() {
    var stream = StreamRewriter(ssrc: 1, sequence: 0, timestamp: 0)
    _ = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(0))
    #expect(stream.relay(packet(11, 160), at: at(20))?.sequenceNumber == 1)
    #expect(stream.relay(packet(10, 0), at: at(21)) == nil)
    #expect(stream.relay(packet(12, 320), at: at(40))?.sequenceNumber == 2)
  }

  @Test func anotherSourceOfTheRelayIsJoined() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 50, timestamp: 0)
    _ = stream.relay(packet(10, 0, ssrc: 7), at: at(0))
    let header = try relay(&stream, packet(60_000, 999_999, ssrc: 8), 20)
    #expect(header.sequenceNumber == 51)
    #expect(header.timestamp == 160)
    #expect(header.marker)
  }

  @Test func aSourceThatBeginsAnewIsJoinedAnew() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 50, timestamp: 0)
    _ = stream.relay(packet(10, 0), at: at(0))
    let header = try relay(&stream, packet(20_000, 5_000_000), 500)
    #expect(header.sequenceNumber == 51)
    #expect(header.timestamp == 4000)
    // The timestamp alone may leap too.
    let leap = try relay(&stream, packet(20_001, 3_000_000_000), 520)
    #expect(leap.sequenceNumber == 52)
    #expect(leap.timestamp == 4160)
  }

  @Test func pausesOfTheSourceStayPauses() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 0, timestamp: 0)
    _ = stream.relay(packet(10, 0), at: at(0))
    // Silence suppression: the timestamp runs on for a minute.
    let header = try relay(&stream, packet(11, 480_000, marker: true), 60_000)
    #expect(header.timestamp == 480_000)
    #expect(header.sequenceNumber == 1)
    // A source whose timestamp stood still over a pause is set right.
    let late = try relay(&stream, packet(12, 480_160), 70_000)
    #expect(late.timestamp == 560_000)
  }

  @Test func aLongKeyPressIsNoLeap() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 0, timestamp: 0)
    _ = stream.relay(packet(0, 0), at: at(0))
    for index in 1...300 {
      let header = try relay(&stream, packet(UInt16(index), 160), Int64(index) * 20)
      #expect(header.timestamp == 160)
      #expect(header.sequenceNumber == UInt16(index))
    }
    let after = try relay(&stream, packet(301, 301 * 160), 301 * 20)
    #expect(after.timestamp == 301 * 160)
    #expect(!after.marker)
  }

  @Test func aCutJoinsTheSameSourceAnew() throws {
    var stream = StreamRewriter(ssrc: 1, sequence: 0, timestamp: 0)
    _ = stream.relay(packet(10, 0), at: at(0))
    stream.cut()
    let header = try relay(&stream, packet(500, 99_999), 1000)
    #expect(header.sequenceNumber == 1)
    #expect(header.timestamp == 8000)
    #expect(header.marker)
  }

  @Test func theSenderReportTellsTheTimestampOfNow() throws {
    var stream = StreamRewriter(ssrc: 42, sequence: 0, timestamp: 5000)
    let wall = WallTime(microseconds: 1_350_050_709_000_000)
    #expect(stream.senderReport(at: Moment(instant: at(0), wall: wall)) == nil)
    _ = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(0))
    let sent = stream.senderReport(at: Moment(instant: at(10), wall: wall))
    let report = try #require(sent)
    #expect(report.ssrc == 42)
    #expect(report.rtpTimestamp == 5080)
    #expect(report.packetCount == 1)
    #expect(report.octetCount == 160)
    #expect(report.ntpTime == NTPTime(wall))
  }

  /// Three sources take turns, lose, repeat and reorder packets; what comes out is one stream all the same.
  @Test func whateverComesInOneStreamGoesOut() {
    var random = SeededGenerator(seed: 6)
    var stream = StreamRewriter(ssrc: 1, sequence: 65_000, timestamp: 4_294_900_000)
    var now: Int64 = 0
    var highest: UInt16?
    var sources: [(sequence: UInt16, timestamp: UInt32)] = [(1, 1), (65_500, 4_294_960_000), (30_000, 99)]
    for _ in 0..<3000 {
      let turn = Int(random.next() % 4)
      for round in 0..<1 + random.next() % 40 {
        now += 20
        var out: RTPHeader?
        if turn == 3 {
          out = stream.generate(samples: 160, payloadType: 8, payloadLength: 160, at: at(now))
        } else {
          for index in sources.indices {
            sources[index].sequence &+= 1
            sources[index].timestamp &+= 160
          }
          let chance = random.next() % 100
          if chance < 5 { continue }
          let back = chance < 10 && round > 5 ? UInt16(chance - 4) : 0
          out = stream.relay(
            packet(sources[turn].sequence &- back, sources[turn].timestamp &- UInt32(back) * 160, ssrc: UInt32(turn)),
            at: at(now))
        }
        guard let out else { continue }
        if let before = highest {
          let step = Int16(bitPattern: out.sequenceNumber &- before)
          #expect(step >= -6 && step <= 50)
          if step > 0 { highest = out.sequenceNumber }
        } else {
          highest = out.sequenceNumber
        }
        // The stream's clock is real time, however often the source changed.
        let drift = Int32(bitPattern: out.timestamp &- 4_294_900_000 &- UInt32(truncatingIfNeeded: (now - 20) * 8))
        #expect(abs(Int(drift)) <= 1600)
      }
    }
  }

  @Test func anyHeadersAreTaken() {
    var random = SeededGenerator(seed: 7)
    var stream = StreamRewriter(ssrc: 1, sequence: 1, timestamp: 1)
    for round in 0..<50_000 {
      let bits = random.next()
      let now = Instant(nanoseconds: round % 3 == 0 ? Int64(bitPattern: random.next()) : Int64(round) * 20_000_000)
      if bits % 5 == 0 {
        _ = stream.generate(
          samples: UInt32(truncatingIfNeeded: bits >> 8), payloadType: UInt8(truncatingIfNeeded: bits),
          payloadLength: 1,
          at: now)
      } else {
        _ = stream.relay(
          packet(UInt16(truncatingIfNeeded: bits), UInt32(truncatingIfNeeded: bits >> 16), ssrc: UInt32(bits >> 62)),
          at: now)
      }
      _ = stream.senderReport(at: Moment(instant: now, wall: WallTime(microseconds: Int64(bitPattern: bits))))
    }
    #expect(stream.ssrc == 1)
  }
}
