import Glibc
import PikettTesting
import Testing

/// The command itself: what it writes where, what it says, and its exit codes.
@Suite struct CommandTests {
  private func capture(_ name: String) -> String { fixture("captures/\(name)") }

  @Test func besideTheCapture() throws {
    let directory = TemporaryDirectory()
    try copy(capture("one-call.pcap"), to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(names(directory) == ["x.pcap", "x.wav"])
    let header = try readFile(directory.file("x.wav")).prefix(44)
    #expect(header.prefix(4).elementsEqual("RIFF".utf8))
    #expect(header[22] == 2 && header[24] == 0x40 && header[25] == 0x1F && header[34] == 16)
  }

  @Test func neverOverwritesWithoutForce() throws {
    let directory = TemporaryDirectory()
    try copy(capture("one-call.pcap"), to: directory)
    _ = try directory.write("x.wav", [1])
    let refused = try pcap2wave(["x.pcap"], in: directory)
    #expect(refused.status == 73)
    #expect(refused.errors == "pcap2wave: x.wav: exists already; --force overwrites it\n")
    #expect(try readFile(directory.file("x.wav")) == [1])
    #expect(try pcap2wave(["x.pcap", "--force"], in: directory).status == 0)
    #expect(try readFile(directory.file("x.wav")).count > 44)
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  /// Two captures whose files would have one name; --force is for files of earlier runs.
  @Test func neverOverwritesWhatItHasWrittenItself() throws {
    let directory = TemporaryDirectory()
    try copy(capture("one-call.pcap"), to: directory)
    try copy(capture("two-calls.pcap"), to: directory, as: "y.pcap")
    try copy(capture("one-call.pcapng"), to: directory, as: "x.pcapng")
    _ = try directory.write("x.wav", [1])
    let outcome = try pcap2wave(["x.pcap", "./x.pcapng", "y.pcap", "--force"], in: directory)
    #expect(outcome.status == 73)
    #expect(
      outcome.errors
        == "pcap2wave: ./x.wav: holds the sound of another capture of this run; expected another name\n")
    #expect(names(directory) == ["x.pcap", "x.pcapng", "x.wav", "y-1.wav", "y-2.wav", "y.pcap"])
  }

  @Test func whatIsLeftOutIsSaid() throws {
    let directory = TemporaryDirectory()
    try copy(capture("session.pcap"), to: directory)
    try copy(capture("fragments.pcap"), to: directory, as: "y.pcap")
    let streams = try pcap2wave(["x.pcap"], in: directory)
    #expect(
      streams.errors == "pcap2wave: x.pcap: 2 RTP streams are in no call and are left out; --list names them\n")
    #expect(streams.status == 0)
    let calls = try pcap2wave(["--list", "y.pcap"], in: directory)
    #expect(calls.status == 0 && calls.errors == "pcap2wave: y.pcap: 1 call without RTP\n")
  }

  @Test func severalCallsAreNumberedAndCanBeChosen() throws {
    let directory = TemporaryDirectory()
    try copy(capture("two-calls.pcap"), to: directory)
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
    try copy(capture("one-call.pcap"), to: directory)
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
    try copy(capture("two-calls.pcap"), to: directory)
    let text = try pcap2wave(["--list", "x.pcap"], in: directory)
    #expect(text.status == 0 && text.errors.isEmpty)
    #expect(
      text.output == """
        call  start                duration  caller       called  side   codecs  packets       lost  jitter  Call-ID
           1  2023-11-14 22:13:20   00:00.5  03472619287  799     left   -                                   first@example.net
                                                                  right  PCMU         25  0 (0.0 %)  0.0 ms
           2  2023-11-14 22:13:21   00:00.4  03472619287  799     left   -                                   second@example.net
                                                                  right  PCMA         19  1 (5.0 %)  0.0 ms

        """)
    let json = try pcap2wave(["--list", "--json", "--call", "2", "x.pcap"], in: directory)
    #expect(
      json.output == """
        [
          {"file": "x.pcap", "call": 2, "start": "2023-11-14T22:13:21.040000Z", "duration": 0.400, \
        "caller": "03472619287", "called": "799", "callID": "second@example.net", "sessionID": null, \
        "left": {"codecs": [], "packets": 0, "lost": 0, "lostPercent": 0.00, "jitter": 0.000, "jitterMax": 0.000, \
        "streams": []}, \
        "right": {"codecs": ["PCMA"], "packets": 19, "lost": 1, "lostPercent": 5.00, "jitter": 0.000, \
        "jitterMax": 0.000, "streams": [{"source": "198.51.100.20:40376", "target": "192.0.2.10:6000", \
        "ssrc": "0x00003002", "start": "2023-11-14T22:13:21.040000Z", "end": "2023-11-14T22:13:21.420000Z", \
        "codecs": ["PCMA"], "packets": 19, "lost": 1, "lostPercent": 5.00, "jitter": 0.000, "jitterMax": 0.000}]}}
        ]

        """)
    #expect(names(directory) == ["x.pcap"])
  }

  @Test func legsOfOneSessionAreOneCallAndTheOtherLegIsListedBehindIt() throws {
    let directory = TemporaryDirectory()
    try copy(capture("session.pcap"), to: directory)
    let text = try pcap2wave(["--list", "x.pcap"], in: directory)
    #expect(
      text.output == """
        call  start                duration  caller       called  side   codecs  packets       lost  jitter  Call-ID
           1  2023-11-14 22:13:20   00:00.4  03472619287  799     left   PCMA         20  0 (0.0 %)  0.0 ms  one-caller@example.net
                                                                  right  PCMA         20  0 (0.0 %)  0.0 ms

        no call              duration  from                 to                   SSRC        codecs  packets       lost  jitter
        2023-11-14 22:13:20   00:00.3  203.0.113.5:20002    198.51.100.20:30000  0x00005001  PCMA         20  0 (0.0 %)  0.0 ms
        2023-11-14 22:13:20   00:00.3  198.51.100.20:30000  203.0.113.5:20002    0x00002001  PCMA         20  0 (0.0 %)  0.0 ms

        """)
    let json = try pcap2wave(["--list", "--json", "x.pcap"], in: directory)
    #expect(json.output.contains(#""sessionID": "6f1d6e0c2a4b4b0a9a0d3c5b7e8f9a1b", "left": {"codecs": ["PCMA"]"#))
    #expect(json.output.contains(#""call": null, "source": "203.0.113.5:20002""#))
  }

  @Test func callsWithoutSIPAndSeveralFiles() throws {
    let directory = TemporaryDirectory()
    for name in ["rtp-only.pcap", "one-call.pcap"] { try copy(capture(name), to: directory, as: name) }
    let outcome = try pcap2wave(["rtp-only.pcap", "one-call.pcap"], in: directory)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(names(directory) == ["one-call.pcap", "one-call.wav", "rtp-only.pcap", "rtp-only.wav"])
    let text = try pcap2wave(["--list", "rtp-only.pcap", "one-call.pcap"], in: directory)
    #expect(text.output.hasPrefix("rtp-only.pcap:\ncall "))
    #expect(text.output.contains("192.0.2.10:6000  198.51.100.20:6002  left   PCMA         15  0 (0.0 %)  0.0 ms  -\n"))
    #expect(text.output.contains("\none-call.pcap:\n"))
  }

  @Test func aPartOfACallAtAnotherRate() throws {
    let directory = TemporaryDirectory()
    try copy(capture("one-call.pcap"), to: directory)
    #expect(try pcap2wave(["x.pcap", "-o", "whole.wav"], in: directory).status == 0)
    #expect(try pcap2wave(["x.pcap", "-o", "part.wav", "--from", ".1", "--to", "0:0:00.3"], in: directory).status == 0)
    let whole = try readFile(directory.file("whole.wav"))
    let part = try readFile(directory.file("part.wav"))
    #expect(part.count == 44 + 1600 * 4)
    #expect(part[44...].elementsEqual(whole[(44 + 800 * 4)..<(44 + 2400 * 4)]))
    #expect(try pcap2wave(["x.pcap", "-o", "wide.wav", "--rate", "16000"], in: directory).status == 0)
    let wide = try readFile(directory.file("wide.wav"))
    #expect(wide[24] == 0x80 && wide[25] == 0x3E && wide.count - 44 == (whole.count - 44) * 2)
    #expect(try pcap2wave(["x.pcap", "-o", "odd.wav", "--rate", "8001"], in: directory).status == 0)
    #expect(try readFile(directory.file("odd.wav"))[24] == 0x41)
    let late = try pcap2wave(["x.pcap", "-o", "late.wav", "--from", "1:00"], in: directory)
    #expect(late.status == 1 && names(directory).contains("late.wav") == false)
    #expect(late.errors == "pcap2wave: x.pcap: call 1: is over after 0.612 s; expected an earlier --from\n")
  }

  @Test func sameSoundFromOtherCaptureFormats() throws {
    let directory = TemporaryDirectory()
    for name in ["one-call.pcap", "one-call.pcapng", "pppoe.pcap"] {
      try copy(capture(name), to: directory, as: name)
      #expect(try pcap2wave([name, "-o", name + ".wav"], in: directory).status == 0)
    }
    let sound = try readFile(directory.file("one-call.pcap.wav"))
    #expect(try readFile(directory.file("one-call.pcapng.wav")) == sound)
    #expect(try readFile(directory.file("pppoe.pcap.wav")) == sound)
    // 612 ms: from the caller's first packet to the end of the called one's last.
    #expect(sound.count == 44 + 612 * 8 * 4)
  }

  @Test func faultsOfTheData() throws {
    let directory = TemporaryDirectory()
    for name in ["fragments.pcap", "g729.pcap", "one-call.pcap"] {
      try copy(capture(name), to: directory, as: name)
    }
    // The same packets as those of a codec that is not decoded.
    var bytes = try readFile(directory.file("g729.pcap"))
    for index in 0..<bytes.count - 10 {
      if bytes[index...].starts(with: "AVP 18\r".utf8) { bytes[index + 5] = 0x35 }
      if bytes[index] == 0x80 && bytes[index + 1] & 0x7F == 18 { bytes[index + 1] -= 3 }
    }
    _ = try directory.write("g728.pcap", bytes)
    _ = try directory.write("garbage", [UInt8](repeating: 65, count: 500))
    let expected = [
      ("none.pcap", ["none.pcap: cannot be read: No such file or directory"]),
      ("garbage", ["garbage: not a capture file (unknown file format); expected pcap or pcapng"]),
      (
        "fragments.pcap",
        ["fragments.pcap: 1 call in it, but no RTP; expected a call's RTP"]
      ),
      (
        "g728.pcap",
        [
          "g728.pcap: call 1: G728 (right) cannot be decoded; expected PCMA, PCMU, G722, GSM, G729, OPUS or L16"
        ]
      ),
    ]
    for (name, lines) in expected {
      let outcome = try pcap2wave([name], in: directory)
      #expect(outcome.status == 1)
      #expect(outcome.errors == lines.map { "pcap2wave: \($0)\n" }.joined())
    }
    // The others are done all the same.
    #expect(try pcap2wave(["garbage", "one-call.pcap"], in: directory).status == 1)
    #expect(names(directory).filter { $0.hasSuffix(".wav") } == ["one-call.wav"])
  }

  @Test func aCutOffCaptureIsConvertedWithAWarning() throws {
    let directory = TemporaryDirectory()
    _ = try directory.write("x.pcap", readFile(capture("one-call.pcap")).dropLast(1000))
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasPrefix("pcap2wave: warning: x.pcap: ends within a record (truncated dump file"))
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  @Test(arguments: [
    ["x.pcap", "--mono", "--split"], ["x.pcap", "--json"], ["x.pcap", "--call", "0"], ["x.pcap", "--call", "a"], [],
    ["x.pcap", "y.pcap", "-o", "z.wav"], ["x.pcap", "-o", "z.wav", "--output-dir", "."], ["-"],
    ["x.pcap", "--nonsense"],
    ["x.pcap", "-o", ""], ["x.pcap", "--rate", "7999"], ["x.pcap", "--rate", "48001"],
    ["x.pcap", "--from", "5", "--to", "5"],
    ["x.pcap", "--from", "-1"],
    ["x.pcap", "--to", "1:60"], ["x.pcap", "--to", "1:2:3:4"], ["x.pcap", "--from", "1.2.3"], ["x.pcap", "--to", ""],
  ]) func wrongUsage(words: [String]) throws {
    let directory = TemporaryDirectory()
    #expect(try pcap2wave(words, in: directory, behind: "< /dev/null").status == 64)
    #expect(names(directory).isEmpty)
  }

  @Test func whatCannotBeWrittenLeavesNothingBehind() throws {
    let directory = TemporaryDirectory()
    try copy(capture("two-calls.pcap"), to: directory)
    let nowhere = try pcap2wave(["x.pcap", "--output-dir", "none"], in: directory)
    #expect(nowhere.status == 73)
    #expect(nowhere.errors == "pcap2wave: none/x-1.wav: cannot be written: No such file or directory\n")
    // 8 blocks of 512 bytes: the first call alone is longer.
    let full = try pcap2wave(["x.pcap"], in: directory, before: "ulimit -f 8;")
    #expect(full.status == 73)
    #expect(full.errors == "pcap2wave: x-1.wav: cannot be written: File too large\n")
    let itself = try pcap2wave(["x.pcap", "--call", "1", "-o", "x.pcap", "--force"], in: directory)
    #expect(itself.status == 73)
    #expect(itself.errors == "pcap2wave: x.pcap: is the capture itself; expected another name\n")
    #expect(names(directory) == ["x.pcap"])
  }

  @Test func theSoundIsAsPrivateAsTheCapture() throws {
    let directory = TemporaryDirectory()
    try copy(capture("one-call.pcap"), to: directory)
    chmod(directory.file("x.pcap"), 0o600)
    #expect(try pcap2wave(["x.pcap"], in: directory).status == 0)
    var status = stat()
    try #require(stat(directory.file("x.wav"), &status) == 0)
    #expect(status.st_mode & 0o777 == 0o600)
  }
}
