import Hunting
import Telephony
import Testing

@Suite("Dialled numbers")
struct DestinationTests {
  private func plan(users: [String] = ["731", "732", "733"]) throws -> NumberPlan {
    let queues = [("TED_WQ10", "720"), ("TED_WQ10", "+390471999720"), ("Other", "7990")]
    return NumberPlan(
      xmlNumber: PhoneNumber(internalNumber: 799),
      queues: try queues.map { (name: $0.0, number: try #require(PhoneNumber($0.1))) }, users: users)
  }

  @Test(
    "Where a number leads",
    arguments: [
      ("799", Destination.hunt(.onDuty(default: nil))),
      ("799*", .hunt(.onDuty(default: nil))),
      ("799*731", .hunt(.onDuty(default: "731"))),
      ("799%2A731", .hunt(.onDuty(default: "731"))),
      ("799%2a731;phone-context=example.net", .hunt(.onDuty(default: "731"))),
      ("7-99*7.31", .hunt(.onDuty(default: "731"))),
      ("799*739", .hunt(.onDuty(default: "739"))),
      ("799731", .hunt(.at("731"))),
      ("799733", .hunt(.at("733"))),
      ("720", .queue("TED_WQ10")),
      ("+390471999720", .queue("TED_WQ10")),
      ("00390471999720", .queue("TED_WQ10")),
      ("+39 0471 999-720", .queue("TED_WQ10")),
      ("7990", .queue("Other")),
      ("731", .user("731")),
      ("7", .incomplete),
      ("72", .incomplete),
      ("79", .incomplete),
      ("7997", .incomplete),
      ("79973", .incomplete),
      ("799*7", .incomplete),
      ("799*73", .incomplete),
      ("+39", .incomplete),
      ("0039047199972", .incomplete),
      ("700", .unknown),
      ("734", .unknown),
      ("7991", .unknown),
      ("799734", .unknown),
      ("7317", .unknown),
      ("799**20", .reserved),
      ("799**21*732", .reserved),
      ("799%2A%2A22", .reserved),
      ("799**", .reserved),
      ("799**731", .reserved),
      ("799*731*1", .unknown),
      ("799#", .unknown),
      ("0390471999720", .unknown),
    ])
  func destinations(dialled: String, expected: Destination) throws {
    let number = try #require(PhoneNumber(uriUser: dialled))
    #expect(try plan().destination(of: number) == expected)
  }

  @Test(
    "What is no number", arguments: ["", "alice", "%", "%2", "%zz", "799%", "73 1x", "++39", "+", ";ext=731", "7%0A31"])
  func noNumbers(text: String) { #expect(PhoneNumber(uriUser: text) == nil) }

  @Test("Users of different lengths are told apart")
  func lengths() throws {
    let plan = try plan(users: ["7", "73", "731"])
    #expect(plan.destination(of: PhoneNumber(internalNumber: 7)) == .user("7"))
    #expect(plan.destination(of: PhoneNumber(internalNumber: 7997)) == .hunt(.at("7")))
    #expect(plan.destination(of: PhoneNumber(internalNumber: 79973)) == .hunt(.at("73")))
  }
}

@Suite("Who is on duty")
struct DutyTests {
  private let users = ["1000", "731", "99"].map { User(number: $0) }

  @Test(
    "Who is first, and why",
    arguments: [
      ("731", HuntEntry.onDuty(default: "99"), "731", FirstUser.Reason.onDuty),
      (nil, .onDuty(default: "731"), "731", .defaultUser),
      (nil, .onDuty(default: nil), "99", .lowest),
      ("42", .onDuty(default: "1000"), "1000", .defaultUser),
      ("42", .onDuty(default: "43"), "99", .lowest),
      ("731", .at("1000"), "1000", .asked),
      ("731", .at("43"), "99", .lowest),
    ] as [(String?, HuntEntry, String, FirstUser.Reason)])
  func first(target: String?, entry: HuntEntry, expected: String, reason: FirstUser.Reason) throws {
    let plan = HuntPlan(users: users, duty: Duty(target: target))
    let first = try #require(plan.firstUser(for: entry))
    #expect(first.user.number == expected && first.reason == reason)
  }

  @Test("Without users there is nobody")
  func nobody() { #expect(HuntPlan(users: []).firstUser(for: .onDuty(default: "731")) == nil) }

  @Test(
    "The chain is told with its loop",
    arguments: [
      ("732", "732 → 733 → 731 → back to 732"), ("734", "734 → 731 → 732 → 733 → back to 731"),
      ("735", "735 → back to 735"), ("736", "736 → end"), ("737", "737 → 799 (no such user)"),
      ("738", "738 (no such user)"),
    ])
  func chain(from: String, expected: String) {
    let links = [
      ("731", "732"), ("732", "733"), ("733", "731"), ("734", "731"), ("735", "735"), ("736", nil), ("737", "799"),
    ]
    let plan = HuntPlan(users: links.map { User(number: $0.0, cfnr: $0.1) })
    #expect(plan.chain(from: from).description == expected)
  }
}
