import Disk
import Hunting
import Records
import Spool
import Telephony
import Testing

@Suite("TickeNR.TXT")
struct CounterTests {
  private func write(_ text: String, _ disk: MemoryFilesystem, name: String = "TickeNR.TXT") throws {
    try disk.replace("site/\(name)", Array(text.utf8), sync: true)
  }

  private func call(_ scene: inout Scene, _ id: Int) -> UInt64? {
    let call = "1350050400.00\(id)"
    scene.open(call, 1, "732", at: id)
    scene.end(call, lastHop: 1, at: id + 1)
    scene.work()
    return scene.results.all.last?.number.rawValue
  }

  @Test("missing and blank are 1; the owner's number counts, also a lower one")
  func ownersWill() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    #expect(call(&scene, 1) == 1)
    try write("500\r\nremark of the owner\r\n", disk)
    #expect(call(&scene, 2) == 500)
    #expect(scene.counterText == "501\r\nremark of the owner\r\n")
    #expect(call(&scene, 3) == 501)
    try write("7", disk)
    #expect(call(&scene, 4) == 7)
    #expect(scene.keeper.nextNumber.rawValue == 8)
    #expect(scene.notes.all.contains(.counterSet(TicketNumber(rawValue: 7))))
  }

  @Test("a file emptied a moment ago is an editor at work; one that stays blank is 1")
  func editor() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    try write("500", disk)
    #expect(call(&scene, 1) == 500)
    disk.setTime(Scene.at(599))
    try write("", disk)
    #expect(call(&scene, 2) == 501)
    disk.setTime(Scene.at(590))
    try write(" \n", disk)
    #expect(call(&scene, 3) == 1)
  }

  @Test("what is no number is told, and the count goes on")
  func notUnderstood() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    #expect(call(&scene, 1) == 1)
    try write("twelve", disk)
    #expect(call(&scene, 2) == 2)
    #expect(scene.notes.all.contains(.counterNotUnderstood(path: "site/TickeNR.TXT", text: "twelve")))
    #expect(scene.counterText == "3\n")
  }

  @Test("the name is found in any case")
  func spelling() throws {
    let disk = Scene.emptyDisk()
    try write("41\n", disk, name: "TICKENR.txt")
    var scene = try Scene(disk)
    #expect(call(&scene, 1) == 41)
    #expect(scene.counterText == nil)
    #expect(try disk.read("site/TICKENR.txt", limit: 100) == Array("42\n".utf8))
  }

  @Test("after a crash a value that Pikett wrote is a lost write, any other the owner's will")
  func afterCrash() throws {
    let disk = Scene.emptyDisk()
    try write("100\n", disk)
    var scene = try Scene(disk)
    for id in 1...3 { _ = call(&scene, id) }
    for (text, next) in [
      ("100\n", 103), ("101\n", 103), ("103\n", 103), ("", 103), ("10", 103), ("50\n", 50), ("2000\n", 2000),
    ] as [(String, UInt64)] {
      let after = disk.afterKill()
      try write(text, after)
      #expect(try Scene(after).keeper.nextNumber.rawValue == next, "\(text)")
    }
  }

  @Test("after a clean stop every value is the owner's will")
  func afterCleanStop() throws {
    let disk = Scene.emptyDisk()
    try write("100\n", disk)
    var scene = try Scene(disk)
    for id in 1...3 { _ = call(&scene, id) }
    scene.keeper.stop()
    for (text, next) in [("100\n", 100), ("103\n", 103), ("", 1), ("50\n", 50)] as [(String, UInt64)] {
      let after = disk.afterKill()
      try write(text, after)
      #expect(try Scene(after).keeper.nextNumber.rawValue == next, "\(text)")
    }
  }

  @Test("a number that comes again within the minute takes the next serial, and its message is another one")
  func serial() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    for _ in 1...3 {
      try write("9\n", disk)
      // One caller, one minute, one number, but three calls.
      let call = "1350050400.\(scene.results.all.count)"
      scene.open(call, 1, "732", at: 1)
      scene.end(call, lastHop: 1, at: 2)
      scene.work()
    }
    #expect(scene.results.all.map(\.number.rawValue) == [9, 9, 9])
    #expect(scene.numbers == [9, 9, 9])
    #expect(scene.messages(.sms).map(\.id).sorted() == ["9-sms", "9-sms-2", "9-sms-3"])
    let after = try Scene(disk.afterPowerCut(seed: nil))
    #expect(after.numbers == [9, 9, 9])
    #expect(after.messages(.sms).count == 3)
  }

  @Test("a command sets the number; the daemon and the command do not write at once")
  func command() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    #expect(call(&scene, 1) == 1)
    #expect(try readTicketCounter(site: "site", on: disk)?.rawValue == 2)
    try writeTicketCounter(TicketNumber(rawValue: 1000), site: "site", state: "site/state", on: disk)
    #expect(scene.counterText == "1000\n")
    let held = try disk.lock("site/state/write.lock")
    #expect(call(&scene, 2) == 1000)
    #expect(!scene.notes.all.contains { if case .fault = $0 { true } else { false } })
    #expect(throws: DiskError.self) {
      try writeTicketCounter(TicketNumber(rawValue: 5), site: "site", state: "site/state", on: disk)
    }
    #expect(scene.counterText == "1000\n")
    held.release()
    scene.keeper.tick()
    #expect(scene.counterText == "1001\n")
    #expect(call(&scene, 3) == 1001)
  }

  @Test("a site that is read-only keeps its count in the journal")
  func readOnlySite() throws {
    let disk = Scene.emptyDisk()
    try write("100\n", disk)
    disk.plan { $0.path.contains("TickeNR") ? .failed(30) : .done }
    var scene = try Scene(disk)
    #expect(call(&scene, 1) == 100)
    scene.keeper.tick()
    #expect(call(&scene, 2) == 101)
    scene.keeper.tick()
    scene.keeper.stop()
    let after = disk.afterKill()
    after.plan { $0.path.contains("TickeNR") ? .failed(30) : .done }
    var second = try Scene(after)
    #expect(call(&second, 3) == 102)
    #expect(try after.read("site/TickeNR.TXT", limit: 100) == Array("100\n".utf8))
  }

  @Test("a serial that is promised to a file which could not be created yet is not given again")
  func promisedSerial() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    disk.plan { $0.operation == .create && $0.path.contains("/ticket/") ? .failed(28) : .done }
    for _ in 1...2 {
      try write("9\n", disk)
      let call = "1350050400.\(scene.results.all.count)"
      scene.keeper.openHop(
        HopOpening(call: call, hop: .first, user: "732", caller: .anonymous, start: Scene.start),
        draw: TicketDraw()
      ) { [results = scene.results] in results.add($0) }
      scene.end(call, lastHop: 1, at: 2)
      scene.work()
    }
    disk.plan(nil)
    scene.keeper.tick()
    #expect(scene.ticketFiles.map { String($0.suffix(10)) } == ["_END_1.txt", "_END_2.txt"])
    #expect(scene.numbers == [9, 9])
  }

  @Test("equal names take serials 1 and 2")
  func equalNames() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    try disk.makeDirectory("site/ticket")
    let stem = "12.10.2012_14.00_12.10.2012_14.00_Ticket_1_Caller_03471350050400001_Called_732_END"
    try disk.create("site/ticket/\(stem)_1.txt", [], sync: false)
    scene.open("1350050400.001", 1, "732", at: 1)
    scene.end("1350050400.001", lastHop: 1, at: 2)
    scene.work()
    #expect(scene.ticketFiles == ["\(stem)_1.txt", "\(stem)_2.txt"])
  }
}
