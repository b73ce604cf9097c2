/// The bytes before the samples of a WAV file.
package struct WAVEHeader: Hashable, Sendable {
  /// The length of a header without room for 64-bit sizes.
  package static let plainLength = 44
  /// The length of a header with it.
  package static let largeLength = 80

  package var encoding: WAVEEncoding
  package var channels: Int
  package var sampleRate: Int

  package init(encoding: WAVEEncoding = .integer(bytes: 2), channels: Int, sampleRate: Int = 8000) {
    self.encoding = encoding
    self.channels = channels
    self.sampleRate = sampleRate
  }

  /// The header of a file with `dataBytes` bytes of samples.
  ///
  /// Up to 4 GB it is RIFF. Above, or where `reservesLargeSizes` says that it may yet become so, it is `largeLength`
  /// long: RF64 with the sizes in a `ds64` chunk (EBU Tech 3306), or RIFF with a `JUNK` chunk in its place, so that a
  /// writer who knows the size only at the end can write either over the other. An odd count of bytes wants one zero
  /// byte after the samples.
  package func bytes(dataBytes: UInt64, reservesLargeSizes: Bool = false) -> [UInt8] {
    let padded = dataBytes &+ dataBytes % 2
    let isLarge = padded > UInt64(UInt32.max) - UInt64(Self.largeLength)
    let hasRoom = isLarge || reservesLargeSizes
    let riffSize = padded &+ UInt64((hasRoom ? Self.largeLength : Self.plainLength) - 8)
    let frame = UInt64(max(1, encoding.bytes * channels))
    var out: [UInt8] = []
    out.reserveCapacity(Self.largeLength)
    out.put(isLarge ? "RF64" : "RIFF")
    out.put(UInt64(isLarge ? UInt64(UInt32.max) : riffSize), bytes: 4)
    out.put("WAVE")
    if hasRoom {
      out.put(isLarge ? "ds64" : "JUNK")
      out.put(28, bytes: 4)
      out.put(isLarge ? riffSize : 0, bytes: 8)
      out.put(isLarge ? dataBytes : 0, bytes: 8)
      out.put(isLarge ? dataBytes / frame : 0, bytes: 8)
      out.put(0, bytes: 4)
    }
    out.put("fmt ")
    out.put(16, bytes: 4)
    out.put(tag, bytes: 2)
    out.put(UInt64(clamping: channels), bytes: 2)
    out.put(UInt64(clamping: sampleRate), bytes: 4)
    out.put(UInt64(clamping: sampleRate) &* frame, bytes: 4)
    out.put(frame, bytes: 2)
    out.put(UInt64(clamping: encoding.bytes * 8), bytes: 2)
    out.put("data")
    out.put(isLarge ? UInt64(UInt32.max) : dataBytes, bytes: 4)
    return out
  }

  private var tag: UInt64 {
    switch encoding {
    case .integer: 1
    case .float: 3
    case .aLaw: 6
    case .muLaw: 7
    }
  }
}

extension [UInt8] {
  fileprivate mutating func put(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { append(text.utf8Start[index]) }
  }

  fileprivate mutating func put(_ value: UInt64, bytes: Int) {
    for index in 0..<bytes { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }
}
