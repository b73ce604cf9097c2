import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import SIPMessage
import Telephony

/// The TCP and TLS side of the SIP sockets: what listens, and every connection by its flow (RFC 3261 §18).
///
/// A flow is our address as peers know it (where we listen) and the peer's end. So a connection that a peer opened and
/// one that we open to his listening port are both found by the flow on which messages go, and a connection that is gone
/// can be opened anew under the same name.
final class SIPConnections {
  let limits: ConnectionLimits
  let gate: SourceGate
  private let loop: any EventLoop
  private let onEvent: (SIPSocketEvent) -> Void
  private let clock: @Sendable () -> Moment
  private var listeners: [Listener] = []
  private var connections: [ObjectIdentifier: SIPConnection] = [:]
  /// The one that sends: of several on a flow the newest.
  private var current: [Flow: SIPConnection] = [:]
  /// How many connections each source has opened.
  private var incoming: [[UInt8]: Int] = [:]
  private var incomingCount = 0
  /// Flows of which it is still to be told that they have failed: what is sent on them now fails with the rest.
  private var failing: Set<Flow> = []
  private var isClosed = false
  /// Who we are and who peers must be, over TLS; what is set counts for the connections to come.
  var tls = TLSWays()
  private var handshakes: HandshakeGate

  private struct Listener {
    var transport: Transport
    var bound: Endpoint
    var channel: (any Channel)?
  }

  init(
    loop: any EventLoop, limits: ConnectionLimits, gate: SourceGate, clock: @escaping @Sendable () -> Moment,
    onEvent: @escaping (SIPSocketEvent) -> Void
  ) {
    self.loop = loop
    self.limits = limits
    self.gate = gate
    self.clock = clock
    self.onEvent = onEvent
    handshakes = HandshakeGate(limits)
  }

  func bound(_ transport: Transport) -> [Endpoint] { listeners.filter { $0.transport == transport }.map(\.bound) }

  /// Connections that live or are being opened.
  var count: Int { connections.count }

  // MARK: Listening

  /// Opens a listening socket; `bound` holds it at once.
  func listen(_ endpoint: Endpoint, _ transport: Transport) -> EventLoopFuture<Endpoint> {
    let socket: StreamSocket
    do throws(ListenError) {
      socket = try StreamSocket(listeningOn: endpoint, for: transport)
    } catch {
      return loop.makeFailedFuture(error)
    }
    let bound = socket.bound
    listeners.append(Listener(transport: transport, bound: bound))
    let owner = NIOLoopBound(self, eventLoop: loop)
    var bootstrap = ServerBootstrap(group: loop)
    for (option, value) in socketOptions(.seconds(32)) {
      bootstrap = bootstrap.childChannelOption(option, value: value)
    }
    return
      bootstrap
      .childChannelOption(.writeBufferWaterMark, value: watermark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // Without a certificate the connection is not admitted.
          if transport == .tls, let server = owner.value.tls.server {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: server.context))
          }
          try channel.pipeline.syncOperations.addHandler(SIPConnection(acceptedBy: owner.value, transport))
        }
      }
      .withBoundSocket(socket.descriptor)
      .map { channel in
        owner.value.started(channel, on: bound)
        return bound
      }
  }

  private func started(_ channel: any Channel, on bound: Endpoint) {
    guard let index = listeners.firstIndex(where: { $0.bound == bound }) else { return channel.close(promise: nil) }
    listeners[index].channel = channel
    let owner = NIOLoopBound(self, eventLoop: loop)
    channel.closeFuture.whenComplete { _ in owner.value.listeners.removeAll { $0.channel === channel } }
  }

  private var watermark: ChannelOptions.Types.WriteBufferWaterMark {
    .init(low: limits.unsent / 4, high: limits.unsent)
  }

  // MARK: Sending

  /// The flow of a connection that leads to `remote` now or is being opened.
  func flow(to remote: Endpoint, _ transport: Transport) -> Flow? {
    current.keys.filter { $0.remote == remote && $0.transport == transport }.min { "\($0.local)" < "\($1.local)" }
  }

  /// Sends on the flow's connection; opens one if there is none.
  func send(_ bytes: [UInt8], on flow: Flow) {
    if failing.contains(flow) { return }
    if let connection = current[flow] { return connection.send(bytes) }
    guard let connection = open(flow) else { return fail(flow) }
    connection.send(bytes)
  }

  private func open(_ flow: Flow) -> SIPConnection? {
    let isOurs: (Listener) -> Bool = { listener in
      let bound = listener.bound
      return listener.transport == flow.transport
        && (bound == flow.local
          || bound.port == flow.local.port && bound.address.isUnspecified
            && bound.address.isIPv6 == flow.remote.address.isIPv6)
    }
    let listener = listeners.first(where: isOurs)
    // Whoever only calls out by TLS needs no certificate, so there need be nothing that listens.
    guard !isClosed, listener != nil || flow.transport == .tls,
      connections.values.count(where: { !$0.isIncoming }) < limits.outgoing,
      let remote = try? SocketAddress(ipAddress: flow.remote.address.description, port: Int(flow.remote.port))
    else { return nil }
    let peer = flow.transport == .tls ? tls.peer(flow.remote) : nil
    if flow.transport == .tls, peer == nil {
      insecure(flow, isOurs: true, .unknownPeer)
      return nil
    }
    let connection = SIPConnection(openedBy: self, flow: flow, peer: peer)
    connections[ObjectIdentifier(connection)] = connection
    current[flow] = connection
    let own = NIOLoopBound(connection, eventLoop: loop)
    var bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(TimeAmount(limits.connecting))
      .channelOption(.writeBufferWaterMark, value: watermark)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let peer {
            try channel.pipeline.syncOperations.addHandler(
              NIOSSLClientHandler(context: peer.context.context, serverHostname: peer.serverName))
          }
          try channel.pipeline.syncOperations.addHandler(own.value)
        }
      }
    // Who listens on one address only is known to his peers by it.
    if let listener, !listener.bound.address.isUnspecified,
      let local = try? SocketAddress(ipAddress: listener.bound.address.description, port: 0)
    {
      bootstrap = bootstrap.bind(to: local)
    }
    for (option, value) in socketOptions(.seconds(8)) { bootstrap = bootstrap.channelOption(option, value: value) }
    bootstrap.connect(to: remote).whenFailure { _ in own.value.failed() }
    return connection
  }

  // MARK: From the connections

  /// Takes a peer's connection, if he may have one more.
  func admits(_ connection: SIPConnection, on flow: Flow) -> Bool {
    if isClosed || !gate.admitsConnection(flow.remote, flow.transport) { return false }
    // An expected peer is one whose certificate we have checked, which only a connection of our own does: nobody may come
    // from its port and get what is meant for it.
    if flow.transport == .tls, tls.server == nil || tls.peer(flow.remote) != nil { return false }
    let source = source(flow)
    let isFull = incomingCount >= limits.incoming
    if isFull || incoming[source, default: 0] >= limits.perSource { onEvent(.crowded(flow.remote)) }
    guard incoming[source, default: 0] < limits.perSource else { return false }
    let victim = !isFull ? nil : gate.isKnown(flow.remote) ? leastKnown() : displaced(by: source)
    if isFull, victim == nil { return false }
    if flow.transport == .tls, !admitsHandshake(of: source, flow) { return false }
    victim?.close()
    incomingCount += 1
    incoming[source, default: 0] += 1
    connections[ObjectIdentifier(connection)] = connection
    current[flow] = connection
    return true
  }

  /// Begins a handshake, if there is room for one more of this source.
  private func admitsHandshake(of source: [UInt8], _ flow: Flow) -> Bool {
    let isKnown = gate.isKnown(flow.remote)
    guard handshakes.admits(source, isKnown: isKnown, at: .now()) else {
      onEvent(.crowded(flow.remote))
      return false
    }
    if handshakes.isFull {
      onEvent(.crowded(flow.remote))
      guard isKnown || handshakes.most > handshakes[source] + 1 else { return false }
      let candidates = connections.values.filter { connection in
        guard connection.isShakingHands, let flow = connection.flow else { return false }
        return isKnown ? !gate.isKnown(flow.remote) : handshakes[self.source(flow)] == handshakes.most
      }
      guard let victim = candidates.min(by: { $0.lastHeard < $1.lastHeard }) else { return false }
      victim.close()
    }
    handshakes.enter(source)
    return true
  }

  /// A peer's handshake is done, or will never be.
  func endedHandshake(on flow: Flow) { handshakes.leave(source(flow)) }

  /// A TLS connection does not come about.
  func insecure(_ flow: Flow, isOurs: Bool, _ failure: TLSFailure) {
    if !isClosed { onEvent(.insecure(flow.remote, isOurs: isOurs, failure)) }
  }

  /// What counts as one source: an IPv4 address; of IPv6 the network that anybody gets from his provider, /64.
  private func source(_ flow: Flow) -> [UInt8] { Array(flow.remote.address.bytes.prefix(8)) }

  /// The connection that makes room where there is none: of the source that has the most, the one that has been silent
  /// longest. So a few who hold all they can get do not keep out the many who want one.
  /// - Returns: nil if nobody has more than the newcomer would have.
  private func displaced(by newcomer: [UInt8]) -> SIPConnection? {
    let own = incoming[newcomer, default: 0]
    var victim: (connection: SIPConnection, count: Int)?
    var known: [IPAddress: Bool] = [:]
    for connection in connections.values where connection.isIncoming && !connection.isRetired {
      guard let flow = connection.flow, let count = incoming[source(flow)], count > own + 1 else { continue }
      if let victim, (victim.count, connection.lastHeard) >= (count, victim.connection.lastHeard) { continue }
      // A PBX or a NAT that carries a company's phones has the most, and must not give way to strangers.
      let isKnown = known[flow.remote.address] ?? gate.isKnown(flow.remote)
      known[flow.remote.address] = isKnown
      if !isKnown { victim = (connection, count) }
    }
    return victim?.connection
  }

  /// Of strangers' connections the one that has been silent longest: it makes room for whom we know.
  private func leastKnown() -> SIPConnection? {
    let strangers = connections.values.filter { connection in
      connection.isIncoming && !connection.isRetired && connection.flow.map { !gate.isKnown($0.remote) } ?? false
    }
    return strangers.min { $0.lastHeard < $1.lastHeard }
  }

  /// A connection is of no use any more.
  func retired(_ connection: SIPConnection) {
    guard !isClosed, let flow = connection.flow else { return }
    if current[flow] === connection {
      current[flow] = connections.values.first { $0.flow == flow && !$0.isRetired }
    }
    if connection.isUsed { fail(flow) }
  }

  /// A connection's socket is closed.
  func gone(_ connection: SIPConnection) {
    guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
    guard connection.isIncoming, let source = connection.flow.map(source) else { return }
    incomingCount -= 1
    let left = incoming[source, default: 1] - 1
    incoming[source] = left > 0 ? left : nil
  }

  /// Tells it once and after the step at hand; until then the flow takes nothing, for it would be told to have failed.
  private func fail(_ flow: Flow) {
    guard failing.insert(flow).inserted else { return }
    let owner = NIOLoopBound(self, eventLoop: loop)
    loop.execute {
      owner.value.failing.remove(flow)
      owner.value.onEvent(.failed(flow))
    }
  }

  func received(_ message: Message, _ flow: Flow) { onEvent(.received(message, flow, at: clock())) }

  func malformed(_ error: ParseError, _ flow: Flow) { onEvent(.malformed(error, flow)) }

  // MARK: The end

  /// Closes everything; nothing is told of it any more.
  func close() -> EventLoopFuture<Void> {
    isClosed = true
    let channels = listeners.compactMap(\.channel)
    listeners = []
    let living = Array(connections.values)
    connections = [:]
    current = [:]
    incoming = [:]
    incomingCount = 0
    for connection in living { connection.close() }
    return .andAllComplete(channels.map { $0.close() }, on: loop)
  }
}

/// What the kernel sees to: nothing is held back to be sent with more, and a peer that has vanished (power, NAT) is
/// noticed after two minutes at rest, and after `patience` when something waits to reach him.
///
/// A peer's connection may be the only way to him, so it is given as long as a transaction lives. One of ours is given up
/// sooner: another is opened, and a call that was lost with it still has time to ring.
private func socketOptions(
  _ patience: Duration
) -> [(ChannelOptions.Types.SocketOption, SocketOptionValue)] {
  [
    (.init(level: .tcp, name: .tcp_nodelay), 1), (.init(level: .socket, name: .so_keepalive), 1),
    (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), 60),
    (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), 15),
    (.init(level: .tcp, name: .init(rawValue: TCP_USER_TIMEOUT)), SocketOptionValue(patience.milliseconds)),
  ]
}
