import Audio
import CallAudio
import CallControl
import Capture
import Disk
import Glibc
import Hunting
package import Logging
import NIOCore
import NIOPosix
import RTPEngine
import SIPUserAgent
import Switchboard
import Telephony

/// A whole emergency call through real SIP and RTP on loopback, told as it happens and checked at its end.
package struct DemoCall: Sendable {
  /// Where everything is left to be looked at.
  package let directory: String
  private let data: String
  private let deliveryProgram: String
  private let tell: @Sendable (String) -> Void
  private let start = currentMoment().instant

  /// Something was not as it must be.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  /// - Parameters:
  ///   - directory: made if it is missing; must be empty.
  ///   - data: the prompts' and templates' directory.
  ///   - deliveryProgram: the path of `pikett-delivery`.
  ///   - tell: called with each line of the story.
  package init(directory: String, data: String, deliveryProgram: String, tell: @escaping @Sendable (String) -> Void) {
    self.directory = directory
    self.data = data
    self.deliveryProgram = deliveryProgram
    self.tell = tell
  }

  /// Plays the call and checks what it left.
  /// - Returns: true if everything is as it must be.
  package func run(logger: Logger) async -> Bool {
    do {
      try await play(logger)
      return true
    } catch {
      tell("FAILED: \(error)")
      return false
    }
  }

  private func play(_ logger: Logger) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    defer { group.shutdownGracefully { _ in } }
    let sms = try await HTTPSink.open(on: group)
    let site = joined(directory, "site")
    let heard = joined(directory, "phones")
    try RealFilesystem().makeDirectory(directory)
    try RealFilesystem().makeDirectory(heard)
    try DemoSite(trunkAddress: "127.0.0.2", smsPort: sms.port).write(to: site)

    let events = Observations<CallEvent>()
    let narrate = tell
    let began = start
    let settings = SwitchboardSettings(
      site: site, data: data, deliveryProgram: deliveryProgram, listen: [Endpoint(try address("127.0.0.1"), 0)],
      onEvent: { event, now in
        if let line = Story.line(event) { narrate(Story.stamp(now.instant - began) + line) }
        Task { await events.saw(event) }
      })
    let board = try await Switchboard.start(settings, logger: logger, on: group.next())
    guard let server = await board.bound.first else { throw Failure("the daemon does not listen") }
    say("Pikett listens on udp:\(server), the SMS gateway on http://127.0.0.1:\(sms.port)")

    let phones = try await Phones(on: group.next(), server: server, heard: heard)
    try await converse(phones, sms, events)
    await board.stop()
    await phones.close()
    await sms.close()
    try check(site)
  }

  // MARK: The script

  private func converse(_ phones: Phones, _ sms: HTTPSink, _ events: Observations<CallEvent>) async throws {
    for phone in [phones.tech2, phones.tech3] {
      await phone.register()
      let outcome = try await phone.seen.first("\(phone.number) is registered", within: .seconds(5)) {
        if case .registered = $0 { true } else { false }
      }
      guard outcome == .registered(status: 200) else { throw Failure("\(phone.number) could not register: \(outcome)") }
      say("Phone \(phone.number) is registered")
    }

    say("\(DemoSite.caller) dials 720")
    try await phones.caller.call("720")
    let talking = try await phones.caller.seen.first("the caller is answered", within: .seconds(5)) {
      if case .talking = $0 { true } else { false }
    }
    guard case .talking(let callerLeg) = talking else { return }
    say("The caller hears the announcement …")
    try await Task.sleep(for: .seconds(3))
    say("… and presses 1")
    await phones.caller.press("1", on: callerLeg)

    _ = try await ringing(phones.tech2, within: .seconds(5))
    say("Tech2's phone rings, nobody is there")
    let tech3Leg = try await ringing(phones.tech3, within: .seconds(DemoSite.patience + 5))
    say("Tech3's phone rings")
    try await Task.sleep(for: .seconds(2))
    try await phones.tech3.answer(tech3Leg)
    _ = try await events.first("caller and Tech3 are connected", within: .seconds(5)) {
      if case .hunt(_, .connected) = $0 { true } else { false }
    }

    let callerVoice = Sound(try voice("demo-caller"))
    let technicianVoice = Sound(try voice("demo-technician"))
    say("The caller says: “There is a strong smell of gas in our cellar …”")
    try await speak(phones.caller, callerVoice, callerLeg)
    say("Tech3 says: “Leave the house now …”")
    try await speak(phones.tech3, technicianVoice, tech3Leg)

    say("Tech3 hangs up")
    await phones.tech3.hangUp(tech3Leg)
    _ = try await phones.caller.seen.first("the caller is released", within: .seconds(5)) {
      if case .ended(callerLeg, .normalClearing) = $0 { true } else { false }
    }
    say("The caller is released")

    let text = try await sms.seen.first("the SMS", within: .seconds(15)) { _ in true }
    guard let shortMessage = text.parameter("text"), text.parameter("to") == "393470000733" else {
      throw Failure("not the SMS that was expected: \(text.uri)")
    }
    say("SMS to \(text.parameter("to") ?? ""): \(shortMessage)")
    let message = try await phones.tech3.seen.first("the instant message", within: .seconds(15)) {
      if case .message = $0 { true } else { false }
    }
    guard message == .message(text: shortMessage, from: DemoSite.caller) else {
      throw Failure("not the instant message that was expected: \(message)")
    }
    say("IM on the phone of 733 (lifting the receiver calls \(DemoSite.caller)): \(shortMessage)")
    let others = await phones.tech2.seen.all.contains { if case .message = $0 { true } else { false } }
    if others { throw Failure("Tech2 got a message as well") }
    _ = await events.all
  }

  private func ringing(_ phone: Phone, within limit: Duration) async throws -> LegID {
    let event = try await phone.seen.first("\(phone.number) rings", within: limit) {
      if case .ringing = $0 { true } else { false }
    }
    guard case .ringing(let leg, let from) = event else { throw Failure("\(event)") }
    guard from == DemoSite.caller else { throw Failure("\(phone.number) sees '\(from)' as the caller") }
    return leg
  }

  private func speak(_ phone: Phone, _ sound: Sound, _ leg: LegID) async throws {
    let token = await phone.say(sound, on: leg)
    _ = try await phone.seen.first("\(phone.number) has spoken", within: sound.duration + .seconds(5)) {
      $0 == .said(token: token)
    }
  }

  private func voice(_ name: String) throws -> [Int16] {
    let path = joined(data, "prompts/en/\(name).wav")
    return try WAVE.telephoneSound(RealFilesystem().read(path, limit: SiteTree.soundLimit))
  }

  private func say(_ line: String) { tell(Story.stamp(currentMoment().instant - start) + line) }

  // MARK: What it left

  private func check(_ site: String) throws {
    let disk = RealFilesystem()
    let tickets = try disk.list(joined(site, "ticket")).sorted()
    tell("")
    for ticket in tickets { tell("ticket     \(joined(site, "ticket/" + ticket))") }
    let first = "_Ticket_\(DemoSite.firstTicket)_Caller_\(DemoSite.caller)_Called_732_1.txt"
    let second = "_Ticket_\(DemoSite.firstTicket + 1)_Caller_\(DemoSite.caller)_Called_733_END_1.txt"
    guard tickets.count == 2, tickets[0].hasSuffix(first), tickets[1].hasSuffix(second) else {
      throw Failure("the ticket log is not as it must be: \(tickets)")
    }
    let recordings = try disk.list(joined(site, "recording")).filter { $0.hasSuffix(".pcap") }
    guard recordings.count == 1, let name = recordings.first,
      name.hasSuffix("_Ticket_\(DemoSite.firstTicket)_Caller_\(DemoSite.caller).pcap")
    else { throw Failure("the recording is not as it must be: \(recordings)") }
    let recording = joined(site, "recording/" + name)
    tell("recording  \(recording)")
    try checkSound(recording)
  }

  /// What each said is on his channel, and not on the other's.
  private func checkSound(_ recording: String) throws {
    let file = try CaptureFile(path: recording)
    let survey = try CallSurvey(of: file)
    guard survey.calls.count == 1 else { throw Failure("the recording holds \(survey.calls.count) calls") }
    let output = joined(directory, "call.wav")
    try Conversion(overwrites: true).write(survey.calls, of: file, survey) { _ in [output] }
    tell("sound      \(output) (left: the caller, right: what he heard)")
    let wave = try WAVE(RealFilesystem().read(output, limit: 1 << 28))
    let sides = [wave.channel(0), wave.channel(1)]
    for (name, own) in [("demo-caller", 0), ("demo-technician", 1)] {
      let spoken = try voice(name)
      let here = SoundCheck.correlation(of: spoken, in: sides[own])
      let there = SoundCheck.correlation(of: spoken, in: sides[1 - own])
      tell("           \(name): \(percent(here)) on its own channel, \(percent(there)) on the other")
      guard here >= 0.8, here >= 3 * there else { throw Failure("\(name) is not where it must be heard") }
    }
  }

  private func percent(_ value: Double) -> String { "\(Int((value * 100).rounded())) %" }
}

private func address(_ text: String) throws -> IPAddress {
  guard let address = IPAddress(text) else { throw DemoCall.Failure("\(text) is no address") }
  return address
}

/// The three phones of the demo.
struct Phones: Sendable {
  let caller: Phone
  let tech2: Phone
  let tech3: Phone
  private let engine: MediaEngine

  init(on loop: any EventLoop, server: Endpoint, heard: String) async throws {
    let here = try address("127.0.0.1")
    let outside = try address("127.0.0.2")
    let reach = PhoneBook()
    engine = MediaEngine { event in
      for phone in reach.phones { Task { await phone.engineSaid(event) } }
    }
    try engine.start()
    caller = Phone(
      number: DemoSite.caller, address: outside, server: server, loop: loop, engine: engine, rtpPorts: 36000...36999,
      heard: heard)
    tech2 = Phone(
      number: "732", password: "demo732", address: here, server: server, loop: loop, engine: engine,
      rtpPorts: 37000...37999, heard: heard)
    tech3 = Phone(
      number: "733", password: "demo733", address: here, server: server, loop: loop, engine: engine,
      rtpPorts: 38000...38999, heard: heard)
    reach.phones = [caller, tech2, tech3]
    for phone in [caller, tech2, tech3] { _ = try await phone.open() }
  }

  func close() async {
    for phone in [caller, tech2, tech3] { await phone.close() }
    engine.shutdown()
  }
}
