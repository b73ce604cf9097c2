import Hunting
import Site
import Telephony

extension SiteSnapshot {
  /// Who is on duty, and where that is written.
  var dutyText: String {
    guard cfuName != nil, let path = dutyPath else { return "nobody is on duty, CFU.txt names no object" }
    guard let cfu else { return "nobody is on duty, there is no \(path)" }
    guard let target = cfu.target else { return "nobody is on duty, \(path) is blank" }
    guard let user = user(target) else { return "\(path) names \(target), who is no user" }
    return "\(user.numberAndName) is on duty, says \(path)"
  }

  /// Who is rung first for each number by which the hunt is entered, and how it goes on if nobody answers.
  var huntTable: Table {
    var table = Table(["dialled", "rung first", "because", "if nobody answers"])
    let plan = huntPlan
    for (number, entry) in huntEntries {
      guard let first = plan.firstUser(for: entry), let user = user(first.user.number) else { continue }
      let chain = plan.chain(from: first.user.number)
      table.append([number, user.numberAndName, text(first.reason), chain.description])
    }
    return table
  }

  /// The bare XML number, the entries that keys and trunks name, and each user's own.
  private var huntEntries: [(number: String, entry: HuntEntry)] {
    let mapped = queues.flatMap { $0.maps.map(\.destination) + [$0.destinationOnSilence].compactMap { $0 } }
    let named = mapped + trunks.compactMap(\.defaultDestination)
    let usual = ([""] + users.map(\.number)).compactMap { PhoneNumber(xmlNumber.digits + $0) }
    let plan = numberPlan
    var found: [(number: PhoneNumber, entry: HuntEntry)] = []
    for number in Set(named + usual) {
      if case .hunt(let entry) = plan.destination(of: number) { found.append((number, entry)) }
    }
    return found.sorted { User.isLower($0.number.canonical, than: $1.number.canonical) }
      .map { ($0.number.digits, $0.entry) }
  }

  private func text(_ reason: FirstUser.Reason) -> String {
    switch reason {
    case .onDuty: "on duty"
    case .defaultUser: "default"
    case .lowest: "lowest number"
    case .asked: "dialled"
    }
  }
}

extension SiteUser {
  /// `732 Tech2`.
  var numberAndName: String { number + (user.name.map { " " + $0 } ?? "") }
}
