import Glibc

/// The bytes of a file under `data/fixtures/audio`; nil if there is none.
func fixture(_ name: String) -> [UInt8]? { packageFile("data/fixtures/audio/" + name) }

/// The bytes of a file of this package.
func packageFile(_ path: String) -> [UInt8]? {
  var folder = #filePath.split(separator: "/").dropLast()
  while !folder.isEmpty {
    let root = "/" + folder.joined(separator: "/")
    if access(root + "/Package.swift", F_OK) == 0 { return contents(root + "/" + path) }
    folder.removeLast()
  }
  return nil
}

private func contents(_ path: String) -> [UInt8]? {
  guard let stream = fopen(path, "r") else { return nil }
  defer { fclose(stream) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&buffer, 1, buffer.count, stream)
    if count == 0 { return bytes }
    bytes += buffer[..<count]
  }
}
