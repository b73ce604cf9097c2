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
}
