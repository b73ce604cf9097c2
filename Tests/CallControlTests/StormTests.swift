import PikettTesting
import SIPMessage
import Telephony
import Testing

@testable import CallControl

extension LinkConditions {
  /// Of five datagrams one is lost, one comes twice and one is held back; each is up to 3 s under way.
  static let storm = LinkConditions(
    loss: 0.2, duplication: 0.2, reordering: 0.2, delay: .milliseconds(10) ... .seconds(3))
}

/// What many seeds together gave.
private struct Tally: Sendable {
  var calls = 0
  var taken = 0
  var answered = 0
  var refused = 0
  var tickets = 0
  var messages = 0
  var branches = 0
  var datagrams = 0
  var lost = 0
  var doubled = 0
  var minutes = 0
  var faults: [String] = []

  init() {}

  init(_ weather: Weather, _ faults: [String]) {
    let shell = weather.scene.shell
    let lines = weather.scene.network.ladder.lines
    calls = weather.callsPlanned
    taken = shell.endings.count
    refused = shell.refused.count
    answered = shell.endings.values.count { $0.detail.answer != nil }
    tickets = shell.tickets.count
    messages = shell.endings.values.count { $0.dispatch != nil }
    branches = shell.events.count { if case .branchCalled = $0 { true } else { false } }
    datagrams = lines.count { $0.contains(" → ") || $0.contains(" ⇉ ") || $0.contains(" ↛ ") }
    lost = lines.count { $0.contains(" ↛ ") }
    doubled = lines.count { $0.contains(" ⇉ ") }
    minutes = Int(weather.scene.network.elapsed.components.seconds / 60)
    self.faults = faults
  }

  static func += (total: inout Tally, one: Tally) {
    for path in [
      \Tally.calls, \.taken, \.answered, \.refused, \.tickets, \.messages, \.branches, \.datagrams, \.lost, \.doubled,
      \.minutes,
    ] as [WritableKeyPath<Tally, Int>] {
      total[keyPath: path] += one[keyPath: path]
    }
    total.faults += one.faults
  }

  var table: String {
    """
    calls \(calls): \(taken) taken, \(answered) answered, \(refused) refused at once; \(branches) phones called, \
    \(tickets) tickets, \(messages) messages
    datagrams \(datagrams): \(lost) lost, \(doubled) came twice; \(minutes / 60) hours of virtual time
    """
  }
}

@Suite struct StormTests {
  /// Four calls a seed; `tools/soak calls` runs thousands.
  @Test func `every call ends and nothing is left, in a storm`() async throws {
    let seeds = Seeds.run(1...75)
    var total = Tally()
    try await withThrowingTaskGroup(of: Tally.self) { group in
      for seed in seeds { group.addTask { try storm(seed) } }
      for try await one in group { total += one }
    }
    print(total.table)
    guard seeds.count >= 75 else { return }
    // The weather is what it is said to be, and the calls are worth the name.
    let (lost, doubled) = (
      Double(total.lost) / Double(total.datagrams), Double(total.doubled) / Double(total.datagrams)
    )
    #expect((0.15...0.25).contains(lost) && (0.12...0.2).contains(doubled), "\(lost) lost, \(doubled) twice")
    #expect(total.answered * 5 > total.calls && total.taken * 3 > total.calls * 2, "\(total.table)")
  }
}

private func storm(_ seed: UInt64) throws -> Tally {
  let weather = try Weather(seed: seed, conditions: .storm)
  let faults = try weather.run(isGood: false)
  if !faults.isEmpty {
    let ladder = Seeds.replayed == nil ? "" : "\n\(weather.scene.ladder)"
    Issue.record("PIKETT_SEED=\(seed): \(faults.joined(separator: "; "))\(ladder)")
  }
  return Tally(weather, faults)
}
