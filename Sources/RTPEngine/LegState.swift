import Audio
import Codecs
import Frames
import RTP
import Telephony

/// What a payload type means on a leg; one byte, so that the table of all 128 lies in two cache lines.
enum PayloadKind: UInt8 {
  case unknown, aLaw, muLaw, g722, telephoneEvent, comfortNoise

  init(_ law: G711) { self = law == .aLaw ? .aLaw : .muLaw }
}

/// All the RTP thread knows of a leg and needs for each packet. Lives in preallocated memory, is changed in place and
/// never copied.
///
/// A thousand legs are more than the processor's caches hold, so what a packet touches stands close together, and the
/// rest in `LegReserve`.
struct LegState {
  static let none: Int32 = -1

  let leg: Leg
  let sockets: MediaSockets
  let isIPv6: Bool

  // Receiving.
  var receives = false
  /// Whether packets are encrypted; the keys are in the reserve.
  var isSecure = false
  /// Whether a detector listens to the audio.
  var hearsTones = false
  /// Whether a key is being pressed by telephone-event.
  var isKeyDown = false
  /// The slot of the recording, or none.
  var recording = LegState.none
  /// The slot of the other side of the bridge, or none.
  var peer = LegState.none
  /// Whose numbers the tracker follows; nil before the first packet.
  var source: UInt32?
  /// When RTP or RTCP came last, in nanoseconds of the monotonic clock.
  var lastHeard: Int64
  var statistics = LegStatistics()
  var tracker = SequenceTracker()
  var latch = SourceLatch()
  var kinds = InlineArray<128, PayloadKind>(repeating: .unknown)

  // Sending.
  var sends = false
  /// True while our own sound or a key press has the leg: the other side of a bridge is not heard then.
  var isSounding = false
  var sendPayloadType: UInt8 = 8
  var sendLaw = G711.aLaw
  /// The same, to be compared at each packet.
  var sendKind = PayloadKind.aLaw
  var telephoneEvent: UInt8?
  var comfortNoise: UInt8?
  /// Where RTP goes; meaningless without `hasTarget`.
  var targetPlace = SocketPlace()
  var hasTarget = false
  var rewriter: StreamRewriter
  /// What the recording shows as the peer's address, and as ours.
  var target = FrameAddress(ipv4: 0, port: 0)
  var shown = FrameAddress(ipv4: 0, port: 0)

  // Looked at 50 times a second; nanoseconds of the monotonic clock.
  var nextReport: Int64
  var silenceTold: Int64
  var silenceLimit = Int64.max

  init(_ leg: Leg, _ sockets: MediaSockets, rewriter: StreamRewriter, now: Int64, firstReport: Int64) {
    self.leg = leg
    self.sockets = sockets
    isIPv6 = sockets.isIPv6
    self.rewriter = rewriter
    lastHeard = now
    silenceTold = now
    nextReport = firstReport
    statistics.localPort = sockets.port
  }

  /// Takes over a new SDP.
  /// - Parameter now: in nanoseconds of the monotonic clock.
  mutating func describe(_ media: LegMedia, at now: Int64) {
    latch.expect(
      media.remote.map { PacketSource($0) }, own: media.ownSources, isTranslated: media.isTranslated)
    kinds = InlineArray(repeating: .unknown)
    for (type, law) in media.receivePayloadTypes where type < 128 { kinds[Int(type)] = PayloadKind(law) }
    for type in media.receiveG722 where type < 128 { kinds[Int(type)] = .g722 }
    if let type = media.comfortNoise, type < 128 { kinds[Int(type)] = .comfortNoise }
    if let type = media.telephoneEventReceive, type < 128 { kinds[Int(type)] = .telephoneEvent }
    // Static as that of G.711 (RFC 3551 §6), it is sent by peers that do not list it; all our codecs have its clock.
    if kinds[13] == .unknown { kinds[13] = .comfortNoise }
    receives = media.receives
    isSecure = media.keys != nil
    sends = media.sends
    let limit = media.silenceLimit?.nanoseconds ?? .max
    if silenceLimit == .max, limit != .max {
      // While a phone rings it has nothing to say.
      lastHeard = now
      silenceTold = now
    }
    silenceLimit = limit
    sendPayloadType = media.sendPayloadType & 0x7F
    sendLaw = media.sendLaw
    sendKind = media.sendsG722 ? .g722 : PayloadKind(media.sendLaw)
    telephoneEvent = media.telephoneEventSend.map { $0 & 0x7F }
    comfortNoise = media.comfortNoise.map { $0 & 0x7F }
    aim()
  }

  /// Sends from now on where the latch says.
  mutating func aim() {
    // An address of the other family cannot be reached over this socket.
    guard let place = latch.target, isIPv6 || place.isIPv4 else {
      hasTarget = false
      return
    }
    hasTarget = true
    targetPlace = SocketPlace(place, isIPv6: isIPv6)
    target = FrameAddress(place)
  }

  /// A packet of a new source begins a new count; what the old one lost is kept.
  @inline(__always)
  mutating func follow(_ ssrc: UInt32) {
    if source != ssrc { begin(ssrc) }
  }

  private mutating func begin(_ ssrc: UInt32) {
    keepLoss()
    tracker = SequenceTracker()
    source = ssrc
  }

  /// Adds the present source's loss to the statistics.
  mutating func keepLoss() {
    if source != nil { statistics.packetsLost &+= UInt64(max(0, tracker.cumulativeLost)) }
  }
}

/// What is needed of a leg now and then: its own sound, key presses, RTCP.
struct LegReserve {
  // Our own sound.
  var sound: Sound?
  var position = 0
  var loops = false
  var token: UInt64 = 0
  var packetSamples = 160
  /// Samples that time has brought and that are not sent yet.
  var owed = 0
  var presses = PressQueue()
  /// The press being sent as telephone-event, and the timestamp it stands under.
  var event: EventSender?
  var eventTimestamp: UInt32 = 0
  /// The press being sent as tones.
  var pressSound: Sound?
  var pressPosition = 0
  /// What stands for a pause of the other side.
  var noise: ComfortNoise?

  // Digits heard.
  var events = EventDetector()
  /// When the last packet of the press came, in nanoseconds of the monotonic clock.
  var keyHeard: Int64 = 0
  /// True until the first press that began in the present bridge: what is left of an earlier one is not passed on.
  var withholdsEvents = false
  /// Whether the press that runs was told.
  var isTold = false
  var tones: ToneDetector?
  private var digitWindow: Instant?
  private var digitsInWindow = 0

  // RTCP.
  var control: PacketSource?
  var controlPlace = SocketPlace()
  /// True if RTCP goes over the RTP socket (RFC 5761).
  var isMuxed = false
  /// The last sender report of the peer, whose it was, and when it came.
  var senderReport: (ssrc: UInt32, ntpTime: NTPTime, arrived: Instant)?
  /// The times of our own last two sender reports, as the peer's reports repeat them.
  var ownReports: (last: UInt32, before: UInt32) = (0, 0)
  var cname = InlineArray<64, UInt8>(repeating: 0)
  var cnameLength = 0
  var shownControl = FrameAddress(ipv4: 0, port: 0)

  /// What G.722 needs; nil: the leg does not speak it.
  var wideband: G722?

  /// The leg's encryption; nil: it is plain.
  var cipher: LegCipher?

  /// True while a key press is being sent or waits.
  var isPressing: Bool { event != nil || pressSound != nil || !presses.isEmpty }

  /// True while anything of our own is to be sent.
  var hasSound: Bool { sound != nil || isPressing || noise != nil }

  /// Takes over a new SDP.
  mutating func describe(_ media: LegMedia, isIPv6: Bool) {
    packetSamples = max(10, min(media.ptime, 60)) * 8
    isMuxed = media.remote != nil && media.remote == media.remoteRTCP
    let nextPort = media.remote.flatMap { remote in
      remote.port == .max ? nil : Endpoint(remote.address, remote.port + 1)
    }
    aimControl(at: (media.remoteRTCP ?? nextPort).map { PacketSource($0) }, isIPv6: isIPv6)
    if wideband == nil, media.sendsG722 || !media.receiveG722.isEmpty { wideband = G722() }
    if let keys = media.keys {
      if cipher == nil { cipher = LegCipher() }
      cipher?.take(keys)
    } else {
      cipher = nil
    }
    cnameLength = 0
    for byte in media.localCNAME.utf8.prefix(60) {
      cname[cnameLength] = byte
      cnameLength += 1
    }
  }

  /// Sends RTCP to `place` from now on.
  mutating func aimControl(at place: PacketSource?, isIPv6: Bool) {
    control = nil
    guard let place, !place.isUnspecified, isIPv6 || place.isIPv4 else { return }
    control = place
    controlPlace = SocketPlace(place, isIPv6: isIPv6)
  }

  /// True if one more digit may be told now: 16 a second are more than fingers can press.
  mutating func mayTellDigit(at now: Instant) -> Bool {
    if digitWindow.map({ now - $0 >= .seconds(1) }) ?? true {
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
