import Glibc

/// A capture that can be read several times: a file, or a pipe's bytes kept in a nameless temporary file.
package struct CaptureFile: ~Copyable {
  /// The file as it was named; `-` is standard input.
  package let path: String
  private let descriptor: Int32
  /// The file's permissions; those of a new file if it was a pipe.
  package let mode: UInt32

  /// Opens `path`, or standard input for `-`. What is not a regular file is read to its end first, into `$TMPDIR`
  /// (else `/tmp`).
  package init(path: String) throws(CaptureError) {
    self.path = path
    var opened = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
    var status = stat()
    guard fstat(opened, &status) == 0 else {
      let problem = reason(errno)
      close(opened)
      throw CaptureError(path: path, kind: .unreadable(problem))
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      close(opened)
      throw CaptureError(path: path, kind: .unreadable(reason(EISDIR)))
    }
    if status.st_mode & S_IFMT != S_IFREG {
      let pipe = opened
      defer { close(pipe) }
      opened = try keep(pipe, path)
      mode = 0o666
    } else {
      mode = status.st_mode & 0o777
    }
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// True if `path` names this very file.
  package func isSame(as path: String) -> Bool {
    var own = stat()
    var other = stat()
    return fstat(descriptor, &own) == 0 && stat(path, &other) == 0 && own.st_dev == other.st_dev
      && own.st_ino == other.st_ino
  }

  /// A reader at the file's beginning, independent of all others.
  package func reader() throws(CaptureError) -> CaptureReader {
    // A new description, not a dup: readers must not share one place in the file.
    let fresh = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
    guard fresh >= 0 else { throw CaptureError(path: path, kind: .unreadable(reason(errno))) }
    posix_fadvise(fresh, 0, 0, POSIX_FADV_SEQUENTIAL)
    guard let stream = fdopen(fresh, "rb") else {
      let problem = reason(errno)
      close(fresh)
      throw CaptureError(path: path, kind: .unreadable(problem))
    }
    // stdio's own 4 KB buffer costs a system call every 19 packets.
    setvbuf(stream, nil, _IOFBF, 1 << 16)
    return try CaptureReader(path: path, stream: stream)
  }
}

/// The system's words for an error number.
private func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

/// Copies `pipe` to its end into a temporary file without a name, and returns that.
private func keep(_ pipe: Int32, _ path: String) throws(CaptureError) -> Int32 {
  let directory = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
  let failed = { (problem: Int32) in
    CaptureError(path: path, kind: .noRoomToKeep(directory: directory, reason(problem)))
  }
  var template = Array("\(directory)/pcap-XXXXXX".utf8CString)
  let kept = mkstemp(&template)
  guard kept >= 0 else { throw failed(errno) }
  unlink(template)
  let size = 1 << 16
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
  defer { buffer.deallocate() }
  while true {
    let count = read(pipe, buffer.baseAddress, size)
    if count == 0 { return kept }
    if count < 0 {
      if errno == EINTR { continue }
      let problem = reason(errno)
      close(kept)
      throw CaptureError(path: path, kind: .unreadable(problem))
    }
    var written = 0
    while written < count {
      let step = write(kept, buffer.baseAddress.map { $0 + written }, count - written)
      if step < 0 && errno == EINTR { continue }
      guard step > 0 else {
        let problem = errno
        close(kept)
        throw failed(problem)
      }
      written += step
    }
  }
}
