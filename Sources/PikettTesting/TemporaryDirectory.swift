import Glibc

/// A file or directory that a test needs could not be made or read.
package struct TestFileError: Error, CustomStringConvertible {
  package let description: String

  /// - Parameter path: what was being made or read when `errno` was set.
  init(_ path: String) { description = "\(path): \(String(cString: strerror(errno)))" }
}

/// A directory of its own for one test, removed with everything in it when the value goes.
package final class TemporaryDirectory: Sendable {
  /// Absolute; `/nonexistent` if none could be made, so that what uses it fails with a clear path.
  package let path: String

  package init() {
    var template = Array("/tmp/pikett-test-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? "/nonexistent"
    }
  }

  deinit { removeTree(path) }

  /// The path of a name within it.
  package func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  package func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    guard let stream = fopen(file(name), "wb") else { throw TestFileError(file(name)) }
    defer { fclose(stream) }
    guard fwrite(bytes, 1, bytes.count, stream) == bytes.count else { throw TestFileError(file(name)) }
    return file(name)
  }
}

/// Runs `body` with a directory of its own, removed afterwards.
package func inTemporaryFolder(_ body: (_ path: String) throws -> Void) throws {
  let directory = TemporaryDirectory()
  try withExtendedLifetime(directory) { try body(directory.path) }
}

private func removeTree(_ path: String) {
  if let directory = opendir(path) {
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      // A link to a directory is removed, not followed.
      if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
    }
    closedir(directory)
  }
  rmdir(path)
}
