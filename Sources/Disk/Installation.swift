import Glibc

/// Where the program lies, and with it what it needs: its data and its helpers.
package struct Installation: Sendable {
  /// The program itself.
  package let executable: String
  /// `PIKETT_DATA` of the environment; nil if it is not set, or blank.
  private let wantedData: String?

  /// There is no data directory: a line for the owner.
  package struct DataMissing: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// The running program's. Call it at the start: an upgrade may remove the file later.
  package init() {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.init(executable: path, wantedData: getenv("PIKETT_DATA").map { String(cString: $0) })
  }

  /// - Parameters:
  ///   - executable: the program's absolute path, without symbolic links.
  ///   - wantedData: what `PIKETT_DATA` says.
  package init(executable: String, wantedData: String?) {
    self.executable = executable
    self.wantedData = wantedData == "" ? nil : wantedData
  }

  /// The directory of prompts and provider templates: `$PIKETT_DATA`, else `../share/pikett` from the program (of a helper
  /// in `libexec/pikett`: `../../share/pikett`), else
  /// `data` beside the nearest Package.swift above it.
  package func dataDirectory() throws(DataMissing) -> String {
    if let wantedData {
      guard isDirectory(wantedData) else {
        throw DataMissing(description: "PIKETT_DATA: \(wantedData) is no directory; expected one with prompts and sms")
      }
      return wantedData
    }
    let shared = parent(of: folder) + "/share/pikett"
    if isDirectory(shared) { return shared }
    // A helper in ../libexec/pikett lies one step deeper than the program it helps.
    let fromHelper = parent(of: parent(of: folder)) + "/share/pikett"
    if folder.hasSuffix("/libexec/pikett"), isDirectory(fromHelper) { return fromHelper }
    var above = folder
    while true {
      if access(above + "/Package.swift", F_OK) == 0, isDirectory(above + "/data") { return above + "/data" }
      if above.isEmpty { break }
      above = parent(of: above)
    }
    throw DataMissing(
      description: "\(shared): there is no such directory, and no data beside a Package.swift above \(executable); "
        + "expected one of them, or PIKETT_DATA set to the directory with prompts and sms")
  }

  /// The path of a helper program: beside this one, else in `../libexec/pikett`; nil if it is in neither.
  package func helper(_ name: String) -> String? {
    [folder + "/" + name, parent(of: folder) + "/libexec/pikett/" + name].first { access($0, X_OK) == 0 }
  }

  /// The program's directory; empty for `/`.
  private var folder: String { parent(of: executable) }

  private func parent(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }

  private func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
