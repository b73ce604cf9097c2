import Audio
import Capture
import RTP

/// Where the sound of one call is being put together.
final class CallTrack {
  let file: OutputFile
  private(set) var track: StereoTrack
  /// The last record that holds sound of the call.
  private let lastRecord: Int
  private var isFinished = false

  /// - Parameter file: where the sound goes, behind `headerLength` bytes.
  init(_ call: RecordedCall, file: consuming OutputFile, headerLength: Int) {
    track = StereoTrack(file: file.descriptor, headerLength: headerLength, frames: call.frames)
    self.file = file
    lastRecord = call.parts.map(\.lastRecord).max() ?? 0
  }

  @inline(__always)
  func put(
    _ codes: UnsafeRawBufferPointer, _ table: UnsafePointer<Int16>, channel: Int, at frame: Int64
  ) throws(FileProblem) {
    try track.put(codes, table, channel: channel, at: frame)
  }

  /// Ends the track if `record` was its last.
  @inline(__always)
  func pass(_ record: Int) throws(FileProblem) {
    if record >= lastRecord { try finish() }
  }

  /// Writes what is left.
  func finish() throws(FileProblem) {
    if isFinished { return }
    isFinished = true
    try track.finish()
  }
}

/// The second reading of a capture, in which the sound is put together.
struct CallDecoder {
  private struct ActivePart {
    var part: SoundPart
    var track: CallTrack
    var stretch = 0
    /// 0 for silence, 1 for μ-law, 2 for A-law.
    var laws = InlineArray<128, UInt8>(repeating: 0)
    /// The part with the same key that comes after this one.
    var successor = -1

    init(_ part: SoundPart, _ track: CallTrack) {
      self.part = part
      self.track = track
      for type in part.pcmuTypes where type < 128 { laws[Int(type)] = 1 }
      for type in part.pcmaTypes where type < 128 { laws[Int(type)] = 2 }
    }
  }

  private var parts: [ActivePart] = []
  private var indexOfKey: [StreamKey: Int] = [:]
  private let tables = SampleTables()

  /// - Parameter tracks: as many as there are calls.
  init(_ calls: [RecordedCall], _ tracks: [CallTrack]) {
    for (call, track) in zip(calls, tracks) {
      for part in call.parts where !part.stretches.isEmpty { parts.append(ActivePart(part, track)) }
    }
    parts.sort { $0.part.firstRecord < $1.part.firstRecord }
    for index in parts.indices.reversed() {
      parts[index].successor = indexOfKey[parts[index].part.key] ?? -1
      indexOfKey[parts[index].part.key] = index
    }
  }

  /// Reads the capture up to a record.
  mutating func run(_ file: borrowing CaptureFile, records: Int) throws(ConversionError) {
    var reader: CaptureReader
    do throws(CaptureError) { reader = try file.reader() } catch { throw .capture(error) }
    var recent = [Int](repeating: -1, count: 256)
    while reader.next(), reader.recordNumber <= records {
      guard let header = rtpHeader(reader.payload) else { continue }
      let key = StreamKey(source: reader.source, target: reader.target, ssrc: header.ssrc)
      let record = reader.recordNumber
      let bucket = key.bucket
      var index = recent[bucket]
      if index < 0 || parts[index].part.key != key || record > parts[index].part.lastRecord {
        guard let found = find(key, record) else { continue }
        index = found
        recent[bucket] = found
      }
      let law = parts[index].laws[Int(header.payloadType & 127)]
      let track = parts[index].track
      do throws(FileProblem) {
        if law != 0,
          let frame = parts[index].part.frame(
            record: record, timestamp: header.timestamp, arrival: reader.time, current: &parts[index].stretch)
        {
          let payload = reader.payload.extracting(header.payloadRange)
          let result: Result<Void, FileProblem> = payload.withUnsafeBytes { codes in
            do throws(FileProblem) {
              return .success(
                try track.put(
                  codes, law == 1 ? tables.muLaw : tables.aLaw, channel: parts[index].part.channel, at: frame))
            } catch { return .failure(error) }
          }
          try result.get()
        }
        try track.pass(record)
      } catch {
        throw .output(OutputError(path: track.file.path, problem: "cannot be written: \(error.text)"))
      }
    }
  }

  private mutating func find(_ key: StreamKey, _ record: Int) -> Int? {
    guard var index = indexOfKey[key] else { return nil }
    while record > parts[index].part.lastRecord {
      let next = parts[index].successor
      if next < 0 { return nil }
      index = next
      indexOfKey[key] = next
    }
    return record >= parts[index].part.firstRecord ? index : nil
  }
}

/// The samples of both laws' codes, as tables outside of any value, so that the packet path reads them without a check.
final class SampleTables {
  private let memory = UnsafeMutablePointer<Int16>.allocate(capacity: 512)

  init() {
    for code in 0..<256 {
      memory[code] = G711.muLaw.decode(UInt8(code))
      memory[256 + code] = G711.aLaw.decode(UInt8(code))
    }
  }

  deinit { memory.deallocate() }

  var muLaw: UnsafePointer<Int16> { UnsafePointer(memory) }
  var aLaw: UnsafePointer<Int16> { UnsafePointer(memory + 256) }
}
