import Commands
import Disk
import Glibc
import PikettTesting
import Site
import Telephony
import Testing

@Suite("What only the machine can tell of a site")
struct SurroundingsTests {
  @Test("An unknown time zone is told with what was expected")
  func timeZone() throws {
    let disk = try diskWithOneZone()
    #expect(timeZoneFaults(site(["TimeZone.txt": "Europe/Rome"]), on: disk).isEmpty)
    #expect(timeZoneFaults(site([:]), on: disk).isEmpty)
    #expect(
      timeZoneFaults(site(["TimeZone.txt": "Rom"]), on: disk).map(\.description) == [
        "TimeZone.txt: error: “Rom” is no time zone that this machine knows; "
          + "expected: an IANA name such as Europe/Rome (and the package tzdata)"
      ])
  }

  @Test("Directories that are there, or can be made, are well")
  func writable() throws {
    try inTemporaryFolder { folder in
      try RealFilesystem().makeDirectory(folder + "/ticket")
      #expect(errors(directoryFaults(site([:]), at: folder)).isEmpty)
      #expect(errors(directoryFaults(site(["Recording.txt": folder + "/deep/down"]), at: folder)).isEmpty)
    }
  }

  @Test("A file where a directory is to be, or above it")
  func files() throws {
    try inTemporaryFolder { folder in
      try RealFilesystem().create(folder + "/ticket", [], sync: false)
      try RealFilesystem().create(folder + "/disk", [], sync: false)
      let faults = directoryFaults(site(["State.txt": "disk/state", "Recording.txt": "none"]), at: folder)
      #expect(
        errors(faults) == [
          "ticket: error: is no directory; expected: a directory",
          "disk/state: error: \(folder)/disk is no directory; expected: a directory",
        ])
    }
  }

  @Test("A directory that cannot be written to, and one that cannot be made")
  func unwritable() throws {
    try inTemporaryFolder { folder in
      // A link to itself refuses even root.
      try #require(symlink("recording", folder + "/recording") == 0)
      #expect(
        errors(directoryFaults(site([:]), at: folder)) == [
          "recording: error: cannot be written to: Too many levels of symbolic links; "
            + "expected: the right to write there for the user who runs Pikett"
        ])
      let below = directoryFaults(site(["Recording.txt": "recording/calls"]), at: folder)
      #expect(below.map(\.path) == ["recording/calls"])
    }
  }

  @Test("A next ticket that has been drawn before is a warning; it is the owner's will")
  func ticketNumber() throws {
    let disk = MemoryFilesystem()
    try disk.makeDirectory("/site/ticket")
    #expect(ticketFaults(site([:]), at: "/site", on: disk).isEmpty)
    for name in [
      "12.10.2012_14.00_12.10.2012_14.05_Ticket_99_Caller_03472619287_Called_732_1.txt",
      "12.10.2012_14.05_12.10.2012_14.06_Ticket_100_Caller_03472619287_Called_731_END_1.txt",
      "12.10.2012_14.05_12.10.2012_14.06_Ticket_x_Caller_Ticket_900_Called_731_END_1.txt", "Ticket_800.txt",
    ] { try disk.create("/site/ticket/" + name, [], sync: false) }
    #expect(
      ticketFaults(site(["TickeNR.TXT": "100"]), at: "/site", on: disk).map(\.description) == [
        "TickeNR.TXT: warning: the next ticket is 100, but there are tickets up to 100 already; "
          + "expected: a higher number, unless numbers shall be used again"
      ])
    #expect(ticketFaults(site(["TickeNR.TXT": "101"]), at: "/site", on: disk).isEmpty)
    #expect(ticketFaults(site([:]), at: "/nowhere", on: disk).isEmpty)
  }

  private func errors(_ faults: [SiteFault]) -> [String] {
    faults.filter { $0.severity == .error }.map(\.description)
  }

  private func site(_ files: [String: String]) -> SiteSnapshot {
    SiteReading(files: files.mapValues { Array($0.utf8) }).snapshot
  }
}
