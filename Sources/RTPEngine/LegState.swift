import Audio
import Capture
import Codecs
import RTP
import Telephony

/// What a payload type means on a leg; one byte, so that the table of all 128 lies in two cache lines.
enum PayloadKind: UInt8 {
  case unknown, aLaw, muLaw, telephoneEvent, comfortNoise

  init(_ law: G711) { self = law == .aLaw ? .aLaw : .muLaw }
}

/// All the RTP thread knows of a leg. Lives in preallocated memory, is changed in place and never copied.
struct LegState {
  static let none: Int32 = -1

  let leg: Leg
  let sockets: MediaSockets
  let isIPv6: Bool

  // Receiving.
  var latch = SourceLatch()
  var kinds = InlineArray<128, PayloadKind>(repeating: .unknown)
  var receives = false
  var tracker = SequenceTracker()
  /// Whose numbers the tracker follows; nil before the first packet.
  var source: UInt32?
  var events = EventDetector()
  var tones: ToneDetector?
  var lastHeard: Instant
  var silenceTold: Instant
  var digitWindow: Instant
  var digitsInWindow = 0

  // Sending.
  var sends = false
  /// Where RTP goes; nil: nowhere yet.
  var target: PacketSource?
  var targetPlace: SocketPlace?
  var sendPayloadType: UInt8 = 8
  var sendLaw = G711.aLaw
  var telephoneEvent: UInt8?
  var comfortNoise: UInt8?
  var packetSamples = 160
  var rewriter: StreamRewriter

  // The other side of the bridge.
  var peer = LegState.none

  // Our own sound.
  var sound: Sound?
  var position = 0
  var loops = false
  var token: UInt64 = 0
  /// Samples that time has brought and that are not sent yet.
  var owed = 0
  var presses = PressQueue()
  /// The press being sent as telephone-event, and the timestamp it stands under.
  var event: EventSender?
  var eventTimestamp: UInt32 = 0
  /// The press being sent as tones.
  var pressSound: Sound?
  var pressPosition = 0

  // RTCP.
  var controlExpected: PacketSource?
  var controlPlace: SocketPlace?
  var control: PacketSource?
  /// True if RTCP goes over the RTP socket (RFC 5761).
  var isMuxed = false
  var nextReport: Instant
  var lastSenderReport: NTPTime?
  var lastSenderReportArrived: Instant
  var cname = InlineArray<64, UInt8>(repeating: 0)
  var cnameLength = 0

  // Recording.
  var recording = LegState.none
  var shown = FrameAddress(ipv4: 0, port: 0)
  var shownControl = FrameAddress(ipv4: 0, port: 0)

  var statistics = LegStatistics()

  init(_ leg: Leg, _ sockets: MediaSockets, isIPv6: Bool, rewriter: StreamRewriter, now: Instant, firstReport: Instant) {
    self.leg = leg
    self.sockets = sockets
    self.isIPv6 = isIPv6
    self.rewriter = rewriter
    lastHeard = now
    silenceTold = now
    digitWindow = now
    nextReport = firstReport
    lastSenderReportArrived = now
    statistics.localPort = sockets.port
  }

  /// True while our own sound or a key press has the leg: the other side of a bridge is not heard then.
  var isSounding: Bool { sound != nil || isPressing }

  /// True while a key press is being sent or waits.
  var isPressing: Bool { event != nil || pressSound != nil || !presses.isEmpty }

  /// Takes over a new SDP.
  mutating func describe(_ media: LegMedia) {
    latch.expect(media.remote.map { PacketSource($0) })
    kinds = InlineArray(repeating: .unknown)
    for (type, law) in media.receivePayloadTypes where type < 128 { kinds[Int(type)] = PayloadKind(law) }
    if let type = media.comfortNoise, type < 128 { kinds[Int(type)] = .comfortNoise }
    if let type = media.telephoneEventReceive, type < 128 { kinds[Int(type)] = .telephoneEvent }
    receives = media.receives
    sends = media.sends
    sendPayloadType = media.sendPayloadType & 0x7F
    sendLaw = media.sendLaw
    telephoneEvent = media.telephoneEventSend.map { $0 & 0x7F }
    comfortNoise = media.comfortNoise.map { $0 & 0x7F }
    packetSamples = max(10, min(media.ptime, 60)) * 8
    aim()

    isMuxed = media.remote != nil && media.remote == media.remoteRTCP
    let defaultControl = media.remote.flatMap { remote in
      remote.port == .max ? nil : Endpoint(remote.address, remote.port + 1)
    }
    controlExpected = (media.remoteRTCP ?? defaultControl).map { PacketSource($0) }
    if controlExpected?.isUnspecified == true { controlExpected = nil }
    aimControl(at: controlExpected)

    cnameLength = 0
    for byte in media.localCNAME.utf8.prefix(60) {
      cname[cnameLength] = byte
      cnameLength += 1
    }
  }

  /// Sends from now on where the latch says.
  mutating func aim() {
    // An address of the other family cannot be reached over this socket.
    target = latch.target.flatMap { isIPv6 || $0.isIPv4 ? $0 : nil }
    targetPlace = target.map { SocketPlace($0, isIPv6: isIPv6) }
  }

  /// Sends RTCP to `place` from now on.
  mutating func aimControl(at place: PacketSource?) {
    control = place.flatMap { isIPv6 || $0.isIPv4 ? $0 : nil }
    controlPlace = control.map { SocketPlace($0, isIPv6: isIPv6) }
  }

  /// A packet of a new source begins a new count; what the old one lost is kept.
  mutating func follow(_ ssrc: UInt32) {
    guard source != ssrc else { return }
    keepLoss()
    tracker = SequenceTracker()
    source = ssrc
    lastSenderReport = nil
  }

  /// Adds the present source's loss to the statistics.
  mutating func keepLoss() {
    if source != nil { statistics.packetsLost &+= UInt64(max(0, tracker.cumulativeLost)) }
  }

  /// True if one more digit may be told now: 16 a second are more than fingers can press.
  mutating func mayTellDigit(at now: Instant) -> Bool {
    if now - digitWindow >= .seconds(1) {
      digitWindow = now
      digitsInWindow = 0
    }
    digitsInWindow += 1
    return digitsInWindow <= 16
  }
}

/// Key presses waiting to be sent, in fixed storage.
struct PressQueue {
  struct Press {
    var digit: Character = "0"
    var milliseconds = 0
  }

  private var presses = InlineArray<32, Press>(repeating: Press())
  private var first = 0
  private var count = 0

  var isEmpty: Bool { count == 0 }

  /// Presses beyond 32 are forgotten.
  mutating func append(_ digit: Character, milliseconds: Int) {
    guard count < 32 else { return }
    presses[(first + count) % 32] = Press(digit: digit, milliseconds: milliseconds)
    count += 1
  }

  mutating func next() -> Press? {
    guard count > 0 else { return nil }
    defer {
      first = (first + 1) % 32
      count -= 1
    }
    return presses[first]
  }

  mutating func removeAll() { count = 0 }
}

extension FrameAddress {
  init(_ source: PacketSource) {
    if source.isIPv4 {
      self.init(ipv4: UInt32(truncatingIfNeeded: source.low), port: source.port)
    } else {
      self.init(ipv6: source.high, source.low, port: source.port)
    }
  }
}
