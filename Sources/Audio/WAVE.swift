/// How the samples of a WAV file are coded.
package enum WAVEEncoding: Hashable, Sendable {
  /// Whole numbers: 8 bits without sign, 16, 24 or 32 with.
  case integer(bytes: Int)
  /// IEEE floating point of 4 or 8 bytes, full scale at ±1.
  case float(bytes: Int)
  case aLaw
  case muLaw

  /// Bytes a sample.
  package var bytes: Int {
    switch self {
    case .integer(let bytes), .float(let bytes): bytes
    case .aLaw, .muLaw: 1
    }
  }
}

/// A WAV file, its chunks found, its samples still where they are.
///
/// The reader takes what sound editors, phones and download pages produce: chunks in any order, odd chunks with or
/// without their padding byte, lengths that were never filled in (0 or FFFFFFFF) or that reach beyond the end, RF64,
/// WAVE_FORMAT_EXTENSIBLE. It never traps, whatever the bytes.
package struct WAVE: Sendable {
  package let encoding: WAVEEncoding
  /// 1 to 64.
  package let channels: Int
  /// 1000 to 768 000 Hz.
  package let sampleRate: Int
  /// Samples a channel.
  package let frames: Int

  private let bytes: [UInt8]
  private let dataOffset: Int

  /// Reads the chunks of a whole file.
  package init(_ bytes: [UInt8]) throws(WAVEError) {
    guard bytes.count >= 12, ["RIFF", "RF64", "BW64"].contains(where: { bytes.has($0, at: 0) }),
      bytes.has("WAVE", at: 8)
    else { throw .notWAVE }
    var format: Range<Int>?
    var data: Range<Int>?
    var offset = 12
    while bytes.count - offset >= 8 {
      let start = offset + 8
      let left = bytes.count - start
      var length = Int(bytes.little32(offset + 4))
      let isData = bytes.has("data", at: offset)
      if length > left || (isData && length == 0 && data == nil) { length = left }
      if isData, data == nil { data = start..<start + length }
      if bytes.has("fmt ", at: offset), format == nil { format = start..<start + length }
      offset = start + length
      // Odd chunks are padded, but not by every writer.
      if length % 2 == 1, !bytes.looksLikeChunk(at: offset) { offset += 1 }
    }
    guard let format, format.count >= 16 else { throw .noFormat }
    var tag = bytes.little16(format.lowerBound)
    channels = Int(bytes.little16(format.lowerBound + 2))
    sampleRate = Int(bytes.little32(format.lowerBound + 4))
    let bits = Int(bytes.little16(format.lowerBound + 14))
    // WAVE_FORMAT_EXTENSIBLE: the first two bytes of the subformat are the tag.
    if tag == 0xFFFE, format.count >= 26 { tag = bytes.little16(format.lowerBound + 24) }
    guard let encoding = Self.encoding(tag: tag, bits: bits) else { throw .unsupported(tag: tag, bits: bits) }
    guard (1...64).contains(channels) else { throw .badChannelCount(channels) }
    guard Resampler.rates.contains(sampleRate) else { throw .badSampleRate(sampleRate) }
    self.encoding = encoding
    guard let data else { throw .noSound }
    frames = data.count / (encoding.bytes * channels)
    guard frames > 0 else { throw .noSound }
    self.bytes = bytes
    dataOffset = data.lowerBound
  }

  private static func encoding(tag: UInt16, bits: Int) -> WAVEEncoding? {
    switch (tag, bits) {
    // Widths between are kept in the next whole byte, left-justified.
    case (1, 1...32): .integer(bytes: (bits + 7) / 8)
    case (3, 32), (3, 64): .float(bytes: bits / 8)
    // Some writers leave the width of a G.711 file at 0 or 16; it is 8.
    case (6, _): .aLaw
    case (7, _): .muLaw
    default: nil
    }
  }

  /// The file's sound as the line carries it: 8000 Hz, one channel (the mean of all), 16 bits.
  /// - Parameter limit: the longest sound taken, in seconds.
  package static func telephoneSound(_ bytes: [UInt8], limit: Int = 600) throws(WAVEError) -> [Int16] {
    let file = try WAVE(bytes)
    let seconds = file.frames / file.sampleRate
    guard seconds <= limit else { throw .tooLong(seconds: seconds, limit: limit) }
    // The rate was checked; a resampler exists.
    guard let resampler = Resampler(from: file.sampleRate, to: 8000) else { throw .badSampleRate(file.sampleRate) }
    return resampler.resample(file.mono())
  }

  /// One channel at the file's own rate, 16 bits.
  /// - Parameter index: from 0; silence for a channel there is not.
  package func channel(_ index: Int) -> [Int16] {
    guard (0..<channels).contains(index) else { return [Int16](repeating: 0, count: frames) }
    return (0..<frames).map { Mixing.clamp(sample(dataOffset + ($0 * channels + index) * encoding.bytes)) }
  }

  /// The mean of all channels at the file's own rate, full scale at ±32768.
  package func mono() -> [Int16] {
    (0..<frames).map { frame in
      var total = 0.0
      for index in 0..<channels { total += sample(dataOffset + (frame * channels + index) * encoding.bytes) }
      return Mixing.clamp(total / Double(channels))
    }
  }

  /// The sample at a byte offset, full scale at ±32768; the offsets of all frames lie within the file.
  private func sample(_ offset: Int) -> Double {
    switch encoding {
    case .integer(1): return Double(Int(bytes[offset]) - 128) * 256
    case .integer(let width):
      var value: UInt32 = 0
      for index in 0..<width { value |= UInt32(bytes[offset + index]) << UInt32(8 * (4 - width + index)) }
      return Double(Int32(bitPattern: value)) / 65_536
    case .float(4):
      return finite(Double(Float(bitPattern: bytes.little32(offset))))
    case .float:
      return finite(
        Double(bitPattern: UInt64(bytes.little32(offset + 4)) << 32 | UInt64(bytes.little32(offset))))
    case .aLaw: return Double(G711.aLaw.decode(bytes[offset]))
    case .muLaw: return Double(G711.muLaw.decode(bytes[offset]))
    }
  }

  /// What is no number becomes silence; far beyond full scale is held, so that a mean of channels stays a number.
  private func finite(_ value: Double) -> Double { value.isNaN ? 0 : max(-16, min(16, value)) * 32_768 }
}

extension [UInt8] {
  fileprivate func has(_ text: StaticString, at offset: Int) -> Bool {
    guard offset >= 0, count - offset >= 4, text.utf8CodeUnitCount == 4 else { return false }
    return (0..<4).allSatisfy { self[offset + $0] == text.utf8Start[$0] }
  }

  /// A chunk's name is four printable characters; a padding byte before it would be 0.
  fileprivate func looksLikeChunk(at offset: Int) -> Bool {
    count - offset >= 8 && (0..<4).allSatisfy { (0x20...0x7E).contains(self[offset + $0]) }
  }

  fileprivate func little16(_ offset: Int) -> UInt16 {
    guard offset >= 0, count - offset >= 2 else { return 0 }
    return UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
  }

  fileprivate func little32(_ offset: Int) -> UInt32 {
    UInt32(little16(offset)) | UInt32(little16(offset + 2)) << 16
  }
}
