import Hunting
import Telephony
import Testing

/// A hunt told as its people would tell it; phones are named by their numbers.
struct Story {
  var world: HuntWorld
  private let caller = CallerName("03472619287")

  /// The seed's technicians: 732 is on duty, and the chain goes 731 → 732 → 733 → 731.
  static let technicians = [
    User(number: "731", name: "Tech1", forks: [Fork(number: "3471111111")], cfnr: "732"),
    User(number: "732", name: "Tech2", forks: [Fork(number: "3472222222")], cfnr: "733"),
    User(number: "733", name: "Tech3", cfnr: "731"),
  ]

  /// 12.10.2012, 14:00:00, UTC.
  static let start = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 1_350_050_400_000_000))

  /// A caller who has dialled (or whose key has led to) `number` enters the hunt at 14:00.
  init(
    _ number: String = "799*731", users: [User] = Story.technicians, onDuty: String? = "732", maxRounds: Int? = nil,
    maxDuration: Duration? = .seconds(7200), disk: HuntWorld.Disk = .takesIt
  ) throws {
    let plan = HuntPlan(users: users, duty: Duty(target: onDuty), maxRounds: maxRounds, maxDuration: maxDuration)
    let numbers = NumberPlan(
      xmlNumber: PhoneNumber(internalNumber: 799), queues: [], users: users.map(\.number))
    guard case .hunt(let entry) = numbers.destination(of: try #require(PhoneNumber(number))) else {
      throw NotAHunt()
    }
    world = HuntWorld(plan: plan, entry: entry, at: Story.start)
    world.disk = disk
    world.put(.start)
  }

  struct NotAHunt: Error {}

  // MARK: - What people do

  mutating func rings(_ phone: String) throws { world.put(.branchRinging(try branch(phone))) }
  mutating func answers(_ phone: String) throws { world.put(.branchAnswered(try branch(phone))) }
  mutating func presses(_ key: Character, on phone: String) throws { world.put(.keyPressed(try branch(phone), key)) }
  mutating func promptEnds(on phone: String) throws { world.put(.promptEnded(try branch(phone))) }
  mutating func hangsUp(_ phone: String) throws { world.put(.branchEnded(try branch(phone), .normalClearing)) }
  mutating func isBusy(_ phone: String) throws { world.put(.branchFailed(try branch(phone), .busy, .userBusy)) }
  mutating func isUnreachable(_ phone: String) throws {
    world.put(.branchFailed(try branch(phone), .unreachable, .noUserResponding))
  }
  mutating func callerHangsUp() { world.put(.callerEnded(.normalClearing)) }
  mutating func daemonEnds() { world.put(.shutdown) }
  mutating func wait(_ seconds: Int) { world.wait(.seconds(seconds)) }
  mutating func put(_ input: HuntInput) { world.put(input) }

  // MARK: - What can be seen

  /// The phones that ring.
  var ringing: [String] { numbers { $0 == .ringing } }
  /// The phones that have answered and must still confirm.
  var confirming: [String] { numbers { $0 == .answered } }
  /// The phone the caller speaks with.
  var talking: String? { numbers { $0 == .connected }.first }
  /// The cause with which the caller was released.
  var releasedWith: Cause? {
    guard case .released(let cause) = world.caller else { return nil }
    return cause
  }
  /// The ticket log, without serials.
  var log: [String] {
    world.closed.map { TicketMessage($0, caller: caller, calendar: .utc).logFileStem(isLast: $0.isLast) }
  }
  /// Who got which message.
  var messages: [String] {
    world.dispatched.map { "\($0.user): " + TicketMessage($0, caller: caller, calendar: .utc).text }
  }
  /// Nothing happened that must never happen.
  var isSound: Bool { world.violations.isEmpty }
  var isOver: Bool { world.isFinished }
  var ends: [HuntEnd] {
    world.notes.compactMap { if case .ended(let end) = $0 { end } else { nil } }
  }

  private func numbers(where isWanted: (HuntWorld.Phone) -> Bool) -> [String] {
    let ids = world.phones.filter { isWanted($0.value) }.keys.sorted()
    return ids.compactMap { world.branches[$0] }.map(Story.number)
  }

  /// The newest branch of the phone `number`.
  private func branch(_ number: String) throws -> BranchID {
    let ids = world.branches.filter { Story.number($0.value) == number }.keys
    return try #require(ids.max(), "\(number) was never rung")
  }

  private static func number(_ branch: Branch) -> String {
    switch branch.phone {
    case .desk: branch.user
    case .fork(let number): number
    }
  }
}
