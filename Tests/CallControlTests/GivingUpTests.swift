import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Who ends a call, wherever it stands: nothing rings on, the ports are back, ticket, message and CDR line are right.
@Suite struct GivingUpTests {
  /// Where a call stands.
  enum Place: String, CaseIterable {
    case mediaOpening, announcing, listening, drawing, drawingForever, calling, ringing, secondHop, prompting, prompted,
      held, pausing, talking, plainRinging, plainTalking, lingering
  }

  /// What puts an end to it, or does not.
  enum Hand: String, CaseIterable {
    /// BYE, or CANCEL where he has not been answered.
    case callerHangsUp
    /// His address no longer takes our packets, and he is asked whether he lives.
    case callerVanishes
    /// BYE where he has answered, else 486.
    case technicianHangsUp
    case technicianIsGone  // 480
    case technicianVanishes
    case daemonEnds
    /// `MaxDuration.txt`
    case timeIsUp
  }

  struct Case: CustomTestStringConvertible {
    var place: Place
    var hand: Hand
    /// `Answer.txt`
    var answer = "hunt"
    var testDescription: String { "\(place), \(hand), Answer.txt \(answer)" }
  }

  static let cases =
    Place.allCases.flatMap { place in
      Hand.allCases.filter { applies($0, at: place) }.map { Case(place: place, hand: $0) }
    }
    // The caller is not answered before a technician is: he gives up by CANCEL, and is released by a status.
    + [.drawing, .drawingForever, .calling, .ringing, .secondHop, .prompting, .prompted, .held, .pausing, .talking]
    .flatMap { (place: Place) in
      Hand.allCases.filter { applies($0, at: place) && ($0 != .callerVanishes || place == .talking) }
        .map { Case(place: place, hand: $0, answer: "user") }
    }

  private static func applies(_ hand: Hand, at place: Place) -> Bool {
    switch hand {
    case .callerHangsUp, .daemonEnds: true
    case .callerVanishes: place != .mediaOpening && place != .lingering
    case .technicianHangsUp, .technicianIsGone:
      [.calling, .ringing, .secondHop, .prompting, .prompted, .held, .talking, .plainRinging, .plainTalking]
        .contains(place)
    case .technicianVanishes: [.prompting, .prompted, .held, .talking, .plainTalking].contains(place)
    case .timeIsUp: place != .mediaOpening && place != .drawing && place != .drawingForever && place != .calling
    }
  }

  @Test(arguments: cases) func `a call is ended, wherever it stands`(_ it: Case) throws {
    let (scene, time) = try scene(it)
    scene.at(time) { scene in act(it, scene) }
    let isOver = ends(it)
    scene.at(time + .milliseconds(300)) { scene in
      #expect(scene.shell.control.callCount == (isOver ? 0 : 1))
      if isOver { expectSilence(scene) } else { scene.caller.hangUp() }
    }
    scene.at(time + .milliseconds(1200)) { scene in expectSilence(scene) }
    try scene.run(until: time + .seconds(3))
    try expectRecords(it, scene)
    try scene.expectClean()
  }

  /// No leg of ours is left, and no phone rings, as far as it can be told so.
  private func expectSilence(_ scene: Scene) {
    let shell = scene.shell
    #expect(shell.control.legCount == 0 && shell.media.isEmpty, "ports back")
    #expect(shell.control.calls.values.allSatisfy { $0.isOver })
    #expect(shell.invitations.open == [])
    for phone in scene.phones where phone !== vanished(scene) { #expect(phone.openLines == 0, "\(phone.name)") }
  }

  private func vanished(_ scene: Scene) -> Phone? { scene.phones.first { $0.isDead } }

  /// One END, whose user gets the one message; the CDR line says what was.
  private func expectRecords(_ it: Case, _ scene: Scene) throws {
    let ending = try scene.ending()
    let last = scene.shell.tickets.last
    switch it.place {
    case .mediaOpening, .announcing, .listening, .plainRinging, .plainTalking:
      #expect(last == nil && ending.closing == nil && ending.dispatch == nil && ending.detail.ticket == nil)
    case .drawing, .drawingForever, .calling, .ringing, .secondHop, .prompting, .prompted, .held, .pausing, .talking,
      .lingering:
      #expect(ending.dispatch == ending.closing && ending.closing?.isLast == true)
      #expect(ending.dispatch?.user == last?.opening.user)
      #expect(ending.detail.answeredExtension == (ending.detail.answer == nil ? "" : last?.opening.user))
      if ends(it) { #expect(last?.opening.user == user(it.place)) }
    }
    let hasTalked = [.talking, .plainTalking, .lingering].contains(it.place)
    #expect((ending.detail.answer != nil) == hasTalked)
    #expect(ending.detail.cause == cause(it))
  }

  private func user(_ place: Place) -> String {
    switch place {
    case .secondHop: "733"
    case .pausing: "731"
    default: "732"
    }
  }

  private func cause(_ it: Case) -> Cause {
    switch (it.hand, it.place) {
    case (_, .lingering): .normalClearing
    case (.daemonEnds, .talking), (.daemonEnds, .plainTalking): .normalClearing
    case (.daemonEnds, _): .temporaryFailure
    case (.timeIsUp, _) where ends(it): .noAnswer
    case (.technicianHangsUp, .plainRinging): .userBusy
    case (.technicianIsGone, .plainRinging): Cause(sipStatus: 480)
    case (.callerVanishes, _): .recoveryOnTimerExpiry
    default: .normalClearing
    }
  }

  /// Whether the call is over then; else it goes on until the caller hangs up.
  private func ends(_ it: Case) -> Bool {
    switch it.hand {
    case .callerHangsUp, .callerVanishes, .daemonEnds: true
    case .technicianHangsUp, .technicianIsGone, .technicianVanishes:
      [.talking, .plainRinging, .plainTalking].contains(it.place)
    case .timeIsUp:
      ![.announcing, .listening, .talking, .plainRinging, .plainTalking].contains(it.place)
    }
  }

  private func act(_ it: Case, _ scene: Scene) {
    let technician = technician(it.place, scene)
    switch it.hand {
    case .callerHangsUp: scene.caller.hangUp()
    case .callerVanishes: vanish(scene.caller, scene)
    case .technicianHangsUp, .technicianIsGone:
      let isAnswered = technician.last.map { technician.lines[$0]?.isAnswered == true } ?? false
      let refusal: Cause = it.hand == .technicianIsGone ? Cause(sipStatus: 480) : .userBusy
      technician.hangUp(cause: isAnswered ? .normalClearing : refusal)
    case .technicianVanishes: vanish(technician, scene)
    case .daemonEnds: scene.shell.take(.shutdown)
    case .timeIsUp: break  // by itself
    }
  }

  private func technician(_ place: Place, _ scene: Scene) -> Phone {
    switch place {
    case .secondHop: scene[733]
    case .prompting, .prompted, .held: scene.mobile
    case .plainRinging, .plainTalking: scene.pbx
    default: scene[732]
    }
  }

  private func vanish(_ phone: Phone, _ scene: Scene) {
    phone.isDead = true
    var refused = LinkConditions(delay: .milliseconds(10) ... .milliseconds(10))
    refused.isRefused = true
    scene.network.setConditions(refused, from: "Pikett", to: phone.name)
    for delay in [Duration.zero, .milliseconds(100)] {
      scene.network.at(scene.network.elapsed + delay) {
        let legs = scene.shell.media.filter { $0.value.flow.remote == phone.address }.keys.sorted()
        for leg in legs { scene.shell.take(.silent(leg, since: scene.network.now.instant + .seconds(-30))) }
      }
    }
  }

  @Test func `a phone whose port is closed is left at once; a caller whose port is closed may still hang up`() throws {
    let scene = try Scene()
    var refused = LinkConditions(delay: .milliseconds(10) ... .milliseconds(10))
    refused.isRefused = true
    scene.network.setConditions(refused, from: "Pikett", to: "732")
    scene.callerDials("799*731")
    scene.at(.seconds(1)) { scene in
      #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
      #expect(scene[733].openLines == 1)
      // Now his own: our 200 has gone, nothing of ours is under way, and his BYE comes through.
      scene.network.setConditions(refused, from: "Pikett", to: "Caller")
      scene.caller.hangUp()
    }
    scene.at(.seconds(2)) { scene in #expect(scene[733].openLines == 0 && scene.shell.media.isEmpty) }
    try scene.run(until: .seconds(3))
    #expect(try scene.ending().dispatch?.user == "733")
    // His BYE's 200 never reaches him.
    scene.network.setConditions(LinkConditions(), from: "Pikett", to: "Caller")
    try scene.expectClean()
  }

  // MARK: The places

  /// A call that stands there after the time.
  private func scene(_ it: Case) throws -> (Scene, Duration) {
    var changes: [String: String?] = ["732/Fork.txt": "3482619288", "Answer.txt": it.answer]
    let time = time(it.place)
    if it.hand == .timeIsUp { changes["MaxDuration.txt"] = "\(max(1, time.milliseconds / 1000))" }
    if it.place == .pausing {
      changes.merge(["732/CFNR.txt": "731", "731/CFNR.txt": "732", "732/Fork.txt": nil]) { $1 }
    }
    let scene = try Scene(changes)
    let isQueue = [.mediaOpening, .announcing, .listening, .plainRinging, .plainTalking].contains(it.place)
    scene.callerDials(isQueue ? "720" : "799*731")
    switch it.place {
    case .mediaOpening: scene.shell.portsTake = .milliseconds(400)
    case .drawing: scene.shell.disk = .durable(after: .milliseconds(400))
    case .drawingForever: scene.shell.disk = .hangs
    case .calling: for phone in [scene[732], scene.mobile] { phone.plan = { _ in Phone.Plan(ringsAfter: nil) } }
    case .prompting, .prompted: scene.mobile.plan = { _ in .answers(after: .seconds(2)) }
    case .held: scene.mobile.plan = { _ in .answers(after: .seconds(18)) }
    case .pausing: for number in [731, 732] { scene[number].plan = { _ in .refuses(603) } }
    case .talking: scene[732].plan = { _ in .answers(after: .seconds(2)) }
    case .lingering: scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    case .plainRinging, .plainTalking: scene.callerPresses("2", at: .seconds(1))
    case .announcing, .listening, .ringing, .secondHop: break
    }
    if it.place == .plainTalking { scene.pbx.plan = { _ in .answers(after: .seconds(2)) } }
    return (scene, time)
  }

  private func time(_ place: Place) -> Duration {
    switch place {
    case .mediaOpening, .drawing, .drawingForever: .milliseconds(200)
    case .calling: .milliseconds(100)
    case .announcing, .pausing: .seconds(3)
    case .prompting: .seconds(4)
    case .ringing: .seconds(5)
    case .prompted: .seconds(9)
    case .lingering: .seconds(8)
    case .talking, .plainRinging, .plainTalking: .seconds(10)
    case .listening: .seconds(12)
    case .secondHop, .held: .seconds(25)
    }
  }
}
