import Glibc
import PikettTesting

/// What a run of `pikett` gave.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs `pikett` in `directory`; `before` and `behind` go before and behind it on the shell's line.
func pikett(
  _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
) throws -> Outcome {
  let quoted = words.map { "'\($0)'" }.joined(separator: " ")
  let line = "cd '\(directory.path)' && TZ=UTC \(before) '\(binary)' \(quoted) 2> '\(directory.path)/.errors' \(behind)"
  let (status, output) = run(["/bin/bash", "-c", line])
  let errors = String(decoding: try readFile(directory.file(".errors")), as: UTF8.self)
  unlink(directory.file(".errors"))
  return Outcome(status: status, output: output, errors: errors)
}

/// Writes files of a site; directories are made.
func write(_ files: [String: String], in directory: TemporaryDirectory, site: String = "site") throws {
  for (path, text) in files.sorted(by: { $0.key < $1.key }) {
    var folder = site
    mkdir(directory.file(folder), 0o755)
    for part in path.split(separator: "/").dropLast() {
      folder += "/" + part
      mkdir(directory.file(folder), 0o755)
    }
    _ = try directory.write("\(site)/\(path)", Array(text.utf8))
  }
}

/// The text of a file of the site.
func text(_ path: String, in directory: TemporaryDirectory, site: String = "site") throws -> String {
  String(decoding: try readFile(directory.file("\(site)/\(path)")), as: UTF8.self)
}

/// The executable lies where the tests' own lies.
let binary: String = {
  let own = realpath("/proc/self/exe", nil)
  defer { free(own) }
  let path = own.map { String(cString: $0) } ?? ""
  return path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/pikett"
}()
