import Audio
import Capture
import Decoders
import RTP

/// The second reading of a capture, in which the sound is put together.
struct CallDecoder {
  private var parts: [ActivePart] = []
  private var indexOfKey: [StreamKey: Int] = [:]
  private let tables = SampleTables()
  private let rendersKeys: Bool
  private let budget: SearchBudget

  /// - Parameters:
  ///   - tracks: as many as there are calls.
  ///   - budget: what the search for keys may cost.
  init(_ calls: [RecordedCall], _ tracks: [CallTrack], rendersKeys: Bool, _ budget: SearchBudget) {
    self.rendersKeys = rendersKeys
    self.budget = budget
    for (call, track) in zip(calls, tracks) {
      parts += call.parts.compactMap { ActivePart($0, track, start: track.start, rendersKeys: rendersKeys) }
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
      guard let header = rtpHeader(reader.payload, isCut: reader.datagram.isCut) else { continue }
      let key = StreamKey(source: reader.datagram.source, target: reader.datagram.target, ssrc: header.ssrc)
      let record = reader.recordNumber
      let bucket = key.bucket
      var index = recent[bucket]
      if index < 0 || parts[index].key != key || record > parts[index].lastRecord {
        guard let found = find(key, record) else { continue }
        index = found
        recent[bucket] = found
      }
      do throws(FileProblem) {
        if let frame = parts[index].place.frame(record: record, timestamp: header.timestamp, arrival: reader.time) {
          if parts[index].isLong {
            let stream = parts[index].begun(rendersKeys: rendersKeys, budget)
            try stream?.take(reader.payload, header, frame: frame, arrival: reader.time)
          } else {
            try put(reader.payload.extracting(header.payloadRange), header.payloadType, index, frame)
          }
        }
        if record >= parts[index].lastRecord { try parts[index].finish() }
        if record >= parts[index].track.lastRecord { try parts[index].track.finish() }
      } catch {
        throw .output(
          OutputError(path: parts[index].track.file.path, problem: "cannot be written: \(error.text)"))
      }
    }
  }

  /// No more packets come.
  mutating func finish() throws(ConversionError) {
    for index in parts.indices {
      do throws(FileProblem) { try parts[index].finish() } catch {
        throw .output(OutputError(path: parts[index].track.file.path, problem: "cannot be written: \(error.text)"))
      }
    }
  }

  /// G.711 on its short way into the track.
  @inline(__always)
  private mutating func put(_ codes: RawSpan, _ type: UInt8, _ index: Int, _ frame: Int64) throws(FileProblem) {
    let law = parts[index].law(of: type)
    guard law != 0, codes.byteCount > 0 else { return }
    let table = law == 1 ? tables.muLaw : tables.aLaw
    let gap = frame &- parts[index].end
    if gap > 0 && gap <= Self.slack {
      // No loss is so short: the clocks differ.
      try parts[index].track.put(
        repeating: parts[index].lastSample, count: Int(gap), channel: parts[index].channel, at: parts[index].end)
    }
    parts[index].end = frame &+ Int64(codes.byteCount)
    parts[index].lastSample = table[Int(codes.unsafeLoad(fromByteOffset: codes.byteCount - 1, as: UInt8.self))]
    try parts[index].track.put(codes, table, channel: parts[index].channel, at: frame)
  }

  /// A gap up to this, in samples at 8000 Hz, comes from clocks and not from loss.
  private static let slack: Int64 = 8

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
