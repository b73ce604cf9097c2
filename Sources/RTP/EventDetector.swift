/// Makes one digit of the packets of one key press (RFC 4733): the first packet that arrives counts, whichever it is.
///
/// Presses are told apart by the timestamp. Three things must not count twice: the repeated end, a packet that arrives
/// late, and a press of more than 8.19 s, which is sent in segments with a timestamp each (§2.5.1.3). Senders whose
/// timestamp creeps on from packet to packet are taken for one press as well.
package struct EventDetector: Hashable, Sendable {
  /// Segments and creeping timestamps follow their predecessor within this many units (60 ms).
  private static let slack: UInt32 = 480

  private var isStarted = false
  private var ssrc: UInt32 = 0
  private var sequence: UInt16 = 0
  private var timestamp: UInt32 = 0
  private var code: UInt8 = 0
  private var duration: UInt16 = 0
  private var hasEnded = false

  package init() {}

  /// A telephone-event packet came.
  /// - Returns: the key if this is the first packet of a press.
  package mutating func receive(_ event: TelephoneEvent, in header: RTPHeader) -> Character? {
    guard isStarted, header.ssrc == ssrc else { return begin(event, header) }
    if header.timestamp == timestamp, event.code == code {
      // Another packet of the same press. A late one must not take its end back.
      if Int16(bitPattern: header.sequenceNumber &- sequence) > 0 { sequence = header.sequenceNumber }
      duration = max(duration, event.duration)
      hasEnded = hasEnded || event.isEnd
      return nil
    }
    // A straggler of an earlier press: older by its number and by its time.
    if Int16(bitPattern: header.sequenceNumber &- sequence) <= 0,
      Int32(bitPattern: header.timestamp &- timestamp) <= 0
    {
      return nil
    }
    let gap = header.timestamp &- timestamp
    let continues = event.code == code && !hasEnded && !header.marker && gap <= UInt32(duration) + Self.slack
    if continues {
      note(event, header)
      return nil
    }
    return begin(event, header)
  }

  private mutating func begin(_ event: TelephoneEvent, _ header: RTPHeader) -> Character? {
    isStarted = true
    note(event, header)
    return event.digit
  }

  private mutating func note(_ event: TelephoneEvent, _ header: RTPHeader) {
    ssrc = header.ssrc
    sequence = header.sequenceNumber
    timestamp = header.timestamp
    code = event.code
    duration = event.duration
    hasEnded = event.isEnd
  }
}
