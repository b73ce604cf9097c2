import Audio
import CLinux
import Glibc
import RTP
import Telephony

/// The RTP thread: one epoll over all sockets, the 20 ms timer and the command queue.
///
/// Only this thread touches the object and the legs. Nothing on the way of a packet allocates.
final class MediaLoop {
  /// What an epoll entry is: the upper 32 bits are a leg's generation, or 0 for our own descriptors.
  enum Entry {
    static let commands: UInt64 = 0
    static let timer: UInt64 = 1
    static let controlBit: UInt64 = 1 << 31
    static func rtp(_ leg: Leg) -> UInt64 { UInt64(leg.generation) << 32 | UInt64(leg.slot) }
    static func rtcp(_ leg: Leg) -> UInt64 { rtp(leg) | controlBit }
  }

  static let tick: Int64 = 20_000_000
  static let packetCapacity = 2048
  private static let eventCapacity = 64

  let configuration: MediaEngine.Configuration
  let exchange: CommandExchange
  let onEvent: @Sendable (EngineEvent) -> Void
  /// How many slots there are.
  let capacity: Int
  /// Leg states by slot; initialised where `generations` is not 0.
  let legs: UnsafeMutablePointer<LegState>
  /// What a packet rarely needs, by slot.
  let reserves: UnsafeMutablePointer<LegReserve>
  let generations: UnsafeMutablePointer<UInt32>
  /// The slots in use, in no order, and where each stands in the list.
  let active: UnsafeMutablePointer<Int32>
  var activeCount = 0
  let epoll: Int32
  let timer: Int32
  /// The packet being received.
  let packet: UnsafeMutableRawBufferPointer
  /// What we send of our own: sound, RTCP.
  let own: UnsafeMutableRawBufferPointer
  /// What goes out encrypted.
  let secured: UnsafeMutableRawBufferPointer
  /// Decoded audio for the tone detectors.
  let linear: UnsafeMutableBufferPointer<Int16>
  /// Packets of one socket that has fallen behind; touched only then.
  let backlog: UnsafeMutableRawBufferPointer
  let backlogSources: UnsafeMutablePointer<PacketSource?>
  let backlogLengths: UnsafeMutablePointer<Int>
  // Behind pointers, as stored properties that change would be checked for exclusive access at each packet.
  let tap: UnsafeMutablePointer<RecorderTap>
  let tables: UnsafeMutablePointer<G711Tables>
  /// Both clocks, read once per turn of the loop.
  private let clock: UnsafeMutablePointer<Moment>
  var now: Moment { clock.pointee }
  var ticks: UInt64 = 0
  private let events: UnsafeMutablePointer<epoll_event>
  private let sender: UnsafeMutablePointer<sockaddr_in6>
  private var isTimerArmed = false
  private(set) var hasEnded = false

  init?(
    _ configuration: MediaEngine.Configuration, exchange: CommandExchange, ring: RecorderRing,
    onEvent: @escaping @Sendable (EngineEvent) -> Void
  ) {
    let epoll = epoll_create1(linux_epoll_cloexec)
    let timer = timerfd_create(CLOCK_MONOTONIC, linux_timerfd_flags)
    guard epoll >= 0, timer >= 0,
      linux_epoll_ctl(epoll, EPOLL_CTL_ADD, exchange.wakeDescriptor, linux_epollin, Entry.commands) == 0,
      linux_epoll_ctl(epoll, EPOLL_CTL_ADD, timer, linux_epollin, Entry.timer) == 0
    else {
      let code = linux_errno()
      if epoll >= 0 { Glibc.close(epoll) }
      if timer >= 0 { Glibc.close(timer) }
      linux_set_errno(code)
      return nil
    }
    self.configuration = configuration
    self.exchange = exchange
    self.onEvent = onEvent
    self.epoll = epoll
    self.timer = timer
    capacity = configuration.maxLegs
    legs = .allocate(capacity: capacity)
    reserves = .allocate(capacity: capacity)
    generations = .allocate(capacity: capacity)
    generations.initialize(repeating: 0, count: capacity)
    active = .allocate(capacity: capacity)
    packet = .allocate(byteCount: Self.packetCapacity, alignment: 16)
    own = .allocate(byteCount: Self.packetCapacity, alignment: 16)
    secured = .allocate(byteCount: Self.packetCapacity + LegCipher.growth, alignment: 16)
    linear = .allocate(capacity: Self.packetCapacity)
    backlog = .allocate(byteCount: Self.packetCapacity * Self.backlogPackets, alignment: 16)
    backlogSources = .allocate(capacity: Self.backlogPackets)
    backlogSources.initialize(repeating: nil, count: Self.backlogPackets)
    backlogLengths = .allocate(capacity: Self.backlogPackets)
    backlogLengths.initialize(repeating: 0, count: Self.backlogPackets)
    events = .allocate(capacity: Self.eventCapacity)
    sender = .allocate(capacity: 1)
    sender.initialize(to: sockaddr_in6())
    tap = .allocate(capacity: 1)
    tap.initialize(to: RecorderTap(ring: ring, slots: configuration.maxRecordings))
    tables = .allocate(capacity: 1)
    tables.initialize(to: G711Tables())
    clock = .allocate(capacity: 1)
    clock.initialize(to: Clock.now)
  }

  deinit {
    for index in 0..<activeCount {
      (legs + Int(active[index])).deinitialize(count: 1)
      (reserves + Int(active[index])).deinitialize(count: 1)
    }
    legs.deallocate()
    reserves.deallocate()
    generations.deallocate()
    active.deallocate()
    packet.deallocate()
    own.deallocate()
    secured.deallocate()
    linear.deallocate()
    backlog.deallocate()
    backlogSources.deallocate()
    backlogLengths.deallocate()
    events.deallocate()
    sender.deallocate()
    clock.deallocate()
    tables.deinitialize(count: 1)
    tables.deallocate()
    tap.deinitialize(count: 1)
    tap.deallocate()
    Glibc.close(epoll)
    Glibc.close(timer)
  }

  /// Runs until the engine is shut down.
  func run() {
    while !hasEnded { turn() }
  }

  /// One turn: waits for something to happen and handles it.
  func turn(timeout: Int32 = -1) {
    let count = linux_epoll_wait(epoll, events, Int32(Self.eventCapacity), timeout)
    Clock.read(into: clock)
    guard count > 0 else { return }
    for index in 0..<Int(count) {
      let data = linux_epoll_data(events + index)
      let generation = UInt32(truncatingIfNeeded: data >> 32)
      if generation == 0 {
        if data == Entry.timer { timerFired() } else { takeCommands() }
        continue
      }
      let slot = Int(data & (Entry.controlBit - 1))
      // The leg may have been closed by a command in this very batch.
      guard slot < capacity, generations[slot] == generation else { continue }
      if data & Entry.controlBit == 0 { receiveRTP(slot) } else { receiveRTCP(slot) }
    }
  }

  /// Moves the time on without waiting, for tests that turn the loop by hand: until the next turn.
  func advance(_ time: Duration) {
    clock.pointee = Moment(instant: now.instant + time, wall: now.wall)
  }

  /// Reads one datagram into `buffer`.
  /// - Returns: its length and source; nil if there was none, or none that can be used.
  @inline(__always)
  func receive(_ fd: Int32, into buffer: UnsafeMutableRawBufferPointer) -> (length: Int, source: PacketSource)? {
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    let count = linux_receive(fd, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC), sender, &length)
    guard count >= 0 else { return nil }
    // With MSG_TRUNC the datagram's own length is told; one that does not fit is no audio packet.
    guard count <= buffer.count, let source = PacketSource(sender) else { return (0, PacketSource(ipv4: 0, port: 0)) }
    return (count, source)
  }

  private func receiveRTP(_ slot: Int) {
    guard let (length, source) = receive(legs[slot].sockets.rtp, into: packet) else { return }
    handleRTP(
      slot, UnsafeMutableRawBufferPointer(start: packet.baseAddress, count: length), from: source, isFresh: true)
  }

  private func receiveRTCP(_ slot: Int) {
    guard let (length, source) = receive(legs[slot].sockets.rtcp, into: packet) else { return }
    handleRTCP(slot, UnsafeMutableRawBufferPointer(rebasing: packet[..<length]), from: source, isMuxed: false)
  }

  private func timerFired() {
    let count = linux_drain_counter(timer)
    guard count > 0 else { return }
    ticks &+= count
    passTime(Int(min(count, 1000)))
  }

  private func takeCommands() {
    linux_drain_counter(exchange.wakeDescriptor)
    for command in exchange.take() {
      switch command {
      case .open(let leg, let sockets): open(leg, sockets)
      case .perform(let command): perform(command)
      case .end:
        end()
        return
      }
    }
  }

  private func end() {
    while activeCount > 0 { close(Int(active[activeCount - 1])) }
    for slot in 0..<tap.pointee.count { tellDropped(slot) }
    tap.pointee.end()
    hasEnded = true
  }

  // MARK: Legs

  /// The slot of a living leg.
  func slot(of leg: Leg) -> Int? {
    let slot = Int(leg.slot)
    return slot < capacity && generations[slot] == leg.generation ? slot : nil
  }

  private func open(_ leg: Leg, _ sockets: MediaSockets) {
    let slot = Int(leg.slot)
    let random = SystemRandomNumberGenerator.draw
    // Reports of the legs are spread over the interval.
    let interval = configuration.reportInterval.nanoseconds
    let first = interval / 4 &+ Int64(random.0 >> 1) % max(1, interval / 2)
    (legs + slot).initialize(
      to: LegState(
        leg, sockets,
        rewriter: StreamRewriter(
          ssrc: UInt32(truncatingIfNeeded: random.1), sequence: UInt16(truncatingIfNeeded: random.1 >> 32),
          timestamp: UInt32(truncatingIfNeeded: random.0)),
        now: now.instant.nanoseconds, firstReport: now.instant.nanoseconds &+ first))
    (reserves + slot).initialize(to: LegReserve())
    generations[slot] = leg.generation
    active[activeCount] = Int32(slot)
    activeCount += 1
    // Refused only without memory; the leg then is deaf, and ends as a silent one.
    _ = linux_epoll_ctl(epoll, EPOLL_CTL_ADD, sockets.rtp, linux_epollin, Entry.rtp(leg))
    _ = linux_epoll_ctl(epoll, EPOLL_CTL_ADD, sockets.rtcp, linux_epollin, Entry.rtcp(leg))
    if !isTimerArmed { isTimerArmed = linux_timerfd_arm(timer, Self.tick, Self.tick) == 0 }
  }

  /// Closes the leg in `slot` and tells what it has seen.
  func close(_ slot: Int) {
    unbridge(slot)
    sendReport(slot, isLast: true)
    let state = legs + slot
    state.pointee.keepLoss()
    state.pointee.statistics.jitter = state.pointee.tracker.jitter
    state.pointee.statistics.refusedSource = state.pointee.latch.refused?.endpoint
    let (leg, sockets, statistics) = (state.pointee.leg, state.pointee.sockets, state.pointee.statistics)
    // Closing takes a descriptor out of the epoll, as it has no duplicates.
    sockets.close()
    state.deinitialize(count: 1)
    (reserves + slot).deinitialize(count: 1)
    generations[slot] = 0
    if let index = (0..<activeCount).first(where: { active[$0] == Int32(slot) }) {
      activeCount -= 1
      active[index] = active[activeCount]
    }
    if activeCount == 0, linux_timerfd_arm(timer, 0, 0) == 0 { isTimerArmed = false }
    exchange.slotIsFree(leg)
    onEvent(.legClosed(leg, statistics))
  }

  /// Parts the leg in `slot` from the other side of its bridge.
  func unbridge(_ slot: Int) {
    let peer = legs[slot].peer
    guard peer >= 0 else { return }
    legs[slot].peer = LegState.none
    legs[Int(peer)].peer = LegState.none
    for slot in [slot, Int(peer)] {
      legs[slot].rewriter.cut()
      _ = makesRoom(slot)
    }
  }
}

/// The system's clocks.
enum Clock {
  static var now: Moment {
    var now = Moment(instant: Instant(nanoseconds: 0), wall: WallTime(microseconds: 0))
    read(into: &now)
    return now
  }

  /// Sets `moment` to this moment.
  @inline(__always)
  static func read(into moment: UnsafeMutablePointer<Moment>) {
    moment.pointee.instant.nanoseconds = linux_clock(CLOCK_MONOTONIC)
    moment.pointee.wall.microseconds = linux_clock(CLOCK_REALTIME) / 1000
  }
}

extension SystemRandomNumberGenerator {
  /// Two draws.
  static var draw: (UInt64, UInt64) {
    var generator = SystemRandomNumberGenerator()
    return (generator.next(), generator.next())
  }
}
