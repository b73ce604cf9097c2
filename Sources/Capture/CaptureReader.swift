import CPcap
import Frames
import Glibc

/// Reads the UDP datagrams of one capture, and its TCP segments if they are wanted, in the file's order: pcap through
/// libpcap, pcapng by `PcapngReader`. IP packets in fragments are put together; such a datagram counts as of the record
/// that made it whole.
///
/// Nothing is allocated a packet (fragments excepted): `payload` looks into the reader's buffer and is good until the
/// next `next()`.
package struct CaptureReader: ~Copyable {
  /// How the reading ended.
  package enum End: Hashable, Sendable {
    /// At the file's end.
    case complete
    /// Within a record, or at nonsense, with the reason; all before it has been read.
    case broken(String)
  }

  private let path: String
  private var source: PacketSource
  private let damage: String?
  private let wantsSegments: Bool
  private let progress: ReadingProgress?
  private var fragments = FragmentTable()
  private var whole: UnsafeMutableRawBufferPointer?
  private var frame = UnsafeRawBufferPointer(start: nil, count: 0)
  private var hasKnownLink = false

  /// The datagram that `next()` has found. A stored value, so that the packet path reads its fields without calls.
  package private(set) var datagram = Datagram(
    source: FrameAddress(ipv4: 0, port: 0), target: FrameAddress(ipv4: 0, port: 0), start: 0, end: 0, isCut: false)
  /// True if it is not a UDP datagram but a TCP segment, described by `segment`.
  package private(set) var isSegment = false
  package private(set) var segment = TCPSegment(sequence: 0, isSYN: false, length: 0)

  /// When the datagram was captured: nanoseconds since 1970-01-01 00:00:00 UTC, never behind 2106.
  package private(set) var time: Int64 = 0
  /// How many records have been read, of whatever content; the current one's number, counted from 1.
  package private(set) var recordNumber = 0
  /// How many parts of fragmented packets are of no use, as the others are missing.
  package var fragmentCount: Int { fragments.unusedCount }
  /// How it ended, once `next()` has said false.
  package private(set) var end = End.complete

  /// Takes `descriptor` over, and closes it whatever happens.
  ///
  /// - Parameter damage: why the file is not whole, if that is known already.
  init(path: String, descriptor: Int32, damage: String?, withSegments: Bool, progress: ReadingProgress? = nil)
    throws(CaptureError)
  {
    self.path = path
    self.progress = progress
    self.damage = damage
    wantsSegments = withSegments
    source = try PacketSource(path: path, descriptor: descriptor)
  }

  deinit { whole?.deallocate() }

  /// Goes on to the next datagram; false at the end (see `end`).
  package mutating func next() -> Bool {
    while true {
      switch source.next() {
      case .packet: break
      case .end:
        finish(damage)
        return false
      case .broken(let reason):
        finish(damage ?? reason)
        return false
      }
      recordNumber += 1
      if recordNumber & 0xFFFF == 0, let progress { progress.tell() }
      guard let link = source.link else { continue }
      hasKnownLink = true
      let bytes = source.frame.bytes
      guard let start = link.packetStart(in: bytes) else { continue }
      guard let found = usualDatagram(bytes, from: start) else {
        if takeUnusual(start) { return true }
        continue
      }
      frame = source.frame
      datagram = found
      isSegment = false
      time = source.time
      return true
    }
  }

  /// The payload as far as it was captured.
  package var payload: RawSpan {
    @_lifetime(borrow self)
    get {
      // The buffer lives as long as the reader, and no reading goes on while self is borrowed.
      let bytes = UnsafeRawBufferPointer(rebasing: frame[datagram.start..<datagram.end]).bytes
      return _overrideLifetime(bytes, borrowing: self)
    }
  }

  /// The link layer of which packets have been passed over because it is not known here, by name; nil if there were none.
  package var foreignLink: String? { source.foreignLink.map(linkName) }

  /// To be asked at the end: throws if all packets were of link layers that are not known here.
  package func checkLinks() throws(CaptureError) {
    if let foreignLink, !hasKnownLink { throw CaptureError(path: path, kind: .unknownLinkLayer(foreignLink)) }
  }

  private mutating func finish(_ problem: String?) {
    if let problem { end = .broken(problem) }
    frame = UnsafeRawBufferPointer(start: nil, count: 0)
    datagram.start = 0
    datagram.end = 0
    isSegment = false
  }

  /// - Returns: true if the packet holds a datagram or a wanted segment, or has made one whole.
  @inline(never)
  private mutating func takeUnusual(_ start: Int) -> Bool {
    let bytes = source.frame.bytes
    let decoded = decode(bytes, from: start)
    guard case .fragment(let part) = decoded else { return take(decoded, in: source.frame) }
    let content = bytes.extracting(part.start..<part.end)
    guard let (payload, next) = fragments.take(part, content, at: source.time) else { return false }
    let buffer = whole ?? .allocate(byteCount: FragmentTable.longestPayload, alignment: 16)
    whole = buffer
    buffer.copyBytes(from: payload)
    let packet = UnsafeRawBufferPointer(rebasing: buffer[..<payload.count])
    return take(decodePayload(packet.bytes, next, 0, end: payload.count, part.source, part.target), in: packet)
  }

  private mutating func take(_ decoded: Decoded, in bytes: UnsafeRawBufferPointer) -> Bool {
    switch decoded {
    case .datagram(let found):
      datagram = found
      isSegment = false
    case .segment(let found, let description):
      guard wantsSegments else { return false }
      datagram = found
      segment = description
      isSegment = true
    case .fragment, .other: return false
    }
    frame = bytes
    time = source.time
    return true
  }
}

/// The name of a link layer, by its LINKTYPE_ number.
private func linkName(_ type: UInt16) -> String {
  pcap_datalink_val_to_name(Int32(type)).map { String(cString: $0) } ?? String(type)
}
