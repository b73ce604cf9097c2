import Glibc
import Testing

/// A directory of its own for one test, gone when the value goes.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/pikett-test-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Tests make no directories within it.
  deinit {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
          name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        unlink(file(name))
      }
      closedir(directory)
    }
    rmdir(path)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file and returns its path.
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let stream = try #require(fopen(file(name), "wb"))
    defer { fclose(stream) }
    try #require(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
    return file(name)
  }
}

/// The whole file.
func readFile(_ path: String) throws -> [UInt8] {
  let stream = try #require(fopen(path, "rb"), "\(path) cannot be opened")
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, stream)
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}

/// Runs a program to its end; its standard output as text.
func run(_ words: [String]) -> (status: Int32, output: String) {
  let quoted = words.map {
    "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
  }
  guard let pipe = popen(quoted.joined(separator: " "), "r") else { return (-1, "") }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    if count == 0 { break }
    bytes += buffer[..<count]
  }
  let status = pclose(pipe)
  return (status >> 8 & 0xFF, String(decoding: bytes, as: UTF8.self))
}

/// The folder of captures the project keeps beside its repository, or where `PIKETT_CORPUS` says.
func corpusFile(_ name: String) throws -> String {
  if let folder = getenv("PIKETT_CORPUS") { return "\(String(cString: folder))/pcap/\(name)" }
  guard let resolved = realpath(#filePath, nil) else { throw CorpusMissing() }
  defer { free(resolved) }
  let root = String(cString: resolved).split(separator: "/").dropLast(3).joined(separator: "/")
  return "/\(root)/../shared/corpus/pcap/\(name)"
}

struct CorpusMissing: Error {}
