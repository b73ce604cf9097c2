import Disk
import Glibc

/// A directory of its own for one test, removed with it.
final class TemporaryDirectory {
  let path: String

  init() {
    var template = Array("/tmp/pikett-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nonexistent"
    }
  }

  deinit {
    removeTree(path)
  }
}

private func removeTree(_ path: String) {
  for name in (try? RealFilesystem().list(path)) ?? [] {
    if unlink(joined(path, name)) != 0 { removeTree(joined(path, name)) }
  }
  rmdir(path)
}
