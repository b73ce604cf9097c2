import Glibc

/// Samples of one channel, in whatever form.
protocol SampleSource {
  var count: Int { get }
  /// Writes some of them to every second place of `target`.
  func write(_ range: Range<Int>, to target: UnsafeMutablePointer<Int16>)
}

/// G.711 codes with the sample of each of the 256.
struct CodedSamples: SampleSource {
  let bytes: UnsafeRawBufferPointer
  let table: UnsafePointer<Int16>

  @inline(__always)
  var count: Int { bytes.count }

  @inline(__always)
  func write(_ range: Range<Int>, to target: UnsafeMutablePointer<Int16>) {
    var out = target
    for index in range {
      out.pointee = table[Int(bytes[index])]
      out += 2
    }
  }
}

/// 16-bit samples.
struct LinearSamples: SampleSource {
  let samples: UnsafeBufferPointer<Int16>

  var count: Int { samples.count }

  @inline(__always)
  func write(_ range: Range<Int>, to target: UnsafeMutablePointer<Int16>) {
    var out = target
    for index in range {
      out.pointee = samples[index]
      out += 2
    }
  }
}

/// A two-channel 16-bit sound that is written while it is put together, from any number of streams in whatever order.
///
/// The last seconds are held in a ring of chunks; a chunk goes to the file when its place is needed. What comes later
/// than that is put into the file itself. Chunks in which nothing sounds are never written: they are holes.
struct StereoTrack: ~Copyable {
  private static let chunkFrames: Int64 = 8192
  private static let chunkSamples = Int(chunkFrames) * 2

  private let file: Int32
  private let headerLength: Int64
  private let memory: UnsafeMutablePointer<Int16>
  /// How many chunks are held less one: ones only in binary.
  private let mask: Int
  /// Which chunk of the sound each place of the ring holds; -1 for none.
  private var held: [Int64]
  /// The sound's length in samples a channel; what lies beyond is left out.
  private let frames: Int64

  /// - Parameters:
  ///   - file: an open file that can be read and written; stays the caller's.
  ///   - headerLength: how many bytes are left free at its beginning.
  init(file: Int32, headerLength: Int, frames: Int64, rate: Int) {
    self.file = file
    self.headerLength = Int64(headerLength)
    self.frames = frames
    // The last four seconds, whatever the rate.
    var count = 4
    while count * Int(Self.chunkFrames) < rate * 4 { count *= 2 }
    mask = count - 1
    memory = .allocate(capacity: count * Self.chunkSamples)
    held = [Int64](repeating: -1, count: count)
  }

  deinit { memory.deallocate() }

  /// Puts samples into a channel, over what may be there.
  ///
  /// - Parameters:
  ///   - channel: 0 is left, 1 is right.
  ///   - start: where the first one belongs, in samples from the sound's beginning; may be outside.
  @inline(__always)
  mutating func put<Source: SampleSource>(_ source: Source, channel: Int, at start: Int64) throws(FileProblem) {
    guard start < frames, start > -Int64(Int32.max) else { return }
    var index = start < 0 ? Int(-start) : 0
    let end = min(source.count, Int(min(frames - start, Int64(Int32.max))))
    while index < end {
      let frame = start + Int64(index)
      let chunk = frame / Self.chunkFrames
      let offset = Int(frame % Self.chunkFrames)
      let count = min(end - index, Int(Self.chunkFrames) - offset)
      let place = Int(chunk) & mask
      if held[place] < chunk { try hold(chunk, place) }
      if held[place] == chunk {
        source.write(index..<index + count, to: memory + place * Self.chunkSamples + offset * 2 + channel)
      } else {
        try patch(source, index..<index + count, channel, frame)
      }
      index += count
    }
  }

  /// Writes all that is held, and makes the file as long as the sound.
  mutating func finish() throws(FileProblem) {
    for place in held.indices { try flush(place) }
    if ftruncate(file, off_t(headerLength + frames * 4)) != 0 { throw FileProblem(errno) }
  }

  private mutating func hold(_ chunk: Int64, _ place: Int) throws(FileProblem) {
    try flush(place)
    (memory + place * Self.chunkSamples).update(repeating: 0, count: Self.chunkSamples)
    held[place] = chunk
  }

  private mutating func flush(_ place: Int) throws(FileProblem) {
    guard held[place] >= 0 else { return }
    let first = held[place] * Self.chunkFrames
    let count = min(Self.chunkFrames, frames - first)
    let bytes = UnsafeRawBufferPointer(start: memory + place * Self.chunkSamples, count: Int(count) * 4)
    try writeAll(bytes, to: file, at: headerLength + first * 4)
    held[place] = -1
  }

  /// Changes what has been written already.
  private func patch<Source: SampleSource>(
    _ source: Source, _ range: Range<Int>, _ channel: Int, _ frame: Int64
  ) throws(FileProblem) {
    let samples = UnsafeMutableBufferPointer<Int16>.allocate(capacity: range.count * 2)
    defer { samples.deallocate() }
    samples.update(repeating: 0)
    let bytes = UnsafeMutableRawBufferPointer(samples)
    let position = headerLength + frame * 4
    // Short of the file's end there is silence, so a short reading is no fault.
    if pread(file, bytes.baseAddress, bytes.count, off_t(position)) < 0 { throw FileProblem(errno) }
    if let target = samples.baseAddress { source.write(range, to: target + channel) }
    try writeAll(UnsafeRawBufferPointer(bytes), to: file, at: position)
  }
}
