import Commands
import Hunting
import PikettTesting
import Site
import Telephony
import Testing

/// The directory `TicketSMS` of the innovaphone article, as it stands on the compact flash card of a PBX: made by a
/// Windows editor, with what else lies there.
@Suite("A directory of the original")
struct MemoryCardTests {
  private static let card: [String: [UInt8]] = [
    "XMLnumber.txt": Array("799\r\n".utf8), "TickeNR.TXT": Array("1234".utf8),
    "SMSPROVIDER.TXT": Array("CODEMA \r\n".utf8), "smsprefix.txt": Array("39\r\n\r\n".utf8),
    "CFU.txt": [0xEF, 0xBB, 0xBF] + Array("TED_CFU\r\n".utf8),
    "731/SMSNumber.txt": Array("3472619287\r\n".utf8),
    // "ufficio à" and "HIDDENé" in Windows-1252.
    "731/SMSUser.txt": Array("ufficio ".utf8) + [0xE0, 0x0D, 0x0A],
    "731/SMSPassword.txt": Array("HIDDEN".utf8) + [0xE9, 0x0D, 0x0A],
    "732/SMSNUMBER.TXT": Array("+393482619288\r\n".utf8), "732/SMSUser.txt": Array("gas\r\n".utf8),
    "732/SMSPassword.txt": Array("HIDDEN732\r\n".utf8),
    // What belongs to the original alone.
    "TicketSMS.xml": Array("<?xml version=\"1.0\"?><voicemail/>".utf8), "TicketSMS.zip": [0x50, 0x4B, 3, 4, 0, 0],
    "Thumbs.db": [0xD0, 0xCF, 0x11, 0xE0], "RECYCLER/": [], "announce.g711a": [0xD5, 0xD5],
    "731/Thumbs.db": [0xD0, 0xCF],
  ]

  private static let sms: [String: [UInt8]] = ["CODEMA/Success.txt": Array("2xx\n".utf8)]

  /// The golden file is `data/fixtures/check/memory-card.txt`.
  @Test("It is accepted as it is; what the PBX knew is told as to be added")
  func golden() {
    let report = CheckReport(SiteReading(files: Self.card, builtInProviders: Self.sms))
    let mismatch = goldenMismatch(report.text, name: "memory-card", folder: "check")
    #expect(mismatch == nil, "\(mismatch ?? "")")
    #expect(!report.text.contains("HIDDEN"))
  }

  @Test("Its values are understood, whatever their spelling, line ends and encoding")
  func values() throws {
    let site = SiteReading(files: Self.card, builtInProviders: Self.sms).snapshot
    #expect(site.xmlNumber.digits == "799" && site.nextTicket.rawValue == 1234 && site.smsProviders == ["CODEMA"])
    #expect(site.users.map(\.number) == ["731", "732"] && site.cfuName == "TED_CFU")
    let first = try #require(site.user("731")?.smsRoutes.first)
    #expect(first.number == "393472619287" && first.provider.user == "ufficio à")
    #expect(first.provider.password?.secret == "HIDDENé")
    #expect(site.user("732")?.smsRoutes.first?.number == "+393482619288")
  }

  @Test("With what is to be added it is a line that works")
  func completed() {
    var files = Self.card
    for (path, value) in [
      "731/CFNR.txt": "799732", "732/CFNR.txt": "799731", "731/Fork.txt": "3472619287", "732/Fork.txt": "3482619288",
      "731/Confirm.txt": "1", "732/Confirm.txt": "1", "forwards/TED_CFU/Target.txt": "732",
      "queues/TED_WQ10/Number.txt": "720", "queues/TED_WQ10/Map1.txt": "799*731", "trunks/GW14/Host.txt": "192.0.2.1",
      "trunks/GW14/Default.txt": "799*731", "sms/CODEMA/URL.txt": "https://sms.example.net/?to={digits}&text={text}",
    ] { files[path] = Array(value.utf8) }
    let report = CheckReport(SiteReading(files: files, builtInProviders: Self.sms))
    #expect(report.text.hasSuffix("\n\ncheck: 0 errors, 0 warnings\n"), "\(report.text)")
    #expect(report.text.contains("  on duty  732 → 731 → back to 732\n"))
  }

  @Test("Two names that differ in case only are told, of files and of directories")
  func twins() {
    var files = Self.card
    files["smsPrefix.TXT"] = Array("41".utf8)
    files["731/smsnumber.txt"] = Array("347".utf8)
    files["queues/Night/Number.txt"] = Array("720".utf8)
    files["queues/NIGHT/Number.txt"] = Array("721".utf8)
    let report = CheckReport(SiteReading(files: files, builtInProviders: Self.sms))
    #expect(report.hasErrors)
    for (path, twin) in [
      ("smsPrefix.TXT", "smsprefix.txt"), ("731/SMSNumber.txt", "731/smsnumber.txt"), ("queues/Night", "NIGHT"),
    ] {
      #expect(
        report.text.contains("\n\(path): error: stands there twice, as ") && report.text.contains(twin), "\(path)")
    }
  }
}
