/// Where the sound of one call is being put together.
final class CallTrack {
  let file: OutputFile
  /// Frames a second.
  let rate: Int
  /// When the sound begins, in nanoseconds of the capture's clock.
  let start: Int64
  let frames: Int64
  private(set) var track: StereoTrack
  /// The last record that holds sound of the call.
  let lastRecord: Int
  private var isFinished = false

  /// - Parameters:
  ///   - start: when the sound begins.
  ///   - frames: how long it is.
  ///   - file: where the sound goes, behind `headerLength` bytes.
  init(_ call: RecordedCall, start: Int64, frames: Int64, rate: Int, file: consuming OutputFile, headerLength: Int) {
    self.rate = rate
    self.start = start
    self.frames = frames
    track = StereoTrack(file: file.descriptor, headerLength: headerLength, frames: frames, rate: rate)
    self.file = file
    lastRecord = call.parts.map(\.lastRecord).max() ?? 0
  }

  /// Puts the samples of G.711 codes into a channel, over what may be there.
  @inline(__always)
  func put(
    _ codes: RawSpan, _ table: UnsafePointer<Int16>, channel: Int, at frame: Int64
  ) throws(FileProblem) {
    try codes.withUnsafeBytes { (bytes) throws(FileProblem) in
      try track.put(CodedSamples(bytes: bytes, table: table), channel: channel, at: frame)
    }
  }

  /// Puts samples into a channel, over what may be there, but not where another sound is.
  ///
  /// - Parameter other: the frames of that sound; may be none.
  func put(
    _ samples: UnsafeBufferPointer<Int16>, channel: Int, at frame: Int64, around other: Range<Int64>
  ) throws(FileProblem) {
    let frames = frame..<frame + Int64(samples.count)
    if other.isEmpty || !other.overlaps(frames) {
      return try track.put(LinearSamples(samples: samples), channel: channel, at: frame)
    }
    if frame < other.lowerBound {
      let before = UnsafeBufferPointer(rebasing: samples[..<Int(other.lowerBound - frame)])
      try track.put(LinearSamples(samples: before), channel: channel, at: frame)
    }
    if frames.upperBound > other.upperBound {
      let behind = UnsafeBufferPointer(rebasing: samples[Int(other.upperBound - frame)...])
      try track.put(LinearSamples(samples: behind), channel: channel, at: other.upperBound)
    }
  }

  /// Puts the same sample some times.
  func put(repeating sample: Int16, count: Int, channel: Int, at frame: Int64) throws(FileProblem) {
    for index in 0..<Int64(count) {
      try withUnsafePointer(to: sample) { (pointer) throws(FileProblem) in
        let one = UnsafeBufferPointer(start: pointer, count: 1)
        try track.put(LinearSamples(samples: one), channel: channel, at: frame + index)
      }
    }
  }

  /// Writes what is left.
  func finish() throws(FileProblem) {
    if isFinished { return }
    isFinished = true
    try track.finish()
  }
}
