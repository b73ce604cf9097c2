import Commands
import Disk
import PikettTesting
import Site
import Telephony
import Testing

@Suite("pikett check")
struct CheckReportTests {
  /// The golden files are `data/fixtures/check/SITE.txt`.
  @Test("What is printed of a site", arguments: ["article", "several", "loop", "empty", "broken"])
  func golden(site: String) throws {
    let report = try report(of: site)
    let mismatch = goldenMismatch(report.text, name: site, folder: "check")
    #expect(mismatch == nil, "\(mismatch ?? "")")
  }

  @Test(
    "The exit code's reason", arguments: [("article", false), ("several", false), ("empty", true), ("broken", true)])
  func errors(site: String, hasErrors: Bool) throws {
    #expect(try report(of: site).hasErrors == hasErrors)
  }

  @Test("No secret of the sites is printed", arguments: ["article", "several", "loop", "broken"])
  func secrets(site: String) throws {
    #expect(try !report(of: site).text.contains("HIDDEN"))
  }

  @Test("Faults of the machine are told and counted with the site's, sorted by path, each once")
  func extraFaults() throws {
    let reading = try fixtureReading("article")
    #expect(!CheckReport(reading).hasErrors)
    let warning = SiteFault("Recording.txt", "the disk has only 3 MB left", expected: "100 MB", .warning)
    let error = SiteFault("731/Name.txt", "cannot be read: Permission denied", expected: "the name")
    let report = CheckReport(reading, extra: [warning, error, warning])
    #expect(report.hasErrors)
    #expect(
      report.text.hasSuffix(
        """

        731/Name.txt: error: cannot be read: Permission denied; expected: the name
        733/Confirm.txt: warning: rung through GW14 without a key to confirm; expected: that voicemail, CFU and CFNR \
        of 733 are off in the PBX, or a key in this file
        Recording.txt: warning: the disk has only 3 MB left; expected: 100 MB

        check: 1 error, 2 warnings

        """))
  }

  @Test("Warnings alone are no errors")
  func warningsOnly() throws {
    let report = CheckReport(
      try fixtureReading("article"), extra: [SiteFault("a", "b", expected: "c", .warning)])
    #expect(!report.hasErrors && report.text.hasSuffix("\na: warning: b; expected: c\n\ncheck: 0 errors, 2 warnings\n"))
  }

  @Test("What a file holds cannot steer the terminal")
  func steering() {
    let reading = SiteReading(files: [
      "731/Name.txt": Array("Tech\u{202E}1\u{9B}2".utf8), "MaxCalls.txt": Array("\u{202E}99".utf8),
    ])
    let text = CheckReport(reading, extra: [SiteFault("a\u{1B}[2Jb", "c\nd", expected: "e\u{7}f")]).text
    #expect(text.contains("Tech?1?2"))
    #expect(text.contains("MaxCalls.txt: error: “?99” is not understood"))
    #expect(text.contains("a?[2Jb: error: c?d; expected: e?f\n"))
    #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" })
    #expect(!text.unicodeScalars.contains("\u{202E}"))
  }

  @Test("A sound that cannot be decoded is not the queue's own")
  func brokenSound() throws {
    let reading = try fixtureReading("several")
    #expect(CheckReport(reading).text.contains("its own"))
    let faults = ["Announcement", "Hold"].map {
      SiteFault("queues/Night/\($0).wav", "ends within its head", expected: "a WAV file")
    }
    let text = CheckReport(reading, extra: faults).text
    #expect(!text.contains("its own") && text.contains("built in (its file is broken)"))
  }

  private func report(of site: String) throws -> CheckReport {
    let reading = try fixtureReading(site)
    return CheckReport(reading, extra: timeZoneFaults(reading.snapshot, on: try diskWithOneZone()))
  }
}
