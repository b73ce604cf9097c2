import Glibc

/// A file's bytes from front to back, of which as many as are asked for lie in memory at once.
struct FileWindow: ~Copyable {
  /// So many bytes can be asked for at once: the longest block that libpcap and Wireshark read, and room behind it.
  static let longest = 16 << 20
  private static let usual = 1 << 17

  private let descriptor: Int32
  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  /// Why the file could not be read on, in the system's words.
  private(set) var failure: String?

  /// Takes `descriptor` over.
  init(descriptor: Int32) {
    self.descriptor = descriptor
    buffer = .allocate(byteCount: Self.usual, alignment: 16)
  }

  deinit {
    buffer.deallocate()
    close(descriptor)
  }

  /// How many of the next bytes lie in memory.
  var count: Int { end - start }

  /// Those bytes; good until the next call of a mutating method.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }

  /// Makes the next `wanted` bytes (at most `longest`) lie in memory; false if the file has fewer.
  @inline(__always)
  mutating func need(_ wanted: Int) -> Bool { end - start >= wanted || fill(wanted) }

  /// Passes over bytes that lie in memory.
  @inline(__always)
  mutating func pass(_ passed: Int) { start += min(passed, end - start) }

  /// Passes over bytes, wherever they lie; false if the file ends before.
  mutating func skip(_ skipped: Int) -> Bool {
    var left = skipped
    while left > 0 {
      if start == end, !fill(1) { return false }
      let step = min(left, end - start)
      start += step
      left -= step
    }
    return true
  }

  private mutating func fill(_ wanted: Int) -> Bool {
    guard wanted <= Self.longest else { return false }
    if wanted > buffer.count {
      let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(wanted, 2 * buffer.count), alignment: 16)
      larger.copyMemory(from: bytes)
      buffer.deallocate()
      buffer = larger
    } else {
      buffer.copyMemory(from: bytes)
    }
    end -= start
    start = 0
    while end < wanted {
      let got = read(descriptor, buffer.baseAddress.map { $0 + end }, buffer.count - end)
      if got < 0 {
        if errno == EINTR { continue }
        failure = String(cString: strerror(errno))
        return false
      }
      if got == 0 { return false }
      end += got
    }
    return true
  }
}
