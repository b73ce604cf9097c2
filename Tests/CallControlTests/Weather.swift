import Hunting
import Media
import PikettTesting
import Records
import SDP
import SIPMessage
import SIPUserAgent
import Telephony

@testable import CallControl

/// A few calls at once over a bad network, every party doing what comes to its mind, all of it following from one seed.
final class Weather {
  let scene: Scene
  private let bookkeeper: Bookkeeper
  /// Further hosts of the trunks.
  private let hosts: [Phone]
  private var generator: SeededGenerator
  private(set) var faults: [String] = []
  private(set) var callsPlanned = 0
  /// False: the gateway leaves the offer to Pikett and answers in its ACKs.
  private let callerOffers: Bool

  init(seed: UInt64, conditions: LinkConditions) throws {
    var generator = SeededGenerator(seed: seed)
    func pick(_ of: Int) -> Bool { generator.next() % UInt64(of) == 0 }
    var changes: [String: String?] = ["MaxCalls.txt": "5"]
    if pick(2) { changes["732/Fork.txt"] = "3482619288" }
    if pick(2) { changes["733/Fork.txt"] = "3482619290,3482619291" }
    if pick(3) { changes["731/Confirm.txt"] = "5" }
    if pick(3) { changes["733/CFNR.txt"] = "none" }
    if pick(3) { changes["MaxRounds.txt"] = "2" }
    if pick(3) { changes["MaxDuration.txt"] = "60" }
    if pick(3) { changes["queues/TED_WQ10/OnSilence.txt"] = "proceed" }
    if pick(4) { changes["731/CFNRTimeout.txt"] = "3" }
    if pick(3) { changes["Answer.txt"] = "user" }
    if pick(3) { changes["trunks/GW14/AutomaticHangup.txt"] = "no" }
    changes["queues/TED_WQ10/Repeat.txt"] = "1"
    // Several hosts, several trunks, a gateway that registers, a user who has nothing else.
    if pick(2) { changes["trunks/PBX/Host.txt"] = "192.0.2.5,192.0.2.6" }
    if pick(2) { changes["trunks/MOBILE/Host.txt"] = "192.0.2.20,192.0.2.21" }
    if pick(2) { changes["ExternalTrunk.txt"] = pick(2) ? "MOBILE,GSM,PBX" : "GSM,MOBILE" }
    if pick(2) { changes["InternalTrunk.txt"] = "PBX,MOBILE" }
    if pick(3) { changes["731/Password.txt"] = .some(nil) }
    if pick(3) { changes["731/Fork.txt"] = "+393482619289" }
    if pick(3) { changes["732/Confirm.txt"] = "1" }
    if pick(3) { changes["trunks/PBX/Transport.txt"] = "tcp" }
    changes["trunks/GSM/Login.txt"] = "gsm"
    changes["trunks/GSM/Password.txt"] = "secretgsm"
    // The registrations are made on a good network, so that the calls find somebody.
    let scene = try Scene(changes, seed: seed, conditions: .local)
    bookkeeper = try Bookkeeper(counter: "1234", calendar: .utc)
    scene.shell.bookkeeper = bookkeeper
    self.scene = scene
    hosts = [("PBX b", "192.0.2.6:5060"), ("Mobile b", "192.0.2.21:5060"), ("GSM", "198.51.100.99:5060")].map {
      Phone($0, at: endpoint($1), on: scene.network, seed: seed &+ UInt64($0.utf8.count) &+ 500)
    }
    for host in hosts { scene.shell.names[host.address] = host.name }
    callerOffers = !pick(6)
    self.generator = generator
    prepare(conditions)
  }

  private func draw(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(generator.next() % UInt64(range.count))
  }

  private var phones: [Phone] { scene.phones + hosts }

  private func prepare(_ conditions: LinkConditions) {
    let shell = scene.shell
    for phone in phones {
      scene.network.setConditions(conditions, from: phone.name, to: "Pikett")
      scene.network.setConditions(conditions, from: "Pikett", to: phone.name)
    }
    if draw(0...1) == 0 { scene.second.register("732", password: "secret732") }
    if draw(0...2) > 0 { hosts[2].register("gsm", password: "secretgsm") }
    // Hosts that are silent for a while, or refuse every connection.
    for phone in hosts + [scene.pbx, scene.mobile] where draw(0...1) == 0 {
      let start = draw(0...30_000)
      scene.at(.milliseconds(start)) { _ in phone.isDead = true }
      scene.at(.milliseconds(start + draw(0...15_000))) { _ in phone.isDead = false }
    }
    if draw(0...5) == 0 { scene.network.setConditions(.refused, from: "Pikett", to: "PBX") }
    // So slow that the next host is tried beside it, and its answers cross what was decided meanwhile.
    for phone in [scene.pbx, scene.mobile] where draw(0...3) == 0 {
      let slow = LinkConditions(delay: .milliseconds(800) ... .milliseconds(3000))
      scene.network.setConditions(slow, from: phone.name, to: "Pikett")
    }
    if draw(0...2) == 0 { shell.portsTake = .milliseconds(draw(0...800)) }
    switch draw(0...5) {
    case 0: shell.disk = .durable(after: .milliseconds(draw(0...1500)))
    case 1: shell.disk = .refuses(after: .milliseconds(draw(0...1500)))
    case 2: shell.disk = .hangs
    default: break
    }
    for phone in phones { phone.plan = { [unowned self] _ in randomPlan() } }
    if !callerOffers { scene.caller.ackBody = sdp(Endpoint(scene.caller.address.address, 4000)) }
    for _ in 0..<4 { planCall() }
    for _ in 0..<3 {
      scene.at(.milliseconds(draw(0...60_000))) { $0.shell.portsRefused = 1 }
    }
    if draw(0...5) == 0 { scene.at(.milliseconds(draw(0...60_000))) { $0.shell.take(.shutdown) } }
    if draw(0...5) == 0 {
      scene.at(.milliseconds(draw(0...60_000))) { $0.shell.take(.siteChanged(SceneSite.read(["732/CFNR.txt": nil]))) }
    }
    for _ in 0..<20 { disturb() }
    for phone in phones where draw(0...3) == 0 {
      phone.allow = ["INVITE, ACK, BYE, CANCEL, INFO", "INVITE, ACK, BYE, CANCEL"][draw(0...1)]
      let local = Endpoint(phone.address.address, 4444)
      phone.answers = { _ in sdp(local, codecs: "8") }
    }
    for _ in 0..<12 { planTalk() }
    scene.network.afterEachStep = { [unowned self] in
      if faults.isEmpty { faults = Invariants.inEachStep(shell) }
    }
  }

  /// Things that the shell may well say, now or too late: they must not harm.
  private func disturb() {
    let kind = draw(0...4)
    let number = UInt64(draw(1...30))
    scene.at(.milliseconds(draw(0...90_000))) { scene in
      let shell = scene.shell
      let leg = LegID(rawValue: number)
      switch kind {
      case 0: shell.take(.silent(leg, since: scene.network.now.instant + .seconds(-Int(number * 3))))
      case 1: shell.take(.played(leg, token: number))
      case 2: shell.take(.digit(leg, "1", .tone))
      case 3: shell.take(.mediaRefused(LegID(rawValue: 1000 + number)))
      default:
        guard let ticket = shell.tickets.first(where: { $0.number != nil }), let drawn = ticket.number else { return }
        shell.take(.ticketDurable(ticket.call, ticket.opening.hop, drawn))
        shell.take(.ticketFailed(ticket.call, ticket.opening.hop, drawn))
      }
    }
  }

  /// Somebody holds, changes the codec or presses a key, at any moment of whatever call he has.
  private func planTalk() {
    let phone = phones[draw(0...phones.count - 1)]
    let direction = Direction.allCases[draw(0...Direction.allCases.count - 1)]
    let codecs = ["8 101", "0 101", "8", "0 8 101"][draw(0...3)]
    let key: Character = ["1", "5", "#"][draw(0...2)]
    let kind = draw(0...2)
    let start = draw(0...90_000)
    scene.at(.milliseconds(start)) { scene in
      guard let leg = phone.last, let local = phone.lines[leg]?.audio.local else { return }
      switch kind {
      case 0: phone.offer(leg, sdp(local, direction: direction, codecs: codecs))
      case 1: phone.press(key, leg)
      default: scene.shell.press(key, by: .event, on: phone, leg)
      }
    }
    guard kind == 2 else { return }
    scene.at(.milliseconds(start + draw(40...2000))) { $0.shell.release(key, after: 100, on: phone) }
  }

  private func randomPlan() -> Phone.Plan {
    var plan = Phone.Plan()
    if draw(0...5) == 0 { plan.ringsAfter = nil }
    switch draw(0...9) {
    case 0, 1: plan.act = .ring
    case 2:
      plan.act = .refuse(
        [302, 403, 404, 408, 480, 486, 488, 500, 503, 503, 600, 603, 607][draw(0...12)],
        after: .milliseconds(draw(0...3000)))
    default: plan.act = .answer(after: .milliseconds(draw(0...30_000)))
    }
    for _ in 0..<draw(0...2) {
      plan.keys.append((.milliseconds(draw(0...15_000)), draw(0...1) == 0 ? "1" : "5"))
    }
    if draw(0...2) > 0 { plan.hangsUpAfter = .milliseconds(draw(0...20_000)) }
    if draw(0...3) == 0 { plan.answersEarly = true }
    for _ in 0..<draw(0...3) / 2 {
      let hold = draw(0...15_000)
      plan.holds.append((.milliseconds(hold), .milliseconds(hold + draw(0...8000))))
    }
    return plan
  }

  private func planCall() {
    let start = draw(0...20_000)
    let number = ["720", "720", "720", "799*731", "799*731", "799733", "799", "12345", "73"][draw(0...8)]
    let end = start + draw(0...120_000)
    let keys = (0..<draw(0...3)).map { _ in (start + draw(0...10_000), ["1", "1", "2", "9"][draw(0...3)], draw(0...2)) }
    let holds = draw(0...2) == 0 ? [start + draw(0...60_000)] : []
    let isTechnician = draw(0...5) == 0
    callsPlanned += 1
    // Everybody hangs up some time: what is hunted for ever is not what is proved here.
    scene.at(.milliseconds(start)) { [callerOffers] scene in
      let caller = isTechnician ? scene[731] : scene.caller
      let leg =
        isTechnician
        ? caller.call(number, from: "731", password: "secret731")
        : caller.call(number, offer: callerOffers ? nil : [])
      scene.network.at(scene.network.elapsed + .milliseconds(end - start)) { caller.hangUp(leg) }
      for (at, key, way) in keys {
        scene.network.at(scene.network.elapsed + .milliseconds(at - start)) {
          let key: Character = key.first ?? "1"
          switch way {
          case 0: caller.press(key, leg)
          case 1: scene.shell.press(key, by: .event, on: caller, leg)
          default: scene.shell.press(key, by: .tone, on: caller, leg)
          }
        }
      }
      for at in holds {
        scene.network.at(scene.network.elapsed + .milliseconds(at - start)) {
          caller.reoffer(leg, direction: .sendOnly)
        }
        scene.network.at(scene.network.elapsed + .milliseconds(at - start + 5000)) {
          caller.reoffer(leg, direction: .sendReceive)
        }
      }
    }
  }

  /// Runs to the end.
  /// - Parameter isGood: the network loses nothing.
  func run(isGood: Bool) throws -> [String] {
    // Longer than a registration and than MaxDuration. A phone to which no CANCEL came through rings on: its affair.
    try scene.network.run(until: .seconds(12_000))
    if !faults.isEmpty { return faults }
    // Whatever was sent has come through: nobody may still ring, or believe himself in a call.
    let left = isGood ? phones.filter { $0.openLines > 0 }.map { "\($0.name) is left in a call" } : []
    return left + scene.shell.faults + Invariants.ofCalls(scene.shell) + Invariants.atTheEnd(scene.shell)
      + scene.shell.invitations.open + written
  }

  /// What is wrong with what has been written: a ticket file for each number, one END a call, one SMS and one IM for
  /// each call that had a ticket, one CDR line for each call.
  private var written: [String] {
    var faults: [String] = []
    func expect(_ count: Int, _ due: Int, _ what: String) {
      if count != due { faults.append("\(count) \(what) are written, \(due) are due") }
    }
    let files = bookkeeper.ticketFiles
    let endings = scene.shell.endings.values
    let messages = endings.count { $0.dispatch != nil }
    expect(files.count, scene.shell.tickets.count, "ticket files")
    expect(files.count { $0.contains("_END_") }, endings.count { $0.closing != nil }, "tickets with END")
    expect(bookkeeper.messages(.sms).count, messages, "SMS")
    expect(bookkeeper.messages(.im).count, messages, "IM")
    expect(bookkeeper.cdrLines.count, endings.count, "CDR lines")
    return faults
  }
}
