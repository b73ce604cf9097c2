import Glibc

/// One of the package's executables, run as a user runs it.
package struct Program: Sendable {
  /// The executable; it lies where the tests' own lies.
  package let path: String

  package init(_ name: String) {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    let folder = own.map { String(cString: $0) }?.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    path = ((folder ?? []) + [Substring(name)]).joined(separator: "/")
  }

  /// What a run gave.
  package struct Outcome {
    package var status: Int32
    package var output: String
    package var errors: String
  }

  /// Runs it in `directory`; `before` and `behind` go before and behind it on the shell's line.
  package func run(
    _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
  ) throws -> Outcome {
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let errors = directory.file(".errors")
    let line = "cd '\(directory.path)' && TZ=UTC \(before) '\(path)' \(quoted) 2> '\(errors)' \(behind)"
    let (status, output) = PikettTesting.run(["/bin/bash", "-c", line])
    defer { unlink(errors) }
    return Outcome(status: status, output: output, errors: String(decoding: try readFile(errors), as: UTF8.self))
  }
}
