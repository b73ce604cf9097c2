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
  /// What earlier segments of the press have lasted.
  private var earlier: UInt32 = 0
  private var isOpen = false
  private var unended: Press?

  /// A key press that is over.
  package struct Press: Hashable, Sendable {
    package var digit: Character
    package var milliseconds: Int
  }

  package init() {}

  /// True while a key is held.
  package var isPressed: Bool { isOpen && !hasEnded }

  /// The press before, if it was told as begun and the next one came without its end.
  package mutating func takeUnended() -> Press? {
    defer { unended = nil }
    return unended
  }

  /// The press that has ended; once.
  package mutating func takeEnd() -> Press? { hasEnded ? giveUp() : nil }

  /// Takes the press as ended, with the length that is known; nil if there is none.
  package mutating func giveUp() -> Press? {
    guard isOpen else { return nil }
    (isOpen, hasEnded) = (false, true)
    guard let digit = TelephoneEvent.digit(of: code) else { return nil }
    return Press(digit: digit, milliseconds: Int((earlier &+ UInt32(duration)) / 8))
  }

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
      // A segment is as long as can be told; the timestamps of some senders only creep on.
      if duration >= 60_000 { earlier = min(earlier &+ gap, 8_000_000) }
      note(event, header)
      return nil
    }
    return begin(event, header)
  }

  private mutating func begin(_ event: TelephoneEvent, _ header: RTPHeader) -> Character? {
    unended = giveUp()
    isStarted = true
    isOpen = event.digit != nil
    earlier = 0
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
