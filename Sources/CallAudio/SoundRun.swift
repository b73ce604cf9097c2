import Audio

/// Sound of one stream that goes on without a break, on its way from the decoder's rate into the track's.
///
/// Its place is counted in samples from where it began, so that the borders of packets are not heard. Where the peer's
/// clock drifts away from the capture's, it slips by a sample now and then.
struct SoundRun: ~Copyable {
  let track: CallTrack
  let channel: Int
  /// The key's tone that sounds instead of what the stream holds there.
  var tone: Range<Int64> = 0..<0
  private(set) var isRunning = false

  private var resamplers: [Resampler] = []
  private var resampler: Resampler?
  private var sourceRate = 8000
  /// Where the run began, slips included, and how many samples of the source it has had since.
  private var start: Int64 = 0
  private var fed: Int64 = 0
  /// The frame to be written next: the resampler gives its samples later than it takes them.
  private var position: Int64 = 0
  private var last: Int16 = 0
  private var out = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 0)

  init(_ track: CallTrack, channel: Int) {
    self.track = track
    self.channel = channel
  }

  deinit { out.deallocate() }

  /// The frame at which the next sample belongs that is fed; before the first one, the beginning of time.
  var end: Int64 {
    if !isRunning { return lastEnd }
    if resampler == nil { return start + fed }
    return start + fed * Int64(track.rate) / Int64(sourceRate)
  }

  private var lastEnd = Int64.min / 2

  /// Differences up to this between where the sound is and where a packet belongs come from clocks, not from gaps.
  var slack: Int64 { Int64(track.rate / 1000) }

  /// Begins at a frame, with samples of `sourceRate`.
  mutating func begin(at frame: Int64, from sourceRate: Int) {
    isRunning = true
    self.sourceRate = sourceRate
    (start, position, fed) = (frame, frame, 0)
    last = 0
    if sourceRate == track.rate {
      resampler = nil
    } else if resampler?.from != sourceRate {
      let known = resamplers.first { $0.from == sourceRate }
      resampler = known ?? Resampler(from: sourceRate, to: track.rate)
      if known == nil, let resampler { resamplers.append(resampler) }
    }
    resampler?.reset()
  }

  /// Moves on to a frame that is not farther than `slack`: a gap is filled with the last sample, an overlap written over.
  mutating func slip(to frame: Int64) throws(FileProblem) {
    let distance = frame - end
    // Where a sample is not a whole number of frames, its end is known to one frame.
    let tolerance: Int64 = track.rate % sourceRate == 0 ? 0 : 1
    guard distance.magnitude > tolerance else { return }
    if distance > 0 {
      let last = last
      try produce(Int(distance)) { buffer in
        buffer.update(repeating: last)
        return Int(distance)
      }
    } else {
      position += distance
    }
    start += distance
  }

  /// Takes the next samples.
  mutating func add(_ samples: UnsafeBufferPointer<Int16>) throws(FileProblem) {
    guard !samples.isEmpty, isRunning else { return }
    fed += Int64(samples.count)
    guard let resampler else { return try write(samples) }
    var rest = samples[...]
    while !rest.isEmpty {
      let piece = UnsafeBufferPointer(rebasing: rest.prefix(Resampler.longestPiece))
      rest = rest.dropFirst(piece.count)
      try produce(resampler.mostSamples(for: piece.count)) { resampler.feed(piece, into: $0) }
    }
  }

  /// Ends the run: what follows begins elsewhere.
  mutating func finish() throws(FileProblem) {
    guard isRunning else { return }
    lastEnd = end
    isRunning = false
    guard let resampler else { return }
    try produce(resampler.mostSamples(for: 0)) { resampler.finish(into: $0) }
  }

  /// Writes what `body` makes, which has room for `most` samples and tells how many they are.
  private mutating func produce(
    _ most: Int, _ body: (UnsafeMutableBufferPointer<Int16>) -> Int
  ) throws(FileProblem) {
    if out.count < most {
      out.deallocate()
      out = .allocate(capacity: most)
    }
    let count = body(UnsafeMutableBufferPointer(rebasing: out[..<most]))
    try write(UnsafeBufferPointer(rebasing: out[..<count]))
  }

  private mutating func write(_ samples: UnsafeBufferPointer<Int16>) throws(FileProblem) {
    guard let final = samples.last else { return }
    try track.put(samples, channel: channel, at: position, around: tone)
    position += Int64(samples.count)
    last = final
  }
}
