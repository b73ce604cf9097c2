/// One packet of a key press we send.
package struct EventPacket: Hashable, Sendable {
  package var event: TelephoneEvent
  /// The RTP marker: set on the first packet of the press.
  package var marker: Bool
}

/// Sends one key press: `next()` every 20 ms gives the packet due, until it gives nil.
///
/// All packets carry the timestamp of the press's start; the sequence number goes on as ever.
package struct EventSender: Hashable, Sendable {
  /// How often the end is sent (RFC 4733 §2.5.1.4).
  package static let endPackets = 3

  private let code: UInt8
  private let volume: UInt8
  private let total: UInt16
  private let step: UInt16
  private var elapsed: UInt16 = 0
  private var ends = 0

  /// - Parameters:
  ///   - digit: the key; nil is returned for what is no key.
  ///   - milliseconds: how long it is pressed, 40 to 8000 (others are held to that range).
  ///   - packetMilliseconds: how often `next()` will be called, 5 to 100.
  package init?(digit: Character, milliseconds: Int = 100, volume: UInt8 = 10, packetMilliseconds: Int = 20) {
    guard let code = TelephoneEvent.code(of: digit) else { return nil }
    self.code = code
    self.volume = volume
    total = UInt16(max(40, min(milliseconds, 8000)) * 8)
    step = UInt16(max(5, min(packetMilliseconds, 100)) * 8)
  }

  /// The next packet; nil when the press and the repetitions of its end are sent.
  package mutating func next() -> EventPacket? {
    guard ends < Self.endPackets else { return nil }
    let marker = elapsed == 0
    elapsed = min(total, elapsed + step)
    let isEnd = elapsed == total
    if isEnd { ends += 1 }
    return EventPacket(
      event: TelephoneEvent(code: code, isEnd: isEnd, volume: volume, duration: elapsed), marker: marker)
  }
}
