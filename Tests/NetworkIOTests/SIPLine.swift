import NIOCore
import NIOPosix
import NetworkIO
import SIPMessage
import Telephony

/// SIP sockets on a loop of their own, for tests that stand outside of it.
final class SIPLine: Sendable {
  /// What the clock of the sockets always says.
  static let moment = Moment(instant: Instant(nanoseconds: 5), wall: WallTime(microseconds: 7))

  private let sockets: NIOLoopBound<SIPSockets>
  private let loop: any EventLoop
  private let events: AsyncStream<SIPSocketEvent>

  init(limits: ConnectionLimits = ConnectionLimits(), gate: @escaping @Sendable () -> SourceGate = { .open })
    async throws
  {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let (events, told) = AsyncStream.makeStream(of: SIPSocketEvent.self)
    self.loop = loop
    self.events = events
    sockets = try await loop.submit {
      NIOLoopBound(
        SIPSockets(
          loop: loop, limits: limits, gate: gate(), clock: { Self.moment }, onEvent: { told.yield($0) }),
        eventLoop: loop)
    }.get()
  }

  /// Runs `body` with a line, and closes the line whatever happens.
  static func with(
    limits: ConnectionLimits = ConnectionLimits(), gate: @escaping @Sendable () -> SourceGate = { .open },
    _ body: (SIPLine) async throws -> Void
  ) async throws {
    let line = try await SIPLine(limits: limits, gate: gate)
    do {
      try await body(line)
    } catch {
      try await line.close()
      throw error
    }
    try await line.close()
  }

  /// Opens a socket, on 127.0.0.1 and a free port if nothing else is said.
  @discardableResult
  func listen(_ address: String = "127.0.0.1", _ port: UInt16 = 0) async throws -> Endpoint {
    guard let address = IPAddress(address) else { throw BadAddress() }
    return try await loop.flatSubmit { [sockets] in sockets.value.listen(udp: Endpoint(address, port)) }.get()
  }

  /// Opens a TCP socket, on 127.0.0.1 and a free port if nothing else is said.
  @discardableResult
  func listenTCP(_ address: String = "127.0.0.1", _ port: UInt16 = 0) async throws -> Endpoint {
    guard let address = IPAddress(address) else { throw BadAddress() }
    return try await loop.flatSubmit { [sockets] in sockets.value.listen(tcp: Endpoint(address, port)) }.get()
  }

  /// Opens a TCP socket for TLS, on 127.0.0.1 and a free port.
  func listenTLS() async throws -> Endpoint {
    guard let address = IPAddress("127.0.0.1") else { throw BadAddress() }
    return try await loop.flatSubmit { [sockets] in sockets.value.listen(tls: Endpoint(address, 0)) }.get()
  }

  /// Who we are over TLS, and who is expected at which address.
  func speaksTLS(as server: TLSContext? = nil, to peers: [Endpoint: TLSPeer] = [:]) async throws {
    try await loop.submit { [sockets] in
      sockets.value.tls = TLSWays(server: server, peer: { peers[$0] })
    }.get()
  }

  struct BadAddress: Error {}

  /// Returns when everything that has arrived until now has been read.
  func settle() async throws { try await loop.submit {}.get() }

  func connections() async throws -> Int {
    try await loop.submit { [sockets] in sockets.value.connectionCount }.get()
  }

  /// The next event.
  func next() async throws -> SIPSocketEvent {
    var iterator = events.makeAsyncIterator()
    guard let event = await iterator.next() else { throw CancellationError() }
    return event
  }

  func send(_ message: Message, on flow: Flow) async throws {
    try await loop.submit { [sockets] in sockets.value.send(message, on: flow) }.get()
  }

  /// Sends all of them in one step.
  func send(_ messages: [Message], on flow: Flow) async throws {
    try await loop.submit { [sockets] in for message in messages { sockets.value.send(message, on: flow) } }.get()
  }

  func flow(to remote: Endpoint, transport: Transport = .udp) async throws -> Flow? {
    try await loop.submit { [sockets] in sockets.value.flow(to: remote, transport: transport) }.get()
  }

  func bound(_ transport: Transport = .udp) async throws -> [Endpoint] {
    try await loop.submit { [sockets] in sockets.value.bound(transport) }.get()
  }

  func close() async throws {
    try await loop.flatSubmit { [sockets] in sockets.value.close() }.get()
  }
}
