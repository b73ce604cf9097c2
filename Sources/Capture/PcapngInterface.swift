/// What an Interface Description Block says about the packets of one interface (draft-ietf-opsawg-pcapng §4.2).
struct PcapngInterface: Sendable {
  /// The LINKTYPE_ number, and what it is; nil for a link layer that is not understood.
  var linkType: UInt16
  var link: LinkLayer?
  /// The longest packet kept; 0 is no limit.
  var snapLength: UInt32
  /// Units of the timestamps in a second: 10^6 unless an option says otherwise; 0 if that is more than a number holds.
  private(set) var unitsPerSecond: UInt64 = 1_000_000
  /// Nanoseconds in a unit, where that is a whole number.
  private(set) var nanosecondsPerUnit: UInt64 = 1000
  /// Seconds to be added to each timestamp.
  private(set) var offset: Int64 = 0

  /// The last moment that a capture's time can have, as in classic pcap: in 2106.
  static let lastTime = Int64(UInt32.max) * 1_000_000_000 + 999_999_999

  /// Reads the block's body.
  ///
  /// - Returns: nil if it is too short; options that make no sense are passed over.
  init?(_ body: RawSpan, isSwapped: Bool) {
    guard body.byteCount >= 8 else { return nil }
    linkType = body.uint16(at: 0, isSwapped)
    link = LinkLayer(linkType: linkType)
    snapLength = body.uint32(at: 4, isSwapped)
    var place = 8
    while place + 4 <= body.byteCount {
      let code = body.uint16(at: place, isSwapped)
      let length = Int(body.uint16(at: place + 2, isSwapped))
      place += 4
      guard code != 0, place + length <= body.byteCount else { return }
      switch (code, length) {
      case (9, 1): setResolution(body.uint8(at: place))
      case (14, 8):
        offset = Int64(bitPattern: body.uint64(at: place, isSwapped))
      default: break
      }
      place += (length + 3) & ~3
    }
  }

  /// if_tsresol: a power of 10, or of 2 if the highest bit is set.
  private mutating func setResolution(_ value: UInt8) {
    let exponent = Int(value & 0x7F)
    if value & 0x80 != 0 {
      unitsPerSecond = exponent < 64 ? 1 << UInt64(exponent) : 0
    } else {
      unitsPerSecond = exponent < 20 ? (0..<exponent).reduce(1) { units, _ in units * 10 } : 0
    }
    let isWhole = unitsPerSecond > 0 && 1_000_000_000 % unitsPerSecond == 0
    nanosecondsPerUnit = isWhole ? 1_000_000_000 / unitsPerSecond : 0
  }

  /// A packet's time in nanoseconds since 1970; what lies before that or behind 2106 is the nearest that does not.
  @inline(__always)
  func time(high: UInt32, low: UInt32) -> Int64 {
    let stamp = UInt64(high) << 32 | UInt64(low)
    if nanosecondsPerUnit != 0, offset == 0 {
      let (product, overflow) = stamp.multipliedReportingOverflow(by: nanosecondsPerUnit)
      return overflow || product > UInt64(Self.lastTime) ? Self.lastTime : Int64(truncatingIfNeeded: product)
    }
    return unusualTime(stamp)
  }

  private func unusualTime(_ stamp: UInt64) -> Int64 {
    guard unitsPerSecond > 0 else { return 0 }
    let (seconds, rest) = stamp.quotientAndRemainder(dividingBy: unitsPerSecond)
    // The rest is less than a second, so the quotient is less than 10^9.
    let nanoseconds = unitsPerSecond.dividingFullWidth(rest.multipliedFullWidth(by: 1_000_000_000)).quotient
    let (sum, overflow) = Int64(clamping: seconds).addingReportingOverflow(offset)
    if overflow || sum > Int64(UInt32.max) { return offset < 0 && overflow ? 0 : Self.lastTime }
    return sum < 0 ? 0 : sum * 1_000_000_000 + Int64(nanoseconds)
  }
}

extension RawSpan {
  /// Two bytes in the machine's order, or the other one; the caller has made sure that they are there (else this traps).
  @inline(__always)
  func uint16(at offset: Int, _ isSwapped: Bool) -> UInt16 {
    let value = unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isSwapped ? value.byteSwapped : value
  }

  /// Four bytes in the machine's order, or the other one; the caller has made sure that they are there (else this traps).
  @inline(__always)
  func uint32(at offset: Int, _ isSwapped: Bool) -> UInt32 {
    let value = unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isSwapped ? value.byteSwapped : value
  }

  /// Eight bytes in the machine's order, or the other one; the caller has made sure that they are there (else this traps).
  func uint64(at offset: Int, _ isSwapped: Bool) -> UInt64 {
    let value = unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    return isSwapped ? value.byteSwapped : value
  }
}
