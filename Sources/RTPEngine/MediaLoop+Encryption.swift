import RTP
import Telephony

/// What an encrypted leg does to its packets; a plain one never comes here.
extension MediaLoop {
  /// What a packet's payload type means, before it has been parsed.
  func kind(_ slot: Int, _ packet: UnsafeMutableRawBufferPointer) -> PayloadKind {
    packet.count > 1 ? legs[slot].kinds[Int(packet[1] & 0x7F)] : .unknown
  }

  /// Authenticates and decrypts a datagram in place.
  /// - Returns: the plain packet; nil for one that is not the peer's or came already: it is counted.
  func unprotect(
    _ slot: Int, _ datagram: UnsafeMutableRawBufferPointer, isControl: Bool
  ) -> UnsafeMutableRawBufferPointer? {
    guard let length = reserves[slot].cipher?.unprotect(datagram, isControl: isControl), length <= datagram.count else {
      legs[slot].statistics.packetsUnauthentic &+= 1
      return nil
    }
    return UnsafeMutableRawBufferPointer(rebasing: datagram[..<length])
  }

  /// The packet as it goes out, in memory of its own: the plain one is still to be recorded.
  /// - Returns: nil for one that must not go out: it is counted.
  func protect(_ slot: Int, _ packet: UnsafeRawBufferPointer, isControl: Bool) -> UnsafeRawBufferPointer? {
    guard let base = secured.baseAddress, packet.count <= Self.packetCapacity else { return nil }
    secured.copyMemory(from: packet)
    guard
      let length = reserves[slot].cipher?.protect(base, length: packet.count, isControl: isControl),
      length <= secured.count
    else {
      legs[slot].statistics.sendFailures &+= 1
      return nil
    }
    return UnsafeRawBufferPointer(rebasing: secured[..<length])
  }
}
