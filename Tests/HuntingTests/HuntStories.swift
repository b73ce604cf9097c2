import Hunting
import Telephony
import Testing

/// The stories of the original's description, and those beyond it.
@Suite("Hunt: stories")
struct HuntStories {
  @Test("Seed: Tech2 is in charge and called first; no answer goes to Tech3, then to Tech1, then again to Tech2")
  func roundRobin() throws {
    var story = try Story()
    var heard: [[String]] = []
    for _ in 1...4 {
      heard.append(story.ringing)
      story.wait(20)
    }
    #expect(heard == [["732", "3472222222"], ["733"], ["731", "3471111111"], ["732", "3472222222"]])
    #expect(story.isSound)
  }

  @Test("Seed: the ticket log of a call that 731 answers after 732 has not, to the letter")
  func ticketLog() throws {
    let users = [User(number: "731", cfnr: "732"), User(number: "732", cfnr: "731")]
    var story = try Story(users: users)
    #expect(story.ringing == ["732"])
    story.wait(20)
    #expect(story.ringing == ["731"])
    try story.answers("731")
    #expect(story.talking == "731")
    story.wait(120)
    try story.hangsUp("731")
    #expect(
      story.log == [
        "12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732",
        "12.10.2012_14.00_12.10.2012_14.02_Ticket_1235_Caller_03472619287_Called_731_END",
      ])
    #expect(story.isOver && story.isSound)
  }

  @Test("Seed: the message of a call of five minutes that 732 takes, to the letter")
  func message() throws {
    var story = try Story()
    try story.answers("732")
    story.wait(300)
    try story.hangsUp("732")
    #expect(
      story.messages == ["732: 12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732"])
    #expect(story.isSound)
  }

  @Test("Seed: the caller gives up while the second is rung: he alone gets the message, and his phones stop ringing")
  func givesUpAtSecond() throws {
    var story = try Story("799731", onDuty: nil)
    story.wait(25)
    #expect(story.ringing == ["732", "3472222222"])
    story.callerHangsUp()
    #expect(story.ringing.isEmpty)
    #expect(story.log.map { $0.hasSuffix("_END") } == [false, true])
    #expect(story.messages.map { $0.prefix(3) } == ["732"])
    #expect(story.ends == [.callerGaveUp])
    #expect(story.isSound)
  }

  @Test("Seed: it is possible not to jump back to the first caller: the chain ends with 731")
  func notJumpingBack() throws {
    var users = Story.technicians
    users[0].cfnr = nil
    var story = try Story(users: users)
    story.wait(59)
    #expect(story.ringing == ["731", "3471111111"])
    story.wait(1)
    #expect(story.isOver && story.releasedWith == .noAnswer)
    #expect(story.messages.map { $0.prefix(3) } == ["731"] && story.isSound)
  }

  @Test("Seed: each hop has its ticket, so that gaps in the messages' numbers are calls that were not answered")
  func ticketGaps() throws {
    var story = try Story()
    story.wait(40)
    try story.answers("3471111111")
    try story.presses("1", on: "3471111111")
    story.wait(60)
    try story.hangsUp("3471111111")
    #expect(story.world.closed.map { "\($0.ticket) \($0.user)" } == ["1234 732", "1235 733", "1236 731"])
    #expect(
      story.messages == ["731: 12.10.2012_14.00_12.10.2012_14.01_Ticket_1236_Caller_03472619287_Called_731"])
    #expect(story.isSound)
  }

  @Test("Seed: if the CFU is cleared, the default user rings first")
  func noCFU() throws {
    #expect(try Story("799*731", onDuty: nil).ringing.first == "731")
    #expect(try Story("799*733", onDuty: nil).ringing.first == "733")
    #expect(try Story("799", onDuty: nil).ringing.first == "731")
    #expect(try Story("799*", onDuty: nil).ringing.first == "731")
    #expect(try Story("799", onDuty: "733").ringing.first == "733")
  }

  @Test("799731 begins at 731, whoever is on duty")
  func noCFUWithoutStar() throws {
    #expect(try Story("799731", onDuty: "732").ringing == ["731", "3471111111"])
  }

  @Test("A CFU to somebody who has left does not cost the call")
  func deadCFU() throws {
    #expect(try Story("799*733", onDuty: "739").ringing.first == "733")
    #expect(try Story("799*739", onDuty: "739").ringing.first == "731")
  }

  @Test("Seed: the technician hangs up, and the caller is released in the same step with cause 16")
  func technicianHangsUp() throws {
    var story = try Story()
    try story.answers("732")
    try story.hangsUp("732")
    #expect(story.world.lastActions.first == .releaseCaller(.normalClearing))
    #expect(story.releasedWith == .normalClearing && story.isOver && story.isSound)
  }

  @Test("The caller hangs up, and the technician is released in the same step with cause 16")
  func callerHangsUp() throws {
    var story = try Story()
    try story.answers("732")
    story.callerHangsUp()
    #expect(
      story.world.lastActions.first == .releaseBranch(BranchID(hop: .first, index: 0), .normalClearing))
    #expect(story.ends == [.callerHungUp] && story.isOver && story.isSound)
  }

  @Test("A wall clock that is set back in mid-call moves no deadline, and no ticket ends before it began")
  func clockSetBack() {
    var hunt = Hunt(plan: HuntPlan(users: [User(number: "731")]), entry: .at("731"))
    let start = Story.start
    _ = hunt.handle(.start, at: start)
    _ = hunt.handle(.ticketDurable(.first, TicketNumber(rawValue: 1)), at: start)
    #expect(hunt.nextDeadline == start.instant + .seconds(20))
    let later = Moment(instant: start.instant + .seconds(20), wall: start.wall + .seconds(-3600))
    let ticket = ClosedTicket(
      hop: .first, ticket: TicketNumber(rawValue: 1), user: "731", start: start.wall, end: start.wall, isLast: true)
    #expect(hunt.handle(.timersDue, at: later).contains(.closeTicket(ticket)))
  }

  @Test("The first answer wins, and the other phones are told that it was answered elsewhere")
  func answeredElsewhere() throws {
    var story = try Story()
    try story.answers("732")
    #expect(story.world.lastActions.contains(.cancel(BranchID(hop: .first, index: 1), .answeredElsewhere)))
    #expect(story.ringing.isEmpty && story.talking == "732" && story.isSound)
  }

  @Test("An answer that crosses its cancelling is released")
  func crossing() throws {
    var story = try Story()
    try story.answers("732")
    try story.answers("3472222222")
    #expect(story.world.lastActions.first == .releaseBranch(BranchID(hop: .first, index: 1), .normalClearing))
    #expect(story.talking == "732" && story.isSound)
    story = try Story()
    story.wait(20)
    story.put(.branchAnswered(BranchID(hop: .first, index: 0)))
    #expect(story.world.lastActions.first == .releaseBranch(BranchID(hop: .first, index: 0), .normalClearing))
    #expect(story.ringing == ["733"] && story.isSound)
  }
}

@Suite("Hunt: confirming")
struct ConfirmStories {
  @Test("The mobile must press its key; meanwhile the desk phone rings on")
  func mobileConfirms() throws {
    var story = try Story()
    try story.answers("3472222222")
    #expect(story.confirming == ["3472222222"] && story.ringing == ["732"] && story.talking == nil)
    try story.presses("1", on: "3472222222")
    #expect(story.talking == "3472222222" && story.ringing.isEmpty)
    try story.hangsUp("3472222222")
    // `Called_` is the internal number, even if the fork answered.
    #expect(story.log.last?.hasSuffix("_Called_732_END") == true && story.isSound)
  }

  @Test("A wrong key repeats the prompt, and the right one still counts")
  func wrongKey() throws {
    var story = try Story()
    try story.answers("3472222222")
    try story.presses("5", on: "3472222222")
    #expect(story.world.prompts.count == 2 && story.talking == nil)
    try story.presses("1", on: "3472222222")
    #expect(story.talking == "3472222222" && story.isSound)
  }

  @Test("A voicemail that answers swallows nothing: 10 s after the prompt's end the hunt goes on")
  func voicemail() throws {
    var story = try Story()
    story.wait(18)
    try story.answers("3472222222")
    story.wait(6)
    try story.promptEnds(on: "3472222222")
    story.wait(9)
    #expect(story.confirming == ["3472222222"] && story.ringing == ["732"], "held beyond the 20 s of the CFNR timeout")
    story.wait(1)
    #expect(story.ringing == ["733"] && story.confirming.isEmpty && story.isSound)
  }

  @Test("A voicemail that answers early does not shorten the ringing of the desk phone")
  func earlyVoicemail() throws {
    var story = try Story()
    try story.answers("3472222222")
    story.wait(3)
    try story.promptEnds(on: "3472222222")
    story.wait(16)
    #expect(story.ringing == ["732"])
    story.wait(1)
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("If nothing is left but a voicemail, the hunt goes on before the CFNR timeout")
  func onlyVoicemail() throws {
    var story = try Story()
    try story.isBusy("732")
    try story.answers("3472222222")
    story.wait(3)
    try story.promptEnds(on: "3472222222")
    story.wait(9)
    #expect(story.confirming == ["3472222222"])
    story.wait(1)
    #expect(story.ringing == ["733"] && story.confirming.isEmpty && story.isSound)
  }

  @Test("An answer that is told twice changes nothing")
  func toldTwice() throws {
    var story = try Story()
    try story.answers("3472222222")
    try story.answers("3472222222")
    #expect(story.world.lastActions.isEmpty)
    try story.answers("732")
    try story.answers("732")
    #expect(story.world.lastActions.isEmpty && story.talking == "732" && story.isSound)
  }

  @Test("Whoever has answered is hung up with cause 16, whoever has not is told the reason")
  func causes() throws {
    var story = try Story()
    try story.answers("3472222222")
    try story.answers("732")
    #expect(story.world.lastActions.contains(.releaseBranch(BranchID(hop: .first, index: 1), .normalClearing)))
    story = try Story(disk: .hangs)
    story.put(.ticketDurable(.first, TicketNumber(rawValue: 1234)))
    story.wait(20)
    #expect(story.world.lastActions.contains(.cancel(BranchID(hop: .first, index: 1), .noAnswer)) && story.isSound)
  }

  @Test("Only the first prompt's end counts: wrong keys do not hold the hop open for ever")
  func firstPromptCounts() throws {
    var story = try Story()
    story.wait(19)
    try story.answers("3472222222")
    story.wait(4)
    try story.promptEnds(on: "3472222222")
    story.wait(8)
    try story.presses("9", on: "3472222222")
    try story.promptEnds(on: "3472222222")
    story.wait(2)
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("An answer after the CFNR timeout does not hold the hop a second time, but may still confirm in time")
  func heldOnce() throws {
    var users = Story.technicians
    users[1].forks.append(Fork(number: "3473333333"))
    var story = try Story(users: users)
    story.wait(19)
    try story.answers("3472222222")
    story.wait(4)
    try story.promptEnds(on: "3472222222")
    try story.answers("3473333333")
    story.wait(9)
    var other = story
    try other.presses("1", on: "3473333333")
    #expect(other.talking == "3473333333" && other.isSound)
    story.wait(1)
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("A held hop ends as soon as the phone that holds it hangs up")
  func holderHangsUp() throws {
    var story = try Story()
    story.wait(19)
    try story.answers("3472222222")
    story.wait(3)
    #expect(story.ringing == ["732"])
    try story.hangsUp("3472222222")
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("A prompt whose end nobody reports holds the hop for 40 s at most")
  func promptWithoutEnd() throws {
    var story = try Story()
    story.wait(19)
    try story.answers("3472222222")
    story.wait(39)
    #expect(story.ringing == ["732"])
    story.wait(1)
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("A desk phone with Confirm.txt must press its key; a fork with ForkConfirm none need not")
  func otherWayRound() throws {
    let users = [User(number: "731", confirmKey: "#", forks: [Fork(number: "0791", confirmKey: nil)])]
    var story = try Story(users: users, onDuty: nil)
    try story.answers("731")
    #expect(story.confirming == ["731"])
    try story.presses("1", on: "731")
    #expect(story.talking == nil)
    var other = story
    try other.answers("0791")
    #expect(other.talking == "0791" && other.confirming.isEmpty && other.isSound)
    try story.presses("#", on: "731")
    #expect(story.talking == "731" && story.isSound)
  }
}

@Suite("Hunt: nobody comes")
struct NobodyStories {
  @Test("A hop in which no phone is left ends at once")
  func nobodyLeft() throws {
    var story = try Story()
    try story.isBusy("732")
    #expect(story.ringing == ["3472222222"])
    try story.isUnreachable("3472222222")
    #expect(story.ringing == ["733"] && story.isSound)
  }

  @Test("The old hop closes in the step in which the next opens")
  func sameStep() throws {
    var story = try Story(disk: .hangs)
    story.put(.ticketDurable(.first, TicketNumber(rawValue: 1234)))
    story.wait(20)
    let kinds = story.world.lastActions.compactMap { action -> String? in
      switch action {
      case .closeTicket(let ticket): "close \(ticket.ticket)"
      case .openTicket(let hop, let user, _): "open \(hop) for \(user)"
      default: nil
      }
    }
    #expect(kinds == ["close 1234", "open hop 2 for 733"])
  }

  @Test("After a whole round in vain: 5 s, 10 s, 20 s, 40 s, 60 s, 60 s; the last hop stays open meanwhile")
  func pauses() throws {
    var story = try Story("799731", users: [User(number: "731", cfnr: "732"), User(number: "732", cfnr: "731")])
    for pause in [5, 10, 20, 40, 60, 60] {
      try story.isBusy("731")
      try story.isUnreachable("732")
      #expect(story.ringing.isEmpty)
      let tickets = story.log.count
      story.wait(pause - 1)
      #expect(story.ringing.isEmpty && story.log.count == tickets)
      story.wait(1)
      #expect(story.ringing == ["731"] && story.log.count == tickets + 1)
    }
    #expect(story.isSound)
  }

  @Test("Somebody who could be rung makes the next round begin at once, and the waits begin anew")
  func pauseResets() throws {
    var story = try Story("799731", users: [User(number: "731", cfnr: "732"), User(number: "732", cfnr: "731")])
    try story.isBusy("731")
    try story.isBusy("732")
    story.wait(5)
    try story.rings("731")
    story.wait(2)
    try story.isBusy("731")
    try story.isBusy("732")
    #expect(story.ringing == ["731"])
    try story.isBusy("731")
    try story.isBusy("732")
    story.wait(4)
    #expect(story.ringing.isEmpty)
    story.wait(1)
    #expect(story.ringing == ["731"] && story.isSound)
  }

  @Test("A phone that says 180 and refuses at once was not rung: no storm of tickets")
  func refusingRobot() throws {
    var story = try Story("799731", users: [User(number: "731", cfnr: "731")])
    try story.rings("731")
    try story.isBusy("731")
    #expect(story.ringing.isEmpty && story.isSound)
  }

  @Test("The chain may end: the last user's ticket is END, and the caller is released")
  func chainEnds() throws {
    var story = try Story("799731", users: [User(number: "731", cfnr: "732"), User(number: "732")])
    story.wait(40)
    #expect(story.releasedWith == .noAnswer && story.ends == [.chainEnded])
    #expect(story.log.map { $0.hasSuffix("_END") } == [false, true] && story.isSound)
    story = try Story("799731", users: [User(number: "731")])
    try story.isBusy("731")
    #expect(story.releasedWith == .userBusy && story.isSound)
  }

  @Test("A CFNR to nobody ends the chain")
  func deadCFNR() throws {
    var story = try Story("799731", users: [User(number: "731", cfnr: "739")])
    story.wait(20)
    #expect(story.ends == [.chainEnded] && story.isSound)
  }

  @Test("MaxRounds bounds the loop")
  func maxRounds() throws {
    var story = try Story(maxRounds: 2)
    story.wait(119)
    #expect(!story.isOver)
    story.wait(1)
    #expect(story.ends == [.maxRounds] && story.log.count == 6 && story.isSound)
  }

  @Test("MaxDuration ends the hunting, but cuts no living talk")
  func maxDuration() throws {
    var story = try Story(maxDuration: .seconds(50))
    story.wait(49)
    var talk = story
    try talk.answers("731")
    talk.wait(1000)
    #expect(talk.talking == "731" && talk.isSound)
    story.wait(1)
    #expect(story.ends == [.maxDuration] && story.releasedWith == .noAnswer && story.ringing.isEmpty && story.isSound)
  }

  @Test("A user without any phone is passed over")
  func noPhone() throws {
    let users = [User(number: "731", hasDeskPhone: false, cfnr: "732"), User(number: "732")]
    let story = try Story("799731", users: users)
    #expect(story.ringing == ["732"] && story.log.count == 1 && story.isSound)
  }

  @Test("A site without users releases the caller and opens no ticket")
  func emptySite() throws {
    let story = try Story("799", users: [])
    #expect(story.releasedWith == .destinationOutOfOrder && story.ends == [.nobodyToRing] && story.isOver)
    #expect(story.log.isEmpty && story.messages.isEmpty && story.isSound)
  }
}

@Suite("Hunt: the disk")
struct DiskStories {
  private let ticket = TicketNumber(rawValue: 1234)

  @Test("Nobody rings before the ticket's record is on the disk, or 500 ms have passed")
  func patience() throws {
    var story = try Story(disk: .hangs)
    #expect(story.ringing.isEmpty)
    story.put(.timersDue)
    #expect(story.ringing.isEmpty)
    var slow = story
    slow.wait(1)
    #expect(slow.ringing == ["732", "3472222222"] && slow.world.notes.contains(.diskSlow(.first)))
    // The disk's late word changes nothing.
    slow.put(.ticketDurable(.first, ticket))
    #expect(slow.world.lastActions.isEmpty && slow.isSound)
    story.put(.ticketDurable(.first, ticket))
    #expect(story.ringing == ["732", "3472222222"] && story.isSound)
  }

  @Test("A disk that refuses does not stop the call, and is told")
  func refused() throws {
    let story = try Story(disk: .refuses)
    #expect(story.ringing == ["732", "3472222222"])
    #expect(story.world.notes.contains(.diskRefused(.first, ticket)) && story.isSound)
  }

  @Test("The caller gives up while the ticket is drawn: the number still gets its file")
  func goneWhileOpening() throws {
    var story = try Story(disk: .hangs)
    story.callerHangsUp()
    #expect(story.isOver && story.ringing.isEmpty && story.isSound)
    #expect(story.log == ["12.10.2012_14.00_12.10.2012_14.00_Ticket_1234_Caller_03472619287_Called_732_END"])
  }

  @Test("MaxDuration and shutdown are accepted while the ticket is drawn")
  func endsWhileOpening() throws {
    var story = try Story(maxDuration: .milliseconds(200), disk: .hangs)
    story.wait(1)
    #expect(story.ends == [.maxDuration] && story.ringing.isEmpty && story.isOver && story.isSound)
    story = try Story(disk: .hangs)
    story.daemonEnds()
    #expect(story.ends == [.shutdown] && story.isOver && story.isSound)
  }

  @Test("The CFNR timeout counts from the first INVITE, not from the opening")
  func timeoutFromInvite() throws {
    var story = try Story(disk: .hangs)
    story.world.wait(.milliseconds(400))
    story.put(.ticketDurable(.first, ticket))
    story.world.wait(.milliseconds(19_999))
    #expect(story.ringing == ["732", "3472222222"])
    story.world.wait(.milliseconds(1))
    #expect(story.ringing.isEmpty && story.isSound)
  }

  @Test("A late result of a closed hop is ignored")
  func lateResult() throws {
    var story = try Story()
    story.wait(20)
    #expect(story.ringing == ["733"])
    story.put(.ticketDurable(.first, ticket))
    #expect(story.world.lastActions.isEmpty && story.ringing == ["733"] && story.isSound)
  }

  @Test("SIGTERM ends a talk: both are released, the ticket is END")
  func shutdown() throws {
    var story = try Story()
    try story.answers("732")
    story.daemonEnds()
    #expect(story.ends == [.shutdown] && story.isOver && story.messages.count == 1 && story.isSound)
  }
}
