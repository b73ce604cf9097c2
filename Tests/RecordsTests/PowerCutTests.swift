import Disk
import Hunting
import Records
import Spool
import Telephony
import Testing

@Suite("kill -9 and power cuts at every write and sync")
struct PowerCutTests {
  /// The changing calls of the whole script, by number: from the start of the daemon to its end. (The first is the
  /// site's own directory.)
  static let steps = 2...script().whole
  /// The same without the end of the daemon.
  static let stepsOfCalls = 2...script().calls

  private static func script() -> (calls: Int, whole: Int) {
    let disk = Scene.emptyDisk()
    guard var scene = try? Scene(disk) else { return (0, 0) }
    scene.playScript()
    let calls = disk.steps
    scene.keeper.stop()
    return (calls, disk.steps)
  }

  @Test("the script unharmed")
  func unharmed() throws {
    var scene = try Scene(Scene.emptyDisk())
    scene.playScript()
    checkWhole(scene, "unharmed")
    #expect(
      scene.ticketFiles == [
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1_Caller_03471350050400000001_Called_732_1.txt",
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_2_Caller_03471350050405000002_Called_732_1.txt",
        "12.10.2012_14.00_12.10.2012_14.01_Ticket_3_Caller_03471350050400000001_Called_733_END_1.txt",
        "12.10.2012_14.00_12.10.2012_14.01_Ticket_4_Caller_03471350050405000002_Called_731_1.txt",
        "12.10.2012_14.01_12.10.2012_14.02_Ticket_5_Caller_03471350050405000002_Called_733_END_1.txt",
      ])
    #expect(scene.results.all.map(\.number.rawValue) == [1, 2, 3, 4, 5])
    #expect(scene.cdrLines.count == 3)
    #expect(scene.counterText == "6\n")
    #expect(Self.steps.count > 40)
  }

  /// Dies at step `k`; starts again on `rest` of the disk; checks; and a further call must work.
  private func dieAndRecover(
    at step: Int, _ context: String, _ rest: (MemoryFilesystem) -> MemoryFilesystem
  ) throws {
    let disk = Scene.emptyDisk()
    disk.plan { $0.number == step ? .dead : .done }
    let results = Log<HopResult>()
    if var first = try? Scene(disk, results: results) {
      first.playScript()
      first.keeper.stop()
    }
    #expect(disk.isDead)
    var second = try Scene(rest(disk), results: results)
    checkWhole(second, context)
    let before = second.numbers.count
    second.open("1350050900.000009", 1, "731", at: 500)
    second.work()
    second.end("1350050900.000009", lastHop: 1, "731", at: 510)
    second.work()
    checkWhole(second, "after a further call, " + context)
    #expect(second.numbers.count == before + 1)
  }

  @Test("kill -9 at every step")
  func kill() throws {
    for step in Self.steps { try dieAndRecover(at: step, "killed at \(step)") { $0.afterKill() } }
  }

  @Test("power cut at every step, nothing unsynced survives")
  func strictPowerCut() throws {
    for step in Self.steps {
      try dieAndRecover(at: step, "cut at \(step)") { $0.afterPowerCut(seed: nil) }
    }
  }

  @Test("power cut at every step, some of what was unsynced survives", arguments: 1...5)
  func seededPowerCut(seed: UInt64) throws {
    for step in Self.steps {
      try dieAndRecover(at: step, "cut at \(step), seed \(seed)") {
        $0.afterPowerCut(seed: seed &* 1_000_003 &+ UInt64(step))
      }
    }
  }

  @Test("a second power cut at every step of the recovery")
  func cutDuringRecovery() throws {
    for step in stride(from: 3, through: Self.steps.upperBound, by: 5) {
      let disk = Scene.emptyDisk()
      disk.plan { $0.number == step ? .dead : .done }
      let results = Log<HopResult>()
      if var first = try? Scene(disk, results: results) { first.playScript() }
      var second = 1
      while true {
        let seed = UInt64(step * 1000 + second)
        let halfway = disk.afterPowerCut(seed: seed)
        let cut = second
        halfway.plan { $0.number == cut ? .dead : .done }
        _ = try? Scene(halfway, results: results)
        guard halfway.isDead else { break }
        let third = try Scene(halfway.afterPowerCut(seed: seed &+ 7), results: results)
        checkWhole(third, "cut at \(step) and again at \(second) of the recovery")
        second += 1
      }
      #expect(second > 3)
    }
  }

  @Test("a hop open at the crash is closed with the last time known, and its message goes out")
  func lastTimeKnown() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.open("1350050400.000001", 1, "732", at: 0)
    scene.work()
    try disk.makeDirectory("site/recording")
    let recording = "site/recording/12.10.2012_14.00_Ticket_1_Caller_03471350050400000001.pcap"
    disk.setTime(Scene.at(300))
    try disk.create(recording, [1, 2, 3], sync: true)
    try disk.syncDirectory("site/recording")
    let after = disk.afterKill()
    let second = try RecordKeeper(
      settings: RecordsSettings(
        site: Scene.site, calendar: .utc, clock: { Scene.at(1200) }, channels: { _ in [.im] }),
      disk: after, sink: SpoolSink(site: Scene.site, disk: after)
    ) { _ in }
    #expect(second.nextNumber.rawValue == 2)
    // The journal's last record is of 14:10 (the scene's clock), later than the recording's last byte.
    #expect(
      try after.list("site/ticket") == [
        "12.10.2012_14.00_12.10.2012_14.10_Ticket_1_Caller_03471350050400000001_Called_732_END_1.txt"
      ])
    let sink = SpoolSink(site: Scene.site, disk: after)
    #expect(try sink.im.messages(.waiting).map(\.id) == ["1-im"])
    #expect(try sink.sms.messages(.waiting).isEmpty)
  }

  @Test("several calls open at the crash all end with the last time known")
  func severalOpenCalls() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    for call in 1...3 { scene.open("1350050400.00000\(call)", 1, "732", at: call) }
    scene.work()
    let after = disk.afterKill()
    _ = try RecordKeeper(
      settings: RecordsSettings(
        site: Scene.site, calendar: .utc, clock: { Scene.at(86_400) }, channels: { _ in [] }),
      disk: after, sink: SpoolSink(site: Scene.site, disk: after)
    ) { _ in }
    #expect(
      try after.list("site/ticket").map { String($0.prefix(43)) } == [
        "12.10.2012_14.00_12.10.2012_14.10_Ticket_1_", "12.10.2012_14.00_12.10.2012_14.10_Ticket_2_",
        "12.10.2012_14.00_12.10.2012_14.10_Ticket_3_",
      ])
  }

  @Test("what was made durable is not done again: a ticket file that the owner took away stays away")
  func settled() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.playScript()
    for name in scene.ticketFiles { try disk.remove("site/ticket/\(name)") }
    try disk.syncDirectory("site/ticket")
    let second = try Scene(disk.afterPowerCut(seed: nil))
    #expect(second.ticketFiles.isEmpty)
    #expect(second.keeper.nextNumber.rawValue == 6)
  }

  @Test("a message that was sent is not put into the spool again")
  func sentStaysSent() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.open("1350050400.000001", 1, "732", at: 0)
    scene.end("1350050400.000001", lastHop: 1, at: 60)
    scene.work()
    let sink = SpoolSink(site: Scene.site, disk: disk)
    let message = try #require(try sink.sms.messages(.waiting).first)
    try sink.sms.finish(message, as: .sent)
    for rest in [disk.afterKill(), disk.afterPowerCut(seed: nil), disk.afterPowerCut(seed: 5)] {
      _ = try Scene(rest)
      let sink = SpoolSink(site: Scene.site, disk: rest)
      #expect(try sink.sms.messages(.waiting).isEmpty)
      #expect(try sink.sms.messages(.sent).count == 1)
      #expect(try sink.im.messages(.waiting).count == 1)
    }
  }
}
