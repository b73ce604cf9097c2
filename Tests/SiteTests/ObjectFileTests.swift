import Hunting
import Site
import Telephony
import Testing

@Suite("Site: a queue's files")
struct QueueFileTests {
  private func queue(_ site: SiteSnapshot) -> Queue? { site.queue("ted_wq10") }

  @Test("Number.txt")
  func numbers() {
    TestSite.check(
      "queues/TED_WQ10/Number.txt",
      [
        (nil, []), ("720", ["720"]), ("720,+390471999720", ["720", "+390471999720"]),
        ("720, 0471 999-720", ["720", "0471999720"]),
      ],
      bad: ["emergency", "none", "720,x"]
    ) { queue($0)?.numbers.map(\.digits) }
  }

  @Test("Map1.txt to MapHash.txt")
  func maps() {
    for (file, key) in [("1", "1"), ("9", "9"), ("0", "0"), ("Star", "*"), ("Hash", "#")] as [(String, Character)] {
      let path = "queues/TED_WQ10/Map\(file).txt"
      TestSite.check(
        path, [(nil, nil), ("799*732", "799*732"), ("700", "700"), ("none", nil)], bad: ["Tech1", "799+1"]
      ) {
        .some(queue($0)?.destination(of: key)?.digits)
      }
    }
  }

  @Test("Timeout.txt, Repeat.txt")
  func counts() {
    TestSite.check("queues/TED_WQ10/Timeout.txt", [(nil, .seconds(10)), ("3", .seconds(3))], bad: ["0", "none", "x"]) {
      queue($0)?.timeout
    }
    TestSite.check("queues/TED_WQ10/Repeat.txt", [(nil, 3), ("0", 0), ("none", 0), ("5", 5)], bad: ["-1", "x"]) {
      queue($0)?.repeats
    }
  }

  @Test("OnSilence.txt")
  func onSilence() {
    TestSite.check(
      "queues/TED_WQ10/OnSilence.txt",
      [
        (nil, .hangup), ("hangup", .hangup), ("Proceed", .proceed),
        ("799*731", PhoneNumber("799*731").map { .destination($0) }),
      ], bad: ["none", "wait"]
    ) { queue($0)?.onSilence }
  }

  @Test("Proceed is Map1, or else the only map")
  func proceed() {
    func destination(_ changes: [String: String?]) -> String? {
      let changes = changes.merging(["queues/TED_WQ10/OnSilence.txt": "proceed"]) { $1 }
      return queue(TestSite.read(changes).snapshot)?.destinationOnSilence?.digits
    }
    #expect(destination(["queues/TED_WQ10/Map2.txt": "700"]) == "799*731")
    #expect(destination(["queues/TED_WQ10/Map1.txt": "", "queues/TED_WQ10/Map2.txt": "700"]) == "700")
    #expect(
      destination([
        "queues/TED_WQ10/Map1.txt": "", "queues/TED_WQ10/Map2.txt": "700", "queues/TED_WQ10/Map3.txt": "799",
      ]) == nil)
  }

  @Test("Announcement.wav and Hold.wav: what is no WAV file is told, what is one is handed on")
  func sounds() {
    let wave = Array("RIFF\u{4}\u{0}\u{0}\u{0}WAVEfmt ".utf8)
    let files: [String: [UInt8]] = [
      "queues/Q/ANNOUNCEMENT.WAV": wave + [UInt8](repeating: 0, count: 100_000), "queues/Q/Hold.wav": Array("ID3".utf8),
    ]
    let reading = SiteReading(files: files)
    #expect(reading.audioFiles.map(\.path) == ["queues/Q/ANNOUNCEMENT.WAV"])
    #expect(reading.audioFiles.first?.bytes.count == 100_000 + wave.count)
    #expect(reading.snapshot.queue("Q")?.announcement == "queues/Q/ANNOUNCEMENT.WAV")
    #expect(reading.faults.contains { $0.path == "queues/Q/Hold.wav" && $0.problem == "is no WAV file" })
  }
}

@Suite("Site: forwards")
struct ForwardFileTests {
  @Test("Target.txt", arguments: ["732", "799732", "799*732", " 732\r\nremark"])
  func target(text: String) {
    let site = TestSite.read(["forwards/TED_CFU/Target.txt": text]).snapshot
    #expect(site.cfu?.target == "732" && site.huntPlan.duty.target == "732")
  }

  @Test("Nobody is forwarded", arguments: ["", "none", nil])
  func nobody(text: String?) {
    let reading = TestSite.read(["forwards/TED_CFU/Target.txt": text])
    #expect(reading.snapshot.huntPlan.duty.target == nil && reading.isSound)
    #expect(reading.snapshot.dutyPath == "forwards/TED_CFU/Target.txt")
  }

  @Test("CFU.txt is accepted as its name")
  func otherName() {
    let site = TestSite.read(["forwards/TED_CFU/Target.txt": nil, "forwards/ted_cfu/cfu.TXT": "731"]).snapshot
    #expect(site.cfu?.target == "731" && site.dutyPath == "forwards/ted_cfu/cfu.TXT")
  }

  @Test("What is no number is a fault, and so is nobody's number")
  func bad() {
    #expect(
      TestSite.problems(["forwards/TED_CFU/Target.txt": "Tech2"]) == [
        "forwards/TED_CFU/Target.txt: “Tech2” is not understood"
      ])
    #expect(
      TestSite.problems(["forwards/TED_CFU/Target.txt": "739"]) == [
        "forwards/TED_CFU/Target.txt: leads to 739, but there is no such user"
      ])
  }
}

@Suite("Site: a trunk's files")
struct TrunkFileTests {
  private func check<Value: Equatable>(
    _ file: String, _ values: [(text: String?, value: Value)], bad: [String],
    sourceLocation: SourceLocation = #_sourceLocation, _ get: (Trunk) -> Value
  ) {
    TestSite.check("trunks/GW14/\(file)", values, bad: bad, sourceLocation: sourceLocation) {
      $0.trunk("gw14").map(get)
    }
  }

  @Test("Host.txt, Addresses.txt, Proxy.txt, Domain.txt")
  func hosts() {
    check(
      "Host.txt",
      [
        ("192.0.2.1", ["192.0.2.1"]), ("a.example.net, 192.0.2.1:5070", ["a.example.net", "192.0.2.1:5070"]),
        ("[2001:db8::1]:5060", ["[2001:db8::1]:5060"]), ("none", []),
      ], bad: ["a b", "192.0.2.1:99999", "192.0.2", "http://x", "a..b", "host:"]
    ) { $0.hosts.map(\.description) }
    check(
      "Addresses.txt", [(nil, []), ("192.0.2.0/24, 198.51.100.1", ["192.0.2.0/24", "198.51.100.1/32"]), ("none", [])],
      bad: ["192.0.2.0/33", "example.net", "192.0.2.0/"]
    ) { $0.addresses.map(\.description) }
    check("Proxy.txt", [(nil, nil), ("proxy.example.net:5080", "proxy.example.net:5080"), ("none", nil)], bad: ["a b"])
    {
      $0.proxy?.description
    }
    check("Domain.txt", [(nil, "192.0.2.1"), ("example.net", "example.net")], bad: ["a b"]) { $0.domain }
  }

  @Test("Transport.txt, Called.txt, CallerID.txt")
  func words() {
    check("Transport.txt", [(nil, .udp), ("TCP", .tcp), ("tls", .tls)], bad: ["sctp", "none"]) { $0.transport }
    check("Called.txt", [(nil, .uri), ("To", .to), ("p-called-party-id", .calledPartyID)], bad: ["from", "none"]) {
      $0.called
    }
    check(
      "CallerID.txt", [(nil, .from), ("pai", .pai), ("RPID", .rpid), ("own", .own), ("from", .from)],
      bad: ["none", "x"]
    ) { $0.callerID }
  }

  @Test("Login.txt and what follows from it")
  func login() throws {
    let site = TestSite.read(["trunks/GW14/Login.txt": "line1", "trunks/GW14/Password.txt": "p"]).snapshot
    let trunk = try #require(site.trunk("GW14"))
    #expect(trunk.login == "line1" && trunk.authUser == "line1" && trunk.from == "line1" && trunk.callerID == .pai)
    #expect(trunk.registers && !trunk.isRegistrant && trunk.password?.secret == "p")
    let gateway = TestSite.read([
      "trunks/GW14/Host.txt": "", "trunks/GW14/Login.txt": "gw", "trunks/GW14/Password.txt": "p",
    ])
    #expect(gateway.snapshot.trunk("GW14")?.isRegistrant == true && gateway.snapshot.trunk("GW14")?.registers == false)
    #expect(gateway.isSound)
    check("AuthUser.txt", [(nil, nil), ("auth", "auth")], bad: []) { $0.authUser }
    check("From.txt", [(nil, nil), ("0471999720", "0471999720"), ("none", nil)], bad: ["a b"]) { $0.from }
    check("Register.txt", [(nil, false), ("no", false), ("yes", true)], bad: ["maybe"]) { $0.registers }
    check("Expires.txt", [(nil, .seconds(300)), ("3600", .seconds(3600))], bad: ["0", "none", "x"]) { $0.expires }
  }

  @Test("Prefix.txt and International.txt")
  func dialling() throws {
    check("Prefix.txt", [(nil, ""), ("0", "0"), ("none", "")], bad: ["zero"]) { $0.prefix }
    check("International.txt", [(nil, "00"), ("011", "011"), ("none", "+")], bad: ["x"]) { $0.international }
    let trunk = try #require(TestSite.read(["trunks/GW14/Prefix.txt": "0"]).snapshot.trunk("GW14"))
    for (number, dialled) in [("3472619287", "03472619287"), ("+41791234567", "00041791234567"), ("0041", "00041")] {
      #expect(trunk.dialled(try #require(PhoneNumber(number))) == dialled)
    }
  }

  @Test("Default.txt, Qualify.txt, AutomaticHangup.txt")
  func rest() {
    check("Default.txt", [(nil, nil), ("799*731", "799*731"), ("none", nil)], bad: ["Tech1"]) {
      $0.defaultDestination?.digits
    }
    check("Qualify.txt", [(nil, .seconds(25)), ("60", .seconds(60)), ("none", nil)], bad: ["0", "x"]) { $0.qualify }
    check("AutomaticHangup.txt", [(nil, true), ("no", false), ("yes", true)], bad: ["x"]) { $0.automaticHangup }
  }
}
