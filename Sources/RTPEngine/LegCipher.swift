import CSRTP
import Telephony

/// The encryption of one leg: what is sent under our key, and what the peer sends under his.
///
/// A direction whose key stays the same is not touched by a new SDP, so that its packet numbers go on. When the peer
/// changes his key, packets under the old one are still on their way: both count until the first under the new one.
final class LegCipher {
  /// A protected packet is at most this much longer.
  static let growth = Int(PIKETT_SRTP_GROWTH)

  private var keys: LegKeys?
  private var sender: OpaquePointer?
  private var receiver: OpaquePointer?
  private var previousReceiver: OpaquePointer?

  init() {}

  deinit {
    for context in [sender, receiver, previousReceiver] { free(context) }
  }

  /// Takes over what a new SDP says.
  func take(_ new: LegKeys) {
    if keys?.send != new.send {
      free(sender)
      sender = Self.sender(new.send)
    }
    if keys?.receive != new.receive {
      free(previousReceiver)
      previousReceiver = receiver
      receiver = Self.receiver(new.receive)
    }
    keys = new
  }

  /// Authenticates and decrypts a packet in place.
  /// - Returns: the plain packet's length; nil: it is not the peer's, or came already.
  @inline(__always)
  func unprotect(_ packet: UnsafeMutableRawBufferPointer, isControl: Bool) -> Int? {
    guard let receiver, let base = packet.baseAddress else { return nil }
    var length = packet.count
    if Self.unprotect(receiver, base, &length, isControl) == pikett_srtp_ok {
      if previousReceiver != nil { forgetPrevious() }
      return length
    }
    guard let previousReceiver else { return nil }
    length = packet.count
    return Self.unprotect(previousReceiver, base, &length, isControl) == pikett_srtp_ok ? length : nil
  }

  /// Protects a packet in place, which has `growth` bytes of room behind it.
  /// - Returns: its length; nil: it must not go out.
  @inline(__always)
  func protect(_ packet: UnsafeMutableRawPointer, length: Int, isControl: Bool) -> Int? {
    guard let sender else { return nil }
    let length =
      isControl ? pikett_srtp_protect_rtcp(sender, packet, length) : pikett_srtp_protect(sender, packet, length)
    return length > 0 ? length : nil
  }

  private func forgetPrevious() {
    free(previousReceiver)
    previousReceiver = nil
  }

  private func free(_ context: OpaquePointer?) {
    if let context { pikett_srtp_free(context) }
  }

  private static func unprotect(
    _ context: OpaquePointer, _ packet: UnsafeMutableRawPointer, _ length: inout Int, _ isControl: Bool
  ) -> pikett_srtp_verdict {
    isControl
      ? pikett_srtp_unprotect_rtcp(context, packet, &length) : pikett_srtp_unprotect(context, packet, &length)
  }

  private static func sender(_ key: LegKeys.Key) -> OpaquePointer? {
    guard key.master.secret.count == Int(PIKETT_SRTP_KEY_BYTES) else { return nil }
    return pikett_srtp_sender(key.master.secret, key.hasShortTag ? 1 : 0)
  }

  private static func receiver(_ key: LegKeys.Key) -> OpaquePointer? {
    guard key.master.secret.count == Int(PIKETT_SRTP_KEY_BYTES) else { return nil }
    return pikett_srtp_receiver(key.master.secret, key.hasShortTag ? 1 : 0, key.name, key.name.count)
  }
}
