import Audio
package import Capture
import Decoders
import Glibc

/// Why sound could not be written.
package enum ConversionError: Error, Hashable, Sendable {
  case capture(CaptureError)
  case output(OutputError)
}

/// How a call's two channels are written.
package enum ChannelLayout: Hashable, Sendable, CaseIterable {
  /// One file, left what the caller sent, right what was sent to him.
  case stereo
  /// One file, both mixed.
  case mono
  /// Two files of one channel each.
  case split

  /// How many files a call makes.
  var fileCount: Int { self == .split ? 2 : 1 }
}

/// Writes calls of a capture as WAV files: the second reading.
package struct Conversion {
  package var layout: ChannelLayout
  /// Whether files that exist may be replaced.
  package var overwrites: Bool
  /// Samples a second of the files; nil: as many as the call's codecs have.
  package var rate: Int?
  /// Only what lies in this time of each call is written: nanoseconds from the call's start.
  package var from: Int64?
  package var to: Int64?
  /// Whether key presses sent as events (RFC 4733) are heard as their tones.
  package var rendersKeys: Bool

  /// So many files are open at once, so many streams decoded, and so many frames a second held; more calls take more
  /// readings.
  private static let batch = 100
  private static let batchStreams = 1024
  private static let batchRate = 800_000

  package init(
    layout: ChannelLayout = .stereo, overwrites: Bool = false, rate: Int? = nil, from: Int64? = nil, to: Int64? = nil,
    rendersKeys: Bool = false
  ) {
    self.layout = layout
    self.overwrites = overwrites
    self.rate = rate
    self.from = from
    self.to = to
    self.rendersKeys = rendersKeys
  }

  /// Writes the calls; either all their files are there afterwards, or none that was not there before.
  ///
  /// - Parameters:
  ///   - calls: some of the survey's.
  ///   - paths: the files of a call, one, or two for `split`.
  /// - Returns: the paths of all files written, in order.
  @discardableResult
  package func write(
    _ calls: [RecordedCall], of file: borrowing CaptureFile, _ survey: CallSurvey,
    to paths: (RecordedCall) -> [String]
  ) throws(ConversionError) -> [String] {
    var written: [String] = []
    for path in calls.flatMap(paths) {
      if file.isSame(as: path) {
        throw .output(OutputError(path: path, problem: "is the capture itself; expected another name"))
      }
      if !overwrites && fileExists(path) { throw .output(.exists(path)) }
    }
    do throws(ConversionError) {
      let budget = SearchBudget()
      var start = 0
      while start < calls.count {
        var (end, rates, streams) = (start, 0, 0)
        while end < calls.count, end - start < Self.batch, rates < Self.batchRate, streams < Self.batchStreams {
          rates += calls[end].rate(rate)
          streams += calls[end].parts.count
          end += 1
        }
        try writeBatch(Array(calls[start..<end]), of: file, survey, paths, budget, &written)
        start = end
      }
    } catch {
      // What is only half of the wanted is taken back, but never what replaced an older file.
      if !overwrites { for path in written { unlink(path) } }
      throw error
    }
    return written
  }

  private func writeBatch(
    _ calls: [RecordedCall], of file: borrowing CaptureFile, _ survey: CallSurvey, _ paths: (RecordedCall) -> [String],
    _ budget: SearchBudget, _ written: inout [String]
  ) throws(ConversionError) {
    var tracks: [CallTrack] = []
    do throws(OutputError) {
      for call in calls {
        let rate = call.rate(rate)
        let (start, frames) = window(of: call, at: rate)
        let header =
          layout == .stereo ? WAVEHeader(channels: 2, sampleRate: rate).bytes(dataBytes: UInt64(frames) * 4) : []
        let output = try OutputFile(path: paths(call)[0], mode: file.mode)
        try writeHeader(header, to: output)
        tracks.append(
          CallTrack(call, start: start, frames: frames, rate: rate, file: output, headerLength: header.count))
      }
    } catch { throw .output(error) }
    var decoder = CallDecoder(calls, tracks, rendersKeys: rendersKeys, budget)
    try decoder.run(file, records: survey.recordCount)
    try decoder.finish()
    for (call, track) in zip(calls, tracks) {
      do throws(FileProblem) { try track.finish() } catch {
        throw .output(OutputError(path: track.file.path, problem: "cannot be written: \(error.text)"))
      }
      do throws(OutputError) {
        switch layout {
        case .stereo:
          try track.file.publish(overwrites: overwrites)
          written.append(track.file.path)
        case .mono, .split:
          for (index, path) in paths(call).enumerated() {
            let output = try OutputFile(path: path, mode: file.mode)
            try reduce(track, to: output, channel: layout == .mono ? nil : index)
            try output.publish(overwrites: overwrites)
            written.append(path)
          }
        }
      } catch { throw .output(error) }
    }
  }

  /// What of a call is written: when it begins, and its length.
  private func window(of call: RecordedCall, at rate: Int) -> (start: Int64, frames: Int64) {
    let start = min(call.duration, max(0, from ?? 0))
    let end = max(start, min(call.duration, to ?? call.duration))
    return (call.startTime &+ start, frameCount(of: end - start, at: rate))
  }

  private func writeHeader(_ header: [UInt8], to output: borrowing OutputFile) throws(OutputError) {
    let result: Result<Void, FileProblem> = header.withUnsafeBytes { bytes in
      do throws(FileProblem) { return .success(try writeAll(bytes, to: output.descriptor, at: 0)) } catch {
        return .failure(error)
      }
    }
    if case .failure(let problem) = result {
      throw OutputError(path: output.path, problem: "cannot be written: \(problem.text)")
    }
  }

  /// Makes a one-channel file of a two-channel sound: one of its channels, or (nil) both mixed.
  private func reduce(
    _ stereo: CallTrack, to output: borrowing OutputFile, channel: Int?
  ) throws(OutputError) {
    let frames = stereo.frames
    let header = WAVEHeader(channels: 1, sampleRate: stereo.rate).bytes(dataBytes: UInt64(frames) * 2)
    try writeHeader(header, to: output)
    let step = 1 << 15
    let buffer = UnsafeMutablePointer<Int16>.allocate(capacity: step * 2)
    defer { buffer.deallocate() }
    var position: Int64 = 0
    do throws(FileProblem) {
      while position < frames {
        let count = Int(min(Int64(step), frames - position))
        var done = 0
        while done < count * 4 {
          let got = pread(
            stereo.file.descriptor, UnsafeMutableRawPointer(buffer) + done, count * 4 - done,
            off_t(position) * 4 + off_t(done))
          if got < 0 && errno == EINTR { continue }
          guard got > 0 else { throw FileProblem(got == 0 ? EIO : errno) }
          done += got
        }
        for index in 0..<count {
          let left = Int32(buffer[index * 2])
          let right = Int32(buffer[index * 2 + 1])
          switch channel {
          case 0: buffer[index] = buffer[index * 2]
          case 1: buffer[index] = buffer[index * 2 + 1]
          default: buffer[index] = Int16(clamping: left + right)
          }
        }
        try writeAll(
          UnsafeRawBufferPointer(start: buffer, count: count * 2), to: output.descriptor,
          at: Int64(header.count) + position * 2)
        position += Int64(count)
      }
    } catch { throw OutputError(path: output.path, problem: "cannot be written: \(error.text)") }
  }
}
