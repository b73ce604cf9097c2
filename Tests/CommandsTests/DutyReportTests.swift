import Commands
import PikettTesting
import Site
import Testing

@Suite("pikett duty")
struct DutyReportTests {
  /// The golden files are `data/fixtures/commands/duty-SITE.txt`.
  @Test("What is printed of a site", arguments: ["article", "several", "loop", "empty", "broken"])
  func golden(site: String) throws {
    let report = DutyReport(try fixtureReading(site).snapshot)
    let mismatch = goldenMismatch(report.text, name: "duty-\(site)", folder: "commands")
    #expect(mismatch == nil, "\(mismatch ?? "")")
    #expect(!report.text.contains("HIDDEN"))
  }

  @Test("A user is named as in a CFU's target")
  func names() throws {
    let site = try fixtureReading("article").snapshot
    for text in ["732", "799732", "799*732", "7 32"] { #expect(site.user(named: text)?.number == "732", "\(text)") }
    for text in ["", "799", "799*", "735", "Tech2", "799799732", "+732"] {
      #expect(site.user(named: text) == nil, "\(text)")
    }
  }

  @Test("Of a phone that registers here it is said whether it is registered, where that is known")
  func registered() throws {
    let site = SiteReading(files: [
      "731/Password.txt": Array("a".utf8), "731/CFNR.txt": Array("732".utf8), "732/Password.txt": Array("b".utf8),
      "732/CFNR.txt": Array("733".utf8), "733/Contact.txt": Array("sip:733@192.0.2.7".utf8),
    ]).snapshot
    func phones(_ registered: Set<String>?) -> [String] {
      DutyReport(site, registered: registered).text.split(separator: "\n").compactMap { line in
        let cells = line.split(separator: " ").map(String.init)
        guard cells.count > 2, Int(cells[0]) != nil else { return nil }
        return cells[2...].prefix { $0 != "-" }.joined(separator: " ")
      }
    }
    #expect(phones(nil) == ["registers", "registers", "sip:733@192.0.2.7"])
    #expect(phones(["731", "733"]) == ["registered", "not registered", "sip:733@192.0.2.7"])
    #expect(phones([]) == ["not registered", "not registered", "sip:733@192.0.2.7"])
  }
}
