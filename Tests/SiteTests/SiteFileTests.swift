import Hunting
import Site
import Telephony
import Testing

/// Every value file of the site's root: missing, blank, good, `none`, bad.
@Suite("Site: the files of the root")
struct SiteFileTests {
  @Test("XMLnumber.txt")
  func xmlNumber() {
    TestSite.check(
      "XMLnumber.txt", [(nil, "799"), ("", "799"), ("  \r\n", "799"), ("800", "800"), (" 8 00\r\n", "800")],
      bad: ["abc", "none", "79x"]
    ) { $0.xmlNumber.digits }
  }

  @Test("TickeNR.TXT")
  func ticket() {
    TestSite.check(
      "TickeNR.TXT", [(nil, 1), ("", 1), ("100", 100), ("100\nremark", 100), ("007", 7)],
      bad: ["0", "-1", "1.5", "none", "99999999999999999999"]
    ) { $0.nextTicket.rawValue }
  }

  @Test("SMSProvider.txt")
  func smsProvider() {
    TestSite.check(
      "SMSProvider.txt",
      [(nil, ["CODEMA"]), ("kannel", ["kannel"]), ("kannel, CODEMA", ["kannel", "CODEMA"]), ("none", [])],
      bad: [",", " , "]
    ) { $0.smsProviders }
  }

  @Test("SMSprefix.txt")
  func smsPrefix() {
    TestSite.check(
      "SMSprefix.txt", [(nil, "39"), ("41", "41"), ("none", "")], bad: ["+39", "0039", "x"]
    ) { $0.smsPrefix }
  }

  @Test("CFU.txt")
  func cfu() {
    TestSite.check("CFU.txt", [(nil, "TED_CFU"), ("", "TED_CFU"), ("Rota", "Rota")], bad: []) { $0.cfuName }
    #expect(TestSite.read(["CFU.txt": "none"]).snapshot.cfuName == nil)
    #expect(TestSite.read(["CFU.txt": "none"]).snapshot.huntPlan.duty.target == nil)
    #expect(TestSite.read(["CFU.txt": "ted_cfu"]).snapshot.huntPlan.duty.target == "732")
  }

  @Test("InternalTrunk.txt and ExternalTrunk.txt", arguments: ["InternalTrunk.txt", "ExternalTrunk.txt"])
  func trunks(file: String) {
    let get = { (site: SiteSnapshot) in file == "InternalTrunk.txt" ? site.internalTrunks : site.externalTrunks }
    #expect(get(TestSite.read().snapshot) == ["GW14"])
    #expect(get(TestSite.read([file: "gw14"]).snapshot) == ["GW14"])
    #expect(get(TestSite.read([file: "none"]).snapshot) == [])
    let two: [String: String?] = ["trunks/B/Host.txt": "192.0.2.2", "trunks/A/Host.txt": "192.0.2.3"]
    #expect(get(TestSite.read(two.merging([file: "B, gw14"]) { $1 }).snapshot) == ["B", "GW14"])
    let unnamed = TestSite.read(two)
    #expect(get(unnamed.snapshot) == [])
    #expect(unnamed.faults.contains { $0.path == file && $0.problem.contains("several trunks (A, B, GW14)") })
    let wrong = TestSite.read([file: "B"])
    #expect(wrong.faults.contains { $0.path == file && $0.problem == "there is no trunk “B”" })
  }

  @Test("Listen.txt")
  func listen() {
    TestSite.check(
      "Listen.txt",
      [
        (nil, ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"]), ("udp:127.0.0.1:5070", ["udp:127.0.0.1:5070"]),
        ("UDP:[::]:5060, tls:192.0.2.7", ["udp:[::]:5060", "tls:192.0.2.7:5061"]),
      ], bad: ["5060", "udp:5060", "sctp:0.0.0.0:5060", "udp:0.0.0.0:0", "udp:0.0.0.0:65536", "udp:host:5060", "none"]
    ) { $0.listen.map(\.description) }
  }

  @Test("Address.txt")
  func address() {
    TestSite.check(
      "Address.txt",
      [(nil, nil), ("none", nil), ("198.51.100.7", "198.51.100.7"), ("sip.example.net", "sip.example.net")],
      bad: ["198.51.100", "a b", "-.-:x"]
    ) { $0.address.map { Optional($0.description) } ?? .some(nil) }
  }

  @Test("RTPPorts.txt")
  func ports() {
    TestSite.check(
      "RTPPorts.txt", [(nil, 30_000...30_999), ("40000-40001", 40_000...40_001), ("16386 - 16999", 16_386...16_999)],
      bad: ["30000", "30999-30000", "80-90", "30001-30002", "1-70000", "none", "-", "a-b", "40000-40000"]
    ) { $0.rtpPorts }
  }

  @Test("Recording.txt and State.txt")
  func directories() {
    TestSite.check(
      "Recording.txt", [(nil, "recording"), ("/var/lib/pikett/rec", "/var/lib/pikett/rec"), ("none", nil)], bad: []
    ) { .some($0.recordingDirectory) }
    TestSite.check("State.txt", [(nil, "state"), ("/var/lib/pikett", "/var/lib/pikett")], bad: ["none"]) {
      $0.stateDirectory
    }
  }

  @Test("Ringback.txt, TimeZone.txt, Language.txt, Answer.txt")
  func words() {
    TestSite.check("Ringback.txt", [(nil, "it"), ("CH", "ch")], bad: ["none", "Italy", "i", "1t"]) { $0.ringback }
    TestSite.check("TimeZone.txt", [(nil, nil), ("Europe/Zurich", "Europe/Zurich"), ("none", nil)], bad: []) {
      .some($0.timeZone)
    }
    TestSite.check("Language.txt", [(nil, .en), ("DE", .de), ("it", .it), ("fr", .fr)], bad: ["none", "es"]) {
      Optional($0.language)
    }
    TestSite.check("Answer.txt", [(nil, .hunt), ("user", .user), ("Hunt", .hunt)], bad: ["none", "later"]) {
      Optional($0.answer)
    }
  }

  @Test("MaxCalls.txt, MaxRounds.txt, MaxDuration.txt")
  func limits() {
    TestSite.check(
      "MaxCalls.txt", [(nil, 50), ("1", 1), ("200", 200)], bad: ["0", "none", "-5", "1e3", "99999999999999999999"]
    ) {
      $0.maxCalls
    }
    TestSite.check("MaxRounds.txt", [(nil, nil), ("none", nil), ("NONE", nil), ("3", 3)], bad: ["0", "x"]) {
      .some($0.maxRounds)
    }
    TestSite.check(
      "MaxDuration.txt", [(nil, .seconds(7200)), ("600", .seconds(600)), ("none", nil)], bad: ["0", "2 h", "-1"]
    ) { .some($0.maxDuration) }
  }
}

@Suite("Site: a user's files")
struct UserFileTests {
  private func user(_ site: SiteSnapshot) -> SiteUser? { site.user("731") }

  @Test("Name.txt, IM.txt")
  func words() {
    TestSite.check(
      "731/Name.txt", [(nil, nil), ("Tech1", "Tech1"), (" Müller \r\n", "Müller"), ("none", nil)], bad: []
    ) {
      .some(user($0)?.user.name)
    }
    TestSite.check("731/IM.txt", [(nil, true), ("yes", true), ("No", false), ("none", false)], bad: ["maybe", "1"]) {
      user($0)?.wantsIM
    }
  }

  @Test("Password.txt: its blanks belong to it, and no fault quotes it")
  func password() {
    TestSite.check(
      "731/Password.txt",
      [
        (nil, nil), ("", nil), ("\r\n", nil), (" a b \r\n", " a b "), ("\u{FEFF}x", "x"), ("none", nil),
        ("s\nremark", "s"),
      ], bad: []
    ) { .some(user($0)?.password?.secret) }
    let reading = TestSite.read(["731/Password.txt": "se\u{1}cret"])
    #expect(reading.faults.map(\.path) == ["731/Password.txt"])
    #expect(!"\(reading.faults)".contains("cret") && !"\(reading.snapshot)".contains("cret"))
  }

  @Test("Contact.txt")
  func contact() {
    TestSite.check(
      "731/Contact.txt",
      [
        (nil, nil), ("sip:731@192.0.2.10", "731 192.0.2.10"),
        ("sip:731@phone.example.net:5062;transport=tcp", "731 phone.example.net:5062"),
        ("SIPS:[2001:db8::1]", " [2001:db8::1]"), ("none", nil),
      ], bad: ["731", "tel:731", "sip:", "sip:731@", "sip:731@a b", "<sip:731@192.0.2.10>", "sip:731@192.0.2.10:0"]
    ) { site in .some(user(site)?.contact.map { "\($0.user ?? "") \($0.host)" }) }
    #expect(user(TestSite.read(["731/Contact.txt": "sip:9@192.0.2.1"]).snapshot)?.contactTrunk == "GW14")
    #expect(user(TestSite.read().snapshot)?.contactTrunk == nil)
  }

  @Test("Trunk.txt: order is Contact, registration, trunk")
  func deskPhone() throws {
    let changes: [String: String?] = [
      "trunks/PBX/Host.txt": "192.0.2.5", "InternalTrunk.txt": "PBX", "ExternalTrunk.txt": "GW14",
    ]
    func phone(_ more: [String: String?]) -> DeskPhone? {
      user(TestSite.read(changes.merging(more) { $1 }).snapshot)?.deskPhone
    }
    let contact = try #require(user(TestSite.read().snapshot)?.contact)
    #expect(phone(["731/Password.txt": "x"]) == .contact(contact, trunk: nil))
    #expect(phone(["731/Contact.txt": "", "731/Password.txt": "x"]) == .registration)
    #expect(phone(["731/Contact.txt": ""]) == .trunk(["PBX"]))
    #expect(phone(["731/Contact.txt": "", "731/Trunk.txt": "gw14,PBX"]) == .trunk(["GW14", "PBX"]))
    #expect(phone(["731/Contact.txt": "", "731/Trunk.txt": "none"]) == DeskPhone.none)
    #expect(phone(["731/Contact.txt": "none", "731/Trunk.txt": "GW15"]) == DeskPhone.none)
  }

  @Test("Confirm.txt and ForkConfirm.txt")
  func keys() {
    TestSite.check(
      "731/Confirm.txt", [(nil, nil), ("1", "1"), ("#", "#"), ("*", "*"), ("none", nil)], bad: ["A", "12", "yes"]
    ) {
      .some(user($0)?.user.confirmKey)
    }
    let fork: [String: String?] = ["731/Fork.txt": "3472619287"]
    for (text, key) in [(nil, "1"), ("", "1"), ("5", "5"), ("none", nil)] as [(String?, Character?)] {
      let reading = TestSite.read(fork.merging(["731/ForkConfirm.txt": text]) { $1 })
      #expect(user(reading.snapshot)?.user.forks == [Fork(number: "3472619287", confirmKey: key)])
    }
  }

  @Test("Fork.txt")
  func forks() {
    TestSite.check(
      "731/Fork.txt",
      [
        (nil, []), ("3472619287", ["3472619287"]), ("347 261-9287, +41791234567,", ["3472619287", "+41791234567"]),
        ("none", []),
      ], bad: ["Tech1", "3472619287,x", ","]
    ) { user($0)?.user.forks.map(\.number) }
  }

  @Test("CFNR.txt: with or without the XML number")
  func cfnr() {
    TestSite.check(
      "731/CFNR.txt",
      [
        (nil, nil), ("799732", "732"), ("732", "732"), ("799*732", "732"), ("799 732\r\n", "732"), ("none", nil),
        ("739", "739"),
      ],
      bad: ["Tech2", "73x"]
    ) { .some(user($0)?.user.cfnr) }
    // A user whose number begins with the XML number is still found.
    let odd = TestSite.read(["799732/Name.txt": "x", "799732/Contact.txt": "sip:1@192.0.2.9", "731/CFNR.txt": "799732"])
    #expect(user(odd.snapshot)?.user.cfnr == "799732")
  }

  @Test("CFNRTimeout.txt")
  func timeout() {
    TestSite.check(
      "731/CFNRTimeout.txt", [(nil, .seconds(20)), ("5", .seconds(5)), ("3600", .seconds(3600))],
      bad: ["0", "3601", "none", "20 s", "-1", "1.5"]
    ) { user($0)?.user.cfnrTimeout }
  }

  @Test("SMSNumber.txt, SMSUser.txt, SMSPassword.txt, and what overrides them for one provider")
  func sms() throws {
    #expect(user(TestSite.read().snapshot)?.smsRoutes == [])
    #expect(user(TestSite.read(["731/SMSNumber.txt": "none"]).snapshot)?.smsRoutes == [])
    let reading = TestSite.read([
      "SMSProvider.txt": "kannel,CODEMA", "731/SMSNumber.txt": "347 2619287", "731/SMSUser.txt": "tech1",
      "731/SMSPassword.txt": " pass ", "sms/codema/URL.txt": "https://sms.example.net/?{user}",
      "sms/CODEMA/User.txt": "company",
      "731/sms/CODEMA/Number.txt": "+41791234567", "731/sms/CODEMA/Sender.txt": "Pikett",
    ])
    let routes = try #require(user(reading.snapshot)?.smsRoutes)
    #expect(routes.map(\.provider.name) == ["kannel", "CODEMA"])
    #expect(routes.map(\.number) == ["393472619287", "+41791234567"])
    #expect(routes.map(\.provider.user) == ["tech1", "company"])
    #expect(routes.map { $0.provider.password?.secret } == [" pass ", nil])
    #expect(routes.map(\.provider.sender) == [nil, "Pikett"])
  }
}
