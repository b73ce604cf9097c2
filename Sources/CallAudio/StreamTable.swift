import Frames
import RTP

/// What tells one RTP stream from another: between whom it goes, and its SSRC.
struct StreamKey: Hashable, Sendable {
  var source: FrameAddress
  var target: FrameAddress
  var ssrc: UInt32

  /// Written out, because the packet path is in another module than `FrameAddress`, whose own would not be inlined.
  @inline(__always)
  static func == (a: StreamKey, b: StreamKey) -> Bool {
    a.ssrc == b.ssrc && a.source.low == b.source.low && a.target.low == b.target.low && a.source.port == b.source.port
      && a.target.port == b.target.port && a.source.high == b.source.high && a.target.high == b.target.high
      && a.source.isIPv6 == b.source.isIPv6 && a.target.isIPv6 == b.target.isIPv6
  }

  /// The same between the same endpoints, whatever the SSRC.
  var flow: StreamKey { StreamKey(source: source, target: target, ssrc: 0) }

  /// What goes the other way.
  var reversed: StreamKey { StreamKey(source: target, target: source, ssrc: ssrc) }

  /// A place in a small table; says nothing about equality.
  @inline(__always)
  var bucket: Int {
    let ports = UInt32(source.port) << 16 | UInt32(target.port)
    let mixed = (ssrc ^ ports) &* 0x9E37_79B1
    return Int(mixed >> 24)
  }
}

/// The RTP streams of a capture, found by their packets.
struct StreamTable {
  /// So many streams that no call claims are kept; what comes beyond is chance bytes, not RTP.
  static let mostStreams = 50_000
  /// So many of one endpoint can be parted between calls.
  private static let mostOfEndpoint = 1000

  private(set) var streams: [MediaStream] = []
  /// What payload types stand for.
  var codecs: KnownCodecs
  /// The latest stream of each key.
  private var latest: [StreamKey: Int] = [:]
  private var byEndpoint: [FrameAddress: [Int]] = [:]
  /// The streams met last, by `bucket`: saves most look-ups.
  private var recent = [Int](repeating: -1, count: 256)
  /// True if there were more streams than are kept.
  private(set) var isFull = false

  init(codecs: KnownCodecs) { self.codecs = codecs }

  /// Takes a datagram if it is RTP.
  ///
  /// - Parameter isCut: true if it was captured in part only.
  @inline(__always)
  mutating func take(
    _ payload: RawSpan, from source: FrameAddress, to target: FrameAddress, record: Int, time: Int64,
    isCut: Bool = false
  ) {
    guard let header = rtpHeader(payload, isCut: isCut) else { return }
    let key = StreamKey(source: source, target: target, ssrc: header.ssrc)
    let bucket = key.bucket
    var index = recent[bucket]
    if index < 0 || streams[index].key != key {
      index = find(key, header, record, time)
      if index < 0 { return }
      recent[bucket] = index
    }
    if !streams[index].isCurrent(header.payloadType) {
      streams[index].change(to: header.payloadType) { codecs.codec(of: header.payloadType, in: key) }
    }
    streams[index].take(header, payload, record: record, arrival: time, isCut: isCut)
  }

  /// What comes to or from `endpoint` from now on may belong to another call than before: streams that have been
  /// silent since `time` (nanoseconds) end, and a later packet of theirs begins a new one.
  mutating func split(at endpoint: FrameAddress, silentSince time: Int64) {
    byEndpoint[endpoint]?.removeAll { latest[streams[$0].key] != $0 }
    for index in byEndpoint[endpoint] ?? [] where streams[index].lastTime <= time {
      detached[streams[index].key] = index
      latest[streams[index].key] = nil
      recent[streams[index].key.bucket] = -1
    }
  }

  /// Streams whose next packet begins a successor.
  private var detached: [StreamKey: Int] = [:]

  /// Says that no more packets come.
  mutating func finish() {
    for index in streams.indices { streams[index].finish() }
  }

  private mutating func find(_ key: StreamKey, _ header: RTPHeader, _ record: Int, _ time: Int64) -> Int {
    if let index = latest[key] { return index }
    guard streams.count < Self.mostStreams else {
      isFull = true
      return -1
    }
    let index = streams.count
    streams.append(MediaStream(key, record: record, time: time, sequence: header.sequenceNumber))
    latest[key] = index
    for endpoint in [key.source, key.target] where byEndpoint[endpoint, default: []].count < Self.mostOfEndpoint {
      byEndpoint[endpoint, default: []].append(index)
    }
    if let before = detached.removeValue(forKey: key) { streams[before].successor = index }
    return index
  }
}

/// The header of a datagram that looks like RTP; nil for RTCP (RFC 5761 §4), STUN and all else.
@inline(__always)
func rtpHeader(_ payload: RawSpan, isCut: Bool) -> RTPHeader? {
  guard payload.byteCount >= RTPHeader.fixedLength,
    payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self) >> 6 == 2
  else { return nil }
  let second = payload.unsafeLoad(fromByteOffset: 1, as: UInt8.self)
  guard second < 192 || second > 223 else { return nil }
  return try? RTPHeader(parsing: payload, isCut: isCut)
}
