package import NIOCore
import NIOPosix
package import SIPMessage
package import Telephony

/// Something the SIP sockets have to tell their owner, on the event loop.
package enum SIPSocketEvent: Sendable {
  /// A message that could be read.
  case received(Message, Flow, at: Moment)
  /// Bytes that are no SIP message. A `refusal` has already been answered when the error holds one and the gate lets it.
  case malformed(ParseError, Flow)
  /// A datagram could not be sent on this flow (no route), or its connection could not be opened or is gone.
  case failed(Flow)
  /// There are too many connections already: this peer's was closed at once, or took the place of another's.
  case crowded(Endpoint)
  /// A TLS connection with this peer, ours or his, has not come about. Flows that fail with it are told beside.
  case insecure(Endpoint, isOurs: Bool, TLSFailure)
}

/// The SIP sockets of one daemon: messages in and out, over UDP, TCP and TLS (RFC 3261 §18).
///
/// Belongs to one event loop: every method is called on it, every event is delivered on it.
package final class SIPSockets {
  private let loop: any EventLoop
  private let clock: @Sendable () -> Moment
  private let onEvent: (SIPSocketEvent) -> Void
  private let gate: SourceGate
  private var listeners: [Listener] = []
  private var routes = LocalRoutes()
  private let connections: SIPConnections

  private struct Listener {
    var socket: DatagramSocket
    var channel: (any Channel)?
    var bound: Endpoint { socket.bound }
  }

  /// - Parameters:
  ///   - loop: the event loop everything happens on.
  ///   - limits: what connections may cost.
  ///   - gate: whom they listen to.
  ///   - clock: read once for each message that arrives, and for each flow that is asked for.
  ///   - onEvent: called on `loop`.
  package init(
    loop: any EventLoop, limits: ConnectionLimits = ConnectionLimits(), gate: SourceGate = .open,
    clock: @escaping @Sendable () -> Moment,
    onEvent: @escaping (SIPSocketEvent) -> Void
  ) {
    self.loop = loop
    self.clock = clock
    self.onEvent = onEvent
    self.gate = gate
    connections = SIPConnections(loop: loop, limits: limits, gate: gate, clock: clock, onEvent: onEvent)
  }

  /// Opens a UDP socket; the future fails with ``ListenError``, and gives the endpoint really bound (port 0 picks one).
  ///
  /// `bound` holds it, and flows leave from it, as soon as this returns; messages come later.
  package func listen(udp endpoint: Endpoint) -> EventLoopFuture<Endpoint> {
    loop.assertInEventLoop()
    let socket: DatagramSocket
    do throws(ListenError) {
      socket = try DatagramSocket(bindingTo: endpoint)
    } catch {
      return loop.makeFailedFuture(error)
    }
    listeners.append(Listener(socket: socket))
    let owner = NIOLoopBound(self, eventLoop: loop)
    return DatagramBootstrap(group: loop)
      // In a flood most of what is read is thrown away at once: what somebody waits for must not stand behind it for long.
      .channelOption(.maxMessagesPerRead, value: 64)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
      .channelOption(.receivePacketInfo, value: socket.bound.address.isUnspecified)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramHandler(owner: owner.value, socket: socket))
        }
      }
      .withBoundSocket(socket.descriptor)
      .map { channel in
        owner.value.started(channel, on: socket)
        return socket.bound
      }
  }

  private func started(_ channel: any Channel, on socket: DatagramSocket) {
    guard let index = listeners.firstIndex(where: { $0.bound == socket.bound }) else {
      return channel.close(promise: nil)
    }
    listeners[index].channel = channel
    let owner = NIOLoopBound(self, eventLoop: loop)
    // A descriptor that is closed may be another socket's the next moment.
    channel.closeFuture.whenComplete { _ in owner.value.listeners.removeAll { $0.channel === channel } }
  }

  /// Opens a TCP socket and accepts connections on it; as `listen(udp:)` in all else.
  package func listen(tcp endpoint: Endpoint) -> EventLoopFuture<Endpoint> {
    loop.assertInEventLoop()
    return connections.listen(endpoint, .tcp)
  }

  /// Opens a TCP socket and accepts TLS connections on it; as `listen(udp:)` in all else. Without a certificate
  /// (``tls``) connections are closed at once.
  package func listen(tls endpoint: Endpoint) -> EventLoopFuture<Endpoint> {
    loop.assertInEventLoop()
    return connections.listen(endpoint, .tls)
  }

  /// Who we are and who peers must be, over TLS. What is set counts for the connections to come; those that are open
  /// stay as they are.
  package var tls: TLSWays {
    get { connections.tls }
    set { connections.tls = newValue }
  }

  /// The endpoints that are listened on.
  package func bound(_ transport: Transport) -> [Endpoint] {
    switch transport {
    case .udp: listeners.map(\.bound)
    case .tcp, .tls: connections.bound(transport)
    }
  }

  /// How many connections live or are being opened.
  package var connectionCount: Int { connections.count }

  /// The flow on which a request to `remote` would leave: a connection that leads there already, else the listener of
  /// its family and our address on the way there. Over TCP and TLS the first message on it opens the connection.
  /// - Parameter port: of ours, to be preferred: the one for which a NAT on the way has a hole.
  /// - Returns: nil if no listener can reach it.
  package func flow(to remote: Endpoint, transport: Transport = .udp, preferring port: UInt16? = nil) -> Flow? {
    if transport.isReliable, let living = connections.flow(to: remote, transport) { return living }
    let now = clock().instant
    var candidates = bound(transport).filter { $0.address.isIPv6 == remote.address.isIPv6 }
    if candidates.contains(where: { $0.port == port }) { candidates.removeAll { $0.port != port } }
    let way = candidates.isEmpty ? nil : routes.localAddress(toward: remote.address, at: now)
    if transport == .tls, candidates.isEmpty {
      // Nobody can connect to us by TLS, but we can: what peers have to say comes on our connection.
      return routes.localAddress(toward: remote.address, at: now).map {
        Flow(.tls, local: Endpoint($0, 5061), remote: remote)
      }
    }
    guard
      let listener = candidates.first(where: { $0.address == way })
        ?? candidates.first(where: { $0.address.isUnspecified })
        ?? candidates.first(where: { $0.address.isLoopback == remote.address.isLoopback }) ?? candidates.first
    else { return nil }
    return Flow(transport, local: local(of: listener, toward: remote, at: now), remote: remote)
  }

  /// Sends one message. What cannot be sent comes back as ``SIPSocketEvent/failed(_:)``, after this call.
  package func send(_ message: Message, on flow: Flow) {
    loop.assertInEventLoop()
    if flow.transport.isReliable { return connections.send(message.serialized(), on: flow) }
    let listener =
      listeners.first { $0.bound == flow.local }
      ?? listeners.first {
        $0.bound.port == flow.local.port && $0.bound.address.isUnspecified
          && $0.bound.address.isIPv6 == flow.remote.address.isIPv6
      }
    if flow.transport == .udp, let listener,
      listener.socket.send(message.serialized(), to: flow.remote, from: flow.local.address) == 0
    {
      return
    }
    let owner = NIOLoopBound(self, eventLoop: loop)
    loop.execute { owner.value.onEvent(.failed(flow)) }
  }

  /// Closes all sockets.
  package func close() -> EventLoopFuture<Void> {
    loop.assertInEventLoop()
    let channels = listeners.compactMap(\.channel)
    listeners = []
    return .andAllSucceed([.andAllComplete(channels.map { $0.close() }, on: loop), connections.close()], on: loop)
  }

  /// - Parameter asked: which of our addresses it came to, where the socket is bound to all.
  fileprivate func received(
    _ buffer: ByteBuffer, from remote: SocketAddress, to asked: SocketAddress?, on socket: DatagramSocket
  ) {
    guard let remote = Endpoint(remote) else { return }
    // A keep-alive (RFC 5626 §3.5.1, or a few zero bytes) wants no answer over UDP.
    if buffer.readableBytesView.allSatisfy({ $0 == 0x0D || $0 == 0x0A || $0 == 0 || $0 == 0x20 }) { return }
    guard gate.admits(remote, .udp) else { return }
    let now = clock()
    let own =
      asked.flatMap { Endpoint($0)?.address }.flatMap { $0.isOneHosts ? Endpoint($0, socket.bound.port) : nil }
      ?? local(of: socket.bound, toward: remote, at: now.instant)
    let flow = Flow(.udp, local: own, remote: remote)
    do throws(ParseError) {
      onEvent(.received(try parseMessage(Array(buffer.readableBytesView)), flow, at: now))
    } catch {
      if gate.answersGarbage(remote, .udp), let refusal = error.refusal { send(.response(refusal), on: flow) }
      onEvent(.malformed(error, flow))
    }
  }

  private func local(of bound: Endpoint, toward remote: Endpoint, at now: Instant) -> Endpoint {
    guard bound.address.isUnspecified else { return bound }
    return Endpoint(routes.localAddress(toward: remote.address, at: now) ?? bound.address, bound.port)
  }
}

extension IPAddress {
  /// False for what is sent to many: multicast and broadcast, from which nobody may answer.
  fileprivate var isOneHosts: Bool { isIPv6 ? bytes[0] != 0xFF : bytes[0] < 224 }
}

/// Hands each datagram of one channel to the sockets' owner.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  private let owner: SIPSockets

  private let socket: DatagramSocket

  init(owner: SIPSockets, socket: DatagramSocket) {
    self.owner = owner
    self.socket = socket
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    let asked = envelope.metadata?.packetInfo?.destinationAddress
    owner.received(envelope.data, from: envelope.remoteAddress, to: asked, on: socket)
  }

  /// An ICMP error on an unconnected socket names no peer: the transaction's timers deal with it.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
