import Glibc

/// A two-channel 16-bit sound that is written while it is put together, from any number of streams in whatever order.
///
/// The last seconds are held in a ring of chunks; a chunk goes to the file when its place is needed. What comes later
/// than that is put into the file itself. Chunks in which nothing sounds are never written: they are holes.
struct StereoTrack: ~Copyable {
  private static let chunkFrames: Int64 = 8192
  private static let chunkCount = 4
  private static let chunkSamples = Int(chunkFrames) * 2

  private let file: Int32
  private let headerLength: Int64
  private let memory: UnsafeMutablePointer<Int16>
  /// Which chunk of the sound each place of the ring holds; -1 for none.
  private var held: [Int64]
  /// The sound's length in samples a channel; what lies beyond is left out.
  private let frames: Int64

  /// - Parameters:
  ///   - file: an open file that can be read and written; stays the caller's.
  ///   - headerLength: how many bytes are left free at its beginning.
  init(file: Int32, headerLength: Int, frames: Int64) {
    self.file = file
    self.headerLength = Int64(headerLength)
    self.frames = frames
    memory = .allocate(capacity: Self.chunkCount * Self.chunkSamples)
    held = [Int64](repeating: -1, count: Self.chunkCount)
  }

  deinit { memory.deallocate() }

  /// Puts the samples of G.711 codes into a channel, over what may be there.
  ///
  /// - Parameters:
  ///   - table: the sample of each of the 256 codes.
  ///   - channel: 0 is left, 1 is right.
  ///   - start: where the first one belongs, in samples from the sound's beginning; may be outside.
  @inline(__always)
  mutating func put(
    _ codes: RawSpan, _ table: UnsafePointer<Int16>, channel: Int, at start: Int64
  ) throws(FileProblem) {
    guard start < frames, start > -Self.chunkFrames * 8 else { return }
    var index = start < 0 ? Int(-start) : 0
    let end = min(codes.byteCount, Int(min(frames - start, Int64(Int32.max))))
    while index < end {
      let frame = start + Int64(index)
      let chunk = frame / Self.chunkFrames
      let offset = Int(frame % Self.chunkFrames)
      let count = min(end - index, Int(Self.chunkFrames) - offset)
      let part = codes.extracting(index..<index + count)
      let place = Int(chunk) % Self.chunkCount
      if held[place] < chunk { try hold(chunk, place) }
      if held[place] == chunk {
        decode(part, table, memory + place * Self.chunkSamples + offset * 2 + channel)
      } else {
        try patch(part, table, channel, frame)
      }
      index += count
    }
  }

  /// Writes all that is held, and makes the file as long as the sound.
  mutating func finish() throws(FileProblem) {
    for place in 0..<Self.chunkCount { try flush(place) }
    if ftruncate(file, off_t(headerLength + frames * 4)) != 0 { throw FileProblem(errno) }
  }

  /// Writes the samples of `codes` to every second place of `target`.
  @inline(__always)
  private func decode(
    _ codes: RawSpan, _ table: UnsafePointer<Int16>, _ target: UnsafeMutablePointer<Int16>
  ) {
    codes.withUnsafeBytes { bytes in
      var out = target
      for code in bytes {
        out.pointee = table[Int(code)]
        out += 2
      }
    }
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
  private func patch(
    _ codes: RawSpan, _ table: UnsafePointer<Int16>, _ channel: Int, _ frame: Int64
  ) throws(FileProblem) {
    let samples = UnsafeMutableBufferPointer<Int16>.allocate(capacity: codes.byteCount * 2)
    defer { samples.deallocate() }
    samples.update(repeating: 0)
    let bytes = UnsafeMutableRawBufferPointer(samples)
    let position = headerLength + frame * 4
    // Short of the file's end there is silence, so a short reading is no fault.
    if pread(file, bytes.baseAddress, bytes.count, off_t(position)) < 0 { throw FileProblem(errno) }
    if let target = samples.baseAddress { decode(codes, table, target + channel) }
    try writeAll(UnsafeRawBufferPointer(bytes), to: file, at: position)
  }
}
