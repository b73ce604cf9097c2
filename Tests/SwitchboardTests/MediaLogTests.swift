import RTP
import RTPEngine
import SIPUserAgent
import Telephony
import Testing

@testable import Switchboard

/// What the log says of a leg's sound, in per cent and milliseconds.
@Suite struct MediaLogTests {
  @Test func lossJitterAndRoundTrip() {
    var statistics = LegStatistics()
    (statistics.packetsReceived, statistics.packetsLost, statistics.packetsSent) = (995, 5, 1000)
    (statistics.jitter, statistics.packetsRefused) = (43, 7)
    #expect(
      statistics.logFields == [
        "received": "995", "sent": "1000", "lost": "0.5%", "jitter": "5ms", "refused": "7",
      ])
    (statistics.remoteLost, statistics.remoteExpected, statistics.remoteJitter) = (120, 1000, 800)
    statistics.roundTrip = .milliseconds(31)
    let fields = statistics.logFields
    #expect(fields["lostThere"] == "12.0%" && fields["jitterThere"] == "100ms" && fields["roundTrip"] == "31ms")
  }

  @Test func whereAPeerWasBeforeRemainsItsOwn() throws {
    func address(_ last: Int) throws -> IPAddress { try #require(IPAddress("198.51.100.\(last)")) }
    let first = try address(1)
    var leg = MediaLeg(
      leg: Leg(slot: 0, generation: 1), address: first, shown: Endpoint(first, 9), peer: first,
      sources: [SourceRange(first)])
    leg.move(to: first, [Network(first)])
    #expect(leg.sources == [SourceRange(first)])
    let second = try address(2)
    leg.move(to: second, [Network(second)])
    #expect(leg.peer == second && leg.sources == [SourceRange(second), SourceRange(first)])
    for last in 3...200 { leg.move(to: try address(last), [Network(try address(last))]) }
    let last = SourceRange(try address(200))
    #expect(leg.sources.count == 17 && leg.sources.first == last)
  }

  @Test func whatWasLostAtAllIsNeverNothing() {
    var statistics = LegStatistics()
    #expect(statistics.logFields["lost"] == "0%")
    (statistics.packetsReceived, statistics.packetsLost) = (1_000_000, 1)
    #expect(statistics.logFields["lost"] == "0.1%")
    // More duplicates than losses.
    (statistics.remoteLost, statistics.remoteExpected, statistics.remoteJitter) = (-3, 100, 0)
    #expect(statistics.logFields["lostThere"] == "0%")
  }
}
