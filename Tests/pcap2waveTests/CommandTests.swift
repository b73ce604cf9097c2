import Glibc
import PikettTesting
import Testing

/// The command itself: what it writes where, what it says, and its exit codes.
@Suite struct CommandTests {
  struct Outcome {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The executable lies where the tests' own lies.
  private static let binary: String = {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    let path = own.map { String(cString: $0) } ?? ""
    return path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/pcap2wave"
  }()

  /// Runs `pcap2wave` in `directory`; `before` goes before it on the shell's line.
  private func pcap2wave(
    _ words: [String], in directory: TemporaryDirectory, before: String = "", behind: String = ""
  ) throws -> Outcome {
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let line = "cd '\(directory.path)' && TZ=UTC \(before) '\(Self.binary)' \(quoted) \(behind) 2> errors"
    let (status, output) = run(["/bin/sh", "-c", line])
    let errors = String(decoding: try readFile(directory.file("errors")), as: UTF8.self)
    unlink(directory.file("errors"))
    return Outcome(status: status, output: output, errors: errors)
  }

  private func copy(_ name: String, to directory: TemporaryDirectory, as target: String = "x.pcap") throws {
    _ = try directory.write(target, readFile(corpusFile(name)))
  }

  private func names(_ directory: TemporaryDirectory) -> [String] {
    run(["/bin/ls", "-A", directory.path]).output.split(separator: "\n").map(String.init)
  }

  @Test func besideTheCapture() throws {
    let directory = TemporaryDirectory()
    try copy("nb6-telephone.pcap", to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(names(directory) == ["x.pcap", "x.wav"])
    let header = try readFile(directory.file("x.wav")).prefix(44)
    #expect(header.prefix(4).elementsEqual("RIFF".utf8))
    #expect(header[22] == 2 && header[24] == 0x40 && header[25] == 0x1F && header[34] == 16)
  }

  @Test func neverOverwritesWithoutForce() throws {
    let directory = TemporaryDirectory()
    try copy("nb6-telephone.pcap", to: directory)
    _ = try directory.write("x.wav", [1])
    let refused = try pcap2wave(["x.pcap"], in: directory)
    #expect(refused.status == 73)
    #expect(refused.errors == "pcap2wave: x.wav: exists already; --force overwrites it\n")
    #expect(try readFile(directory.file("x.wav")) == [1])
    #expect(try pcap2wave(["x.pcap", "--force"], in: directory).status == 0)
    #expect(try readFile(directory.file("x.wav")).count > 44)
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  @Test func severalCallsAreNumberedAndCanBeChosen() throws {
    let directory = TemporaryDirectory()
    try copy("sip-rtp-g711.pcap", to: directory)
    #expect(try pcap2wave(["x.pcap", "--call", "2"], in: directory).status == 0)
    #expect(names(directory) == ["x-2.wav", "x.pcap"])
    #expect(try pcap2wave(["x.pcap"], in: directory).status == 73)
    #expect(names(directory) == ["x-2.wav", "x.pcap"])
    #expect(try pcap2wave(["x.pcap", "--force"], in: directory).status == 0)
    #expect(try pcap2wave(["x.pcap", "-o", "y.wav"], in: directory).status == 0)
    #expect(try pcap2wave(["x.pcap", "--call", "1", "-o", "z.wav"], in: directory).status == 0)
    #expect(names(directory) == ["x-1.wav", "x-2.wav", "x.pcap", "y-1.wav", "y-2.wav", "z.wav"])
    let missing = try pcap2wave(["x.pcap", "--call", "3"], in: directory)
    #expect(missing.status == 1)
    #expect(missing.errors == "pcap2wave: x.pcap: there is no call 3; expected 1 to 2 (see --list)\n")
  }

  @Test func otherLayoutsAndPlaces() throws {
    let directory = TemporaryDirectory()
    try copy("nb6-telephone.pcap", to: directory)
    mkdir(directory.file("out"), 0o755)
    defer {
      unlink(directory.file("out/x.wav"))
      unlink(directory.file("out/x-left.wav"))
      unlink(directory.file("out/x-right.wav"))
      unlink(directory.file("out/stdin.wav"))
      rmdir(directory.file("out"))
    }
    #expect(try pcap2wave(["x.pcap", "--split", "--output-dir", "out"], in: directory).status == 0)
    #expect(try pcap2wave(["x.pcap", "--mono", "--output-dir", "out/"], in: directory).status == 0)
    #expect(try pcap2wave(["-", "--output-dir", "out"], in: directory, behind: "< x.pcap").status == 0)
    #expect(try pcap2wave(["-", "-o", "piped.wav"], in: directory, before: "cat x.pcap |").status == 0)
    let mono = try readFile(directory.file("out/x.wav"))
    let stereo = try readFile(directory.file("out/stdin.wav"))
    #expect(mono[22] == 1 && mono.count - 44 == (stereo.count - 44) / 2)
    #expect(try readFile(directory.file("piped.wav")) == stereo)
    let left = try readFile(directory.file("out/x-left.wav"))
    let right = try readFile(directory.file("out/x-right.wav"))
    let woven = stride(from: 44, to: left.count, by: 2).flatMap { Array(left[$0...$0 + 1] + right[$0...$0 + 1]) }
    #expect(woven == Array(stereo[44...]))
  }

  @Test func list() throws {
    let directory = TemporaryDirectory()
    try copy("sip-rtp-g711.pcap", to: directory)
    let text = try pcap2wave(["--list", "x.pcap"], in: directory)
    #expect(text.status == 0 && text.errors.isEmpty)
    #expect(
      text.output == """
        call  start                duration  caller  called  left  right     Call-ID
           1  2016-11-26 14:52:59   00:08.5  sipp    test    -     PCMU 425  1-1966@10.0.2.20
           2  2016-11-26 14:53:08   00:08.2  sipp    test    -     PCMA 414  1-1968@10.0.2.20

        """)
    let json = try pcap2wave(["--list", "--json", "--call", "2", "x.pcap"], in: directory)
    #expect(
      json.output == """
        [
          {"file": "x.pcap", "call": 2, "start": "2016-11-26T14:53:08.309158Z", "duration": 8.280, \
        "caller": "sipp", "called": "test", "callID": "1-1968@10.0.2.20", "sessionID": null, \
        "left": {"codecs": [], "packets": 0, "lost": 0}, "right": {"codecs": ["PCMA"], "packets": 414, "lost": 0}}
        ]

        """)
    #expect(names(directory) == ["x.pcap"])
  }

  @Test func faultsOfTheData() throws {
    let directory = TemporaryDirectory()
    try copy("ast-40msalaw.pcap", to: directory, as: "rtp.pcap")
    try copy("ipv6frag.pcap", to: directory, as: "sip.pcap")
    try copy("sip-rtp-g729a.pcap", to: directory, as: "g729.pcap")
    try copy("nb6-telephone.pcap", to: directory, as: "good.pcap")
    _ = try directory.write("garbage", [UInt8](repeating: 65, count: 500))
    let expected = [
      ("none.pcap", "none.pcap: cannot be read: No such file or directory"),
      ("garbage", "garbage: not a capture file (unknown file format); expected pcap or pcapng"),
      (
        "rtp.pcap",
        "rtp.pcap: 1 RTP stream in it, but no SIP that describes a call; expected a call's SIP and its RTP"
      ),
      ("g729.pcap", "g729.pcap: call 1: G729 cannot be decoded; expected PCMA or PCMU"),
    ]
    for (name, words) in expected {
      let outcome = try pcap2wave([name], in: directory)
      #expect(outcome.status == 1)
      #expect(outcome.errors == "pcap2wave: \(words)\n")
    }
    #expect(try pcap2wave(["sip.pcap"], in: directory).status == 1)
    // The others are done all the same.
    #expect(try pcap2wave(["garbage", "good.pcap"], in: directory).status == 1)
    #expect(names(directory).filter { $0.hasSuffix(".wav") } == ["good.wav"])
  }

  @Test func aCutOffCaptureIsConvertedWithAWarning() throws {
    let directory = TemporaryDirectory()
    _ = try directory.write("x.pcap", readFile(corpusFile("nb6-telephone.pcap")).dropLast(1000))
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("pcap2wave: warning: x.pcap: ends within a record (truncated dump file"))
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  @Test(arguments: [
    ["x.pcap", "--mono", "--split"], ["x.pcap", "--json"], ["x.pcap", "--call", "0"], ["x.pcap", "--call", "a"], [],
    ["x.pcap", "y.pcap", "-o", "z.wav"], ["x.pcap", "-o", "z.wav", "--output-dir", "."], ["-"],
    ["x.pcap", "--nonsense"],
    ["x.pcap", "-o", ""],
  ]) func wrongUsage(words: [String]) throws {
    let directory = TemporaryDirectory()
    #expect(try pcap2wave(words, in: directory, behind: "< /dev/null").status == 64)
    #expect(names(directory).isEmpty)
  }

  @Test func whatCannotBeWrittenLeavesNothingBehind() throws {
    let directory = TemporaryDirectory()
    try copy("sip-rtp-g711.pcap", to: directory)
    let nowhere = try pcap2wave(["x.pcap", "--output-dir", "none"], in: directory)
    #expect(nowhere.status == 73)
    #expect(nowhere.errors == "pcap2wave: none/x-1.wav: cannot be written: No such file or directory\n")
    // 64 blocks of 512 bytes: the first call alone is longer.
    let full = try pcap2wave(["x.pcap"], in: directory, before: "ulimit -f 64;")
    #expect(full.status == 73)
    #expect(full.errors == "pcap2wave: x-1.wav: cannot be written: File too large\n")
    let itself = try pcap2wave(["x.pcap", "--call", "1", "-o", "x.pcap", "--force"], in: directory)
    #expect(itself.status == 73)
    #expect(itself.errors == "pcap2wave: x.pcap: is the capture itself; expected another name\n")
    #expect(names(directory) == ["x.pcap"])
  }

  @Test func theSoundIsAsPrivateAsTheCapture() throws {
    let directory = TemporaryDirectory()
    try copy("nb6-telephone.pcap", to: directory)
    chmod(directory.file("x.pcap"), 0o600)
    #expect(try pcap2wave(["x.pcap"], in: directory).status == 0)
    var status = stat()
    try #require(stat(directory.file("x.wav"), &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
  }
}
