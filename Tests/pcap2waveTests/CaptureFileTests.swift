import PikettTesting
import Testing

/// What the command says of files that are no captures, or not whole ones, and where it keeps what it must unpack.
@Suite struct CaptureFileTests {
  private func gzip(_ path: String) throws { try #require(run(["gzip", "-kf", path]).status == 0) }

  @Test func compressedByFileAndByStandardInput() throws {
    let directory = TemporaryDirectory()
    try copy(fixture("captures/one-call.pcap"), to: directory)
    #expect(try pcap2wave(["x.pcap", "-o", "plain.wav"], in: directory).status == 0)
    let sound = try readFile(directory.file("plain.wav"))
    try gzip(directory.file("x.pcap"))
    let runs: [(words: [String], behind: String)] = [
      (["x.pcap.gz", "-o", "a.wav"], ""), (["-", "-o", "b.wav"], "< x.pcap.gz"),
    ]
    for (words, behind) in runs {
      let outcome = try pcap2wave(words, in: directory, behind: behind)
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
    }
    #expect(try pcap2wave(["-", "-o", "c.wav"], in: directory, before: "cat x.pcap.gz |").status == 0)
    for name in ["a.wav", "b.wav", "c.wav"] { #expect(try readFile(directory.file(name)) == sound) }
  }

  /// What goes on for ever and is no capture is not kept.
  @Test(arguments: ["cat /dev/zero |", "gzip -c < /dev/zero |"]) func endlessNonsenseIsSeenAtOnce(source: String) throws
  {
    let directory = TemporaryDirectory()
    let outcome = try pcap2wave(["-", "-o", "x.wav"], in: directory, before: "ulimit -f 64; \(source)")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "pcap2wave: standard input: not a capture file (unknown file format); expected pcap or pcapng\n"
    )
  }

  @Test func noRoomToUnpackIsSaid() throws {
    let directory = TemporaryDirectory()
    try copy(fixture("captures/one-call.pcap"), to: directory)
    try gzip(directory.file("x.pcap"))
    let outcome = try pcap2wave(["x.pcap.gz"], in: directory, before: "export TMPDIR=/nonexistent;")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == """
        pcap2wave: x.pcap.gz: cannot be kept in /nonexistent while it is read: No such file or directory; \
        set TMPDIR to a directory with room

        """)
  }

  @Test func whatIsNoCaptureIsSaidInALine() throws {
    let directory = TemporaryDirectory()
    let pcap = try readFile(fixture("captures/one-call.pcap"))
    let pcapng = try readFile(fixture("captures/one-call.pcapng"))
    let expected = "; expected pcap or pcapng"
    let cases: [(name: String, bytes: [UInt8], words: String)] = [
      ("empty", [], "not a capture file (the file is empty)\(expected)"),
      ("text", Array("What is this?\n".utf8), "not a capture file (unknown file format)\(expected)"),
      ("zeros", [UInt8](repeating: 0, count: 5000), "not a capture file (unknown file format)\(expected)"),
      (
        "short", Array(pcap[..<20]),
        "not a capture file (truncated dump file; tried to read 24 file header bytes, only got 16)\(expected)"
      ),
      ("shortng", Array(pcapng[..<15]), "not a capture file (truncated file; its first block is not whole)\(expected)"),
      (
        "x.zst", [0x28, 0xB5, 0x2F, 0xFD] + [UInt8](repeating: 7, count: 50),
        "compressed with zstd\(expected), as they are or compressed with gzip"
      ),
    ]
    for (name, bytes, words) in cases {
      _ = try directory.write(name, bytes)
      let outcome = try pcap2wave([name], in: directory)
      #expect(outcome.status == 1)
      #expect(outcome.errors == "pcap2wave: \(name): \(words)\n")
    }
    let folder = try pcap2wave(["."], in: directory)
    #expect(folder.status == 1 && folder.errors == "pcap2wave: .: cannot be read: Is a directory\n")
  }

  @Test func anAbsurdLengthEndsTheReading() throws {
    let directory = TemporaryDirectory()
    var bytes = try readFile(fixture("captures/one-call.pcap"))
    bytes +=
      [1, 2, 3, 4, 5, 6, 7, 0, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 0, count: 99)
    _ = try directory.write("x.pcap", bytes)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("pcap2wave: warning: x.pcap: ends within a record (invalid packet capture length"))
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  /// Whatever is in the real captures, they are read to the end without a complaint about the file.
  @Test func realCapturesAreReadToTheEnd() throws {
    guard let folder = corpusCapture("MANIFEST.tsv")?.dropLast("MANIFEST.tsv".count) else { return }
    let directory = TemporaryDirectory()
    let captures = run(["ls", String(folder)]).output.split(separator: "\n").filter { $0.contains(".pcap") }
    #expect(captures.count >= 19)
    for name in captures {
      let outcome = try pcap2wave(["--list", String(folder + name)], in: directory)
      #expect(outcome.status == 0 && !outcome.errors.contains("ends within"), "\(name): \(outcome.errors)")
    }
  }
}
