import Glibc
import PikettTesting

/// What a run of `pcap2wave` gave.
struct Outcome {
  var status: Int32
  var output: String
  var errors: String
}

/// Runs `pcap2wave` in `directory`; `before` and `behind` go before and behind it on the shell's line.
func pcap2wave(
  _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
) throws -> Outcome {
  let quoted = words.map { "'\($0)'" }.joined(separator: " ")
  let line = "cd '\(directory.path)' && TZ=UTC \(before) '\(binary)' \(quoted) \(behind) 2> errors"
  let (status, output) = run(["/bin/sh", "-c", line])
  let errors = String(decoding: try readFile(directory.file("errors")), as: UTF8.self)
  unlink(directory.file("errors"))
  return Outcome(status: status, output: output, errors: errors)
}

/// The names of the files in it, sorted.
func names(_ directory: TemporaryDirectory) -> [String] {
  run(["/bin/ls", "-A", directory.path]).output.split(separator: "\n").map(String.init).sorted()
}

/// Copies a capture into `directory`.
func copy(_ path: String, to directory: TemporaryDirectory, as target: String = "x.pcap") throws {
  _ = try directory.write(target, readFile(path))
}

/// The executable lies where the tests' own lies.
private let binary: String = {
  let own = realpath("/proc/self/exe", nil)
  defer { free(own) }
  let path = own.map { String(cString: $0) } ?? ""
  return path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/pcap2wave"
}()
