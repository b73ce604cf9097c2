package import Hunting
import Telephony

/// What the name of a file in `ticket/` says: `TicketMessage.logFileName` read back.
///
/// `12.10.2012_14.00_12.10.2012_14.05_Ticket_1234_Caller_03472619287_Called_732_END_1.txt`; the serial may be missing, as
/// in logs that the original wrote.
package struct TicketFileName: Hashable, Sendable {
  package var start: LocalMinute
  package var end: LocalMinute
  package var ticket: TicketNumber
  /// As it stands in the name.
  package var caller: String
  /// The internal number that was rung.
  package var called: String
  /// The last hop of its call: `END`.
  package var isLast: Bool
  /// nil: the name has none.
  package var serial: Int?

  /// Reads a name; nil if it is not one of a ticket: foreign files are left alone.
  package init?(_ name: some StringProtocol) {
    let bytes = Array(name.utf8)
    guard let layout = bytes.withUnsafeBytes({ TicketNameLayout($0) }) else { return nil }
    self.init(layout, bytes[...])
  }

  /// - Parameter name: the bytes that `layout` was made from.
  init(_ layout: TicketNameLayout, _ name: ArraySlice<UInt8>) {
    start = layout.start
    end = layout.end
    ticket = TicketNumber(rawValue: layout.ticket)
    caller = String(decoding: name.dropFirst(layout.caller.lowerBound).prefix(layout.caller.count), as: UTF8.self)
    called = String(decoding: name.dropFirst(layout.called.lowerBound).prefix(layout.called.count), as: UTF8.self)
    isLast = layout.isLast
    serial = layout.serial == 0 ? nil : Int(layout.serial)
  }
}

/// Where the parts of a ticket's file name stand, found without making a `String`.
struct TicketNameLayout {
  var start: LocalMinute
  var end: LocalMinute
  var ticket: UInt64
  var caller: Range<Int>
  var called: Range<Int>
  var isLast = false
  /// 0: the name has none.
  var serial: UInt32 = 0

  init?(_ bytes: UnsafeRawBufferPointer) {
    // Longer names than a file system takes are none; and offsets fit into a byte.
    guard bytes.count <= 255 else { return nil }
    var cursor = NameCursor(bytes)
    guard let start = cursor.minute(), cursor.skip("_"), let end = cursor.minute(), cursor.skip("_Ticket_"),
      let ticket = cursor.number(upTo: TicketNumber.highest), cursor.skip("_Caller_")
    else { return nil }
    let caller = cursor.position..<cursor.find("_Called_")
    // The original leaves a withheld number blank.
    guard cursor.skip("_Called_") else { return nil }
    let called = cursor.position..<cursor.endOfWord()
    guard !called.isEmpty else { return nil }
    (self.start, self.end, self.ticket, self.caller, self.called) = (start, end, ticket, caller, called)
    isLast = cursor.skip("_END")
    if cursor.skip("_") {
      guard let serial = cursor.number(upTo: 999_999_999) else { return nil }
      self.serial = UInt32(truncatingIfNeeded: serial)
    }
    guard cursor.skip(".txt") || cursor.skip(".TXT"), cursor.isAtEnd else { return nil }
  }
}

/// Reads a name byte by byte; every access is checked.
struct NameCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// 0 beyond the end: no name holds it.
  private func byte(_ index: Int) -> UInt8 { index >= 0 && index < bytes.count ? bytes[index] : 0 }

  private func isThere(_ text: StaticString, at index: Int) -> Bool {
    guard bytes.count - index >= text.utf8CodeUnitCount else { return false }
    for offset in 0..<text.utf8CodeUnitCount where bytes[index + offset] != text.utf8Start[offset] { return false }
    return true
  }

  mutating func skip(_ text: StaticString) -> Bool {
    guard isThere(text, at: position) else { return false }
    position += text.utf8CodeUnitCount
    return true
  }

  /// Goes on to the next `text`, or to the end.
  mutating func find(_ text: StaticString) -> Int {
    while position < bytes.count, !isThere(text, at: position) { position += 1 }
    return position
  }

  /// Goes on to the next `_` or `.`, or to the end.
  mutating func endOfWord() -> Int {
    while position < bytes.count, byte(position) != UInt8(ascii: "_"), byte(position) != UInt8(ascii: ".") {
      position += 1
    }
    return position
  }

  /// Decimal digits: 1 to `limit`.
  mutating func number(upTo limit: UInt64) -> UInt64? {
    var value: UInt64 = 0
    while byte(position).isASCIIDigit {
      value = value &* 10 &+ UInt64(byte(position) & 15)
      // No sum can overflow: the limit has 15 digits at most.
      if value > limit { return nil }
      position += 1
    }
    return value == 0 ? nil : value
  }

  /// `12.10.2012_14.00`.
  mutating func minute() -> LocalMinute? {
    guard let day = digits(2), skip("."), let month = digits(2), skip("."), let year = digits(4), skip("_"),
      let hour = digits(2), skip("."), let minute = digits(2)
    else { return nil }
    return LocalMinute(year: year, month: month, day: day, hour: hour, minute: minute)
  }

  private mutating func digits(_ count: Int) -> Int? {
    var value = 0
    for offset in 0..<count {
      let byte = byte(position + offset)
      guard byte.isASCIIDigit else { return nil }
      value = value * 10 + Int(byte & 15)
    }
    position += count
    return value
  }
}
