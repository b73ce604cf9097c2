import Hunting
import PikettTesting
import SDP
import SIPMessage
import SIPUserAgent
import Telephony
import Testing

@testable import CallControl

/// Calls that are in the hunt, told as message ladders.
@Suite struct HuntStories {
  @Test func `799*731 from a trunk is answered at once and rings who is on duty`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(30))
    scene.expectLadder("direct-on-duty")
    #expect(try scene.ending().detail.dialled == "799*731")
    try scene.expectClean()
  }

  @Test func `799731 from a trunk rings 731, whoever is on duty`() throws {
    let scene = try Scene()
    scene[731].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799731")
    scene.at(.seconds(12)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    scene.expectLadder("direct-at-user")
    let ending = try scene.ending()
    #expect(ending.detail.answeredExtension == "731")
    #expect(ending.dispatch?.user == "731")
    try scene.expectClean()
  }

  @Test func `a busy user is left at once for the next`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .refuses(486) }
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(30))
    scene.expectLadder("busy")
    try scene.expectClean()
  }

  @Test func `a redirection is a failed branch and is not followed`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .refuses(302) }
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(30))
    scene.expectLadder("redirected")
    let target = scene.shell.events.compactMap { event -> String? in
      guard case .hunt(_, .failed(_, .redirected(let target), _)) = event else { return nil }
      return target
    }
    #expect(target == ["sip:elsewhere@203.0.113.9"])
    try scene.expectClean()
  }

  @Test func `all refuse: a pause before each further round, and the last hop stays open`() throws {
    let scene = try Scene(["732/CFNR.txt": "731", "731/CFNR.txt": "732", "733/Contact.txt": nil, "733/CFNR.txt": nil])
    for number in [731, 732] { scene[number].plan = { _ in .refuses(603) } }
    scene.callerDials("799*731")
    scene.at(.seconds(10)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(60))
    scene.expectLadder("all-refuse")
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "731", "732", "731"])
    #expect(try scene.ending().dispatch?.user == "731")
    try scene.expectClean()
  }

  @Test func `nobody has registered: the chain goes on at once`() throws {
    let scene = try Scene(registers: false)
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.callerDials("799*731")
    try scene.run(until: .seconds(30))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733"])
    #expect(try scene.ending().detail.answeredExtension == "733")
    let unregistered = scene.shell.events.compactMap { event in
      if case .branchHasNoWay(_, _, let user, true) = event { user } else { nil }
    }
    #expect(unregistered == ["732"])
    try scene.expectClean()
  }

  @Test func `the chain's end releases the caller with cause 16`() throws {
    let scene = try Scene(["732/CFNR.txt": nil])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    scene.expectLadder("chain-ends")
    #expect(try scene.ending().detail.cause == .noAnswer)
    try scene.expectClean()
  }

  @Test func `MaxDuration ends the hunt`() throws {
    let scene = try Scene(["MaxDuration.txt": "50"])
    scene.callerDials("799*731")
    try scene.run(until: .seconds(60))
    #expect(scene.shell.tickets.map(\.opening.user) == ["732", "733", "731"])
    #expect(try scene.ending().dispatch?.user == "731")
    try scene.expectClean()
  }

  // MARK: Several phones

  @Test func `all phones of a user ring, the first that answers wins, the others are cancelled`() throws {
    let scene = try Scene()
    scene.second.register("732", password: "secret732")
    scene.second.plan = { _ in .answers(after: .seconds(4), hangsUpAfter: .seconds(10)) }
    scene.at(.milliseconds(500)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(40))
    scene.expectLadder("two-contacts")
    #expect(try scene.ending().detail.answeredExtension == "732")
    try scene.expectClean()
  }

  @Test func `one of two phones refuses: the other rings on`() throws {
    let scene = try Scene()
    scene.second.register("732", password: "secret732")
    scene.second.plan = { _ in .refuses(486, after: .seconds(2)) }
    scene[732].plan = { _ in .answers(after: .seconds(6), hangsUpAfter: .seconds(10)) }
    scene.at(.milliseconds(500)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(40))
    #expect(scene.shell.tickets.count == 1)
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test func `an answer that crosses our CANCEL is acknowledged and ended`() throws {
    let scene = try Scene()
    scene.second.register("732", password: "secret732")
    // Both lift within the way's time: one of the two 200s meets the CANCEL.
    scene.second.plan = { _ in .answers(after: .seconds(4), hangsUpAfter: .seconds(10)) }
    scene[732].plan = { _ in .answers(after: .milliseconds(4005)) }
    scene.at(.milliseconds(500)) { $0.caller.call("799*731") }
    try scene.run(until: .seconds(40))
    scene.expectLadder("crossing-answer")
    #expect(scene.shell.bridges.values.map(\.count) == [1])
    try scene.expectClean()
  }

  // MARK: Giving up

  @Test func `the caller gives up while the ticket is being drawn`() throws {
    let scene = try Scene()
    scene.shell.disk = .durable(after: .milliseconds(300))
    scene.callerDials("799*731")
    scene.at(.milliseconds(100)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(20))
    scene.expectLadder("gives-up-opening")
    #expect(try scene.ending().dispatch?.user == "732")
    try scene.expectClean()
  }

  @Test func `the caller gives up while the second hop's ticket is being drawn: it is the call's ticket`() throws {
    let scene = try Scene()
    scene.shell.disk = .durable(after: .milliseconds(300))
    scene.callerDials("799*731")
    scene.at(.milliseconds(20_400)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(40))
    let ending = try scene.ending()
    #expect(ending.detail.ticket?.rawValue == 1235)
    #expect(ending.detail.answeredExtension == "")
    #expect(ending.dispatch?.user == "733")
    #expect(scene[733].order.isEmpty)
    try scene.expectClean()
  }

  @Test func `the caller gives up while a technician is rung`() throws {
    let scene = try Scene()
    scene.callerDials("799*731")
    scene.at(.seconds(7)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    scene.expectLadder("gives-up-ringing")
    let ending = try scene.ending()
    #expect(ending.dispatch?.user == "732")
    #expect(ending.detail.answer == nil)
    try scene.expectClean()
  }

  @Test func `the caller hangs up while he is connected`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    scene.expectLadder("caller-hangs-up")
    #expect(scene[732].openLines == 0)
    try scene.expectClean()
  }

  @Test func `the caller puts the talk on hold and takes it back`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { scene in scene.caller.last.map { scene.caller.reoffer($0, direction: .sendOnly) } }
    scene.at(.seconds(6)) { scene in
      let directions = scene.shell.media.values.compactMap { $0.negotiated?.direction }
      #expect(Set(directions) == [.receiveOnly, .sendReceive])
    }
    scene.at(.seconds(8)) { scene in scene.caller.last.map { scene.caller.reoffer($0, direction: .sendReceive) } }
    scene.at(.seconds(9)) { scene in
      #expect(scene.shell.media.values.allSatisfy { $0.negotiated?.direction == .sendReceive })
    }
    scene.at(.seconds(20)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(30))
    scene.expectLadder("hold")
    try scene.expectClean()
  }

  @Test func `a caller whose PBX makes no offer gets ours, and his ACK answers it`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(5)) }
    scene.caller.ackBody = sdp(endpoint("192.0.2.9:4444"))
    scene.at(.zero) { $0.caller.call("799*731", offer: []) }
    scene.at(.seconds(1)) { scene in
      #expect(scene.shell.media.values.contains { $0.negotiated?.remote == endpoint("192.0.2.9:4444") })
    }
    try scene.run(until: .seconds(20))
    scene.expectLadder("no-offer")
    #expect(try scene.ending().detail.answer != nil)
    try scene.expectClean()
  }

  @Test(arguments: ["", "v=0\r\n"]) func `an ACK without a usable answer to our offer ends the call`(answer: String)
    throws
  {
    let scene = try Scene()
    scene.caller.ackBody = answer.isEmpty ? nil : Array(answer.utf8)
    scene.at(.zero) { $0.caller.call("799*731", offer: []) }
    try scene.run(until: .seconds(10))
    let ending = try scene.ending()
    #expect(ending.detail.cause == .bearerCapabilityNotImplemented)
    #expect(ending.closing?.isLast == true)
    #expect(scene.caller.openLines == 0)
    try scene.expectClean()
  }

  @Test func `a caller who never acknowledges is released`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.milliseconds(5)) { $0.caller.isDead = true }
    try scene.run(until: .seconds(40))
    #expect(try scene.ending().detail.answeredExtension == "732")
    #expect(scene[732].openLines == 0)
    #expect(scene.steps("timers").contains { $0.commands.requests(.bye).count == 2 })
  }

  // MARK: Silence

  @Test func `a technician whose phone died is asked, and the caller is released`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    scene.at(.seconds(5)) { scene in
      scene[732].isDead = true
      let legs = scene.shell.media.keys.sorted()
      for leg in legs { scene.shell.take(.silent(leg, since: scene.network.now.instant)) }
    }
    try scene.run(until: .seconds(50))
    scene.expectLadder("silent")
    #expect(scene.caller.openLines == 0)
    #expect(scene.shell.endings.count == 1)
  }

  @Test func `who is silent and lives is left alone`() throws {
    let scene = try Scene()
    scene[732].plan = { _ in .answers(after: .seconds(2)) }
    scene.callerDials("799*731")
    for time in [1, 5, 10] {
      scene.at(.seconds(time)) { scene in
        for leg in scene.shell.media.keys.sorted() { scene.shell.take(.silent(leg, since: scene.network.now.instant)) }
        scene.shell.take(.silent(LegID(rawValue: 999), since: scene.network.now.instant))
      }
    }
    scene.at(.seconds(100)) { scene in
      #expect(scene.shell.control.callCount == 1)
      scene.caller.hangUp()
    }
    try scene.run(until: .seconds(110))
    try scene.expectClean()
  }

  @Test func `what stands in the Request-URI does not come out as a header`() throws {
    let scene = try Scene(["trunks/GW14/Default.txt": "799*731", "732/Fork.txt": "347"])
    scene.callerDials("720\r\nX-Evil: 1")
    scene.at(.seconds(2)) { $0.caller.hangUp() }
    try scene.run(until: .seconds(10))
    let invites = scene.shell.steps.flatMap(\.commands).requests(.invite)
    #expect(invites.count == 2)
    #expect(invites.allSatisfy { !$0.headers.has("X-Evil") && !$0.headers.has("\r\nX-Evil") })
    #expect(invites.contains { $0.headers["Diversion"]?.contains("720%0D%0A") == true })
    try scene.expectClean()
  }

  // MARK: Inside

  @Test func `a registered user calls the queue and is released too`() throws {
    let scene = try Scene()
    scene[733].plan = { _ in .answers(after: .seconds(2), hangsUpAfter: .seconds(10)) }
    scene.at(.zero) { $0[731].call("799733", from: "731", password: "secret731") }
    try scene.run(until: .seconds(30))
    scene.expectLadder("internal-caller")
    let ending = try scene.ending()
    #expect(ending.caller.text == "731")
    #expect(ending.detail.origin == "internal")
    #expect(scene[731].openLines == 0)
    try scene.expectClean()
  }

  @Test func `a user is his own number whatever his From says`() throws {
    let scene = try Scene()
    scene.at(.zero) {
      $0[731].call(
        "720", from: "731", headers: [("P-Asserted-Identity", "<sip:900123@192.0.2.9>")], password: "secret731")
    }
    scene.at(.seconds(1)) { $0[731].hangUp() }
    try scene.run(until: .seconds(10))
    #expect(try scene.ending().caller.text == "731")
    try scene.expectClean()
  }
}
