import Demo
import Disk
import NIOPosix
import RTPEngine
import SIPUserAgent
import Synchronization
import Telephony
import Testing

/// Scripted phones in the test's own process, for scenarios in which the point is Pikett's side.
final class PhoneRack: Sendable {
  private let phones = Mutex<[Phone]>([])
  private let engine: MediaEngine
  private let scene: Scene

  init(_ scene: Scene) throws {
    self.scene = scene
    let reach = Reach()
    engine = MediaEngine { event in
      for phone in reach.rack?.phones.withLock({ $0 }) ?? [] { Task { await phone.engineSaid(event) } }
    }
    try engine.start()
    reach.hold(self)
    scene.atEnd { [self] in
      for phone in phones.withLock({ $0 }) { await phone.close() }
      engine.shutdown()
    }
  }

  /// The engine is made before the rack that hears it.
  private final class Reach: Sendable {
    private struct Held: Sendable { weak var rack: PhoneRack? }
    private let held = Mutex(Held())
    var rack: PhoneRack? { held.withLock { $0.rack } }
    func hold(_ rack: PhoneRack) { held.withLock { $0.rack = rack } }
  }

  var all: [Phone] { phones.withLock { $0 } }

  /// A technician's phone, registered.
  func technician(_ number: String, _ daemon: Daemon) async throws -> Phone {
    let phone = try await phone(number, password: "secret\(number)", at: "127.0.0.1", daemon)
    try await phone.isRegistered()
    return phone
  }

  /// A caller behind the gateway GW14.
  func caller(_ daemon: Daemon, number: String = TestSite.caller) async throws -> Phone {
    try await phone(number, password: nil, at: TestSite.gateway, daemon)
  }

  private func phone(_ number: String, password: String?, at address: String, _ daemon: Daemon) async throws -> Phone {
    try await phone(number, password: password, at: address, of: ("127.0.0.1", daemon.site.port))
  }

  /// A phone of this server.
  func phone(_ number: String, password: String? = nil, at address: String, of server: (String, UInt16)) async throws
    -> Phone
  {
    try await open(number, password: password, at: address, of: server).phone
  }

  /// A PBX of scripts beside this site's daemon, and where it listens.
  /// - Parameter subscriber: who may call only with this password: the daemon.
  func pbx(at address: String, _ site: TestSite, subscriber: Credentials? = nil) async throws -> (
    phone: Phone, host: String
  ) {
    let (phone, host) = try await open(
      "pbx", password: nil, at: address, of: ("127.0.0.1", site.port), subscriber: subscriber)
    return (phone, "\(host)")
  }

  func open(
    _ number: String, password: String?, at address: String, of server: (String, UInt16),
    subscriber: Credentials? = nil
  ) async throws -> (phone: Phone, host: Endpoint) {
    let own = try #require(IPAddress(address))
    let server = Endpoint(try #require(IPAddress(server.0)), server.1)
    let ports = Ports.take(20)
    let phone = Phone(
      number: number, password: password, address: own, server: server,
      loop: MultiThreadedEventLoopGroup.singleton.next(), engine: engine, rtpPorts: ports...ports + 19,
      subscriber: subscriber)
    phones.withLock { $0.append(phone) }
    return (phone, try await phone.open())
  }
}

extension Phone {
  /// Registers.
  func isRegistered() async throws {
    register()
    let outcome = try await seen.first("\(number) is registered", within: .seconds(5)) {
      if case .registered = $0 { true } else { false }
    }
    try demand(outcome == .registered(status: 200), "\(number): \(outcome)")
  }

  /// Waits until it is called.
  func rings(from caller: String = TestSite.caller, within limit: Duration = .seconds(10)) async throws -> LegID {
    let event = try await seen.first("\(number) rings, called by \(caller)", within: limit) {
      if case .ringing(_, caller) = $0 { true } else { false }
    }
    guard case .ringing(let leg, _) = event else { throw Child.Failure("\(event)") }
    return leg
  }

  /// Calls a number and waits for the answer.
  /// - Parameter caller: who calls; nil: the phone's own number.
  func talks(to number: String, from caller: String? = nil) async throws -> LegID {
    let leg = try call(number, from: caller)
    let event = try await seen.first("\(number) answers", within: .seconds(5)) {
      switch $0 {
      case .talking(leg), .refused(leg, _): true
      default: false
      }
    }
    try demand(event == .talking(leg), "\(number): \(event)")
    return leg
  }

  /// Waits until a number that it plays a script for is called.
  func isCalled(at number: String, by caller: String, within limit: Duration = .seconds(10)) async throws -> LegID {
    let event = try await seen.first("\(number) is called by \(caller)", within: limit) {
      if case .called(_, number, caller) = $0 { true } else { false }
    }
    guard case .called(let leg, _, _) = event else { throw Child.Failure("\(event)") }
    return leg
  }

  /// Waits until the other side has hung up.
  func isReleased(_ leg: LegID, within limit: Duration = .seconds(5)) async throws {
    _ = try await seen.first("\(number) is released", within: limit) {
      if case .ended(leg, _) = $0 { true } else { false }
    }
  }

  /// The instant messages it got.
  var messages: [String] {
    get async { await seen.all.compactMap { if case .message(let text, _) = $0 { text } else { nil } } }
  }
}
