package import Telephony

/// The keys of an encrypted leg (RFC 3711, exchanged as RFC 4568 says).
package struct LegKeys: Hashable, Sendable {
  /// The key of one direction.
  package struct Key: Hashable, Sendable {
    /// Master key and master salt, 30 bytes.
    package var master: Redacted<[UInt8]>
    /// The name that stands in each packet; empty: none does.
    package var name: [UInt8]
    /// RTP is authenticated with 32 bits instead of 80.
    package var hasShortTag: Bool

    package init(master: Redacted<[UInt8]>, name: [UInt8] = [], hasShortTag: Bool = false) {
      self.master = master
      self.name = name
      self.hasShortTag = hasShortTag
    }
  }

  package var send: Key
  package var receive: Key

  package init(send: Key, receive: Key) {
    self.send = send
    self.receive = receive
  }
}
