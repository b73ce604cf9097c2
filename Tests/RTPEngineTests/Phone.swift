import Audio
import CLinux
import Glibc
import RTP
import Synchronization
import Telephony
import Testing

@testable import RTPEngine

struct TestFault: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// How long a test waits for what must come.
let patience: Duration = .seconds(20)

/// The far end of a leg: a pair of sockets on loopback that sends and receives what it is told to.
final class Phone {
  struct Packet {
    let header: RTPHeader
    let payload: [UInt8]
    let bytes: [UInt8]
  }

  let sockets: MediaSockets
  let endpoint: Endpoint
  var payloadType: UInt8 = 8
  // Both wrap soon.
  var sequence: UInt16 = 65_530
  var timestamp: UInt32 = 4_294_967_000
  var ssrc: UInt32 = 0x1234_5678
  private let target: Endpoint

  /// - Parameter target: the leg's RTP address.
  init(_ address: String = "127.0.0.1", speaksTo target: Endpoint) throws {
    guard let address = IPAddress(address) else { throw TestFault("no address") }
    sockets = try TestPorts.bind(address)
    endpoint = Endpoint(address, sockets.port)
    self.target = target
  }

  deinit { sockets.close() }

  /// Sends one packet of audio, 20 ms unless the payload says otherwise.
  func speak(_ payload: [UInt8], marker: Bool = false) {
    send(payload, type: payloadType, marker: marker)
    timestamp &+= UInt32(payload.count)
  }

  /// Sends one packet with the present timestamp.
  func send(_ payload: [UInt8], type: UInt8, marker: Bool = false) {
    var bytes = [UInt8](repeating: 0, count: 12)
    let header = RTPHeader(
      payloadType: type, sequenceNumber: sequence, timestamp: timestamp, ssrc: ssrc, marker: marker)
    _ = bytes.withUnsafeMutableBytes { header.write(into: $0) }
    sequence &+= 1
    sendRaw(bytes + payload)
  }

  /// Presses a key as telephone-event: `packets` packets, the last three of them with the end.
  func press(_ code: UInt8, type: UInt8, packets: Int = 6) {
    for index in 0..<packets {
      sendEvent(
        code, type: type, duration: UInt16(160 * min(index + 1, packets - 2)), isEnd: index >= packets - 3,
        marker: index == 0)
    }
    timestamp &+= UInt32(160 * packets)
  }

  /// Sends one packet of a key press.
  func sendEvent(_ code: UInt8, type: UInt8, duration: UInt16, isEnd: Bool, marker: Bool = false) {
    var payload = [UInt8](repeating: 0, count: 4)
    _ = payload.withUnsafeMutableBytes {
      TelephoneEvent(code: code, isEnd: isEnd, duration: duration).write(into: $0)
    }
    send(payload, type: type, marker: marker)
  }

  func sendRaw(_ bytes: [UInt8]) { sendDatagram(sockets.rtp, bytes, to: target) }

  func sendControl(_ bytes: [UInt8]) {
    sendDatagram(sockets.rtcp, bytes, to: Endpoint(target.address, target.port + 1))
  }

  /// The next RTP packet.
  func hear() throws -> Packet {
    let bytes = try receiveDatagram(sockets.rtp)
    let header = try bytes.withUnsafeBytes { try RTPHeader(parsing: $0) }
    return Packet(header: header, payload: Array(bytes[header.payloadRange]), bytes: bytes)
  }

  /// The next `count` RTP packets.
  func hear(_ count: Int) throws -> [Packet] { try (0..<count).map { _ in try hear() } }

  /// The next RTCP packet.
  func hearControl() throws -> [UInt8] { try receiveDatagram(sockets.rtcp) }

  /// True if no RTP packet waits. Only after something that came later than the packet would have.
  var hearsNothing: Bool { (try? receiveDatagram(sockets.rtp, limit: .zero)) == nil }
}

/// Ports of the tests: apart from those of other suites that may run at the same time.
enum TestPorts {
  private static let ports = Mutex<[IPAddress: MediaPorts]>([:])

  static func bind(_ address: IPAddress) throws -> MediaSockets {
    try ports.withLock { ports throws(MediaPortsError) in
      var own = ports[address] ?? MediaPorts(range: 21_000...22_999, address: address)
      defer { ports[address] = own }
      let sockets = try own.bind()
      own.release(sockets.port)
      return sockets
    }
  }
}

func sendDatagram(_ fd: Int32, _ bytes: [UInt8], to target: Endpoint) {
  var socketPlace = SocketPlace(target)
  let count = socketPlace.withPointer { place, length in
    bytes.withUnsafeBytes { sendto(fd, $0.baseAddress, $0.count, 0, place, length) }
  }
  precondition(count == bytes.count, "loopback refuses a datagram: \(String(cString: strerror(errno)))")
}

func receiveDatagram(_ fd: Int32, limit: Duration = patience) throws -> [UInt8] {
  var wait = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
  guard poll(&wait, 1, Int32(limit.milliseconds)) == 1 else { throw TestFault("nothing was received") }
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = recv(fd, &bytes, bytes.count, 0)
  guard count >= 0 else { throw TestFault("recv: \(String(cString: strerror(errno)))") }
  return Array(bytes[..<count])
}

/// The engine's events, to be waited for.
final class EventLog: Sendable {
  private let events = Mutex<[EngineEvent]>([])
  private let wake: Int32 = eventfd(0, 0)

  func append(_ event: EngineEvent) {
    events.withLock { $0.append(event) }
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  var all: [EngineEvent] { events.withLock { $0 } }

  /// Waits until `pick` finds what it looks for among the events.
  @discardableResult
  func wait<Found>(for pick: (EngineEvent) -> Found?) throws -> Found {
    while true {
      if let found = all.lazy.compactMap(pick).first { return found }
      var wait = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
      guard poll(&wait, 1, Int32(patience.milliseconds)) == 1 else {
        throw TestFault("the event did not come; there were \(all)")
      }
      var count: UInt64 = 0
      _ = read(wake, &count, 8)
    }
  }

  deinit { close(wake) }
}

/// An engine with its events, and legs with phones at their far ends.
final class Bench {
  let events = EventLog()
  let engine: MediaEngine

  /// - Parameter hear: called for each event, on the engine's own thread.
  init(
    _ change: (inout MediaEngine.Configuration) -> Void = { _ in },
    hear: @escaping @Sendable (EngineEvent) -> Void = { _ in }
  ) throws {
    var configuration = MediaEngine.Configuration()
    configuration.maxLegs = 16
    configuration.recorderBytes = 1 << 20
    change(&configuration)
    let events = events
    engine = MediaEngine(configuration: configuration) {
      events.append($0)
      hear($0)
    }
    try engine.start()
  }

  deinit { engine.shutdown() }

  /// A leg on `address` and a phone that is its SDP's address.
  func leg(
    _ address: String = "127.0.0.1", describe change: (inout LegMedia) -> Void = { _ in }
  ) throws -> (leg: Leg, phone: Phone, local: Endpoint) {
    guard let address = IPAddress(address) else { throw TestFault("no address") }
    let sockets = try TestPorts.bind(address)
    let local = Endpoint(address, sockets.port)
    let phone = try Phone(address.description, speaksTo: local)
    let leg = try engine.openLeg(sockets)
    var media = LegMedia(remote: phone.endpoint)
    change(&media)
    engine.send(.describe(leg, media))
    return (leg, phone, local)
  }

  /// Closes the leg and gives what it has seen; afterwards all commands sent before are carried out.
  func close(_ leg: Leg) throws -> LegStatistics {
    engine.send(.closeLeg(leg))
    return try events.wait {
      if case .legClosed(leg, let statistics) = $0 { return statistics } else { return nil }
    }
  }

  /// Waits until all commands sent so far are carried out: those after them in the queue are.
  func settle() throws {
    let sockets = try TestPorts.bind(IPAddress(bytes: [127, 0, 0, 1]) ?? { throw TestFault("") }())
    _ = try close(try engine.openLeg(sockets))
  }

  func waitForDigit(_ leg: Leg, by source: DigitSource) throws -> Character {
    try events.wait {
      if case .digit(leg, let digit, by: source, _) = $0 { return digit } else { return nil }
    }
  }

  /// The length of the press of `digit`.
  func waitForEnd(_ leg: Leg, of digit: Character) throws -> Int {
    try events.wait {
      if case .digitEnded(leg, digit, let milliseconds, _) = $0 { return milliseconds } else { return nil }
    }
  }

  func waitForPlayed(_ leg: Leg, token: UInt64) throws {
    try events.wait { $0 == .played(leg, token: token) ? true : nil }
  }
}

/// Samples that are never the same twice in a row, over the whole range.
func noise(_ count: Int, seed: UInt64 = 1) -> [Int16] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in Int16(truncatingIfNeeded: generator.next()) }
}

func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] { noise(count, seed: seed).map { UInt8(truncatingIfNeeded: $0) } }

/// All engine tests run one after the other: they count descriptors, and time matters to some.
@Suite("Media engine", .serialized)
struct EngineTests {}
