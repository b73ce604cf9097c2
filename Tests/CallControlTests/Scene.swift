import Hunting
import PikettTesting
import SIPMessage
import SIPUserAgent
import Site
import Telephony
import Testing

@testable import CallControl

/// Pikett, a caller's gateway, the technicians' phones, a mobile network and a PBX, all on one network in virtual time.
///
/// The phones have registered when the scene begins, one second after the network's start.
final class Scene {
  let network: SimulatedNetwork
  let shell: Shell
  /// The gateway of the trunk GW14: the caller.
  let caller: Phone
  /// The gateway of the trunk MOBILE: everybody's mobile phone.
  let mobile: Phone
  let pbx: Phone
  /// The desk phones of 731, 732 and 733, and a second one of 732 that has not registered.
  let desk: [Int: Phone]
  let second: Phone

  init(
    _ changes: [String: String?] = [:], seed: UInt64 = 1,
    conditions: LinkConditions = LinkConditions(delay: .milliseconds(10) ... .milliseconds(10)), registers: Bool = true,
    start: Moment = .testStart
  ) throws {
    let network = SimulatedNetwork(seed: seed, conditions: conditions, start: start, throughBytes: true)
    self.network = network
    shell = Shell(SceneSite.read(changes), on: network, seed: seed)
    caller = Phone("Caller", at: Places.caller, on: network, seed: seed &+ 100)
    mobile = Phone("Mobile", at: Places.mobile, on: network, seed: seed &+ 200)
    pbx = Phone("PBX", at: Places.pbx, on: network, seed: seed &+ 300)
    var desk: [Int: Phone] = [:]
    for number in 731...733 {
      desk[number] = Phone("\(number)", at: Places.phone(number), on: network, seed: seed &+ UInt64(number))
    }
    self.desk = desk
    second = Phone("732b", at: Places.phone(732, 1), on: network, seed: seed &+ 742)
    for phone in [caller, mobile, pbx, second] + desk.values { shell.names[phone.address] = phone.name }
    network.detail = { $0.headers["Reason"].flatMap { Scene.cause($0) } }
    if registers {
      desk[731]?.register("731", password: "secret731")
      desk[732]?.register("732", password: "secret732")
    }
    try network.run(until: .seconds(1))
    network.ladder = Ladder()
  }

  private static func cause(_ reason: String) -> String? {
    reason.split(separator: ";").first { $0.hasPrefix("cause=") }.map(String.init)
  }

  /// Every phone.
  var phones: [Phone] { [caller, mobile, pbx, second] + desk.sorted { $0.key < $1.key }.map(\.value) }

  subscript(number: Int) -> Phone { desk[number] ?? second }

  /// Does `script` so long after the scene's beginning.
  func at(_ time: Duration, _ script: @escaping (Scene) -> Void) {
    network.at(time + .seconds(1)) { [unowned self] in script(self) }
  }

  /// The caller calls at the beginning.
  func callerDials(_ number: String) { at(.zero) { $0.caller.call(number) } }

  /// The key that leads into the hunt.
  func callerPresses(_ key: Character, at time: Duration) { at(time) { $0.caller.press(key) } }

  /// Runs until `time` after the scene's beginning.
  func run(until time: Duration) throws { try network.run(until: time + .seconds(1)) }

  /// The only call there was, as it ended.
  func ending(_ location: SourceLocation = #_sourceLocation) throws -> CallEnding {
    try #require(shell.endings.count == 1 ? shell.endings.values.first : nil, sourceLocation: location)
  }

  /// The steps whose input is described so.
  func steps(_ input: String) -> [Shell.Step] { shell.steps.filter { $0.input.hasPrefix(input) } }

  /// The ladder, without what is random in it.
  var ladder: String {
    network.ladder.lines.map { stable($0) + "\n" }.joined()
  }

  /// Compares the ladder with its golden file.
  func expectLadder(_ name: String, _ location: SourceLocation = #_sourceLocation) {
    if let mismatch = goldenMismatch(ladder, name: "callcontrol/\(name)") {
      Issue.record("\(mismatch)", sourceLocation: location)
    }
  }

  /// Lets everything come to its end and looks for what was left behind.
  func expectClean(_ location: SourceLocation = #_sourceLocation) throws {
    try network.runUntilQuiet(within: .seconds(10_000))
    for fault in leftovers() { Issue.record("\(fault)", sourceLocation: location) }
  }

  /// What must not be there when everything is over.
  func leftovers() -> [String] {
    var faults = shell.faults + Invariants.ofCalls(shell) + Invariants.atTheEnd(shell) + shell.invitations.open
    for phone in phones where phone.openLines > 0 && !phone.isDead {
      faults.append("\(phone.name) believes itself in a call")
    }
    return faults
  }

  /// `sip:3f2a…@` is somebody's Contact, which nobody else has.
  private func stable(_ line: String) -> String {
    guard let start = line.range(of: "sip:") else { return line }
    let user = line[start.upperBound...].prefix { $0 != "@" && $0 != " " }
    guard user.count == 12, user.utf8.allSatisfy({ $0.hexadecimalValue != nil }) else { return line }
    return line[..<start.upperBound] + "*" + line[user.endIndex...]
  }
}

extension String {
  /// The first place of `text`.
  func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }
}

extension [CallCommand] {
  /// What is sent, to whom, in words: `BYE Caller`.
  func sent(_ names: [Endpoint: String]) -> [String] {
    compactMap { command in
      guard case .transmit(let message, let flow) = command else { return nil }
      let to = names[flow.remote] ?? "\(flow.remote)"
      switch message {
      case .request(let request): return "\(request.method) \(to)"
      case .response(let response): return "\(response.status) \(to)"
      }
    }
  }

  /// The requests of this method.
  func requests(_ method: Method) -> [Request] {
    compactMap {
      guard case .transmit(.request(let request), _) = $0, request.method == method else { return nil }
      return request
    }
  }

  var responses: [Response] {
    compactMap { if case .transmit(.response(let response), _) = $0 { response } else { nil } }
  }
}
