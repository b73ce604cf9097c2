import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// A registration through bad times, all of them following from one seed: loss and overtaking, hosts that are dead, forget
/// everything, refuse, want rest, or take another password; names that move; edits of the site.
private final class HardTimes {
  let scene: Scene
  let home: Provider
  let spare: Provider
  private var generator: SeededGenerator
  private static let chaos = 3000
  private var faults: [String] = []

  init(seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
    var changes = TrunkStories.site
    changes["trunks/LINE/Host.txt"] = "home.example,spare.example"
    changes["trunks/LINE/Qualify.txt"] = "25"
    changes["trunks/LINE/Expires.txt"] = "120"
    scene = try Scene(changes, seed: seed, conditions: .local)
    let limits = RegistrarLimits(minExpires: seed % 3 == 0 ? 300 : 60)
    home = Provider(
      "HOME", at: TrunkStories.home, on: scene.network, users: ["line": "geheim"], limits: limits, seed: seed &+ 1)
    spare = Provider(
      "SPARE", at: TrunkStories.spare, on: scene.network, users: ["line": "geheim"], limits: limits, seed: seed &+ 2)
    for provider in [home, spare] {
      scene.network.setConditions(.rough, from: provider.name, to: "Pikett")
      scene.network.setConditions(.rough, from: "Pikett", to: provider.name)
    }
    scene.at(.zero) { $0.shell.take(.start) }
    for provider in [home, spare] {
      for _ in 0..<4 { disturb(provider, changes) }
    }
    moveNames()
    scene.at(.seconds(Self.chaos)) { [unowned self] scene in calm(scene) }
    scene.network.afterEachStep = { [unowned self] in checkStep() }
  }

  private func draw(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(generator.next() % UInt64(range.count))
  }

  /// Something bad from some time on, and its end.
  private func disturb(_ provider: Provider, _ changes: [String: String?]) {
    let start = draw(0...Self.chaos - 1)
    let end = min(start + draw(1...600), Self.chaos - 1)
    let status = [401, 403, 404, 408, 500, 503, 503, 200][draw(0...7)]
    let rest = draw(0...2) == 0 ? "\(draw(0...120))" : nil
    let seed = UInt64(draw(1...100_000))
    switch draw(0...4) {
    case 0:
      scene.at(.seconds(start)) { _ in provider.isDead = true }
      scene.at(.seconds(end)) { _ in provider.isDead = false }
    case 1:
      scene.at(.seconds(start)) { _ in
        provider.answers = { $0.method == .register ? status : nil }
        provider.lines = rest.map { [("Retry-After", "\($0) (be patient)")] } ?? []
      }
      scene.at(.seconds(end)) { _ in provider.answers = { _ in nil } }
    case 2: scene.at(.seconds(start)) { _ in provider.restart(seed: seed) }
    case 3:
      scene.at(.seconds(start)) { _ in provider.sets("neu", of: "line") }
      scene.at(.seconds(end)) { _ in provider.sets("geheim", of: "line") }
    default:
      let password = changes.merging(["trunks/LINE/Password.txt": "neu"]) { $1 }
      scene.at(.seconds(start)) { $0.shell.take(.siteChanged(SceneSite.read(password))) }
      scene.at(.seconds(end)) { $0.shell.take(.siteChanged(SceneSite.read(changes))) }
    }
  }

  private func moveNames() {
    let known: [String: [IPAddress]] = [
      "home.example": [TrunkStories.home.address], "spare.example": [TrunkStories.spare.address],
    ]
    scene.at(.seconds(draw(0...20))) { $0.shell.take(.hostsResolved(KnownHosts(addresses: known))) }
    let swapped = ["home.example": known["spare.example"] ?? [], "spare.example": known["home.example"] ?? []]
    let start = draw(100...Self.chaos - 600)
    scene.at(.seconds(start)) { $0.shell.take(.hostsResolved(KnownHosts(addresses: swapped))) }
    scene.at(.seconds(start + draw(1...500))) { $0.shell.take(.hostsResolved(KnownHosts(addresses: known))) }
  }

  /// Everything is well again, and nobody tells Pikett.
  private func calm(_ scene: Scene) {
    for provider in [home, spare] {
      provider.isDead = false
      provider.answers = { _ in nil }
      provider.sets("geheim", of: "line")
      scene.network.setConditions(.local, from: provider.name, to: "Pikett")
      scene.network.setConditions(.local, from: "Pikett", to: provider.name)
    }
  }

  private func checkStep() {
    guard faults.isEmpty else { return }
    if scene.shell.control.trunkRequests.count > 40 { faults.append("requests pile up") }
  }

  /// Runs to the end.
  func run() throws -> [String] {
    // The longest pause is half an hour, after refusals.
    try scene.network.run(until: .seconds(Self.chaos + 1900))
    let place = scene.shell.control.lines.registered("LINE", at: scene.network.now.instant)
    if place?.endpoint != TrunkStories.home {
      faults.append("registered at \(place.map { "\($0.endpoint)" } ?? "none")")
    }
    if home.contacts(of: "line").count != 1 { faults.append("HOME holds \(home.contacts(of: "line").count) contacts") }
    let notes = scene.shell.events.compactMap { event -> TrunkNote? in
      if case .trunk("LINE", let note) = event { note } else { nil }
    }
    for (one, next) in zip(notes, notes.dropFirst()) where one == next { faults.append("said twice: \(one)") }
    faults += busyMinutes()
    scene.shell.take(.shutdown)
    try scene.network.run(for: .seconds(100))
    if !home.contacts(of: "line").isEmpty { faults.append("still registered after the end") }
    if !scene.shell.control.trunkRequests.isEmpty { faults.append("requests without an end") }
    if let deadline = scene.shell.control.nextDeadline { faults.append("\(deadline) stays") }
    return faults + scene.shell.faults
  }

  /// Whatever happens, no registrar is asked more than this in any minute; repetitions by UDP do not count.
  private func busyMinutes() -> [String] {
    [home, spare].compactMap { provider in
      var minutes: [Int64: Set<String>] = [:]
      for (at, request) in provider.requests where request.method == .register {
        minutes[at.milliseconds / 60_000, default: []].insert(request.headers["CSeq"] ?? "")
      }
      let most = minutes.values.map(\.count).max() ?? 0
      return most > 30 ? "\(provider.name) was asked \(most) times in a minute" : nil
    }
  }
}

@Suite struct TrunkSimulationTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func `after bad times the trunk is registered, and after the end it is not`(seed: UInt64) throws {
    let times = try HardTimes(seed: seed)
    let faults = try times.run()
    if !faults.isEmpty { Issue.record("seed \(seed): \(faults.joined(separator: "; "))") }
  }
}
