import Audio
import Capture
import RTP

/// Where the sound of one call is being put together.
final class CallTrack {
  let file: OutputFile
  private(set) var track: StereoTrack
  /// The last record that holds sound of the call.
  let lastRecord: Int
  private var isFinished = false

  /// - Parameter file: where the sound goes, behind `headerLength` bytes.
  init(_ call: RecordedCall, file: consuming OutputFile, headerLength: Int) {
    track = StereoTrack(file: file.descriptor, headerLength: headerLength, frames: call.frames(at: 8000))
    self.file = file
    lastRecord = call.parts.map(\.lastRecord).max() ?? 0
  }

  @inline(__always)
  func put(
    _ codes: RawSpan, _ table: UnsafePointer<Int16>, channel: Int, at frame: Int64
  ) throws(FileProblem) {
    try track.put(codes, table, channel: channel, at: frame)
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
  private var parts: [ActivePart] = []
  private var indexOfKey: [StreamKey: Int] = [:]
  private let tables = SampleTables()

  /// - Parameter tracks: as many as there are calls.
  init(_ calls: [RecordedCall], _ tracks: [CallTrack]) {
    for (call, track) in zip(calls, tracks) {
      parts += call.parts.compactMap { ActivePart($0, track, callStart: call.startTime) }
    }
    parts.sort { $0.firstRecord < $1.firstRecord }
    for index in parts.indices.reversed() {
      parts[index].successor = indexOfKey[parts[index].key] ?? -1
      indexOfKey[parts[index].key] = index
    }
  }

  /// Reads the capture up to a record.
  mutating func run(_ file: borrowing CaptureFile, records: Int) throws(ConversionError) {
    var reader: CaptureReader
    do throws(CaptureError) { reader = try file.reader() } catch { throw .capture(error) }
    var recent = [Int](repeating: -1, count: 256)
    while reader.next(), reader.recordNumber <= records {
      guard let header = rtpHeader(reader.payload) else { continue }
      let key = StreamKey(source: reader.datagram.source, target: reader.datagram.target, ssrc: header.ssrc)
      let record = reader.recordNumber
      let bucket = key.bucket
      var index = recent[bucket]
      if index < 0 || parts[index].key != key || record > parts[index].lastRecord {
        guard let found = find(key, record) else { continue }
        index = found
        recent[bucket] = found
      }
      let law = parts[index].law(of: header.payloadType)
      do throws(FileProblem) {
        if law != 0,
          let frame = parts[index].frame(record: record, timestamp: header.timestamp, arrival: reader.time)
        {
          try parts[index].track.put(
            reader.payload.extracting(header.payloadRange), law == 1 ? tables.muLaw : tables.aLaw,
            channel: parts[index].channel, at: frame)
        }
        if record >= parts[index].track.lastRecord { try parts[index].track.finish() }
      } catch {
        throw .output(
          OutputError(path: parts[index].track.file.path, problem: "cannot be written: \(error.text)"))
      }
    }
  }

  private mutating func find(_ key: StreamKey, _ record: Int) -> Int? {
    guard var index = indexOfKey[key] else { return nil }
    while record > parts[index].lastRecord {
      let next = parts[index].successor
      if next < 0 { return nil }
      index = next
      indexOfKey[key] = next
    }
    return record >= parts[index].firstRecord ? index : nil
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
