import Hunting
import Telephony

/// One call in which everything is drawn by lot: the plan, and then whatever phones, caller, disk and clock may say, also
/// what they cannot say any more or never could.
struct RandomCall {
  private(set) var world: HuntWorld
  private let seed: UInt64
  private var dice: SeededGenerator
  /// What must hold from any state on, but did not.
  private(set) var deadEnds: [String] = []

  init(seed: UInt64, tellsStory: Bool = false) {
    var dice = SeededGenerator(seed: seed)
    let plan = RandomCall.plan(&dice)
    let number = [nil, "731", "733", "1000", "9"].randomElement(using: &dice) ?? nil
    let entry: HuntEntry = Bool.random(using: &dice) ? .onDuty(default: number) : .at(number ?? "732")
    world = HuntWorld(plan: plan, entry: entry, at: Story.start)
    world.tellsStory = tellsStory
    self.seed = seed
    self.dice = dice
  }

  /// What was wrong; empty if nothing was.
  var faults: [String] { world.violations + deadEnds }

  // MARK: The plan

  private static func plan(_ dice: inout SeededGenerator) -> HuntPlan {
    func oneOf(_ count: Int) -> Bool { Int.random(in: 1...count, using: &dice) == 1 }
    let numbers = ["731", "732", "733", "1000", "99"].prefix(oneOf(20) ? 0 : Int.random(in: 1...5, using: &dice))
    let users = numbers.map { number in
      User(
        number: number, hasDeskPhone: !oneOf(6), confirmKey: oneOf(4) ? ["5", "#"].randomElement(using: &dice) : nil,
        forks: (0..<Int.random(in: 0...2, using: &dice)).map { index in
          Fork(number: "34\(index)", confirmKey: oneOf(4) ? nil : oneOf(5) ? "*" : "1")
        },
        // Loops long and short, onto oneself, from the side; ends; and nobody.
        cfnr: oneOf(12) ? nil : (numbers + (oneOf(4) ? ["739"] : [])).randomElement(using: &dice),
        cfnrTimeout: .seconds(oneOf(8) ? 3600 : Int.random(in: 1...30, using: &dice)))
    }
    return HuntPlan(
      users: users, duty: Duty(target: oneOf(4) ? nil : (numbers + ["739"]).randomElement(using: &dice)),
      maxRounds: oneOf(4) ? Int.random(in: 1...3, using: &dice) : nil,
      maxDuration: oneOf(4) ? nil : .seconds(Int.random(in: 1...1000, using: &dice)))
  }

  // MARK: The run

  mutating func run(steps: Int = 250) {
    if dice.next() % 20 > 0 { world.put(.start) }
    let boldness = Int.random(in: 0...3, using: &dice)
    for _ in 0..<steps where !world.isFinished && world.violations.isEmpty {
      world.disk = randomDisk()
      step(boldness)
      if dice.next() % 40 == 0 { lookAhead() }
    }
    world.disk = .hangs
    if world.violations.isEmpty { lookAhead() }
    if !world.isFinished { world.put(.callerEnded(.normalClearing)) }
    // What was still under way when the hunt was over.
    for _ in 0..<8 where world.violations.isEmpty { step(0) }
  }

  private mutating func randomDisk() -> HuntWorld.Disk {
    switch Int.random(in: 0...19, using: &dice) {
    case 0...13: .takesIt
    case 14...15: .refuses
    case 16...18: .hangs
    default: .isDead
    }
  }

  /// - Parameter boldness: how much of it is time; the bold calls come far, the others are full of events.
  private mutating func step(_ boldness: Int) {
    if Int.random(in: 0...9, using: &dice) < 1 + 2 * boldness { return time() }
    let branch = randomBranch()
    switch Int.random(in: 0...99, using: &dice) {
    case 0...14: world.put(.branchRinging(branch))
    case 15...29: world.put(.branchAnswered(branch))
    case 30...41: world.put(.branchFailed(branch, randomFailure(), randomCause()))
    case 42...51: world.put(.promptEnded(branch))
    case 52...67: world.put(.keyPressed(branch, randomKey()))
    case 68...74: world.put(.branchEnded(branch, randomCause()))
    case 75...84: diskSpeaks()
    case 85...87: world.put(.timersDue)
    case 88...90: world.put(.branchAdded(randomFurther(), beside: branch))
    case 91...93: world.put(.start)
    case 94...95: world.setWall(.seconds(Int.random(in: -7200...7200, using: &dice)))
    case 96...97: if dice.next() % 4 == 0 { world.put(.callerEnded(randomCause())) }
    default: if dice.next() % 8 == 0 { world.put(.shutdown) }
    }
  }

  private mutating func time() {
    let left = world.hunt.nextDeadline.map { $0 - world.now.instant }
    switch Int.random(in: 0...9, using: &dice) {
    case 0...2: world.wait(.milliseconds(Int.random(in: 0...1200, using: &dice)))
    case 3: world.wait(.seconds(Int.random(in: 1...70, using: &dice)))
    case 4:  // exactly then
      if let left { world.wait(left) }
    case 5:  // a nanosecond too early: nothing may happen
      if let left, left > .nanoseconds(1) {
        world.pass(left - .nanoseconds(1))
        world.put(.timersDue)
      }
    case 6:  // exactly then, but something else comes first, at the same instant
      if let left { world.pass(left) }
    case 7:  // the shell is late, by much: whatever happens now comes before all that is due
      world.pass(.milliseconds(Int.random(in: 0...100_000, using: &dice)))
    default:  // late, and all at once
      if let left { world.pass(left + .milliseconds(Int.random(in: 0...50_000, using: &dice))) }
      world.put(.timersDue)
    }
  }

  private mutating func diskSpeaks() {
    let newest = world.lastHop?.rawValue ?? 1
    let hop = HopID(rawValue: dice.next() % 3 == 0 ? Int.random(in: -1...newest + 1, using: &dice) : newest)
    let foreign = TicketNumber(rawValue: UInt64.random(in: 0...TicketNumber.highest, using: &dice))
    let number = dice.next() % 20 == 0 ? foreign : world.number(of: hop) ?? foreign
    switch Int.random(in: 0...3, using: &dice) {
    case 0: world.put(.ticketFailed(hop, number))
    case 1: world.put(.ticketNumbered(hop, number))
    default: world.put(.ticketDurable(hop, number))
    }
  }

  private mutating func randomFailure() -> BranchFailure {
    [.busy, .refused, .unreachable, .redirected(to: "sip:box@example.net")].randomElement(using: &dice) ?? .busy
  }

  private mutating func randomCause() -> Cause {
    [.userBusy, .noAnswer, .normalClearing, .callRejected].randomElement(using: &dice) ?? .userBusy
  }

  private mutating func randomKey() -> Character { ["1", "1", "1", "5", "#", "*"].randomElement(using: &dice) ?? "1" }

  /// Mostly a phone that rings or has answered, else one of the open hop, sometimes one of an old hop, sometimes one that never was.
  private mutating func randomBranch() -> BranchID {
    if dice.next() % 3 > 0, let living = world.livingBranches.randomElement(using: &dice) { return living }
    let newest = world.lastHop?.rawValue ?? 1
    let hop = dice.next() % 8 == 0 ? Int.random(in: -1...newest + 1, using: &dice) : newest
    let index = dice.next() % 30 == 0 ? Int.random(in: -1...9, using: &dice) : Int.random(in: 0...2, using: &dice)
    return BranchID(hop: HopID(rawValue: hop), index: index)
  }

  private mutating func randomFurther() -> BranchID {
    let branch = randomBranch()
    return BranchID(hop: branch.hop, index: branch.index, phone: Int.random(in: 0...2, using: &dice))
  }

  // MARK: From any state

  /// Whatever has happened: all may give up now, and if nobody does anything, the hunt goes on.
  private mutating func lookAhead() {
    if world.isFinished || world.opened.isEmpty { return }
    for input in [HuntInput.callerEnded(.normalClearing), .shutdown] {
      var other = world
      other.disk = .hangs
      other.put(input)
      // Ended before while its number was being drawn, by a shell that did not tell it when asked.
      if !other.isFinished { other.wait(.milliseconds(500)) }
      judge(other, isFinished: true, "\(input) does not end it")
    }
    if case .connected(let branch) = world.caller {
      var other = world
      other.put(.branchEnded(branch, .normalClearing))
      judge(other, isFinished: true, "the technician's hanging up does not end it")
      other = world
      other.wait(.seconds(1_000_000))
      judge(other, isFinished: false, "the talk is cut")
      return
    }
    var silent = world
    silent.disk = .hangs
    for _ in 0..<4 where !silent.isFinished {
      let hops = silent.opened.count
      // The longest there is: a ticket, a timeout, a phone that was answered at its end, and a pause.
      let timeout = silent.hunt.currentUser?.cfnrTimeout ?? .zero
      silent.wait(timeout + .milliseconds(500) + .seconds(40) + .seconds(60))
      if !silent.isFinished, silent.opened.count == hops { deadEnds.append("the hunt does not go on") }
    }
    judge(silent, isFinished: silent.isFinished, "all are silent")
  }

  private mutating func judge(_ other: HuntWorld, isFinished: Bool, _ fault: String) {
    if other.isFinished != isFinished { deadEnds.append(fault) }
    deadEnds += other.violations.map { "\(fault): \($0)" }
  }
}
