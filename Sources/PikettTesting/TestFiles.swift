import Glibc

/// The whole file.
package func readFile(_ path: String) throws -> [UInt8] {
  guard let stream = fopen(path, "rb") else { throw TestFileError(path) }
  defer { fclose(stream) }
  return readAll(stream)
}

/// Runs a program to its end; its standard output as text.
/// - Returns: the exit status, 128 and more if a signal ended it, -1 if it could not be started.
package func run(_ words: [String]) -> (status: Int32, output: String) {
  let quoted = words.map {
    "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
  guard let pipe = popen(quoted.joined(separator: " "), "r") else { return (-1, "") }
  let bytes = readAll(pipe)
  let status = pclose(pipe)
  let signal = status & 0x7F
  return (signal == 0 ? status >> 8 & 0xFF : 128 + signal, String(decoding: bytes, as: UTF8.self))
}

/// The path of a file of `data/fixtures`.
/// - Parameters:
///   - name: its path in there.
///   - asking: the asking source file, from which the package's root is found upwards.
package func fixture(_ name: String, asking: String = #filePath) -> String {
  "\(packageRoot(above: asking) ?? "/nonexistent")/data/fixtures/\(name)"
}

/// A capture of other people's calls, kept beside the repository or where `PIKETT_CORPUS` says.
/// - Parameters:
///   - name: the file's name in the corpus's `pcap`.
///   - asking: the asking source file.
/// - Returns: nil if the whole corpus is absent, as in a clone alone; a path that does not exist if only the file is.
package func corpusCapture(_ name: String, asking: String = #filePath) -> String? {
  let corpus =
    getenv("PIKETT_CORPUS").map { String(cString: $0) }
    ?? packageRoot(above: realPath(asking)).map { "\($0)/../shared/corpus" }
  guard let corpus, access(corpus, R_OK) == 0 else { return nil }
  return "\(corpus)/pcap/\(name)"
}

/// The path without symbolic links.
private func realPath(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}

private func readAll(_ stream: UnsafeMutablePointer<FILE>) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, stream)
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}
