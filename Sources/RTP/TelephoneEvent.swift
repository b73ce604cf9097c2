// A key press on the wire (RFC 4733 §2.5), here the key 1 held for 100 ms, packets of 20 ms:
//
//     packet  marker  sequence  timestamp  event  end  duration
//          1       1       100       8000      1    0       160
//          2       0       101       8000      1    0       320
//          3       0       102       8000      1    0       480
//          4       0       103       8000      1    0       640
//          5       0       104       8000      1    1       800
//          6       0       105       8000      1    1       800    the end is sent three times,
//          7       0       106       8000      1    1       800    each time as a packet of its own
//
// The timestamp stands still: it names the press. The same key pressed again has a new one.

/// The payload of a telephone-event packet (RFC 4733 §2.3).
package struct TelephoneEvent: Hashable, Sendable {
  /// The payload's length in bytes.
  package static let encodedLength = 4

  /// 0 to 15 are the DTMF keys `0`-`9 * # A`-`D`; 16 is flash; others are tones and signals we do not use.
  package var code: UInt8
  /// The press is over.
  package var isEnd: Bool
  /// The power level in dBm0 without its sign, 0 to 63: 10 is -10 dBm0.
  package var volume: UInt8
  /// How long the press has lasted since the packet's timestamp, in units of the clock (1/8000 s).
  package var duration: UInt16

  /// - Parameter volume: 0 to 63; upper bits are dropped.
  package init(code: UInt8, isEnd: Bool = false, volume: UInt8 = 10, duration: UInt16) {
    self.code = code
    self.isEnd = isEnd
    self.volume = volume & 0x3F
    self.duration = duration
  }

  /// Reads a payload; more than one event, or trailing bytes, are passed over. Nil if it is shorter than 4 bytes.
  package init?(parsing payload: RawSpan) {
    guard payload.byteCount >= Self.encodedLength else { return nil }
    self.init(
      code: payload.byte(0), isEnd: payload.byte(1) & 0x80 != 0, volume: payload.byte(1), duration: payload.uint16(2))
  }

  /// Reads a payload, as above.
  package init?(parsing payload: UnsafeRawBufferPointer) { self.init(parsing: payload.bytes) }

  /// Writes the payload.
  /// - Returns: 4, or 0 if `buffer` is too small (nothing is written then).
  @discardableResult
  package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard buffer.count >= Self.encodedLength else { return 0 }
    buffer.storeByte(code, at: 0)
    buffer.storeByte((isEnd ? 0x80 : 0) | volume & 0x3F, at: 1)
    buffer.storeUInt16(duration, at: 2)
    return Self.encodedLength
  }

  /// The key: `0`-`9`, `*`, `#`, `A`-`D`; nil for events that are no key.
  package var digit: Character? { Self.digit(of: code) }

  /// The key of an event code.
  package static func digit(of code: UInt8) -> Character? {
    switch code {
    case 0...9: Character(Unicode.Scalar(0x30 + code))
    case 10: "*"
    case 11: "#"
    case 12...15: Character(Unicode.Scalar(0x41 + code - 12))
    default: nil
    }
  }

  /// The event code of a key; letters in either case; nil for what is no key.
  package static func code(of digit: Character) -> UInt8? {
    switch digit.asciiValue {
    case .some(let value) where (0x30...0x39).contains(value): value - 0x30
    case .some(0x2A): 10
    case .some(0x23): 11
    case .some(let value) where (0x41...0x44).contains(value & 0xDF): (value & 0xDF) - 0x41 + 12
    case .some, .none: nil
    }
  }
}
