import Glibc
import PikettTesting

/// Runs `pcap2wave` in `directory`; `before` and `behind` go before and behind it on the shell's line.
func pcap2wave(
  _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
) throws -> Program.Outcome {
  try Program("pcap2wave").run(words, in: directory, before: before, behind: behind)
}

/// The names of the files in it, sorted.
func names(_ directory: TemporaryDirectory) -> [String] {
  run(["/bin/ls", "-A", directory.path]).output.split(separator: "\n").map(String.init).sorted()
}

/// Copies a capture into `directory`.
func copy(_ path: String, to directory: TemporaryDirectory, as target: String = "x.pcap") throws {
  _ = try directory.write(target, readFile(path))
}
