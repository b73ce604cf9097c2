import CDigest
import CLinux
import Glibc

/// What a recording holds, found in one reading that takes little memory however long the file is.
struct RecordingContent: Hashable, Sendable {
  /// The SHA-256 of the whole file, 64 hexadecimal digits.
  var sha256: String
  /// Bytes.
  var size: Int64
  /// Bytes up to the end of the last whole record: fewer than `size` where the file ends in the middle of one, as after a
  /// power cut. Of a file that is no capture, `size`.
  var wholeSize: Int64

  /// Reads an open file from its beginning.
  /// - Returns: nil with errno set if it cannot be read.
  init?(descriptor: Int32) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
    defer { buffer.deallocate() }
    var state = digest_sha256_state()
    digest_sha256_begin(&state)
    var records = RecordWalk()
    var position: Int64 = 0
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(position))
      if count < 0, linux_errno() == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      digest_sha256_add(&state, buffer.baseAddress, count)
      records.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      position += Int64(count)
    }
    var digest = [UInt8](repeating: 0, count: 32)
    digest_sha256_end(&state, &digest)
    let digits = Array("0123456789abcdef".utf8)
    sha256 = String(
      decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    size = position
    wholeSize = records.wholeSize ?? position
  }

  private static let pieceSize = 64 * 1024
}

/// Goes from record to record of a capture that comes in pieces (draft-ietf-opsawg-pcap §4, §5; as Pikett writes it:
/// little-endian, microseconds).
private struct RecordWalk {
  private static let fileHeader = 24
  private static let recordHeader = 16
  /// Longer records are none: what stands there is no capture any more.
  private static let longestRecord = 262_144

  /// Bytes of a header that are there already.
  private var header: [UInt8] = []
  /// How many bytes of the record's content are still to come.
  private var toSkip = 0
  private var isHeadRead = false
  private var isCapture = true
  private var position: Int64 = 0
  private var lastEnd: Int64 = 0

  /// Where the last whole record ends; nil: this is no capture.
  var wholeSize: Int64? { isCapture && isHeadRead ? lastEnd : nil }

  mutating func take(_ bytes: UnsafeRawBufferPointer) {
    var place = 0
    while isCapture, place < bytes.count {
      if toSkip > 0 {
        let step = min(toSkip, bytes.count - place)
        toSkip -= step
        place += step
        position += Int64(step)
        if toSkip == 0 { lastEnd = position }
        continue
      }
      let wanted = isHeadRead ? Self.recordHeader : Self.fileHeader
      let step = min(wanted - header.count, bytes.count - place)
      header.append(contentsOf: bytes[place..<place + step])
      place += step
      position += Int64(step)
      if header.count == wanted { headerIsWhole() }
    }
  }

  private mutating func headerIsWhole() {
    defer { header.removeAll(keepingCapacity: true) }
    guard isHeadRead else {
      isHeadRead = header.starts(with: [0xD4, 0xC3, 0xB2, 0xA1])
      isCapture = isHeadRead
      lastEnd = position
      return
    }
    let length = (0..<4).reduce(0) { $0 | Int(header[8 + $1]) << (8 * $1) }
    isCapture = length <= Self.longestRecord
    toSkip = length
    if length == 0 { lastEnd = position }
  }
}
