import Hunting
import Site
import Telephony
import Testing

@Suite("Site: reading")
struct SiteReadingTests {
  @Test("The base of these tests is sound")
  func base() {
    let reading = TestSite.read()
    #expect(reading.faults == [])
    #expect(reading.snapshot.chain(from: "731").description == "731 → 732 → back to 731")
    #expect(reading.snapshot.numberPlan.destination(of: PhoneNumber(internalNumber: 720)) == .queue("TED_WQ10"))
  }

  @Test("Names match without regard to case")
  func caseOfNames() {
    let files = [
      "xmlNUMBER.TXT": "800", "731/NAME.txt": "Tech1", "QUEUES/wq/number.TXT": "720", "Trunks/Gw/host.txt": "192.0.2.1",
    ]
    let site = SiteReading(files: files.mapValues { Array($0.utf8) }).snapshot
    #expect(site.xmlNumber.digits == "800" && site.users.first?.user.name == "Tech1")
    #expect(site.queues.first?.name == "wq" && site.queues.first?.numbers.first?.digits == "720")
    #expect(site.trunks.first?.hosts.first?.host == "192.0.2.1")
  }

  @Test("Two names that differ in case only are a fault, of files and of directories")
  func twins() {
    #expect(
      TestSite.problems(["XMLnumber.txt": "799", "XMLNUMBER.TXT": "800"]) == [
        "XMLNUMBER.TXT: stands there twice, as XMLNUMBER.TXT and XMLnumber.txt"
      ])
    #expect(
      TestSite.problems(["queues/ted_wq10/Timeout.txt": "5"]) == [
        "queues/ted_wq10: stands there twice, as TED_WQ10 and ted_wq10"
      ])
  }

  @Test("Foreign files and directories are left alone")
  func foreign() {
    let changes: [String: String?] = [
      "README.md": "\u{0}", "notes/731/x.txt": "x", "731/photo.jpg": "\u{0}", "ticket/x_1.txt": "",
      "731a/CFNR.txt": "x",
      "readme.MD": "x", "queues/TED_WQ10/Map10.txt": "x",
    ]
    #expect(TestSite.problems(changes) == [])
    #expect(TestSite.read(changes).snapshot.users.map(\.number) == ["731", "732"])
  }

  @Test("A directory whose name is digits is a user, even if it is empty; users are in the order of their numbers")
  func users() {
    let site = SiteReading(files: ["1000/": [], "99/": [], "731/Name.txt": []]).snapshot
    #expect(site.users.map(\.number) == ["99", "731", "1000"])
  }

  @Test("More than 64 KB, UTF-16 and control characters are told")
  func unreadable() {
    let long = String(repeating: "x", count: 65_537)
    #expect(TestSite.problems(["731/Name.txt": long]) == ["731/Name.txt: is longer than 64 KB"])
    #expect(TestSite.problems(["731/Name.txt": "Tech1\n" + String(repeating: "x", count: 60_000)]) == [])
    let utf16: [UInt8] = [0xFF, 0xFE, 0x37, 0x00]
    let reading = SiteReading(files: ["731/Name.txt": utf16, "731/Contact.txt": Array("sip:1@192.0.2.1".utf8)])
    #expect(reading.faults.first?.problem == "is no text in UTF-8 or Windows-1252")
  }

  @Test("A file without a right to read it is told, and keeps its last good value")
  func noRight() {
    let before = TestSite.read(["731/CFNRTimeout.txt": "7"]).snapshot
    let files = TestSite.base.mapValues { Array($0.utf8) }
    let reading = SiteReading(
      files: files, unreadable: ["731/CFNRtimeout.txt": "permission denied"], previous: before)
    #expect(reading.faults.first?.path == "731/CFNRtimeout.txt")
    #expect(reading.faults.first?.problem == "cannot be read: permission denied")
    #expect(reading.snapshot.user("731")?.user.cfnrTimeout == .seconds(7))
  }

  @Test("What cannot be understood keeps its last good value, however often it is read; what is taken away does not")
  func lastGood() {
    let file = "731/CFNRTimeout.txt"
    var site = TestSite.read([file: "7"]).snapshot
    for _ in 1...3 {
      let reading = TestSite.read([file: "soon"], previous: site)
      #expect(reading.snapshot.user("731")?.user.cfnrTimeout == .seconds(7))
      #expect(reading.faults.map(\.path) == [file])
      site = reading.snapshot
    }
    site = TestSite.read([file: ""], previous: site).snapshot
    #expect(site.user("731")?.user.cfnrTimeout == .seconds(20))
    site = TestSite.read([file: "soon"], previous: site).snapshot
    #expect(site.user("731")?.user.cfnrTimeout == .seconds(20))
  }

  @Test("The last good value may be none, a list, or a secret")
  func lastGoodKinds() {
    var site = TestSite.read(["MaxDuration.txt": "none", "731/Fork.txt": "1,2", "732/Password.txt": "old"]).snapshot
    site =
      TestSite.read(["MaxDuration.txt": "x", "731/Fork.txt": "x", "732/Password.txt": "\u{1}"], previous: site)
      .snapshot
    #expect(site.maxDuration == nil && site.user("731")?.user.forks.map(\.number) == ["1", "2"])
    #expect(site.user("732")?.password?.secret == "old")
  }

  @Test("Every fault has a path, a problem and what was expected; no text is quoted at length")
  func faults() {
    let reading = TestSite.read(["Listen.txt": String(repeating: "ä", count: 5000), "MaxCalls.txt": "lots"])
    for fault in reading.faults {
      #expect(!fault.path.isEmpty && !fault.problem.isEmpty && !fault.expected.isEmpty)
      #expect(fault.problem.count < 120)
    }
    #expect(
      reading.faults.last?.description
        == "MaxCalls.txt: error: “lots” is not understood; expected: a number, 1 to 10000")
  }

  @Test("Random bytes in every file break nothing")
  func randomBytes() {
    var dice = SeededGenerator(seed: 1)
    let names = [
      "XMLnumber.txt", "TickeNR.TXT", "Listen.txt", "RTPPorts.txt", "731/Contact.txt", "731/Fork.txt", "731/CFNR.txt",
      "trunks/A/Host.txt", "trunks/A/Addresses.txt", "queues/Q/Number.txt", "queues/Q/OnSilence.txt",
      "sms/CODEMA/URL.txt",
      "sms/CODEMA/Body.txt", "sms/CODEMA/Header1.txt", "sms/CODEMA/Success.txt", "forwards/TED_CFU/Target.txt",
      "SMSprefix.txt", "731/SMSNumber.txt", "MaxCalls.txt", "trunks/A/Prefix.txt", "queues/Q/Hold.wav",
    ]
    let spice = Array("0123456789:.,-/*#+@[]{}%;= siptcpudpx\u{FEFF}é".utf8)
    var previous: SiteSnapshot?
    for _ in 0..<500 {
      var files: [String: [UInt8]] = [:]
      for name in names where Bool.random(using: &dice) {
        files[name] = (0..<Int.random(in: 0...24, using: &dice)).map { _ in
          Int.random(in: 0...9, using: &dice) == 0
            ? UInt8.random(in: 0...255, using: &dice) : spice.randomElement(using: &dice) ?? 0
        }
      }
      previous = SiteReading(files: files, previous: previous).snapshot
    }
    #expect(previous != nil)
  }
}
