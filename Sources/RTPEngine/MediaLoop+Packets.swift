import Audio
import CLinux
import Codecs
import Frames
import Glibc
import RTP
import Telephony

/// The way of an RTP packet: source rule, digits, recording, the other side of the bridge.
extension MediaLoop {
  /// - Parameters:
  ///   - datagram: is decrypted in place; the relay writes its new header into it.
  ///   - isFresh: false for one that has waited too long: it counts, but is not passed on.
  func handleRTP(_ slot: Int, _ datagram: UnsafeMutableRawBufferPointer, from source: PacketSource, isFresh: Bool) {
    let state = legs + slot
    var packet = datagram
    if state.pointee.isSecure {
      // Nothing is believed before it is known to be the peer's. What kind of packet it is, its plain header tells.
      let isControl = RTCPReader.isRTCP(UnsafeRawBufferPointer(packet)) && kind(slot, packet) == .unknown
      guard !isControl else { return handleRTCP(slot, packet, from: source, isMuxed: true) }
      guard let plain = unprotect(slot, packet, isControl: false) else { return }
      packet = plain
    }
    let bytes = UnsafeRawBufferPointer(packet)
    guard let header = try? RTPHeader(parsing: bytes),
      case let kind = state.pointee.kinds[Int(header.payloadType & 0x7F)],
      kind != .unknown || !RTCPReader.isRTCP(bytes)
    else {
      // Refused there if it is not RTCP either.
      handleRTCP(slot, packet, from: source, isMuxed: true)
      return
    }
    switch state.pointee.latch.receive(
      header, from: source, isNegotiated: kind != .unknown, isAuthentic: state.pointee.isSecure, at: now.instant)
    {
    case .accepted: break
    case .latched: state.pointee.aim()
    case .dropped:
      state.pointee.statistics.packetsRefused &+= 1
      if let source = state.pointee.latch.takeKnock()?.endpoint { onEvent(.sourceRefused(state.pointee.leg, source)) }
      return
    }
    state.pointee.lastHeard = now.instant.nanoseconds
    state.pointee.statistics.packetsReceived &+= 1
    state.pointee.statistics.bytesReceived &+= UInt64(truncatingIfNeeded: packet.count)
    state.pointee.follow(header.ssrc)
    _ = state.pointee.tracker.receive(header.sequenceNumber, timestamp: header.timestamp, at: now.instant)
    if state.pointee.recording >= 0 {
      tap.pointee.record(
        state.pointee.recording, now.wall, from: FrameAddress(source), to: state.pointee.shown, payload: bytes)
    }
    guard state.pointee.receives else { return }
    if !isFresh { state.pointee.statistics.packetsStale &+= 1 }

    switch kind {
    case .aLaw, .muLaw: audioCame(slot, packet, header, kind, isFresh: isFresh)
    case .g722: widebandCame(slot, packet, header, isFresh: isFresh)
    case .telephoneEvent: eventCame(slot, packet, header, isFresh: isFresh)
    case .comfortNoise:
      if isFresh { noiseCame(slot, packet, header) }
    case .unknown: break
    }
  }

  @inline(__always)
  private func audioCame(
    _ slot: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, _ kind: PayloadKind, isFresh: Bool
  ) {
    let state = legs + slot
    if state.pointee.hearsTones { hear(slot, packet, header, kind == .aLaw ? .aLaw : .muLaw) }
    let peer = Int(state.pointee.peer)
    guard isFresh, peer >= 0, !state.pointee.isKeyDown || state.pointee.hearsTones else { return }
    let other = legs + peer
    if other.pointee.sendKind == .g722 {
      guard widen(packet, header, kind == .aLaw ? .aLaw : .muLaw, to: peer) else { return }
    } else if other.pointee.sendKind != kind {
      tables.pointee.transcode(
        UnsafeMutableRawBufferPointer(rebasing: packet[header.payloadRange]), from: kind == .aLaw ? .aLaw : .muLaw,
        to: other.pointee.sendLaw)
    }
    relay(to: peer, packet, header, type: other.pointee.sendPayloadType)
  }

  /// Listens for tones in the packet's audio.
  private func hear(_ slot: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, _ law: G711) {
    guard let detector = reserves[slot].tones, header.payloadLength <= linear.count else { return }
    for index in 0..<header.payloadLength {
      linear[index] = tables.pointee.decode(packet[header.payloadOffset + index], law)
    }
    hear(slot, with: detector, header.payloadLength)
  }

  /// Listens for tones in the first `count` samples of `linear`.
  func hear(_ slot: Int, with detector: ToneDetector, _ count: Int) {
    detector.feed(UnsafeBufferPointer(rebasing: linear[..<count]))
    while let digit = detector.next() {
      guard reserves[slot].mayTellDigit(at: now.instant) else { continue }
      onEvent(.digit(legs[slot].leg, Character(Unicode.Scalar(digit)), by: .tone, at: now))
    }
  }

  private func eventCame(_ slot: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, isFresh: Bool) {
    let payload = UnsafeRawBufferPointer(rebasing: packet[header.payloadRange])
    guard let event = TelephoneEvent(parsing: payload) else { return }
    let peer = Int(legs[slot].peer)
    let begins = reserves[slot].events.receive(event, in: header)
    if let press = reserves[slot].events.takeUnended() { tellEnd(slot, press) }
    if let digit = begins {
      reserves[slot].withholdsEvents = false
      reserves[slot].isTold = reserves[slot].mayTellDigit(at: now.instant)
      if reserves[slot].isTold { onEvent(.digit(legs[slot].leg, digit, by: .event, at: now)) }
    }
    reserves[slot].keyHeard = now.instant.nanoseconds
    legs[slot].isKeyDown = reserves[slot].events.isPressed
    if let press = reserves[slot].events.takeEnd() { tellEnd(slot, press) }
    guard isFresh, peer >= 0, !reserves[slot].withholdsEvents, let type = legs[peer].telephoneEvent else { return }
    relay(to: peer, packet, header, type: type)
  }

  /// The press is over; it is told if its beginning was.
  func tellEnd(_ slot: Int, _ press: EventDetector.Press) {
    guard reserves[slot].isTold else { return }
    onEvent(.digitEnded(legs[slot].leg, press.digit, milliseconds: press.milliseconds, at: now))
  }

  /// Passes a packet on to the leg in `peer`, as part of the one stream it gets.
  @inline(__always)
  func relay(
    to peer: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, type: UInt8
  ) {
    let state = legs + peer
    guard state.pointee.sends, state.pointee.hasTarget,
      !state.pointee.isSounding || makesRoom(peer, for: header),
      var out = state.pointee.rewriter.relay(header, at: now.instant)
    else { return }
    out.payloadType = type
    // The payload stays where it is; the plain header goes right before it, over what headers and extension there were.
    // Header and payload lie within the packet, or it would not have been parsed.
    guard let base = packet.baseAddress else { return }
    let datagram = UnsafeMutableRawBufferPointer(
      start: base + header.payloadOffset - headerLength, count: headerLength + header.payloadLength)
    out.write(into: datagram)
    send(peer, UnsafeRawBufferPointer(datagram))
  }

  /// Sends one RTP packet to the leg's target, and records it, as it was before its encryption.
  @inline(__always)
  func send(_ slot: Int, _ datagram: UnsafeRawBufferPointer) {
    let state = legs + slot
    var wire = datagram
    if state.pointee.isSecure {
      guard let secured = protect(slot, datagram, isControl: false) else { return }
      wire = secured
    }
    let descriptor = state.pointee.sockets.rtp
    let sent = state.pointee.targetPlace.withPointer {
      linux_send(descriptor, wire.baseAddress, wire.count, $0, $1)
    }
    guard sent >= 0 else {
      state.pointee.statistics.sendFailures &+= 1
      return
    }
    state.pointee.statistics.packetsSent &+= 1
    state.pointee.statistics.bytesSent &+= UInt64(truncatingIfNeeded: datagram.count)
    if state.pointee.recording >= 0 {
      tap.pointee.record(
        state.pointee.recording, now.wall, from: state.pointee.shown, to: state.pointee.target, payload: datagram)
    }
  }
}

/// Read at each packet, and a constant only within its own module.
private let headerLength = 12
