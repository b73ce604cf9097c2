import Site
import Testing

@testable import Switchboard

@Suite struct RestartNoteTests {
  private func site(_ files: [String: String]) -> SiteSnapshot {
    SiteReading(files: files.mapValues { Array($0.utf8) }).snapshot
  }

  @Test func whatCountsAfterARestartIsTold() {
    let start = site(["TimeZone.txt": "Europe/Rome"])
    let now = site(["Listen.txt": "udp:127.0.0.1:5070", "State.txt": "/var/lib/pikett", "MaxCalls.txt": "7"])
    #expect(
      RestartNote.notes(running: start, before: start, now: now) == [
        RestartNote(
          file: "Listen.txt", value: "udp:127.0.0.1:5070", running: "udp:0.0.0.0:5060,tcp:0.0.0.0:5060"),
        RestartNote(file: "State.txt", value: "/var/lib/pikett", running: "state"),
        RestartNote(file: "TimeZone.txt", value: "the system's", running: "Europe/Rome"),
      ])
  }

  @Test func itIsToldOnceAndNotWhenItIsAsItRuns() {
    let start = site([:])
    let edited = site(["State.txt": "other"])
    #expect(RestartNote.notes(running: start, before: edited, now: edited) == [])
    #expect(RestartNote.notes(running: start, before: edited, now: start) == [])
    #expect(
      RestartNote.notes(running: start, before: edited, now: site(["State.txt": "third"])).map(\.value) == ["third"])
  }
}
