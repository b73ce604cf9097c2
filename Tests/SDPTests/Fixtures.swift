import Glibc

/// The files of a folder of this package, by name.
func packageFiles(_ folder: String) -> [(name: String, text: String)] {
  var parents = #filePath.split(separator: "/").dropLast()
  while !parents.isEmpty {
    let root = "/" + parents.joined(separator: "/")
    if access(root + "/Package.swift", F_OK) == 0 { return files(root + "/" + folder) }
    parents.removeLast()
  }
  return []
}

private func files(_ folder: String) -> [(name: String, text: String)] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    names.append(
      withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
  }
  return names.filter { $0.hasSuffix(".txt") }.sorted().map { ($0, contents(folder + "/" + $0)) }
}

private func contents(_ path: String) -> String {
  guard let stream = fopen(path, "r") else { return "" }
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&buffer, 1, buffer.count, stream)
    if count == 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}
