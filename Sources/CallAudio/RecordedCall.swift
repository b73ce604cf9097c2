import Decoders
import SDP
package import Telephony

/// A call found in a capture, with the sound it has there.
package struct RecordedCall: Sendable {
  /// One direction of a call.
  package struct Direction: Hashable, Sendable {
    /// The codecs in it, in order of their packets' number, key presses and comfort noise left out.
    package var codecs: [PayloadCodec] = []
    package var packetCount = 0
    /// Packets missing by their sequence numbers.
    package var lostCount = 0
    /// Interarrival jitter (RFC 3550 §6.4.1) in nanoseconds: its mean, and its most.
    package var jitter: Int64 = 0
    package var mostJitter: Int64 = 0
    /// Its streams, in order of their first packets.
    package var streams: [RecordedStream] = []
  }

  /// Counted from 1, in order of the calls' first messages.
  package var number: Int
  /// The Call-ID of the call's first dialog; nil for a call found by its RTP alone.
  package var callID: String?
  /// The first session identifier (RFC 7989), if there is one.
  package var sessionID: String?
  /// The user (else host) of From and To in the first message; of a call found by its RTP alone, the endpoints of its
  /// first stream.
  package var caller: String
  package var called: String
  /// When the first sound belongs: nanoseconds since 1970 on the capture's clock.
  package var startTime: Int64
  /// From the first sound's beginning to the last one's end, in nanoseconds.
  package var duration: Int64
  /// What the caller sent; of a call found by its RTP alone, who was heard first.
  package var left: Direction
  /// What was sent to him.
  package var right: Direction

  /// What of it is to be put together, and where.
  var parts: [SoundPart]
  /// By which the calls of a capture are put in order: when SIP first spoke of it, else when it was first heard.
  var order: Int64 = 0

  /// How many of its streams are not put together, because there are too many.
  package private(set) var leftOutCount = 0

  /// So many streams make one call's sound at most.
  static let mostParts = 512

  /// Leaves out the streams with the fewest packets where there are too many.
  ///
  /// - Parameter packets: how many packets the stream has that begins with a record.
  mutating func limitParts(packets: [Int: Int]) {
    guard parts.count > Self.mostParts else { return }
    leftOutCount = parts.count - Self.mostParts
    parts.sort {
      (packets[$0.firstRecord] ?? 0, $1.firstRecord) > (packets[$1.firstRecord] ?? 0, $0.firstRecord)
    }
    parts.removeLast(leftOutCount)
    parts.sort { $0.firstRecord < $1.firstRecord }
  }

  /// Sound beyond this (74 hours) is left out: such a file holds a wrong time.
  static let longest: Int64 = 268_435_456_000_000

  /// When the first sound belongs.
  package var start: WallTime { WallTime(microseconds: startTime / 1000) }

  /// How many samples a channel has at `rate` a second.
  package func frames(at rate: Int) -> Int64 { frameCount(of: duration, at: rate) }

  /// The least sampling rate at which nothing of the call's sound is lost, or the one that is wanted instead.
  package func rate(_ wanted: Int? = nil) -> Int {
    let rates = parts.flatMap { $0.codecs.values.compactMap { $0.decodable?.sampleRate } }
    return min(48_000, max(8000, wanted ?? rates.max() ?? 8000))
  }

  /// True if something of it can be heard.
  ///
  /// - Parameter withKeys: whether key presses sent as events count.
  package func hasSound(withKeys: Bool) -> Bool {
    let codecs = (left.streams + right.streams).flatMap(\.codecs)
    return codecs.contains { codec in
      if case .telephoneEvent = codec { return withKeys }
      return codec.canBeDecoded
    }
  }

  /// The codecs of the call that cannot be decoded.
  package var undecodableCodecs: [String] {
    var names: [String] = []
    for codec in left.codecs + right.codecs where !codec.canBeDecoded && !names.contains(codec.name) {
      names.append(codec.name)
    }
    return names
  }
}

/// One stream's place in a call.
struct SoundPart: Sendable {
  /// A stretch of packets whose timestamps follow one straight line on the capture's clock.
  struct Stretch: Hashable, Sendable {
    /// The number of the capture's record from which on it counts.
    var firstRecord: Int
    var timestamp: UInt32
    /// When the sound of `timestamp` belongs: nanoseconds since 1970 on the capture's clock.
    var time: Int64
    /// How many units of the timestamps make a second by the sender's clock.
    var clockRate: Int
    /// How many seconds of the capture's clock a second of the sender's takes: 1, or a little more or less.
    var slope = 1.0

    /// Nanoseconds of the capture's clock that a unit of the timestamps takes.
    var unit: Double { slope * 1e9 / Double(clockRate) }

    /// When the sound of another timestamp belongs; good for 2^31 units on either side.
    func time(of other: UInt32) -> Int64 {
      let offset = Int64(Int32(bitPattern: other &- timestamp))
      if slope == 1 { return time &+ nanoseconds(offset, at: clockRate) }
      return time &+ Int64((Double(offset) * unit).rounded())
    }
  }

  var key: StreamKey
  var firstRecord: Int
  var lastRecord: Int
  /// 0 is left, 1 is right.
  var channel: Int
  /// In order of `firstRecord`; a packet belongs to the last one that begins with or before its record.
  var stretches: [Stretch]
  /// What the payload types that occur in it stand for.
  var codecs: [UInt8: PayloadCodec]
  /// The newest of the keys that a sender declares are tried.
  static let mostKeys = 64
  /// The keys its sender has declared in SDP (RFC 4568), oldest first, each once; empty where nothing is encrypted.
  var keys: [MediaKey] = []
}

/// How many samples begin in a time of `nanoseconds`, to the nearest.
@inline(__always)
func frameCount(of nanoseconds: Int64, at rate: Int) -> Int64 {
  let rate = Int64(rate)
  let seconds = nanoseconds / 1_000_000_000
  let rest = nanoseconds % 1_000_000_000
  // Rounded half up, for negative times too, so that one step of time is one step of samples everywhere.
  let scaled = rest &* rate &+ 500_000_000
  let part = scaled >= 0 ? scaled / 1_000_000_000 : (scaled &- 999_999_999) / 1_000_000_000
  return seconds &* rate &+ part
}

/// How long `units` of a clock take, in nanoseconds, to the nearest.
@inline(__always)
func nanoseconds(_ units: Int64, at rate: Int) -> Int64 {
  let rate = Int64(rate)
  return units / rate &* 1_000_000_000 &+ (units % rate &* 1_000_000_000 &+ rate / 2) / rate
}
