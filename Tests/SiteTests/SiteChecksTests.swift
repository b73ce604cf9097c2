import Hunting
import Site
import Telephony
import Testing

/// What no single file shows.
@Suite("Site: checks")
struct SiteChecksTests {
  private static let empty: SiteReading = SiteReading(files: [:])

  @Test("An empty site")
  func emptySite() {
    #expect(Self.empty.faults.map { "\($0.path): \($0.problem)" } == [".: there are no users"])
    #expect(!Self.empty.isSound && Self.empty.snapshot.huntPlan.firstUser(for: .onDuty(default: nil)) == nil)
  }

  @Test(
    "Errors",
    arguments: [
      (["731/CFNR.txt": "799739"], "731/CFNR.txt: leads to 739, but there is no such user: the chain ends here"),
      (["731/CFNR.txt": "731"], "731/CFNR.txt: leads back to 731 himself: nobody else is ever rung after him"),
      (
        ["731/Contact.txt": "", "InternalTrunk.txt": "none"], "731: the user cannot be rung"
      ),
      (
        ["731/Fork.txt": "347", "ExternalTrunk.txt": "none"],
        "731/Fork.txt: there is no trunk by which forks are dialled"
      ),
      (["trunks/GW14/Host.txt": ""], "trunks/GW14/Host.txt: the trunk cannot be called"),
      (["trunks/GW14/Register.txt": "yes"], "trunks/GW14/Register.txt: there is no way to register"),
      (
        ["trunks/GW14/Host.txt": "", "trunks/GW14/Login.txt": "gw"],
        "trunks/GW14/Password.txt: a gateway that registers here needs a password"
      ),
      (
        [
          "trunks/GW14/Host.txt": "", "trunks/GW14/Login.txt": "731", "trunks/GW14/Password.txt": "x",
          "731/Password.txt": "y",
        ],
        "trunks/GW14/Login.txt: 731 is a user, who registers with it"
      ),
      (
        [
          "trunks/GW14/Host.txt": "", "trunks/GW14/Login.txt": "gw", "trunks/GW14/AuthUser.txt": "731",
          "trunks/GW14/Password.txt": "x", "731/Password.txt": "y",
        ],
        "trunks/GW14/AuthUser.txt: 731 is a user, who registers with it"
      ),
      (
        [
          "trunks/GW14/Host.txt": "", "trunks/GW14/Login.txt": "gw", "trunks/GW14/Password.txt": "x",
          "trunks/GW15/Login.txt": "gw", "trunks/GW15/Password.txt": "x", "InternalTrunk.txt": "GW14",
          "ExternalTrunk.txt": "GW14",
        ],
        "trunks/GW15/Login.txt: trunk GW14 registers with gw too"
      ),
      (
        ["Listen.txt": "tls:0.0.0.0:5061", "tls/Certificate.pem": "x"],
        "tls/Key.pem: missing: nobody can connect by TLS, as Listen.txt says"
      ),
      (
        ["Listen.txt": "tls:0.0.0.0:5061", "tls/Key.pem": "x"],
        "tls/Certificate.pem: missing: nobody can connect by TLS, as Listen.txt says"
      ),
      (["trunks/GW14/Transport.txt": "tls", "tls/Key.pem": "x"], "tls/Certificate.pem: missing, but its key is there"),
      (["tls/Certificate.pem": "x"], "tls/Key.pem: missing, but its certificate is there"),
      (
        [
          "trunks/GW14/Transport.txt": "tcp", "731/Contact.txt": "sip:731@192.0.2.9;transport=tcp",
          "Listen.txt": "udp:0.0.0.0:5060",
        ], "Listen.txt: nothing listens on TCP, by which the trunk GW14, the phone of 731 would be called"
      ),
      (["SMSProvider.txt": "Kanell"], "SMSProvider.txt: there is no provider “Kanell”"),
      (["731/SMSNumber.txt": "347"], "sms/CODEMA/URL.txt: the provider has no URL, so no SMS is sent"),
      (["forwards/Rota/Target.txt": "739"], "forwards/Rota/Target.txt: leads to 739, but there is no such user"),
      (["queues/TED_WQ10/Number.txt": ""], "queues/TED_WQ10/Number.txt: the queue cannot be called"),
      (["queues/TED_WQ10/Number.txt": "731"], "queues/TED_WQ10/Number.txt: 731 is already the number of the user 731"),
      (
        ["queues/TED_WQ10/Number.txt": "799"], "queues/TED_WQ10/Number.txt: 799 is already the number of the XML number"
      ),
      (
        ["queues/TED_WQ10/Number.txt": "799732"],
        "queues/TED_WQ10/Number.txt: 799732 is already the number of the hunt beginning at 732"
      ),
      (
        ["queues/B/Number.txt": "+39,0039", "queues/B/Map1.txt": "799"],
        "queues/B/Number.txt: 0039 is already the number of the queue B"
      ),
      (["XMLnumber.txt": "731", "731/CFNR.txt": "732"], "731: the user has the XML number itself"),
      (
        ["799731/Contact.txt": "sip:1@192.0.2.9"],
        "799731: the user's number is also the XML number with another user's after it"
      ),
      (["queues/TED_WQ10/Map1.txt": ""], "queues/TED_WQ10/Map1.txt: no key leads anywhere"),
      (
        ["queues/TED_WQ10/Map2.txt": "79"],
        "queues/TED_WQ10/Map2.txt: 79 is only the beginning of a number of this site"
      ),
      (
        ["queues/TED_WQ10/MapStar.txt": "600", "InternalTrunk.txt": "none"],
        "queues/TED_WQ10/MapStar.txt: 600 is no number of this site, and there is no trunk to call it by"
      ),
      (
        ["queues/TED_WQ10/Map1.txt": "", "queues/TED_WQ10/OnSilence.txt": "proceed"],
        "queues/TED_WQ10/OnSilence.txt: proceed, but neither Map1 nor a single other map says where"
      ),
      (["trunks/GW14/Default.txt": "600"], "trunks/GW14/Default.txt: 600 is no number of this site"),
    ] as [([String: String], String)])
  func errors(changes: [String: String], expected: String) {
    let reading = TestSite.read(changes.mapValues { .some($0) })
    let errors = reading.faults.filter { $0.severity == .error }.map { "\($0.path): \($0.problem)" }
    #expect(errors == [expected])
    #expect(!reading.isSound)
  }

  @Test(
    "Warnings",
    arguments: [
      (
        ["731/Contact.txt": ""], "731/Confirm.txt: rung through GW14 without a key to confirm"
      ),
      (
        ["731/Contact.txt": "", "InternalTrunk.txt": "none", "731/Fork.txt": "347", "ExternalTrunk.txt": "GW14"],
        "731: the user has no desk phone; only his forks are rung"
      ),
      (
        ["731/CFNR.txt": "", "732/CFNR.txt": ""],
        "731/CFNR.txt: to be added: no user has a CFNR, so nobody else is called after the first"
      ),
      (
        ["trunks/GW14/Secure.txt": "required"],
        "trunks/GW14/Secure.txt: the keys of the encrypted sound go over signalling that anybody on the way can read"
      ),
      (
        ["731/Secure.txt": "optional", "731/Contact.txt": "sip:731@192.0.2.9"],
        "731/Secure.txt: the keys of the encrypted sound go over signalling that anybody on the way can read"
      ),
      (
        ["732/Secure.txt": "required", "732/Contact.txt": "", "732/Password.txt": "x"],
        "732/Secure.txt: the keys of the encrypted sound go over signalling that anybody on the way can read"
      ),
      (["732/Fork.txt": ""], "731/Fork.txt: to be added: no user has a fork"),
      (
        ["CFU.txt": "Rota"],
        "forwards/Rota/Target.txt: to be added: CFU.txt names Rota, but nothing says who is on duty"
      ),
      (
        ["queues/TED_WQ10/Map1.txt": "799*739"],
        "queues/TED_WQ10/Map1.txt: names 739 as the default user, but there is no such user"
      ),
      (
        ["731/SMSNumber.txt": "347", "sms/CODEMA/URL.txt": "http://x/{user}"],
        "731/SMSUser.txt: CODEMA asks for a user name"
      ),
      (
        ["731/SMSNumber.txt": "347", "sms/CODEMA/URL.txt": "http://x/{password}"],
        "731/SMSPassword.txt: CODEMA asks for a password"
      ),
    ] as [([String: String], String)])
  func warnings(changes: [String: String], expected: String) {
    let reading = TestSite.read(changes.mapValues { .some($0) })
    #expect(reading.faults.map { "\($0.path): \($0.problem)" } == [expected])
    #expect(reading.faults.allSatisfy { $0.severity == .warning } && reading.isSound)
  }

  @Test("An original's CF card is accepted as it is, and what was in the PBX is listed")
  func original() {
    let card = [
      "XMLnumber.txt": "799", "TickeNR.TXT": "1234", "SMSProvider.txt": "CODEMA", "SMSprefix.txt": "39",
      "CFU.txt": "TED_CFU",
      "731/SMSNumber.txt": "3470000731", "731/SMSUser.txt": "u", "731/SMSPassword.txt": "p",
      "732/SMSNumber.txt": "3470000732",
      "732/SMSUser.txt": "u", "732/SMSPassword.txt": "p", "Ticketing.xml": "<voicemail/>",
      "Ticket/12.10.2012_14.00_12.10.2012_14.00_Ticket_1233_Caller_03472619287_Called_732_END_1.txt": "",
    ]
    let reading = TestSite.read([:], base: card)
    #expect(
      reading.faults.map { "\($0.path): \($0.problem)" } == [
        "731: the user cannot be rung", "732: the user cannot be rung",
        "sms/CODEMA/URL.txt: the provider has no URL, so no SMS is sent",
        "731/CFNR.txt: to be added: no user has a CFNR, so nobody else is called after the first",
        "731/Fork.txt: to be added: no user has a fork",
        "forwards/TED_CFU/Target.txt: to be added: CFU.txt names TED_CFU, but nothing says who is on duty",
        "trunks: to be added: there is no trunk, by which a PBX or gateway calls and is called",
        "queues: to be added: there is no waiting queue",
      ])
    #expect(reading.snapshot.nextTicket.rawValue == 1234 && reading.snapshot.users.count == 2)
  }

  @Test("What is sound")
  func sound() {
    #expect(TestSite.problems(["731/Contact.txt": "", "731/Confirm.txt": "1"]) == [])
    #expect(TestSite.problems(["731/CFNR.txt": ""]) == [])
    #expect(TestSite.problems(["queues/TED_WQ10/Map2.txt": "600"]) == [])
    #expect(TestSite.problems(["queues/TED_WQ10/Map2.txt": "720", "queues/TED_WQ10/Map3.txt": "732"]) == [])
    #expect(TestSite.problems(["731/SMSNumber.txt": "347", "SMSProvider.txt": "kannel"]) == [])
    #expect(TestSite.problems(["731/SMSNumber.txt": "347", "SMSProvider.txt": "none"]) == [])
  }
}
