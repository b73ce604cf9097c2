import Disk
import Hunting
import Records
import Telephony
import Testing

@Suite("the CDR file")
struct CDRLineTests {
  private func line(answer: Int? = 40, dialled: String = "720", origin: String = "GW14") -> CDRLine {
    CDRLine(
      origin: origin, call: "1350050400.000317", ring: Scene.at(0), answer: answer.map { Scene.at($0) },
      hangUp: Scene.at(100), answeredExtension: "732", dialled: dialled, caller: "03472619287",
      cause: .normalClearing, ticket: TicketNumber(rawValue: 1234))
  }

  @Test("14 fields, in the order of the original")
  func fields() {
    #expect(
      line().text(.utc)
        == "GW14|1350050400.000317|1350050400|1350050440|1350050500|2012-10-12 14:00:00|732|720|03472619287|40|60|16||1234"
    )
    #expect(
      line(answer: nil).text(.utc)
        == "GW14|1350050400.000317|1350050400||1350050500|2012-10-12 14:00:00|732|720|03472619287|100|0|16||1234")
    #expect(line().fileName(.utc) == "pim_cdr_201210.log")
  }

  @Test("no value can forge a field or a line")
  func sanitized() {
    let text = line(dialled: "7|2\n0\r\u{0}", origin: String(repeating: "x", count: 5000)).text(.utc)
    #expect(text.split(separator: "|", omittingEmptySubsequences: false).count == 14)
    #expect(!text.contains { $0.isNewline })
    #expect(text.contains("|7 2 0  |"))
    #expect(text.utf8.count < 300)
  }

  @Test("a line that a crash has torn is cut off and written whole, once")
  func torn() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.end("1350050400.000001", lastHop: nil, at: 10)
    scene.end("1350050400.000002", lastHop: nil, at: 20)
    scene.work()
    let whole = scene.cdrLines
    #expect(whole.count == 2)
    for cut in 1...60 {
      let after = disk.afterKill()
      let file = try after.openForAppend("site/cdr/pim_cdr_201210.log")
      let size = try #require(try after.status("site/cdr/pim_cdr_201210.log")).size
      try file.truncate(to: size - cut)
      #expect(try Scene(after).cdrLines == whole)
    }
  }

  @Test("what a peer put into a number comes through the journal unharmed")
  func journaled() throws {
    let disk = Scene.emptyDisk()
    let results = Log<HopResult>()
    var scene = try Scene(disk)
    let nasty = "7%0A\t2=0\n\u{85}\u{2028}é|\r"
    scene.keeper.openHop(
      HopOpening(
        call: "1350050400.1", hop: .first, user: "732", caller: CallerName("+39 0471/../..\n"), start: Scene.at(0),
        origin: nasty, dialled: nasty), draw: TicketDraw()
    ) { results.add($0) }
    scene.work()
    let after = try Scene(disk.afterPowerCut(seed: nil))
    #expect(after.ticketFiles.count == 1)
    #expect(after.ticketFiles.first?.contains("_Caller_+39-0471-..-..-_Called_732_END_1.txt") == true)
    #expect(after.cdrLines.count == 1)
    #expect(after.cdrLines.first?.contains("|7%0A 2=0 \u{85}\u{2028}é  |") == true)
  }
}
