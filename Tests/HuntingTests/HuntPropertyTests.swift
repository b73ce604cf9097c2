import Hunting
import Telephony
import Testing

/// Random calls: whatever phones, caller, disk and clock do, and in whatever order, the promises hold after every step.
@Suite("Hunt: random calls")
struct HuntPropertyTests {
  @Test("No order of events breaks a promise", arguments: 0..<20)
  func randomCalls(part: Int) {
    for seed in part * 250..<(part + 1) * 250 {
      var call = RandomCall(seed: UInt64(seed))
      call.run()
      #expect(call.world.violations == [], "seed \(seed)")
      #expect(call.world.isFinished, "seed \(seed) does not come to an end")
      if !call.world.violations.isEmpty { return }
    }
  }

  @Test("The random calls reach what they are to prove")
  func coverage() {
    var ends: [HuntEnd: Int] = [:]
    var held = 0
    var paused = 0
    var late = 0
    for seed in 0..<2000 {
      var call = RandomCall(seed: UInt64(seed))
      call.run()
      for note in call.world.notes {
        switch note {
        case .ended(let end): ends[end, default: 0] += 1
        case .held: held += 1
        case .pause: paused += 1
        case .lateAnswer: late += 1
        default: continue
        }
      }
    }
    let all: [HuntEnd] = [
      .technicianHungUp, .callerHungUp, .callerGaveUp, .chainEnded, .maxRounds, .maxDuration, .shutdown, .nobodyToRing,
    ]
    for end in all { #expect(ends[end, default: 0] >= 5, "\(end)") }
    #expect(held >= 20 && paused >= 20 && late >= 20)
  }
}

/// One call in which everything is drawn by lot.
private struct RandomCall {
  private(set) var world: HuntWorld
  private var dice: SeededGenerator

  init(seed: UInt64) {
    var dice = SeededGenerator(seed: seed)
    let numbers = ["731", "732", "733", "1000"].prefix(Int.random(in: 0...4, using: &dice))
    var users: [User] = []
    for number in numbers {
      let forks = (0..<Int.random(in: 0...2, using: &dice)).map { index in
        Fork(number: "34\(index)", confirmKey: Int.random(in: 0...3, using: &dice) == 0 ? nil : "1")
      }
      users.append(
        User(
          number: number, hasDeskPhone: Int.random(in: 0...9, using: &dice) > 0,
          confirmKey: Int.random(in: 0...4, using: &dice) == 0 ? "5" : nil, forks: forks,
          cfnr: Int.random(in: 0...6, using: &dice) == 0
            ? nil : (numbers + ["739"]).randomElement(using: &dice),
          cfnrTimeout: .seconds(Int.random(in: 1...30, using: &dice))))
    }
    let plan = HuntPlan(
      users: users, duty: Duty(target: ["731", "732", "739", nil].randomElement(using: &dice) ?? nil),
      maxRounds: Int.random(in: 0...3, using: &dice) == 0 ? Int.random(in: 1...3, using: &dice) : nil,
      maxDuration: .seconds(Int.random(in: 1...600, using: &dice)))
    let entry: HuntEntry =
      Bool.random(using: &dice)
      ? .onDuty(default: ["731", "733", "9", nil].randomElement(using: &dice) ?? nil) : .at("732")
    world = HuntWorld(Hunt(plan: plan, entry: entry), at: Story.start)
    self.dice = dice
  }

  mutating func run() {
    world.disk = randomDisk()
    world.put(.start)
    for _ in 0..<400 where !world.isFinished {
      world.disk = randomDisk()
      oneEvent()
    }
    // Whoever is still there hangs up; what comes afterwards must change nothing.
    if !world.isFinished { world.put(.callerEnded(.normalClearing)) }
    for _ in 0..<10 { lateEvent() }
  }

  private mutating func randomDisk() -> HuntWorld.Disk {
    switch Int.random(in: 0...9, using: &dice) {
    case 0...6: .takesIt
    case 7: .refuses
    default: .hangs
    }
  }

  private mutating func oneEvent() {
    let branch = randomBranch()
    switch Int.random(in: 0...99, using: &dice) {
    case 0...24: world.wait(.milliseconds(Int.random(in: 0...900, using: &dice)))
    case 25...39: world.wait(.seconds(Int.random(in: 1...15, using: &dice)))
    case 40...49: world.put(.branchRinging(branch))
    case 50...59: if world.phones[branch] == .ringing { world.put(.branchAnswered(branch)) }
    case 60...67: if isAlive(branch) { world.put(.branchFailed(branch, randomFailure(), .userBusy)) }
    case 68...72: world.put(.promptEnded(branch))
    case 73...79: world.put(.keyPressed(branch, ["1", "5", "9"].randomElement(using: &dice) ?? "1"))
    case 80...85:
      if [.answered, .connected].contains(world.phones[branch]) { world.put(.branchEnded(branch, .normalClearing)) }
    case 86...92: diskSpeaks()
    case 93...95: crossingAnswer()
    case 96: world.put(.timersDue)
    case 97: if Int.random(in: 0...3, using: &dice) == 0 { world.put(.callerEnded(.normalClearing)) }
    case 98: if Int.random(in: 0...5, using: &dice) == 0 { world.put(.shutdown) }
    default: world.put(.start)
    }
  }

  /// What may still be under way when the hunt is over.
  private mutating func lateEvent() {
    let hop = HopID(rawValue: Int.random(in: 1...3, using: &dice))
    switch Int.random(in: 0...5, using: &dice) {
    case 0: world.wait(.seconds(100))
    case 1: world.put(.keyPressed(randomBranch(), "1"))
    case 2: world.put(.branchEnded(randomBranch(), .normalClearing))
    case 3: world.put(.ticketDurable(hop, TicketNumber(rawValue: 1234)))
    case 4: world.put(.timersDue)
    default: world.put(.shutdown)
    }
  }

  /// A phone answers although it is no longer rung.
  private mutating func crossingAnswer() {
    guard !world.isFinished, let branch = world.phones.filter({ $0.value == .over }).keys.min() else { return }
    world.put(.branchAnswered(branch))
  }

  private mutating func diskSpeaks() {
    let hop = HopID(rawValue: Int.random(in: 1...6, using: &dice))
    guard let number = world.number(of: hop) else { return }
    world.put(Bool.random(using: &dice) ? .ticketDurable(hop, number) : .ticketFailed(hop, number))
  }

  private mutating func randomFailure() -> BranchFailure {
    [.busy, .refused, .unreachable, .redirected(to: "sip:box@example.net")].randomElement(using: &dice) ?? .busy
  }

  private func isAlive(_ branch: BranchID) -> Bool { world.phones[branch] == .ringing }

  /// A phone of the newest hops, or one that never was.
  private mutating func randomBranch() -> BranchID {
    let known = world.phones.keys.sorted().suffix(4)
    return known.randomElement(using: &dice) ?? BranchID(hop: .first, index: 9)
  }
}
