import Demo
import Disk
import Testing

extension ScenarioTests {
  /// The two examples of the original's description, to the letter: the clock says 12.10.2012, 14.00, and goes on when
  /// the test says so.
  @Test func theArticlesOwnExamples() async throws {
    try await Scene.play("article") { scene in
      let gateway = try await scene.smsGateway()
      let clock = try SetClock("2012-10-12 14:00:00", scene)
      let rack = try PhoneRack(scene)

      // The message: 732 takes the call and talks until 14.05.
      let first = try Self.site("first", smsPort: gateway.port, scene)
      let daemon = try await Daemon.start(scene, first, name: "daemon-1", through: clock.wrapper)
      let tech2 = try await rack.technician("732", daemon)
      try await Self.call(daemon, rack) { try await $0.takes(by: tech2, until: "2012-10-12 14:05:00", clock) }
      let message = "12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732"
      try #require(try first.tickets() == [message + "_END_1.txt"])
      try await Self.expectMessage(message, "393470000732", tech2, gateway)
      try await daemon.stop()
      try #require(try first.recordings() == ["12.10.2012_14.00_Ticket_1234_Caller_03472619287.pcap"])
      try #require(try first.value("TickeNR.TXT") == "1235")
      // Rung and answered at 14:00:00 in Rome, hung up five minutes later.
      let line = try first.value("cdr/pim_cdr_201210.log").split(separator: "|", omittingEmptySubsequences: false)
      let (start, end) = ("1350043200", "1350043500")
      try #require(line.count == 14 && line[0] == "GW14" && line[13] == "1234", "\(line)")
      try #require(line[2] == start && line[3] == start && line[4] == end && line[10] == "300", "\(line)")

      // The log: 732 does not answer, 731 does and talks until 14.02.
      try clock.set("2012-10-12 14:00:00")
      let second = try Self.site("second", smsPort: gateway.port, scene)
      let other = try await Daemon.start(scene, second, name: "daemon-2", through: clock.wrapper)
      let silent = try await rack.technician("732", other)
      let tech1 = try await rack.technician("731", other)
      try await Self.call(other, rack) { try await $0.takes(by: tech1, until: "2012-10-12 14:02:00", clock) }
      let log = [
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732",
        "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731",
      ]
      try #require(try second.tickets().sorted() == [log[0] + "_1.txt", log[1] + "_END_1.txt"])
      try await Self.expectMessage(log[1], "393470000731", tech1, gateway)
      let messages = await silent.messages
      try #require(messages == [])
      try await other.stop()
    }
  }

  /// The article's two technicians, who follow each other; 732 is on duty.
  private static func site(_ name: String, smsPort: Int, _ scene: Scene) throws -> TestSite {
    var site = TestSite(scene.path(name), smsPort: smsPort)
    for file in ["733/Password.txt", "733/CFNR.txt", "733/SMSNumber.txt"] { site.files[file] = nil }
    site.files["732/CFNR.txt"] = "799731"
    site.files["731/SMSNumber.txt"] = "3470000731"
    try site.write()
    return site
  }

  private static func call(
    _ daemon: Daemon, _ rack: PhoneRack, _ goesOn: (ArticleCall) async throws -> Void
  ) async throws {
    let caller = try await rack.caller(daemon)
    let leg = try await caller.talks(to: "720")
    await caller.press("1", on: leg)
    try await goesOn(ArticleCall())
    // He is in panic and does not hang up.
    try await caller.isReleased(leg)
    try await daemon.says("recording closed")
  }

  private static func expectMessage(
    _ text: String, _ number: String, _ phone: Phone, _ gateway: HTTPSink
  ) async throws {
    _ = try await gateway.seen.first("the SMS to \(number)", within: .seconds(10)) {
      $0.parameter("to") == number && $0.parameter("text") == text
    }
    _ = try await phone.seen.first("the IM", within: .seconds(10)) {
      if case .message(text, from: TestSite.caller) = $0 { true } else { false }
    }
  }
}

/// A call that has left the queue.
private struct ArticleCall {
  /// A technician answers, and hangs up when it is so late.
  func takes(by phone: Phone, until time: String, _ clock: SetClock) async throws {
    let leg = try await phone.rings()
    try await phone.answer(leg)
    _ = try await phone.seen.first("\(phone.number) talks", within: .seconds(5)) { $0 == .talking(leg) }
    try clock.set(time)
    await phone.hangUp(leg)
  }
}
