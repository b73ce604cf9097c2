import RTP
import Telephony
import Testing

@Suite struct SourceLatchTests {
  /// The SDP's address, two of its ports, and strangers.
  private let phone = PacketSource(ipv4: 0xC000_0201, port: 5004)
  private let phoneOther = PacketSource(ipv4: 0xC000_0201, port: 40_000)
  private let router = PacketSource(ipv4: 0xCB00_7107, port: 62_000)
  private let attacker = PacketSource(ipv4: 0xC633_6401, port: 5004)

  /// A line of a table: who sends, when, and what becomes of it.
  private struct Run {
    var latch: SourceLatch
    var sequences: [PacketSource: UInt16] = [:]
    var now: Int64 = 0
    var isAuthentic = false

    init(_ expected: PacketSource?, isTranslated: Bool = false) {
      latch = SourceLatch(expected: expected, own: Self.own, isTranslated: isTranslated)
    }

    /// Where the peer's signalling comes from: the router's address.
    static let own = [IPAddress("203.0.113.7")].compactMap { $0.map { SourceRange($0) } }

    /// `count` packets in sequence, 20 ms apart; the verdicts as one letter each: accepted, Latched, dropped.
    mutating func packets(
      _ source: PacketSource, _ count: Int = 1, skipping step: UInt16 = 1, ssrc: UInt32 = 9, isNegotiated: Bool = true,
      spacing: Int64 = 20
    ) -> String {
      var letters = ""
      for _ in 0..<count {
        now += spacing
        let sequence = sequences[source, default: 65_533] &+ step
        sequences[source] = sequence
        let header = RTPHeader(payloadType: 8, sequenceNumber: sequence, timestamp: 0, ssrc: ssrc)
        switch latch.receive(
          header, from: source, isNegotiated: isNegotiated, isAuthentic: isAuthentic,
          at: Instant(nanoseconds: now * 1_000_000))
        {
        case .accepted: letters += "a"
        case .latched: letters += "L"
        case .dropped: letters += "d"
        }
      }
      return letters
    }
  }

  @Test func theAddressOfTheSDPIsTakenAtOnce() {
    var run = Run(phone)
    #expect(run.latch.target == phone)
    #expect(run.packets(phone, 3) == "Laa")
    #expect(run.latch.latched == phone)
    #expect(run.latch.dropped == 0)
  }

  @Test func onAnyPort() {
    var run = Run(phone)
    #expect(run.packets(phoneOther, 3) == "Laa")
    #expect(run.latch.target == phoneOther)
  }

  @Test func anotherAddressOfThePeerNeedsFivePacketsInSequence() {
    var run = Run(phone)
    #expect(run.packets(router, 7) == "ddddLaa")
    #expect(run.latch.target == router)
    #expect(run.latch.dropped == 4)
  }

  @Test func outOfSequenceBeginsAnew() {
    var run = Run(phone)
    #expect(run.packets(router, 4) == "dddd")
    #expect(run.packets(router, 1, skipping: 2) == "d")
    #expect(run.packets(router, 4) == "dddL")
    run = Run(phone)
    #expect(run.packets(router, 10, skipping: 0) == "dddddddddd")
  }

  @Test func anotherStreamOfTheSameAddressBeginsAnew() {
    var run = Run(phone)
    #expect(run.packets(router, 4, ssrc: 1) == "dddd")
    #expect(run.packets(router, 5, ssrc: 2) == "ddddL")
  }

  @Test func typesThatWereNotNegotiatedNeverCount() {
    var run = Run(phone)
    #expect(run.packets(phone, 2, isNegotiated: false) == "dd")
    #expect(run.packets(router, 9, isNegotiated: false) == "ddddddddd")
    #expect(run.latch.latched == nil)
    #expect(run.packets(phone) == "L")
    #expect(run.packets(phone, 1, isNegotiated: false) == "d")
  }

  @Test func nobodySpeaksIntoARunningStream() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    for _ in 0..<50 {
      #expect(run.packets(attacker, 9, spacing: 1) == "ddddddddd")
      #expect(run.packets(phone) == "a")
    }
    #expect(run.latch.dropped == 450)
  }

  @Test func anotherPortOfTheAddressMustWaitToo() {
    var run = Run(phone)
    #expect(run.packets(phoneOther) == "L")
    #expect(run.packets(PacketSource(ipv4: 0xC000_0201, port: 9)) == "d")
    // The port the SDP names is the peer's own word.
    #expect(run.packets(phone) == "L")
    #expect(run.packets(phoneOther, 5) == "ddddd")
  }

  @Test func whoeverWasFirstGivesWayToTheSDPsAddress() {
    var run = Run(phone)
    #expect(run.packets(router, 6) == "ddddLa")
    #expect(run.packets(phone, 2) == "La")
    #expect(run.packets(router, 6) == "dddddd")
    run = Run(phone)
    #expect(run.packets(router, 6) == "ddddLa")
    #expect(run.packets(phoneOther, 2) == "La")
  }

  @Test func afterThreeSecondsOfSilenceLearningReopens() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    run.now += 2900
    #expect(run.packets(router, 4) == "dddd")
    #expect(run.packets(phone) == "a")
    run.now += 2960
    #expect(run.packets(router) == "d")
    run.now += 20
    #expect(run.packets(router, 6) == "ddddLa")
  }

  @Test func silenceOfALearnedAddressReopensAsWell() {
    var run = Run(phone)
    #expect(run.packets(router, 5) == "ddddL")
    run.now += 3000
    #expect(run.packets(attacker, 4) == "dddd")
    // Known from before: no proof is asked again.
    #expect(run.packets(router) == "a")
    #expect(run.packets(attacker, 5) == "ddddd")
  }

  @Test func aNewAddressIsLearnedAnew() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    run.latch.expect(router, own: Run.own)
    #expect(run.latch.target == router)
    #expect(run.packets(phone, 3) == "ddd")
    #expect(run.packets(router, 2) == "La")
  }

  @Test func packetsUnderWayFromTheOldPortDoNotHoldTheNewOneUp() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    let moved = PacketSource(ipv4: 0xC000_0201, port: 6000)
    run.latch.expect(moved, own: Run.own)
    #expect(run.packets(phone, 2) == "La")
    #expect(run.packets(moved, 2) == "La")
    #expect(run.packets(phone, 1) == "d")
  }

  @Test func aSessionRefreshLosesNothing() {
    var run = Run(phone)
    #expect(run.packets(router, 6) == "ddddLa")
    run.latch.expect(phone, own: Run.own)
    #expect(run.latch.target == router)
    #expect(run.packets(router, 2) == "aa")
    #expect(run.packets(attacker, 5) == "ddddd")
    run.latch.expect(phone, own: Run.own)
    #expect(run.packets(phone) == "L")
  }

  @Test func aSessionRefreshIsNoDoorWhileTheAddressSpeaks() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    run.latch.expect(phone, own: Run.own)
    #expect(run.packets(attacker, 8, spacing: 1) == "dddddddd")
    #expect(run.packets(phone) == "a")
  }

  @Test func withoutAnAddressOnlyThePeersOwnOnesCount() {
    for unknown in [nil, PacketSource(ipv4: 0, port: 5004)] {
      var run = Run(unknown)
      #expect(run.latch.target == nil)
      #expect(run.packets(attacker, 500) == String(repeating: "d", count: 500))
      #expect(run.packets(router, 6) == "ddddLa")
      #expect(run.latch.target == router)
    }
  }

  @Test func holdWithoutAnAddressLeavesWhatWasLatched() {
    var run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    run.latch.expect(PacketSource(ipv4: 0, port: 0), own: Run.own)
    #expect(run.packets(phone, 2) == "aa")
    #expect(run.packets(attacker, 400) == String(repeating: "d", count: 400))
    run.latch.expect(phone, own: Run.own)
    #expect(run.packets(phone, 2) == "La")
  }

  @Test func aStrangerIsNeverLearnedWhileTheLegLearns() {
    // Before the first packet, after a new SDP, after silence, with the peer's own numbers and long enough.
    var run = Run(phone)
    let never = String(repeating: "d", count: 1000)
    #expect(run.packets(attacker, 1000) == never)
    #expect(run.packets(phone, 2) == "La")
    run.latch.expect(phoneOther, own: Run.own)
    run.sequences[attacker] = run.sequences[phone]
    #expect(run.packets(attacker, 1000) == never)
    #expect(run.packets(phoneOther, 2) == "La")
    run.now += 10_000
    run.sequences[attacker] = run.sequences[phoneOther]
    #expect(run.packets(attacker, 1000) == never)
    run.latch.expect(PacketSource(ipv4: 0xC000_0299, port: 7000), own: Run.own)
    #expect(run.packets(attacker, 1000) == never)
    #expect(run.latch.dropped == 4000)
  }

  @Test func whereTheSDPsAddressIsTranslatedAStrangerIsLearnedLate() {
    var run = Run(phone, isTranslated: true)
    // 3 s after the first, and five in sequence.
    let late = String(repeating: "d", count: 154) + "Laaaaa"
    #expect(run.packets(attacker, 160) == late)
    // A second one is not while the first speaks.
    let other = PacketSource(ipv4: 0xC633_6499, port: 5004)
    for _ in 0..<100 {
      #expect(run.packets(other, 9, spacing: 10) == "ddddddddd")
      #expect(run.packets(attacker) == "a")
    }
    // Once the first is silent he is learned as the first was, and again if the first has spoken meanwhile.
    run.now += 10_000
    #expect(run.packets(other, 100) == String(repeating: "d", count: 100))
    #expect(run.packets(attacker) == "a")
    run.now += 10_000
    #expect(run.packets(other, 160) == late)
    // The peer's own addresses take the stream back.
    #expect(run.packets(router, 6) == "ddddLa")
    run.now += 10_000
    #expect(run.packets(attacker, 300) == String(repeating: "d", count: 300))
  }

  @Test func aStrangerIsNotLearnedOnceThePeersOwnAddressWasHeard() {
    var run = Run(phone, isTranslated: true)
    #expect(run.packets(attacker, 100) == String(repeating: "d", count: 100))
    #expect(run.packets(router, 5) == "ddddL")
    run.now += 10_000
    #expect(run.packets(attacker, 500) == String(repeating: "d", count: 500))
    // A session refresh changes nothing; another address does.
    run.latch.expect(phone, own: Run.own, isTranslated: true)
    #expect(run.packets(attacker, 500) == String(repeating: "d", count: 500))
    run.latch.expect(PacketSource(ipv4: 0xC000_0299, port: 7000), own: Run.own, isTranslated: true)
    #expect(run.packets(attacker, 200).contains("L"))
  }

  @Test(arguments: [
    ("192.0.2.0/24", ["192.0.2.7", "192.0.2.255"], ["192.0.3.1", "2001:db8::1"]),
    ("192.0.2.7", ["192.0.2.7"], ["192.0.2.8"]), ("0.0.0.0/0", ["8.8.8.8"], ["2001:db8::1"]),
    ("2001:db8::/33", ["2001:db8::1", "2001:db8:7fff::1"], ["2001:db8:8000::1", "192.0.2.7"]),
    ("2001:db8::8/125", ["2001:db8::f"], ["2001:db8::7"]), ("::/0", ["2001:db8::1", "192.0.2.7"], []),
  ])
  func ranges(text: String, inside: [String], outside: [String]) throws {
    let parts = text.split(separator: "/")
    let range = SourceRange(
      try #require(IPAddress(parts[0])), prefixLength: parts.count > 1 ? Int(parts[1]) : nil)
    for (addresses, isInside) in [(inside, true), (outside, false)] {
      for address in addresses {
        #expect(range.contains(PacketSource(Endpoint(try #require(IPAddress(address)), 9))) == isInside, "\(address)")
      }
    }
  }

  @Test func aFloodOfOneStrangerDoesNotBarAnother() {
    var run = Run(phone)
    var letters = ""
    for _ in 0..<5 {
      #expect(run.packets(attacker, 3, skipping: 7, spacing: 1) == "ddd")
      letters += run.packets(router)
    }
    #expect(letters == "ddddL")
  }

  @Test func anotherAddressOfThePeerThatANewSDPBringsIsLearned() {
    var run = Run(phone, isTranslated: true)
    #expect(run.packets(router, 6) == "ddddLa")
    // The phone has got another network: the same private address, other signalling.
    let mobile = PacketSource(ipv4: 0xCB00_7163, port: 9000)
    run.latch.expect(
      phone, own: [IPAddress("203.0.113.99")].compactMap { $0.map { SourceRange($0) } } + Run.own, isTranslated: true)
    #expect(run.packets(mobile, 6) == "ddddLa")
    #expect(run.packets(router, 6) == "dddddd")
  }

  @Test func whatBearsTheKeysIsThePeersOwn() {
    var run = Run(phone)
    run.isAuthentic = true
    #expect(run.packets(attacker, 6) == "ddddLa")
    // Which is no door into a running stream.
    let other = PacketSource(ipv4: 0xC633_6499, port: 5004)
    for _ in 0..<50 {
      #expect(run.packets(other, 9, spacing: 1) == "ddddddddd")
      #expect(run.packets(attacker) == "a")
    }
    #expect(run.packets(phone, 2) == "La")
    #expect(run.packets(other, 100) == String(repeating: "d", count: 100))
  }

  @Test func whoKnocksInVainIsToldOnce() {
    var run = Run(phone)
    // 3 s after the first.
    #expect(run.packets(attacker, 154) == String(repeating: "d", count: 154))
    #expect(run.latch.takeKnock() == nil)
    _ = run.packets(attacker)
    #expect(run.latch.takeKnock() == attacker)
    _ = run.packets(attacker, 500)
    #expect(run.latch.takeKnock() == nil)
    // Not while the peer is heard, and not out of sequence.
    run = Run(phone)
    #expect(run.packets(phone, 2) == "La")
    _ = run.packets(attacker, 149)
    #expect(run.packets(phone) == "a")
    _ = run.packets(attacker, 149)
    _ = run.packets(attacker, 300, skipping: 2)
    #expect(run.latch.takeKnock() == nil)
    _ = run.packets(attacker, 5)
    #expect(run.latch.takeKnock() == attacker)
    // Nor one that can be learned.
    run = Run(phone, isTranslated: true)
    #expect(run.packets(attacker, 160).hasSuffix("La" + "aaaa"))
    #expect(run.latch.takeKnock() == nil)
  }

  @Test func controlComesFromTheSameAddresses() {
    var run = Run(phone)
    func accepts(_ source: PacketSource, isAuthentic: Bool = false) -> Bool {
      run.latch.acceptsControl(from: source, isAuthentic: isAuthentic, at: Instant(nanoseconds: run.now * 1_000_000))
    }
    let routerControl = PacketSource(ipv4: 0xCB00_7107, port: 62_001)
    #expect(accepts(PacketSource(ipv4: 0xC000_0201, port: 5005)))
    // A muted phone behind a router.
    #expect(accepts(routerControl))
    #expect(run.latch.target == phone)
    #expect(!accepts(attacker) && accepts(attacker, isAuthentic: true))
    _ = run.packets(router, 5)
    #expect(accepts(routerControl))
    #expect(!accepts(attacker))
    _ = run.packets(phone, 2)
    #expect(!accepts(routerControl) && !accepts(attacker, isAuthentic: true))
    run.now += 3000
    #expect(accepts(routerControl) && !accepts(attacker))
  }
}
