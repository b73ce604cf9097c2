import Audio
import Codecs
import RTP

/// G.722 on one side or both (RFC 3551 §4.5.2): between two sides that have it packets go through as they are, else they are
/// translated in place: a packet of G.722 has as many bytes as one of G.711 that lasts as long.
extension MediaLoop {
  /// Audio in G.722 has come from the leg in `slot`.
  func widebandCame(
    _ slot: Int, _ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, isFresh: Bool
  ) {
    let peer = Int(legs[slot].peer)
    let hearsTones = legs[slot].hearsTones
    let passes = isFresh && peer >= 0 && (!legs[slot].isKeyDown || hearsTones)
    let isTranslated = passes && legs[peer].sendKind != .g722
    if hearsTones || isTranslated {
      let count = header.payloadLength
      guard let codec = reserves[slot].wideband, count <= linear.count else { return }
      codec.decode(UnsafeRawBufferPointer(rebasing: packet[header.payloadRange]), into: linear)
      if let detector = reserves[slot].tones { hear(slot, with: detector, count) }
      if isTranslated {
        let law = legs[peer].sendLaw
        for index in 0..<count { packet[header.payloadOffset + index] = law.encode(linear[index]) }
      }
    }
    if passes { relay(to: peer, packet, header, type: legs[peer].sendPayloadType) }
  }

  /// Makes G.722 of a packet of G.711 for the leg in `peer`.
  /// - Returns: false if it is not to be heard there now: what the encoder hears must be what is sent.
  func widen(_ packet: UnsafeMutableRawBufferPointer, _ header: RTPHeader, _ law: G711, to peer: Int) -> Bool {
    guard !legs[peer].isSounding || makesRoom(peer, for: header), let codec = reserves[peer].wideband,
      header.payloadLength <= linear.count
    else { return false }
    for index in 0..<header.payloadLength {
      linear[index] = tables.pointee.decode(packet[header.payloadOffset + index], law)
    }
    codec.encode(
      UnsafeBufferPointer(rebasing: linear[..<header.payloadLength]),
      into: UnsafeMutableRawBufferPointer(rebasing: packet[header.payloadRange]))
    return true
  }

  /// Makes G.722 of the first `count` samples of `linear`, as the payload of a packet of our own.
  func widenOwn(_ slot: Int, _ count: Int) {
    reserves[slot].wideband?.encode(
      UnsafeBufferPointer(rebasing: linear[..<count]),
      into: UnsafeMutableRawBufferPointer(rebasing: own[RTPHeader.fixedLength..<RTPHeader.fixedLength + count]))
  }
}
