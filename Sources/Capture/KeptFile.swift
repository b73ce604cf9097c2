import CZlib
import Glibc

/// The bytes of a pipe or of a compressed file, in a temporary file without a name, so that they can be read twice.
struct KeptFile {
  /// The file; whoever gets it closes it.
  var descriptor: Int32
  /// Why what was compressed is not whole, if it is not; what came before is kept.
  var damage: String?

  /// Reads `input` to its end into `$TMPDIR` (else `/tmp`), and undoes gzip (RFC 1952; all members, if there are several).
  ///
  /// - Parameter path: of the input, for errors.
  init(of input: Int32, path: String) throws(CaptureError) {
    let writer = try TemporaryWriter(path: path)
    let size = 1 << 16
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    defer { buffer.deallocate() }
    var isFirst = true
    var inflater: Inflater?
    while true {
      // The first piece is read whole, as it tells what the file is.
      var count = 0
      repeat {
        let got = read(input, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
        if got == 0 { break }
        count += got
      } while isFirst && count < 16
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      if isFirst {
        switch Packing(piece) {
        case .gzip: inflater = Inflater()
        case .other(let name): throw CaptureError(path: path, kind: .compressed(name))
        case nil: break
        }
        isFirst = false
      }
      if count == 0 { break }
      guard let inflater else {
        try writer.write(piece)
        continue
      }
      try inflater.take(piece, into: writer)
      if inflater.isOver { break }
    }
    damage = inflater?.damage
    descriptor = writer.detach()
  }
}

/// How a file is packed, by its first bytes.
enum Packing: Equatable {
  case gzip
  /// In a way that is not undone here.
  case other(String)

  /// nil if it is not packed in a way that is known.
  init?(_ start: UnsafeRawBufferPointer) {
    if start.starts(with: [0x1F, 0x8B]) {
      self = .gzip
    } else if let found = Self.others.first(where: { start.starts(with: $0.magic) }) {
      self = .other(found.name)
    } else {
      return nil
    }
  }

  private static let others: [(magic: [UInt8], name: String)] = [
    ([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"), (Array("BZh".utf8), "bzip2"),
    ([0x04, 0x22, 0x4D, 0x18], "lz4"), ([0x50, 0x4B, 3, 4], "zip"), ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z"),
  ]
}

/// Undoes gzip, piece by piece.
private final class Inflater {
  private var stream = z_stream()
  private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
  /// True between two members.
  private var isBetween = false
  /// True if nothing of use can follow.
  private(set) var isOver = false
  private var fault: String?

  init() {
    // 15 + 16: the largest window, in gzip's frame.
    let status = inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    if status != Z_OK { stop("no memory to undo gzip") }
  }

  deinit {
    inflateEnd(&stream)
    output.deallocate()
  }

  /// What is wrong with all that has been taken.
  var damage: String? { fault ?? (isBetween ? nil : "the gzip file ends early") }

  func take(_ piece: UnsafeRawBufferPointer, into writer: TemporaryWriter) throws(CaptureError) {
    guard let bytes = piece.bindMemory(to: UInt8.self).baseAddress else { return }
    stream.next_in = UnsafeMutablePointer(mutating: bytes)
    stream.avail_in = UInt32(piece.count)
    // Without room left in the output there may be more to come though all input is taken.
    var mayHaveMore = false
    while !isOver, stream.avail_in > 0 || mayHaveMore {
      if isBetween {
        // Padding behind the last member is usual (tapes, block devices), and no damage.
        guard let next = stream.next_in?.pointee, next == 0x1F else {
          isOver = true
          return
        }
        inflateReset(&stream)
        isBetween = false
      }
      stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(output.count)
      let status = inflate(&stream, Z_NO_FLUSH)
      let made = output.count - Int(stream.avail_out)
      if made > 0 { try writer.write(UnsafeRawBufferPointer(rebasing: output[..<made])) }
      mayHaveMore = stream.avail_out == 0
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END:
        isBetween = true
        mayHaveMore = false
      default: stop(stream.msg.map { "gzip: \(String(cString: $0))" } ?? "gzip: damaged")
      }
    }
  }

  private func stop(_ reason: String) {
    fault = reason
    isOver = true
  }
}

/// A temporary file without a name.
private final class TemporaryWriter {
  private let path: String
  private let directory: String
  private var descriptor: Int32
  /// The first bytes, until they have shown whether it is a capture; what is none must not fill the disk.
  private var start: [UInt8]? = []

  init(path: String) throws(CaptureError) {
    self.path = path
    let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(directory)/pcap-XXXXXX".utf8CString)
    let opened = mkstemp(&template)
    guard opened >= 0 else { throw CaptureError(path: path, kind: .noRoomToKeep(directory: directory, reason(errno))) }
    unlink(template)
    self.directory = directory
    descriptor = opened
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The file, now the caller's.
  func detach() -> Int32 {
    defer { descriptor = -1 }
    return descriptor
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(CaptureError) {
    if let known = start {
      let all = known + bytes.prefix(4 - known.count)
      if all.count == 4 && !beginsCapture(all) {
        throw CaptureError(path: path, kind: .noCapture("unknown file format"))
      }
      start = all.count == 4 ? nil : all
    }
    var written = 0
    while written < bytes.count {
      let step = Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      if step < 0 && errno == EINTR { continue }
      guard step > 0 else {
        throw CaptureError(path: path, kind: .noRoomToKeep(directory: directory, reason(errno)))
      }
      written += step
    }
  }
}

/// True if a pcapng section or any of the pcap formats that libpcap reads begins with these four bytes.
private func beginsCapture(_ bytes: [UInt8]) -> Bool {
  let word = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
  // Microseconds, nanoseconds, and three relatives (Kuznetzov's, Mesquita's, Navtel's).
  let formats: [UInt32] = [0xA1B2_C3D4, 0xA1B2_3C4D, 0xA1B2_CD34, 0xA1B2_34CD, 0xA12B_3C4D]
  return word == 0x0A0D_0D0A || formats.contains(word) || formats.contains(word.byteSwapped)
}

/// The system's words for an error number.
func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
