import Telephony

/// The files of a site by name, without regard to case, as on the original's FAT card.
struct SiteListing: Sendable {
  /// What stands at one place.
  struct Entry: Sendable {
    /// The path as it is spelled in the site.
    var path: String
    var content: Content
    /// Another spelling of the same name.
    var twin: String?
  }

  enum Content: Sendable {
    case bytes([UInt8])
    case unreadable(String)
  }

  /// Folded path → entry.
  private var entries: [String: Entry] = [:]
  /// Folded path of a directory → names of the directories in it, in order.
  private var directories: [String: [String]] = [:]

  /// - Parameters:
  ///   - files: path → content; a path that ends in `/` is a directory, which so can be empty.
  ///   - unreadable: path → why the file could not be read.
  init(files: [String: [UInt8]], unreadable: [String: String] = [:]) {
    for path in files.keys.sorted() {
      if let bytes = files[path] { add(path, .bytes(bytes)) }
    }
    for path in unreadable.keys.sorted() {
      if let reason = unreadable[path] { add(path, .unreadable(reason)) }
    }
  }

  /// What stands at `path`, whatever its spelling.
  subscript(path: String) -> Entry? { entries[path.asciiLowercased] }

  /// The names of the directories in `directory` (`""` is the site), sorted; two that differ in case only are both there.
  func directories(in directory: String) -> [String] { directories[directory.asciiLowercased] ?? [] }

  /// True if there is such a directory.
  func hasDirectory(_ path: String) -> Bool {
    let parts = path.split(separator: "/")
    guard let name = parts.last else { return true }
    return directories(in: parts.dropLast().joined(separator: "/")).contains { $0.equalsIgnoringCase(name) }
  }

  private mutating func add(_ path: String, _ content: Content) {
    let parts = path.split(separator: "/").map(String.init)
    let isDirectory = path.hasSuffix("/")
    for depth in parts.indices where depth < parts.count - 1 || isDirectory {
      let parent = parts[..<depth].joined(separator: "/").asciiLowercased
      var names = directories[parent] ?? []
      if !names.contains(parts[depth]) {
        names.append(parts[depth])
        directories[parent] = names.sorted()
      }
    }
    if isDirectory { return }
    let key = parts.joined(separator: "/").asciiLowercased
    if entries[key] == nil {
      entries[key] = Entry(path: path, content: content)
    } else {
      entries[key]?.twin = path
    }
  }
}
