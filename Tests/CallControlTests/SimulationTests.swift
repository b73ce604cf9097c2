import PikettTesting
import Telephony
import Testing

@testable import CallControl

@Suite struct SimulationTests {
  private func run(_ seed: UInt64, _ conditions: LinkConditions) throws -> Scene {
    let weather = try Weather(seed: seed, conditions: conditions)
    let faults = try weather.run(isGood: conditions == .local)
    if !faults.isEmpty {
      Issue.record("PIKETT_SEED=\(seed): \(faults.joined(separator: "; "))\n\(weather.scene.ladder)")
    }
    return weather.scene
  }

  @Test(arguments: Seeds.run(1...60))
  func `every call ends and nothing is left, on a good network`(seed: UInt64) throws {
    _ = try run(seed, .local)
  }

  @Test(arguments: Seeds.run(101...160))
  func `every call ends and nothing is left, on a bad network`(seed: UInt64) throws {
    _ = try run(seed, .rough)
  }

  @Test(arguments: Seeds.run(201...215))
  func `every call ends and nothing is left, when nearly all is lost`(seed: UInt64) throws {
    _ = try run(
      seed, LinkConditions(loss: 0.6, duplication: 0.2, reordering: 0.2, delay: .milliseconds(10) ... .seconds(2)))
  }

  @Test func `the simulation does reach what it is for`() throws {
    var reached: [String: Int] = [:]
    for seed in UInt64(1)...40 {
      let scene = try run(seed, seed % 2 == 0 ? .local : .rough)
      for event in scene.shell.events {
        var words = String("\(event)".prefix { $0 != "(" })
        if case .hunt(_, let note) = event { words = String("\(note)".prefix { $0 != "(" }) }
        reached[words, default: 0] += 1
      }
      reached["bridges", default: 0] += scene.shell.bridges.count
    }
    for word in [
      "arrived", "refused", "queueEntered", "wrongKey", "chosen", "ticketOpened", "ticketClosed", "dispatched",
      "branchCalled", "ended", "bridges", "connected", "mustConfirm", "failed", "noResponse", "nobodyLeft", "diskSlow",
      "diskRefused", "branchSilent", "branchWayFailed",
    ] {
      #expect(reached[word, default: 0] > 3, "\(word)")
    }
  }

  @Test func `the same seed gives the same ladder`() throws {
    #expect(try run(7, .rough).network.ladder == run(7, .rough).network.ladder)
    #expect(try run(7, .rough).network.ladder != run(8, .rough).network.ladder)
  }
}
