import Glibc
import PikettTesting

let program = Program("pikett")

/// Runs `pikett` in `directory`; `before` and `behind` go before and behind it on the shell's line.
func pikett(
  _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
) throws -> Program.Outcome {
  try program.run(words, in: directory, before: before, behind: behind)
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
