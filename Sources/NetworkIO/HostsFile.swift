import Glibc
import Telephony

/// The names that a machine's owner has written down himself: `/etc/hosts` (hosts(5)).
struct HostsFile {
  private var addresses: [String: [IPAddress]] = [:]

  /// Reads the file's text; lines that cannot be understood are passed over.
  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      guard let first = words.first, let address = IPAddress(first) else { continue }
      for name in words.dropFirst() {
        let key = String(name).asciiLowercased
        if addresses[key]?.contains(address) != true { addresses[key, default: []].append(address) }
      }
    }
  }

  /// Reads a file, as far as 1 MB; none and one that cannot be read are empty. Blocks.
  init(path: String) {
    self.init("")
    guard let file = fopen(path, "re") else { return }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    var content: [UInt8] = []
    while content.count < 1 << 20 {
      let count = fread(&bytes, 1, bytes.count, file)
      if count == 0 { break }
      content += bytes[..<count]
    }
    self.init(String(decoding: content, as: UTF8.self))
  }

  /// The addresses of a name, in whatever case; none if it does not stand there.
  subscript(name: String) -> [IPAddress] { addresses[name.asciiLowercased] ?? [] }
}
