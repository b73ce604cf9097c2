import Disk
import Glibc
import Hunting
import Records
import Spool
import Telephony
import Testing

@Suite("full, read-only and slow disks")
struct DiskFaultTests {
  @Test("no space at one step: everything is made good without a restart", arguments: [ENOSPC, EROFS, EIO])
  func oneFault(code: Int32) throws {
    for step in PowerCutTests.stepsOfCalls {
      let disk = Scene.emptyDisk()
      disk.plan { $0.number == step ? .failed(code) : .done }
      var scene = try Scene(disk)
      scene.playScript()
      scene.keeper.tick()
      checkWhole(scene, "errno \(code) at step \(step)")
      #expect(scene.results.all.map(\.number.rawValue) == [1, 2, 3, 4, 5])
      #expect(scene.keeper.isIdle)
      // And the journal tells the same story afterwards.
      let second = try Scene(disk.afterKill(), results: scene.results)
      checkWhole(second, "after a start, errno \(code) at step \(step)")
    }
  }

  @Test("no space for a long while: calls go on, and the records follow")
  func longFault() throws {
    for step in PowerCutTests.stepsOfCalls {
      let disk = Scene.emptyDisk()
      disk.plan { $0.number >= step ? .failed(ENOSPC) : .done }
      var scene = try Scene(disk)
      scene.playScript()
      #expect(scene.results.all.map(\.number.rawValue) == [1, 2, 3, 4, 5], "every hop gets its number, step \(step)")
      #expect(scene.notes.all.contains { if case .fault = $0 { true } else { false } })
      disk.plan(nil)
      scene.keeper.tick()
      checkWhole(scene, "mended after step \(step)")
      #expect(scene.notes.all.contains(.mended))
    }
  }

  @Test("a crash after a spell of faults: no number has two files, and none that was promised is missing")
  func faultsThenCrash() throws {
    for first in PowerCutTests.stepsOfCalls {
      for length in [1, 4, 15] {
        let disk = Scene.emptyDisk()
        disk.plan { (first..<first + length).contains($0.number) ? .failed(EIO) : .done }
        var scene = try Scene(disk)
        scene.playScript()
        for rest in [disk.afterKill(), disk.afterPowerCut(seed: UInt64(first))] {
          let second = try Scene(rest, results: scene.results)
          let numbers = second.numbers
          #expect(Set(numbers).count == numbers.count, "\(first) + \(length): \(second.ticketFiles)")
          for case .durable(let number) in scene.results.all {
            #expect(numbers.contains(number.rawValue), "\(first) + \(length): \(number)")
          }
        }
      }
    }
  }

  @Test(
    "what could not be written is not taken for done: the next start writes it", arguments: ["/cdr", "/ticket", "/im"])
  func leftOver(place: String) throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    disk.plan { $0.operation != .sync && $0.path.contains(place + "/") ? .failed(ENOSPC) : .done }
    scene.playScript()
    for rest in [disk.afterKill(), disk.afterPowerCut(seed: nil)] {
      checkWhole(try Scene(rest, results: scene.results), "no space in \(place)")
    }
  }

  @Test("a crash during a fault is told at the next start")
  func crashDuringFault() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    // The disk takes no bytes any more, but an empty file.
    disk.plan { $0.operation == .write ? .failed(ENOSPC) : .done }
    scene.open("1350050400.000001", 1, "732", at: 0)
    scene.work()
    guard case .failed(let number, let error)? = scene.results.all.first else {
      Issue.record("the hop's record cannot have been durable")
      return
    }
    #expect(number.rawValue == 1)
    #expect(
      error.description
        == "site/state/journal: cannot be written: No space left on device (free some space on this disk)")
    let after = disk.afterKill()
    try after.makeDirectory("site/recording")
    after.setTime(Scene.at(700))
    try after.create("site/recording/12.10.2012_14.00_Ticket_1_Caller_0347.pcap", [1], sync: false)
    let second = try Scene(after)
    #expect(second.notes.all.contains(.ticketsMayBeMissing))
    #expect(
      second.notes.all.contains(
        .ticketMissing(TicketNumber(rawValue: 1), recording: "12.10.2012_14.00_Ticket_1_Caller_0347.pcap")))
    #expect(second.keeper.nextNumber.rawValue == 2, "a number that was told to somebody is not drawn again")
    let third = try Scene(after.afterKill())
    #expect(!third.notes.all.contains(.ticketsMayBeMissing), "told once")
  }

  @Test("a slow disk: the event loop decides the number, the record follows with it")
  func slowDisk() throws {
    let disk = Scene.emptyDisk()
    let queue = ManualDiskQueue()
    let keeper = try Scene(disk).keeper
    let records = Records(keeper, queue: queue) { $0() }
    let results = Log<HopResult>()
    let draws = (1...4).map { hop in
      records.openHop(opening("1350050400.00000\(hop)")) { results.add($0) }
    }
    // The disk has not moved; half a second is over for the first and the third.
    #expect(records.decide(draws[0]).rawValue == 1)
    #expect(records.decide(draws[2]).rawValue == 2)
    #expect(records.decide(draws[2]).rawValue == 2)
    #expect(results.all.isEmpty)
    queue.runAll()
    #expect(results.all.map(\.number.rawValue) == [1, 3, 2, 4])
    #expect(draws.map(\.number?.rawValue) == [1, 3, 2, 4])
    #expect(records.decide(draws[1]).rawValue == 3)
    #expect(records.nextNumber.rawValue == 5)
    let after = try Scene(disk.afterPowerCut(seed: nil))
    #expect(after.numbers == [1, 2, 3, 4])
    #expect(after.keeper.nextNumber.rawValue == 5)
  }

  @Test("a draw that the loop has decided, while the owner has written another number")
  func slowDiskAndOwner() throws {
    let disk = Scene.emptyDisk()
    let queue = ManualDiskQueue()
    let records = Records(try Scene(disk).keeper, queue: queue) { $0() }
    let draws = (1...3).map { records.openHop(opening("1350050400.00000\($0)")) { _ in } }
    #expect(records.decide(draws[0]).rawValue == 1)
    try disk.replace("site/TickeNR.TXT", Array("70\n".utf8), sync: false)
    queue.runAll()
    #expect(draws.map(\.number?.rawValue) == [1, 70, 71])
    #expect(try disk.read("site/TickeNR.TXT", limit: 100) == Array("72\n".utf8))
  }

  @Test("hops of several calls in one batch cost one sync")
  func groupCommit() throws {
    let disk = Scene.emptyDisk()
    let queue = ManualDiskQueue()
    let records = Records(try Scene(disk).keeper, queue: queue) { $0() }
    records.openHop(opening("1350050399.000000")) { _ in }
    queue.runAll()
    let syncs = Log<String>()
    disk.plan {
      if $0.operation == .sync { syncs.add($0.path) }
      return .done
    }
    for call in 1...20 { records.openHop(opening("1350050400.0000\(call)")) { _ in } }
    queue.runAll()
    #expect(syncs.all == ["site/state/journal"])
  }

  @Test("a second daemon on a site is refused")
  func lock() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    #expect {
      try Scene(disk)
    } throws: { error in
      (error as? DiskError)?.isLocked == true
    }
    scene.keeper.stop()
    _ = try Scene(disk)
  }

  @Test("a damaged journal is told, and what can be read of it counts")
  func damagedJournal() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.playScript()
    let after = disk.afterKill()
    var bytes = try after.read("site/state/journal", limit: 1 << 20)
    bytes[bytes.count / 2] ^= 1
    bytes += Array("torn tail".utf8)
    try after.replace("site/state/journal", bytes, sync: true)
    let second = try Scene(after)
    #expect(second.notes.all.contains(.journalDamaged(path: "site/state/journal", lines: 1)))
    #expect(second.keeper.nextNumber.rawValue == 6)
  }

  @Test("any bytes in place of the journal do not stop the start")
  func garbageJournal() throws {
    var random = SeededGenerator(seed: 4)
    for size in [0, 1, 9, 100, 5000] {
      let disk = Scene.emptyDisk()
      try disk.makeDirectory("site/state")
      try disk.create(
        "site/state/journal", (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }, sync: true)
      var scene = try Scene(disk)
      scene.playScript()
      checkWhole(scene, "\(size) bytes of garbage")
      checkWhole(try Scene(disk.afterKill()), "\(size) bytes of garbage, after a start")
    }
  }

  @Test("a large journal is begun anew at the start, and nothing is forgotten")
  func compaction() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.playScript()
    scene.keeper.stop()
    let large = try disk.read("site/state/journal", limit: 1 << 20).count
    var second = try Scene(disk, journalLimit: 1000)
    #expect(try disk.read("site/state/journal", limit: 1 << 20).count < large / 4)
    second.open("1350050900.000009", 1, "731", at: 500)
    second.work()
    checkWhole(try Scene(disk.afterPowerCut(seed: nil)), "after a new beginning")
  }

  private func opening(_ call: String) -> HopOpening {
    HopOpening(call: call, hop: .first, user: "732", caller: Scene.caller(call), start: Scene.start)
  }
}
