import Glibc
package import NIOCore
import NIOPosix
package import SIPMessage
package import Telephony

/// Something the SIP sockets have to tell their owner, on the event loop.
package enum SIPSocketEvent: Sendable {
  /// A message that could be read.
  case received(Message, Flow, at: Moment)
  /// Bytes that are no SIP message. A `refusal` has already been answered when the error holds one.
  case malformed(ParseError, Flow)
  /// A datagram could not be sent on this flow (ICMP error, no route).
  case failed(Flow)
}

/// Why a socket of `Listen.txt` could not be opened.
package struct ListenError: Error, CustomStringConvertible {
  /// The address that was asked for.
  package let endpoint: Endpoint
  /// `EADDRINUSE` and its like.
  package let errno: Int32
  /// The system's own words.
  package let reason: String

  package var description: String { "udp:\(endpoint): \(reason)" }
}

/// The SIP sockets of one daemon: datagrams in and out over UDP (RFC 3261 §18).
///
/// Belongs to one event loop: every method is called on it, every event is delivered on it.
package final class SIPSockets {
  private let loop: any EventLoop
  private let clock: @Sendable () -> Moment
  private let onEvent: (SIPSocketEvent) -> Void
  private var listeners: [Listener] = []
  private var routes = LocalRoutes()

  private struct Listener {
    var bound: Endpoint
    var channel: any Channel
  }

  /// - Parameters:
  ///   - loop: the event loop everything happens on.
  ///   - clock: read once for each datagram that arrives.
  ///   - onEvent: called on `loop`.
  package init(
    loop: any EventLoop, clock: @escaping @Sendable () -> Moment, onEvent: @escaping (SIPSocketEvent) -> Void
  ) {
    self.loop = loop
    self.clock = clock
    self.onEvent = onEvent
  }

  /// Opens a UDP socket; the future fails with ``ListenError``, and gives the endpoint really bound (port 0 picks one).
  package func listen(udp endpoint: Endpoint) -> EventLoopFuture<Endpoint> {
    loop.assertInEventLoop()
    let owner = NIOLoopBound(self, eventLoop: loop)
    let opened: EventLoopFuture<any Channel>
    do {
      let address = try SocketAddress(endpoint)
      opened = DatagramBootstrap(group: loop)
        // A burst of retransmissions after a stall must not push out the INVITE that follows it.
        .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
        .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(DatagramHandler(owner: owner.value))
          }
        }
        .bind(to: address)
    } catch {
      return loop.makeFailedFuture(error)
    }
    return opened.flatMapThrowing { channel in
      guard let bound = channel.localAddress.flatMap(Endpoint.init) else {
        throw ListenError(endpoint: endpoint, errno: 0, reason: "the socket has no address")
      }
      owner.value.listeners.append(Listener(bound: bound, channel: channel))
      return bound
    }.flatMapErrorThrowing { error in
      guard let failure = error as? IOError else { throw error }
      throw ListenError(
        endpoint: endpoint, errno: failure.errnoCode, reason: String(cString: strerror(failure.errnoCode)))
    }
  }

  /// The endpoints that are listened on.
  package var bound: [Endpoint] { listeners.map(\.bound) }

  /// The flow on which a request to `remote` would leave: the listener of its family and our address on the way there.
  /// - Returns: nil if no listener can reach it.
  package func flow(to remote: Endpoint, transport: Transport = .udp) -> Flow? {
    guard transport == .udp else { return nil }
    let candidates = listeners.filter { $0.bound.address.isIPv6 == remote.address.isIPv6 }
    guard
      let listener = candidates.first(where: { $0.bound.address.isUnspecified }) ?? candidates.first(where: {
        $0.bound.address.isLoopback == remote.address.isLoopback
      }) ?? candidates.first
    else { return nil }
    return Flow(.udp, local: local(of: listener, toward: remote), remote: remote)
  }

  /// Sends one message.
  package func send(_ message: Message, on flow: Flow) {
    loop.assertInEventLoop()
    let listener =
      listeners.first { $0.bound == flow.local }
      ?? listeners.first {
        $0.bound.port == flow.local.port && $0.bound.address.isUnspecified
          && $0.bound.address.isIPv6 == flow.remote.address.isIPv6
      }
    guard let listener, let address = try? SocketAddress(flow.remote) else { return onEvent(.failed(flow)) }
    let bytes = message.serialized()
    let written = listener.channel.writeAndFlush(
      AddressedEnvelope(remoteAddress: address, data: listener.channel.allocator.buffer(bytes: bytes)))
    let owner = NIOLoopBound(self, eventLoop: loop)
    written.whenFailure { _ in owner.value.onEvent(.failed(flow)) }
  }

  /// Closes all sockets; what has been written is still sent.
  package func close() -> EventLoopFuture<Void> {
    let closed = EventLoopFuture.andAllComplete(listeners.map { $0.channel.close() }, on: loop)
    listeners = []
    return closed
  }

  fileprivate func received(_ buffer: ByteBuffer, from remote: SocketAddress, on channel: any Channel) {
    guard let remote = Endpoint(remote), let listener = listeners.first(where: { $0.channel === channel }) else {
      return
    }
    // A keep-alive (RFC 5626 §3.5.1, or a few zero bytes) wants no answer over UDP.
    if buffer.readableBytesView.allSatisfy({ $0 == 0x0D || $0 == 0x0A || $0 == 0 || $0 == 0x20 }) { return }
    let now = clock()
    let flow = Flow(.udp, local: local(of: listener, toward: remote), remote: remote)
    do throws(ParseError) {
      onEvent(.received(try parseMessage(Array(buffer.readableBytesView)), flow, at: now))
    } catch {
      if let refusal = error.refusal { send(.response(refusal), on: flow) }
      onEvent(.malformed(error, flow))
    }
  }

  private func local(of listener: Listener, toward remote: Endpoint) -> Endpoint {
    guard listener.bound.address.isUnspecified else { return listener.bound }
    return Endpoint(routes.localAddress(toward: remote.address) ?? listener.bound.address, listener.bound.port)
  }
}

/// Hands each datagram of one channel to the sockets' owner.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  private unowned let owner: SIPSockets

  init(owner: SIPSockets) { self.owner = owner }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    owner.received(envelope.data, from: envelope.remoteAddress, on: context.channel)
  }

  /// An ICMP error on an unconnected socket names no peer: the transaction's timers deal with it.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
