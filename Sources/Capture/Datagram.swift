package import Frames

/// Where the datagram of a captured packet stands, and between whom it went; the bytes stay in the reader's buffer.
package struct Datagram: Sendable {
  package var source: FrameAddress
  package var target: FrameAddress
  /// The payload's place in the frame.
  var start: Int
  var end: Int
  /// True if the capture kept less of the datagram than was sent (snap length).
  package var isCut: Bool
}

/// What a captured packet turned out to hold.
enum Decoded: Sendable {
  case datagram(Datagram)
  /// A part of an IP packet that went in several (RFC 791 §3.2, RFC 8200 §4.5).
  case fragment
  /// TCP, ARP, or nonsense.
  case other
}

/// Reads the IP packet that begins at `start` of `frame`.
@inline(__always)
func decode(_ frame: RawSpan, from start: Int) -> Decoded {
  let available = frame.byteCount - start
  guard available >= 20 else { return .other }
  let first = frame.uint8(at: start)
  if first >> 4 == 4 {
    let headerLength = Int(first & 15) * 4
    let totalLength = Int(frame.uint16(at: start + 2))
    // Segmentation offload leaves the length at 0 in captures of the sending machine: then the frame's end counts.
    let length = totalLength == 0 ? available : totalLength
    guard headerLength >= 20, length >= headerLength, available >= headerLength + 8,
      frame.uint8(at: start + 9) == 17
    else { return .other }
    if frame.uint16(at: start + 6) & 0x3FFF != 0 { return .fragment }
    return datagram(
      frame, at: start + headerLength, packetLength: length - headerLength,
      source: FrameAddress(ipv4: frame.uint32(at: start + 12), port: 0),
      target: FrameAddress(ipv4: frame.uint32(at: start + 16), port: 0))
  }
  guard first >> 4 == 6, available >= 48 else { return .other }
  return decodeIPv6(frame, start)
}

private func decodeIPv6(_ frame: RawSpan, _ start: Int) -> Decoded {
  let source = FrameAddress(ipv6: frame.uint64(at: start + 8), frame.uint64(at: start + 16), port: 0)
  let target = FrameAddress(ipv6: frame.uint64(at: start + 24), frame.uint64(at: start + 32), port: 0)
  let payloadLength = Int(frame.uint16(at: start + 4))
  let packetEnd = payloadLength == 0 ? frame.byteCount : start + 40 + payloadLength
  var next = frame.uint8(at: start + 6)
  var offset = start + 40
  while offset + 8 <= frame.byteCount {
    switch next {
    case 17:
      return datagram(frame, at: offset, packetLength: packetEnd - offset, source: source, target: target)
    case 0, 43, 60:  // hop-by-hop, routing, destination options: lengths in units of 8 bytes
      next = frame.uint8(at: offset)
      offset += (Int(frame.uint8(at: offset + 1)) + 1) * 8
    case 51:  // authentication header: in units of 4 bytes, less 2
      next = frame.uint8(at: offset)
      offset += (Int(frame.uint8(at: offset + 1)) + 2) * 4
    case 44:
      // An atomic fragment (RFC 6946) is a whole packet.
      if frame.uint16(at: offset + 2) & 0xFFF9 != 0 { return .fragment }
      next = frame.uint8(at: offset)
      offset += 8
    default: return .other
    }
  }
  return .other
}

/// Reads the UDP header at `offset`, of which at least 8 bytes are there.
@inline(__always)
private func datagram(
  _ frame: RawSpan, at offset: Int, packetLength: Int, source: FrameAddress, target: FrameAddress
) -> Decoded {
  let udpLength = Int(frame.uint16(at: offset + 4))
  // A length of 0 is a jumbogram's (RFC 2675 §4) or an offload's: then the packet's end counts.
  let length = udpLength == 0 ? packetLength : min(udpLength, packetLength)
  guard length >= 8 else { return .other }
  let end = min(offset + length, frame.byteCount)
  var source = source
  var target = target
  source.port = frame.uint16(at: offset)
  target.port = frame.uint16(at: offset + 2)
  return .datagram(
    Datagram(source: source, target: target, start: offset + 8, end: end, isCut: end < offset + length))
}
