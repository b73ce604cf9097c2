import CallControl
import Disk
import Hunting
import Logging
import Media
import NIOCore
import NIOPosix
import NetworkIO
import RTPEngine
import Records
import SIPMessage
import SIPUserAgent
import Site
import Spool
import Telephony

/// The one owner of everything that lives: performs what the core commands and hands it what comes of it.
///
/// An actor whose executor is the event loop: what arrives on the loop enters it without a hop, and no method awaits
/// anything. Files beside this one: `+Start`, `+Listening`, `+Registrations`, `+Commands`, `+Media`, `+Records`,
/// `+Site`.
package actor Switchboard {
  let loop: any EventLoop
  let logger: Logger
  let settings: SwitchboardSettings
  let engine: MediaEngine
  let calendar: LocalCalendar
  let disk: DiskWorker
  var control: CallController
  var log: EventLog
  var sounds: SoundLibrary
  var tls: TLSLibrary
  var sockets: SIPSockets
  var hosts: HostTable
  let addresses: AddressStore
  let addressBook: AddressBook

  /// Inputs that wait for the one at hand to be worked through, in order.
  private var inbox: [CallControlInput] = []
  private var isBusy = false
  private var wakeUp: Scheduled<Void>?
  private var wakeUpAt: Instant?

  var media: [LegID: MediaLeg] = [:]
  var legOfEngine: [Leg: LegID] = [:]
  var closing: [Leg: ClosingLeg] = [:]
  var ports: [IPAddress: MediaPorts] = [:]
  var recordings: [CallID: OpenRecording] = [:]
  var recordingFates: [RecordingID: RecordingFate] = [:]
  let upkeep: RecordingUpkeep
  /// When the archive of recordings was last looked through.
  var recordingsKeptAt = Instant(nanoseconds: 0)
  var nextRecording: UInt64 = 1
  var records: Records
  var draws: [TicketKey: TicketDraw] = [:]
  let messages: MessageDispatcher
  let registrations: RegistrationStore
  /// When it was last told that there are too many connections.
  var crowdedAt: Instant?
  /// When it was last told that a stranger's TLS connection has not come about; and of each peer of ours, why.
  var insecureAt: Instant?
  var insecurePeers: [Endpoint: (failure: TLSFailure, at: Instant)] = [:]
  /// When certificates were last told to expire, where they do.
  var certificatesCheckedAt: Instant?
  var heap = HeapKeeper()
  var watch: SiteWatch?
  /// What was set when the daemon started: some of it counts until it ends.
  let started: SiteSnapshot
  var isRereading = false
  /// The site has been edited while it was read.
  var mustReread = false
  /// What was wrong in the site when it was read the last time.
  var toldFaults: Set<SiteFault> = []

  /// Made on the loop, since sockets and tables belong to it.
  init(_ parts: Parts, _ board: LateBound<Switchboard>) {
    let loop = parts.loop
    self.loop = loop
    logger = parts.logger
    settings = parts.settings
    started = parts.site
    engine = parts.engine
    calendar = parts.calendar
    disk = parts.disk
    upkeep = parts.upkeep
    records = parts.records
    sounds = parts.sounds
    tls = parts.tls
    log = EventLog(parts.logger)
    let sockets = SIPSockets(
      loop: loop, limits: Self.connectionLimits(),
      gate: Self.gate(board),
      clock: { currentMoment() },
      onEvent: { event in board.value?.assumeIsolated { $0.received(event) } })
    let addressBook = AddressBook()
    addressBook.update(parts.site, hosts: KnownHosts())
    let ways = NIOLoopBound((sockets, addressBook), eventLoop: loop)
    control = CallController(
      site: parts.site, digest: .libcrypto, random: RandomSource { UInt64.random(in: .min ... .max) },
      contactKey: parts.contactKey,
      advertised: { ways.value.1.advertised($0) }, route: { ways.value.0.flow(to: $0, transport: $1) })
    self.sockets = sockets
    self.addressBook = addressBook
    addresses = AddressStore(path: parts.addressesPath, disk: parts.disk, logger: parts.logger)
    hosts = HostTable(
      loop: loop, resolver: Resolver(random: RandomSource { UInt64.random(in: .min ... .max) }),
      known: parts.knownHosts, logger: parts.logger
    ) { known in
      board.value?.assumeIsolated { $0.hostsChanged(known) }
    }
    messages = MessageDispatcher(
      loop: loop, disk: parts.disk, logger: parts.logger, spool: parts.spool, site: parts.settings.site,
      program: parts.settings.deliveryProgram
    ) { message in
      board.value?.assumeIsolated { $0.take(.sendMessage(message)) }
    }
    registrations = RegistrationStore(
      loop: loop, disk: parts.disk, logger: parts.logger, path: parts.registrationsPath
    ) {
      board.value?.assumeIsolated { $0.control.registrations(at: currentMoment().instant) } ?? []
    }
  }

  private func hostsChanged(_ known: KnownHosts) {
    addressBook.update(control.site, hosts: known)
    take(.hostsResolved(known))
    refreshTLS()
    addresses.keep(known)
  }

  /// Which addresses of names are of use: those of a family in which something is listened on.
  var families: AddressFamilies {
    let bound = sockets.bound(.udp) + sockets.bound(.tcp) + sockets.bound(.tls)
    return AddressFamilies(
      ipv4: bound.contains { !$0.address.isIPv6 }, ipv6: bound.contains { $0.address.isIPv6 })
  }

  package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.executor.asUnownedSerialExecutor() }

  // MARK: Inputs

  /// Hands an input to the core and performs what it commands, and what comes of that, until nothing is left.
  func take(_ input: CallControlInput) {
    inbox.append(input)
    guard !isBusy else { return }
    isBusy = true
    defer { isBusy = false }
    while !inbox.isEmpty {
      let now = currentMoment()
      for command in control.handle(inbox.removeFirst(), at: now) { perform(command, at: now) }
    }
    scheduleWakeUp()
  }

  /// The core says when it wants to be woken; the loop's one timer follows it.
  func scheduleWakeUp() {
    let next = control.nextDeadline
    guard next != wakeUpAt else { return }
    wakeUp?.cancel()
    wakeUpAt = next
    guard let deadline = wakeUpAt else { return }
    // NIO's clock is the same monotonic clock.
    wakeUp = loop.scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(deadline.nanoseconds, 0)))) { [self] in
      assumeIsolated { board in
        board.wakeUpAt = nil
        board.take(.timersDue)
      }
    }
  }

  func received(_ event: SIPSocketEvent) {
    switch event {
    case .received(let message, let flow, _):
      control.canWrite = records.hasRoom
      take(.received(message, flow))
    case .malformed(let error, let flow):
      logger.debug("malformed SIP", metadata: ["source": "\(flow.remote)", "fault": "\(error.detail)"])
    case .failed(let flow): take(.transportFailed(flow))
    case .crowded(let remote): crowded(remote)
    case .insecure(let remote, let isOurs, let failure): insecure(remote, isOurs: isOurs, failure)
    }
  }
}
