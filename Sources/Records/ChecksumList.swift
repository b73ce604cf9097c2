package import Disk
import Telephony

/// `SHA256SUMS`: a line for each finished recording, as sha256sum(1) writes and checks them.
package struct ChecksumList: Sendable {
  package struct Line: Hashable, Sendable {
    /// 64 hexadecimal digits.
    package var sha256: String
    package var name: String

    /// `<digits>  <name>`, with its line end.
    var text: String { "\(sha256)  \(name)\n" }

    /// - Returns: nil for what is no such line.
    init?(_ text: some StringProtocol) {
      let digits = text.prefix(64)
      // A blank or a star: sha256sum's two ways of reading, which are the same here.
      let rest = text.dropFirst(64)
      guard digits.utf8.count == 64, digits.utf8.allSatisfy({ $0.hexadecimalValue != nil }),
        rest.hasPrefix("  ") || rest.hasPrefix(" *"), rest.utf8.count > 2
      else { return nil }
      sha256 = digits.asciiLowercased
      name = String(rest.dropFirst(2))
    }

    init(sha256: String, name: String) {
      self.sha256 = sha256
      self.name = name
    }
  }

  package static let fileName = "SHA256SUMS"
  /// Some million lines.
  private static let limit = 1 << 28

  let path: String
  private let disk: any Filesystem

  /// - Parameter directory: that of the recordings.
  package init(directory: String, on disk: any Filesystem = RealFilesystem()) {
    path = joined(directory, Self.fileName)
    self.disk = disk
  }

  /// The lines as they stand, also those that are none.
  func texts() throws(DiskError) -> [String] {
    guard try disk.status(path) != nil else { return [] }
    return String(decoding: try disk.read(path, limit: Self.limit), as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
  }

  /// The lines.
  package func lines() throws(DiskError) -> [Line] { try texts().compactMap { Line($0) } }

  /// Adds a line and brings it to the disk.
  func append(_ line: Line) throws(DiskError) {
    let isNew = try disk.status(path) == nil
    let file = try disk.openForAppend(path)
    try file.append(Array(line.text.utf8))
    try file.sync()
    if isNew { try disk.syncDirectory(directory(of: path)) }
  }

  /// Cuts off a last line that a crash or a full disk has torn.
  func mend() throws(DiskError) {
    guard try disk.status(path) != nil else { return }
    let bytes = try disk.read(path, limit: Self.limit)
    let whole = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    if whole < bytes.count { try disk.openForAppend(path).truncate(to: whole) }
  }

  /// Leaves out the lines of these recordings; the file is exchanged as a whole.
  func remove(_ isGone: (Line) -> Bool) throws(DiskError) {
    let before = try texts()
    let after = before.filter { text in Line(text).map { !isGone($0) } ?? true }
    guard after.count < before.count else { return }
    try disk.replace(path, Array(after.map { $0 + "\n" }.joined().utf8), sync: true)
  }
}
