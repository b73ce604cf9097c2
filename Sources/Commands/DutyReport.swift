import Hunting
package import Site
import Telephony

/// What `pikett duty` prints: who is on duty and why, and whom the next call would ring, in which order.
package struct DutyReport: Sendable {
  /// The report, each line ended by a line feed.
  package let text: String

  /// - Parameter registered: the users whose phones are registered at this moment; nil if that is not known.
  package init(_ site: SiteSnapshot, registered: Set<String>? = nil) {
    var lines = printable(site.dutyText) + "\n"
    if site.users.isEmpty { lines += "\nnobody is rung: the site has no users\n" }
    for group in site.entryGroups { lines += "\n" + DutyReport.section(group, site, registered) }
    text = lines
  }

  private static func section(_ group: EntryGroup, _ site: SiteSnapshot, _ registered: Set<String>?) -> String {
    let plan = site.huntPlan
    let chain = plan.chain(from: group.first)
    var table = Table([.init("hop", .right), "user", "desk phone", "forks", .init("for", .right)])
    for (index, link) in chain.users.enumerated() {
      guard let user = site.user(link.number) else { continue }
      table.append(lines: [
        [String(index + 1)], [user.numberAndName], [phone(user, site, registered)], site.forks(of: user),
        [inSeconds(user.user.cfnrTimeout)],
      ])
    }
    let ways = group.ways.map { way in
      way.number + (way.origins.isEmpty ? "" : " (" + way.origins.joined(separator: "; ") + ")")
    }
    return printable(ways.joined(separator: ", ")) + " rings\n" + table.text(indent: 2)
      + "  " + printable(continuation(of: chain, site.maxRounds)) + "\n"
  }

  private static func phone(_ user: SiteUser, _ site: SiteSnapshot, _ registered: Set<String>?) -> String {
    guard user.deskPhone == .registration, let registered else { return site.deskPhone(of: user) }
    return registered.contains(user.number) ? "registered" : "not registered"
  }

  private static func continuation(of chain: HuntPlan.Chain, _ maxRounds: Int?) -> String {
    if let start = chain.loopsBackTo, chain.users.indices.contains(start) {
      let limit = maxRounds.map { "\(counted($0, "round")) at most" } ?? "without end"
      return "then again from \(start + 1) (\(chain.users[start].number)), \(limit)"
    }
    if let missing = chain.missing { return "then the hunt ends: \(missing) is no user" }
    return "then the hunt ends"
  }
}

/// The ways into the hunt that ring the same user first.
private struct EntryGroup {
  var first: String
  var ways: [(number: String, origins: [String])]
}

extension SiteSnapshot {
  /// The numbers by which keys and trunks enter the hunt, by whom they ring first; the bare XML number where there is none.
  fileprivate var entryGroups: [EntryGroup] {
    var origins: [(number: PhoneNumber, origin: String)] = []
    for queue in queues {
      for map in queue.maps { origins.append((map.destination, "\(queue.name), key \(map.key)")) }
      if case .destination(let number) = queue.onSilence { origins.append((number, "\(queue.name), silence")) }
    }
    for trunk in trunks {
      if let number = trunk.defaultDestination { origins.append((number, "\(trunk.name), any other number")) }
    }
    let plan = numberPlan
    let isHunt = { (number: PhoneNumber) in if case .hunt = plan.destination(of: number) { true } else { false } }
    var numbers = Set(origins.map(\.number).filter(isHunt)).sorted()
    if numbers.isEmpty { numbers = [xmlNumber] }
    var groups: [EntryGroup] = []
    for number in numbers {
      guard case .hunt(let entry) = plan.destination(of: number), let first = huntPlan.firstUser(for: entry) else {
        continue
      }
      let way = (number.digits, origins.filter { $0.number == number }.map(\.origin))
      if let index = groups.firstIndex(where: { $0.first == first.user.number }) {
        groups[index].ways.append(way)
      } else {
        groups.append(EntryGroup(first: first.user.number, ways: [way]))
      }
    }
    return groups
  }

  /// The user whom `text` names: 732, also 799732 or 799*732, as in a CFU's target.
  package func user(named text: String) -> SiteUser? {
    guard let number = PhoneNumber(text)?.canonical else { return nil }
    if let user = user(number) { return user }
    guard number.hasPrefix(xmlNumber.canonical) else { return nil }
    let rest = number.dropFirst(xmlNumber.canonical.utf8.count)
    return user(String(rest.hasPrefix("*") ? rest.dropFirst() : rest))
  }
}
