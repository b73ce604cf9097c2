import Disk
import Hunting
import Spool
import Telephony
import Testing

@testable import Records

@Suite("What a message says of the recording")
struct FlawTests {
  static let call = "1350050400.000001"
  static let named = "site/recording/12.10.2012_14.00_Ticket_1_Caller_03471350050400000001.pcap"
  static let unnamed = "site/recording/12.10.2012_14.00_Call_1350050400.000001_Caller_03471350050400000001.pcap"

  @Test(
    "A flaw stands behind the text; the ticket's file is called as ever",
    arguments: [RecordingFlaw?.none, .incomplete, .missing])
  func atTheEnd(_ flaw: RecordingFlaw?) throws {
    var scene = try Scene(Scene.emptyDisk())
    scene.open(Self.call, 1, "732", at: 0)
    scene.work()
    let ticket = ClosedTicket(
      hop: .first, ticket: TicketNumber(rawValue: 1), user: "732", start: Scene.start, end: Scene.at(65), isLast: true)
    scene.keeper.endCall(
      CallEnd(
        call: Self.call, caller: Scene.caller(Self.call), closing: ticket, dispatch: ticket, channels: [.sms, .im],
        cdr: CDRLine(
          origin: "GW14", call: Self.call, ring: Scene.start, answer: nil, hangUp: Scene.at(65),
          answeredExtension: "732", dialled: "720", caller: "0347", cause: .normalClearing, ticket: nil), flaw: flaw))
    scene.work()
    let text = "12.10.2012_14.00_12.10.2012_14.01_Ticket_1_Caller_03471350050400000001_Called_732"
    let suffix: [RecordingFlaw?: String] = [.incomplete: "_Recording_incomplete", .missing: "_Recording_missing"]
    for channel in MessageChannel.allCases {
      #expect(scene.messages(channel).map(\.text) == [text + (suffix[flaw] ?? "")])
    }
    #expect(scene.ticketFiles == [text + "_END_1.txt"])
  }

  @Test(
    "A call that was cut off says so of its recording, which gets its name and its mark",
    arguments: [(named, 42), (named, -2), (unnamed, 42), (unnamed, -60)])
  func afterAKill(_ file: String, written second: Int) throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.open(Self.call, 1, "732", at: 0)
    scene.work()
    try disk.makeDirectory("site/recording")
    disk.setTime(Scene.at(second))
    try disk.create(file, [1, 2, 3], sync: true)
    try disk.syncDirectory("site/recording")
    try disk.syncDirectory("site")
    let after = disk.afterPowerCut(seed: nil)
    let again = try Scene(after)
    #expect(try after.list("site/recording") == [Self.named, Self.named + ".cut"].map { fileName(of: $0) })
    let texts = again.messages(.sms).map(\.text)
    #expect(texts.count == 1 && texts[0].hasSuffix("_Called_732_Recording_incomplete"))
    #expect(again.ticketFiles.count == 1 && again.ticketFiles[0].hasSuffix("_Called_732_END_1.txt"))
  }

  @Test("The recording of another call, from before the owner set the counter back, is no concern of this one")
  func ofAnother() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.open(Self.call, 1, "732", at: 0)
    scene.work()
    try disk.makeDirectory("site/recording")
    disk.setTime(Scene.at(-3))
    try disk.create(Self.named, [1, 2, 3], sync: true)
    try disk.syncDirectory("site/recording")
    try disk.syncDirectory("site")
    let after = disk.afterPowerCut(seed: nil)
    _ = try Scene(after)
    #expect(try after.list("site/recording") == [fileName(of: Self.named)])
  }

  @Test("A call that was cut off without a recording says nothing of one")
  func withoutRecording() throws {
    let disk = Scene.emptyDisk()
    var scene = try Scene(disk)
    scene.open(Self.call, 1, "732", at: 0)
    scene.work()
    let texts = try Scene(disk.afterPowerCut(seed: nil)).messages(.sms).map(\.text)
    #expect(texts.count == 1 && texts[0].hasSuffix("_Called_732"))
  }
}
