import Glibc
import NIOCore
import NIOSSL
import NIOTLS
import SIPMessage
import Telephony

/// One TCP or TLS connection, a peer's or ours: cuts what comes into messages, sends what goes.
///
/// Over TLS a handler before this one in the pipeline encrypts, and the connection is open when the handshake is done and,
/// where it is ours, the peer's certificate bears the right name; until then nothing is sent.
/// Lives on the event loop. It is in use until it retires, once, for whatever reason; its owner then knows it no more,
/// and nothing that was not yet sent will be.
final class SIPConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private enum State {
    /// Not there yet, or its handshake is not done; what is to be sent waits.
    case connecting(waiting: [[UInt8]], bytes: Int)
    case open
    /// Retired. What still comes is thrown away.
    case retired
  }

  /// The way of its messages; nil for a peer's connection that is not admitted.
  private(set) var flow: Flow?
  let isIncoming: Bool
  let transport: Transport
  /// A peer's connection in the middle of its TLS handshake.
  private(set) var isShakingHands = false
  /// True once the core may know of it: then it must hear of its end.
  private(set) var isUsed = false

  private let owner: SIPConnections
  private var state = State.connecting(waiting: [], bytes: 0)
  private var channel: (any Channel)?
  private var framer = StreamFramer()
  private var hasSpoken = false
  private var isPinged = false
  private var isPonging = false
  private(set) var lastHeard = NIODeadline.now()
  private var messageBegan: NIODeadline?
  private var check: RepeatedTask?
  private var handshakeLimit: Scheduled<Void>?
  /// Whose certificate it must be at the other end.
  private let peer: TLSPeer?

  /// A peer's connection; its flow is known when it is active.
  init(acceptedBy owner: SIPConnections, _ transport: Transport) {
    self.owner = owner
    self.transport = transport
    isIncoming = true
    peer = nil
  }

  /// A connection of ours.
  init(openedBy owner: SIPConnections, flow: Flow, peer: TLSPeer?) {
    self.owner = owner
    self.flow = flow
    self.peer = peer
    transport = flow.transport
    isIncoming = false
    isUsed = true
  }

  /// True once it is of no use.
  var isRetired: Bool { if case .retired = state { true } else { false } }

  // MARK: Out

  /// Sends a message, or keeps it until the connection is there.
  func send(_ bytes: [UInt8]) {
    isUsed = true
    switch state {
    case .connecting(var waiting, let count):
      guard count + bytes.count <= owner.limits.unsent else { return close() }
      waiting.append(bytes)
      state = .connecting(waiting: waiting, bytes: count + bytes.count)
    case .open:
      guard let channel, channel.isWritable else { return close() }
      channel.writeAndFlush(channel.allocator.buffer(bytes: bytes), promise: nil)
    case .retired: break
    }
  }

  /// The attempt to connect has failed.
  func failed() {
    retire()
    owner.gone(self)
  }

  /// Ends it now; what has not been sent is lost.
  func close() {
    retire()
    channel?.close(promise: nil)
  }

  private func retire() {
    if case .retired = state { return }
    state = .retired
    check?.cancel()
    handshakeLimit?.cancel()
    endHandshake()
    owner.retired(self)
  }

  /// The stream cannot be followed any more: the peer gets to read why, then it is closed. Closing at once, with input
  /// unread, would take our last words from him (TCP resets).
  private func closeAfter(_ refusal: Response?) {
    guard let channel, let refusal else { return close() }
    retire()
    channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
    let bytes = Message.response(refusal).serialized()
    channel.writeAndFlush(channel.allocator.buffer(bytes: bytes)).whenComplete { _ in
      channel.close(mode: .output, promise: nil)
    }
  }

  // MARK: In

  func handlerAdded(context: ChannelHandlerContext) { channel = context.channel }

  func channelActive(context: ChannelHandlerContext) {
    guard case .connecting = state else { return context.close(promise: nil) }
    if isIncoming {
      guard let local = context.localAddress.flatMap(Endpoint.init),
        let remote = context.remoteAddress.flatMap(Endpoint.init)
      else { return reject(context) }
      let way = Flow(transport, local: local, remote: remote)
      flow = way
      guard owner.admits(self, on: way) else { return reject(context) }
    }
    if transport == .tls { beginHandshake(context) } else { open(context) }
    context.fireChannelActive()
  }

  private func open(_ context: ChannelHandlerContext) {
    guard case .connecting(let waiting, _) = state else { return }
    state = .open
    lastHeard = .now()
    let period = TimeAmount(owner.limits.patience)
    let own = NIOLoopBound(self, eventLoop: context.eventLoop)
    check = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
      own.value.checkPatience()
    }
    for bytes in waiting { send(bytes) }
  }

  private func reject(_ context: ChannelHandlerContext) {
    flow = nil
    state = .retired
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .open = state, let flow else { return }
    guard !isIncoming || owner.gate.admits(flow.remote, flow.transport) else { return close() }
    lastHeard = .now()
    do throws(FramingError) {
      take(try framer.append(Array(unwrapInboundIn(data).readableBytesView)), flow)
    } catch {
      take(error.preceding, flow)
      guard case .open = state else { return }
      isUsed = true
      closeAfter(owner.gate.answersGarbage(flow.remote, flow.transport) ? error.error.refusal : nil)
      owner.malformed(error.error, flow)
    }
    messageBegan = framer.isInMessage ? messageBegan ?? lastHeard : nil
    if isPinged { pong() }
  }

  private func take(_ items: [StreamItem], _ flow: Flow) {
    for item in items {
      // What comes of one message may be the end of the connection.
      guard case .open = state else { return }
      messageBegan = nil
      switch item {
      case .message(let message):
        hasSpoken = true
        isUsed = true
        owner.received(message, flow)
      case .malformed(let error):
        isUsed = true
        guard owner.gate.answersGarbage(flow.remote, flow.transport) else { return close() }
        if let refusal = error.refusal { send(Message.response(refusal).serialized()) }
        owner.malformed(error, flow)
      case .ping: isPinged = true
      }
    }
  }

  /// CR LF is the answer to CR LF CR LF (RFC 5626 §4.4.1); one for all that came at once, and one at a time, so that a
  /// peer who pings for ever and does not read costs nothing.
  private func pong() {
    isPinged = false
    guard case .open = state, let channel, !isPonging else { return }
    isPonging = true
    let own = NIOLoopBound(self, eventLoop: channel.eventLoop)
    channel.writeAndFlush(ByteBuffer(bytes: [0x0D, 0x0A])).whenComplete { _ in own.value.isPonging = false }
  }

  private func checkPatience() {
    let now = NIODeadline.now()
    let (patience, idle) = (TimeAmount(owner.limits.patience), TimeAmount(owner.limits.idle))
    let isMute = isIncoming && !hasSpoken
    let isStuck = messageBegan.map { now - $0 >= patience } ?? false
    if isMute || isStuck || now - lastHeard >= idle { close() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    retire()
    owner.gone(self)
    context.fireChannelInactive()
  }

  /// A reset, no acknowledgement in time, or what TLS does not accept.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if transport == .tls, case .connecting = state {
      handshakeFailed(context, TLSFailure(error, certificate(context), at: Self.now))
    }
    close()
  }

  // MARK: The TLS handshake

  private func beginHandshake(_ context: ChannelHandlerContext) {
    isShakingHands = isIncoming
    let own = NIOLoopBound(self, eventLoop: context.eventLoop)
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    handshakeLimit = context.eventLoop.scheduleTask(in: TimeAmount(owner.limits.handshake)) {
      own.value.handshakeFailed(bound.value, .tooSlow)
      own.value.close()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted? = event as? TLSUserEvent { handshakeCompleted(context) }
    context.fireUserInboundEventTriggered(event)
  }

  private func handshakeCompleted(_ context: ChannelHandlerContext) {
    guard case .connecting = state else { return }
    if let peer {
      let names = certificate(context).map(CertificateName.names) ?? []
      guard names.contains(where: { name in peer.names.contains(where: name.isGood) }) else {
        handshakeFailed(context, .otherName(names: names.map(\.description), wanted: peer.names))
        return close()
      }
    }
    handshakeLimit?.cancel()
    endHandshake()
    open(context)
  }

  private func handshakeFailed(_ context: ChannelHandlerContext, _ failure: TLSFailure) {
    guard case .connecting = state, let flow else { return }
    owner.insecure(flow, isOurs: !isIncoming, failure)
  }

  private func endHandshake() {
    guard isShakingHands, let flow else { return }
    isShakingHands = false
    owner.endedHandshake(on: flow)
  }

  /// The clock by which certificates are judged.
  private static var now: WallTime { WallTime(microseconds: Int64(time(nil)) * 1_000_000) }

  private func certificate(_ context: ChannelHandlerContext) -> NIOSSLCertificate? {
    (try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self))?.peerCertificate
  }
}
