import Audio
import Glibc
import RTP
import Telephony

/// What the passing of time brings: our own sound, key presses, reports, silence, and packets that waited too long.
extension MediaLoop {
  /// Packets read at once from a socket that has fallen behind.
  static let backlogPackets = 128
  /// Of those, how many are still worth passing on: 60 ms.
  private static let freshPackets = 3
  /// A shorter queue than this is no backlog.
  private static let toleratedPackets = 10
  /// What the kernel counts for the packets waiting in a socket from which on it is looked into: some 15 packets.
  private static let backlogBytes: UInt32 = 24 * 1024
  /// Each leg's queue is looked at every so many ticks.
  private static let backlogTicks: UInt64 = 10
  /// Sound is caught up on for this many ticks; what was missed beyond is skipped.
  private static let catchUpTicks = 5
  private static let samplesPerTick = 160

  /// `count` ticks have passed since the last call.
  func passTime(_ count: Int) {
    let time = now.instant.nanoseconds
    for index in 0..<activeCount {
      let slot = Int(active[index])
      let state = legs + slot
      if state.pointee.isKeyDown { endLostPress(slot, at: time) }
      if state.pointee.isSounding { sound(slot, ticks: count) }
      if count > Self.catchUpTicks || (ticks &+ UInt64(index)) % Self.backlogTicks == 0 { dropStale(slot) }
      if time >= state.pointee.nextReport { sendReport(slot, isLast: false) }
      if time &- max(state.pointee.lastHeard, state.pointee.silenceTold) >= state.pointee.silenceLimit {
        state.pointee.silenceTold = time
        onEvent(.silent(state.pointee.leg, since: Instant(nanoseconds: state.pointee.lastHeard)))
      }
    }
    if ticks % 50 < UInt64(count) {
      for slot in 0..<tap.pointee.count { tellDropped(slot) }
    }
  }

  /// A press of which nothing has come for 200 ms is over, though its end was lost.
  private func endLostPress(_ slot: Int, at time: Int64) {
    guard time &- reserves[slot].keyHeard >= 200_000_000 else { return }
    legs[slot].isKeyDown = false
    if let press = reserves[slot].events.giveUp() { tellEnd(slot, press) }
  }

  // MARK: Our own sound

  /// Begins `sound` in place of what the leg plays.
  func play(_ slot: Int, _ sound: Sound, loops: Bool, token: UInt64) {
    if sound.samples.isEmpty {
      reserves[slot].sound = nil
      legs[slot].isSounding = reserves[slot].hasSound
      if !loops { onEvent(.played(legs[slot].leg, token: token)) }
      return
    }
    reserves[slot].sound = sound
    reserves[slot].position = 0
    reserves[slot].loops = loops
    reserves[slot].token = token
    legs[slot].isSounding = true
    legs[slot].rewriter.cut()
  }

  private func sound(_ slot: Int, ticks: Int) {
    reserves[slot].owed += min(ticks, Self.catchUpTicks) * Self.samplesPerTick
    // The receiver sees a gap in time rather than sound that comes late for ever.
    if ticks > Self.catchUpTicks { legs[slot].rewriter.cut() }
    while reserves[slot].owed >= reserves[slot].packetSamples, legs[slot].isSounding {
      reserves[slot].owed -= reserves[slot].packetSamples
      if reserves[slot].isPressing {
        press(slot)
      } else if reserves[slot].sound != nil {
        playPacket(slot)
      } else {
        noisePacket(slot)
      }
      legs[slot].isSounding = reserves[slot].hasSound
    }
    if !legs[slot].isSounding { reserves[slot].owed = 0 }
  }

  private func playPacket(_ slot: Int) {
    guard let sound = reserves[slot].sound else { return }
    let position = reserves[slot].position
    reserves[slot].position = sendSamples(slot, sound, from: position, loops: reserves[slot].loops)
    guard reserves[slot].position >= sound.samples.count else { return }
    reserves[slot].sound = nil
    onEvent(.played(legs[slot].leg, token: reserves[slot].token))
  }

  /// Sends one packet of `sound`, with silence after its end.
  /// - Returns: the position after it.
  private func sendSamples(_ slot: Int, _ sound: Sound, from start: Int, loops: Bool) -> Int {
    let count = reserves[slot].packetSamples
    let law = legs[slot].sendLaw
    let isWide = legs[slot].sendKind == .g722
    var position = start
    sound.samples.withUnsafeBufferPointer { samples in
      for index in 0..<count {
        if position >= samples.count, loops { position = 0 }
        let sample = position < samples.count ? samples[position] : 0
        if isWide { linear[index] = sample } else { own[RTPHeader.fixedLength + index] = law.encode(sample) }
        position += 1
      }
    }
    if isWide { widenOwn(slot, count) }
    sendOwn(slot, type: legs[slot].sendPayloadType, payloadLength: count, samples: count) { _ in }
    return loops && position >= sound.samples.count ? 0 : position
  }

  /// Sends the payload that stands in `own` under the next header, which `change` may alter.
  @inline(__always)
  func sendOwn(
    _ slot: Int, type: UInt8, payloadLength: Int, samples: Int, _ change: (inout RTPHeader) -> Void
  ) {
    guard legs[slot].sends, legs[slot].hasTarget else { return }
    var header = legs[slot].rewriter.generate(
      samples: UInt32(truncatingIfNeeded: samples), payloadType: type, payloadLength: payloadLength, at: now.instant)
    change(&header)
    header.write(into: own)
    send(slot, UnsafeRawBufferPointer(rebasing: own[..<(RTPHeader.fixedLength + payloadLength)]))
  }

  // MARK: Key presses

  /// A key press waits to be sent to the leg.
  func queuePress(_ slot: Int, _ digit: Character, milliseconds: Int) {
    reserves[slot].presses.append(digit, milliseconds: milliseconds)
    legs[slot].isSounding = true
  }

  /// Sends the next packet of a key press; begins the next press that waits.
  private func press(_ slot: Int) {
    if reserves[slot].event == nil, reserves[slot].pressSound == nil, let press = reserves[slot].presses.next() {
      if legs[slot].telephoneEvent != nil {
        reserves[slot].event = EventSender(
          digit: press.digit, milliseconds: press.milliseconds, packetMilliseconds: reserves[slot].packetSamples / 8)
      } else if let tone = Tone(dtmf: press.digit, milliseconds: press.milliseconds, pause: 60) {
        reserves[slot].pressSound = Sound(tone.samples())
        reserves[slot].pressPosition = 0
        legs[slot].rewriter.cut()
      }
    }
    if reserves[slot].event != nil {
      pressEvent(slot)
    } else if let sound = reserves[slot].pressSound {
      let position = sendSamples(slot, sound, from: reserves[slot].pressPosition, loops: false)
      reserves[slot].pressPosition = position
      if position >= sound.samples.count { reserves[slot].pressSound = nil }
    }
  }

  private func pressEvent(_ slot: Int) {
    guard let type = legs[slot].telephoneEvent, let packet = reserves[slot].event?.next() else {
      reserves[slot].event = nil
      return
    }
    packet.event.write(into: UnsafeMutableRawBufferPointer(rebasing: own[RTPHeader.fixedLength...]))
    if packet.marker { legs[slot].rewriter.cut() }
    // The stream's clock runs on under the press, whose packets all stand under the time of its start.
    sendOwn(slot, type: type, payloadLength: TelephoneEvent.encodedLength, samples: reserves[slot].packetSamples) {
      if packet.marker { reserves[slot].eventTimestamp = $0.timestamp }
      $0.marker = packet.marker
      $0.timestamp = reserves[slot].eventTimestamp
    }
  }

  // MARK: Backlog

  /// If packets have piled up in the leg's socket (we were not given the CPU), only the newest are passed on: a caller
  /// who is heard a second late cannot be talked with.
  func dropStale(_ slot: Int) {
    var memory: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0, 0, 0, 0, 0)
    var length = socklen_t(MemoryLayout.size(ofValue: memory))
    guard getsockopt(legs[slot].sockets.rtp, SOL_SOCKET, socketMemoryInfo, &memory, &length) == 0,
      memory.0 >= Self.backlogBytes
    else { return }
    var count = 0
    while count < Self.backlogPackets {
      let place = UnsafeMutableRawBufferPointer(
        rebasing: backlog[count * Self.packetCapacity..<(count + 1) * Self.packetCapacity])
      guard let (length, source) = receive(legs[slot].sockets.rtp, into: place) else { break }
      backlogLengths[count] = length
      backlogSources[count] = source
      count += 1
    }
    let firstFresh = count > Self.toleratedPackets ? count - Self.freshPackets : 0
    for index in 0..<count {
      guard let source = backlogSources[index] else { continue }
      let start = index * Self.packetCapacity
      let packet = UnsafeMutableRawBufferPointer(rebasing: backlog[start..<start + backlogLengths[index]])
      handleRTP(slot, packet, from: source, isFresh: index >= firstFresh)
    }
  }
}

/// SO_MEMINFO (asm-generic/socket.h), which Glibc's module does not show.
private let socketMemoryInfo: Int32 = 55
