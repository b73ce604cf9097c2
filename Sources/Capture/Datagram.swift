package import Frames

/// Where the payload of a captured packet stands, and between whom it went; the bytes stay in the reader's buffer.
package struct Datagram: Sendable {
  package var source: FrameAddress
  package var target: FrameAddress
  /// The payload's place in the frame.
  var start: Int
  var end: Int
  /// True if the capture kept less of the datagram than was sent (snap length).
  package var isCut: Bool
}

/// What a TCP segment says beside its payload (RFC 9293 §3.1).
package struct TCPSegment: Hashable, Sendable {
  /// The sequence number of the first payload byte (of SYN itself, if there is one).
  package var sequence: UInt32
  /// True if it opens the connection: the payload's bytes count from `sequence` + 1 then.
  package var isSYN: Bool
  /// How long the payload was when it was sent; more than was captured if the datagram is cut.
  package var length: Int
}

/// A part of an IP packet that went in several (RFC 791 §3.2, RFC 8200 §4.5).
struct Fragment: Sendable {
  /// The addresses, without ports.
  var source: FrameAddress
  var target: FrameAddress
  var identification: UInt32
  /// What the whole packet's payload is (17 is UDP); of IPv6 the first fragment's word counts.
  var next: UInt8
  /// Where the part belongs in the whole packet's payload.
  var offset: Int
  /// True if the payload goes on behind it.
  var hasMore: Bool
  /// Its bytes' place in the frame.
  var start: Int
  var end: Int
  /// True if the capture kept less of it than was sent.
  var isCut: Bool
}

/// What a captured packet turned out to hold.
enum Decoded: Sendable {
  case datagram(Datagram)
  case segment(Datagram, TCPSegment)
  case fragment(Fragment)
  /// Other protocols, or nonsense.
  case other
}

/// Reads the IP packet that begins at `start` of `frame` if it is what most are: whole, IPv4, UDP. Else nil.
@inline(__always)
func usualDatagram(_ frame: RawSpan, from start: Int) -> Datagram? {
  let available = frame.byteCount - start
  guard available >= 28, frame.uint8(at: start) == 0x45, frame.uint8(at: start + 9) == 17,
    frame.uint16(at: start + 6) & 0x3FFF == 0
  else { return nil }
  let length = ipv4Length(frame, start)
  guard length >= 28 else { return nil }
  return datagram(
    frame, at: start + 20, packetLength: length - 20,
    source: FrameAddress(ipv4: frame.uint32(at: start + 12), port: 0),
    target: FrameAddress(ipv4: frame.uint32(at: start + 16), port: 0))
}

/// The packet's length by its own word; padding of a short frame lies behind it.
@inline(__always)
private func ipv4Length(_ frame: RawSpan, _ start: Int) -> Int {
  let totalLength = Int(frame.uint16(at: start + 2))
  // Segmentation offload leaves the length at 0 in captures of the sending machine: then the frame's end counts.
  return totalLength == 0 ? frame.byteCount - start : totalLength
}

/// Reads the IP packet that begins at `start` of `frame`.
func decode(_ frame: RawSpan, from start: Int) -> Decoded {
  let available = frame.byteCount - start
  guard available >= 20 else { return .other }
  switch frame.uint8(at: start) >> 4 {
  case 4:
    let headerLength = Int(frame.uint8(at: start) & 15) * 4
    let length = ipv4Length(frame, start)
    guard headerLength >= 20, length >= headerLength, available >= headerLength else { return .other }
    let source = FrameAddress(ipv4: frame.uint32(at: start + 12), port: 0)
    let target = FrameAddress(ipv4: frame.uint32(at: start + 16), port: 0)
    let place = frame.uint16(at: start + 6)
    let next = frame.uint8(at: start + 9)
    if place & 0x3FFF == 0 {
      return decodePayload(frame, next, start + headerLength, end: start + length, source, target)
    }
    return .fragment(
      Fragment(
        source: source, target: target, identification: UInt32(frame.uint16(at: start + 4)), next: next,
        offset: Int(place & 0x1FFF) * 8, hasMore: place & 0x2000 != 0, start: start + headerLength,
        end: min(start + length, frame.byteCount), isCut: start + length > frame.byteCount))
  case 6:
    guard available >= 40 else { return .other }
    let payloadLength = Int(frame.uint16(at: start + 4))
    return decodePayload(
      frame, frame.uint8(at: start + 6), start + 40,
      end: payloadLength == 0 ? frame.byteCount : start + 40 + payloadLength,
      FrameAddress(ipv6: frame.uint64(at: start + 8), frame.uint64(at: start + 16), port: 0),
      FrameAddress(ipv6: frame.uint64(at: start + 24), frame.uint64(at: start + 32), port: 0))
  default: return .other
  }
}

/// Reads what an IP packet carries: extension headers (RFC 8200 §4), then UDP, TCP or a fragment.
///
/// - Parameters:
///   - next: the protocol of what stands at `start`.
///   - end: the packet's end by its own word; may lie behind the frame's.
func decodePayload(
  _ frame: RawSpan, _ next: UInt8, _ start: Int, end: Int, _ source: FrameAddress, _ target: FrameAddress
) -> Decoded {
  var next = next
  var offset = start
  while offset + 8 <= frame.byteCount {
    switch next {
    case 17:
      let found = datagram(frame, at: offset, packetLength: end - offset, source: source, target: target)
      return found.map { .datagram($0) } ?? .other
    case 6: return segment(frame, at: offset, packetLength: end - offset, source: source, target: target)
    case 0, 43, 60, 135:  // hop-by-hop, routing, destination options, mobility: lengths in units of 8 bytes
      guard source.isIPv6 else { return .other }
      next = frame.uint8(at: offset)
      offset += (Int(frame.uint8(at: offset + 1)) + 1) * 8
    case 51:  // authentication header: in units of 4 bytes, less 2
      next = frame.uint8(at: offset)
      offset += (Int(frame.uint8(at: offset + 1)) + 2) * 4
    case 44:
      guard source.isIPv6 else { return .other }
      let place = frame.uint16(at: offset + 2)
      next = frame.uint8(at: offset)
      let identification = frame.uint32(at: offset + 4)
      offset += 8
      // An atomic fragment (RFC 6946) is a whole packet.
      if place & 0xFFF9 == 0 { continue }
      guard end >= offset else { return .other }
      return .fragment(
        Fragment(
          source: source, target: target, identification: identification, next: next,
          offset: Int(place & 0xFFF8), hasMore: place & 1 != 0, start: offset, end: min(end, frame.byteCount),
          isCut: end > frame.byteCount))
    default: return .other
    }
  }
  return .other
}

/// Reads the UDP header at `offset`, of which at least 8 bytes are there.
@inline(__always)
private func datagram(
  _ frame: RawSpan, at offset: Int, packetLength: Int, source: FrameAddress, target: FrameAddress
) -> Datagram? {
  let udpLength = Int(frame.uint16(at: offset + 4))
  // A length of 0 is a jumbogram's (RFC 2675 §4) or an offload's: then the packet's end counts.
  let length = udpLength == 0 ? packetLength : min(udpLength, packetLength)
  guard length >= 8 else { return nil }
  let end = min(offset + length, frame.byteCount)
  var source = source
  var target = target
  source.port = frame.uint16(at: offset)
  target.port = frame.uint16(at: offset + 2)
  return Datagram(source: source, target: target, start: offset + 8, end: end, isCut: end < offset + length)
}

/// Reads the TCP header at `offset`, of which at least 8 bytes are there.
private func segment(
  _ frame: RawSpan, at offset: Int, packetLength: Int, source: FrameAddress, target: FrameAddress
) -> Decoded {
  guard offset + 20 <= frame.byteCount else { return .other }
  let headerLength = Int(frame.uint8(at: offset + 12) >> 4) * 4
  guard headerLength >= 20, packetLength >= headerLength else { return .other }
  let start = min(offset + headerLength, frame.byteCount)
  let end = min(offset + packetLength, frame.byteCount)
  var source = source
  var target = target
  source.port = frame.uint16(at: offset)
  target.port = frame.uint16(at: offset + 2)
  return .segment(
    Datagram(source: source, target: target, start: start, end: end, isCut: end < offset + packetLength),
    TCPSegment(
      sequence: frame.uint32(at: offset + 4), isSYN: frame.uint8(at: offset + 13) & 0x02 != 0,
      length: packetLength - headerLength))
}
