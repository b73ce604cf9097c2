import Capture
import Telephony
import Testing

@testable import CallAudio

@Suite struct CallTableTests {
  private let call = RecordedCall(
    number: 1, callID: "a\u{1B}[2Jb", sessionID: nil, caller: "Jörg \"x\" \\\u{9}", called: "",
    startTime: 1_350_050_400_000_001_000, duration: 3_723_500_000_000,
    left: RecordedCall.Direction(codecs: [.pcma, .g729], packetCount: 12, lostCount: 3),
    right: RecordedCall.Direction(), parts: [])

  private let other = RecordedStream(
    source: "192.0.2.1:4000", target: "[2001:db8::1]:4002", ssrc: 0xABC, codecs: [.opus(channels: 2)], packetCount: 7,
    lostCount: 0, jitter: 1_234_567, mostJitter: 20_000_400, firstTime: 1_350_050_400_000_001_000,
    lastTime: 1_350_050_401_000_001_000)

  @Test func whatAPeerWroteDoesNotSteerTheTerminal() {
    #expect(
      CallTable.text([call], others: [other], .utc) == """
        call  start                 duration  caller       called  side   codecs     packets        lost  jitter  Call-ID
           1  2012-10-12 14:00:00  1:02:03.5  Jörg "x" \\?          left   PCMA+G729       12  3 (20.0 %)  0.0 ms  a?[2Jb
                                                                   right  -

        no call              duration  from            to                  SSRC        codecs  packets       lost  jitter
        2012-10-12 14:00:00   00:01.0  192.0.2.1:4000  [2001:db8::1]:4002  0x00000abc  OPUS          7  0 (0.0 %)  1.2 ms

        """)
  }

  @Test func json() {
    #expect(
      CallTable.json([(file: "x.pcap", calls: [call], others: [other])]) == """
        [
          {"file": "x.pcap", "call": 1, "start": "2012-10-12T14:00:00.000001Z", "duration": 3723.500, \
        "caller": "Jörg \\"x\\" \\\\\\u0009", "called": "", "callID": "a\\u001b[2Jb", "sessionID": null, \
        "left": {"codecs": ["PCMA", "G729"], "packets": 12, "lost": 3, "lostPercent": 20.00, "jitter": 0.000, \
        "jitterMax": 0.000, "streams": []}, \
        "right": {"codecs": [], "packets": 0, "lost": 0, "lostPercent": 0.00, "jitter": 0.000, "jitterMax": 0.000, \
        "streams": []}},
          {"file": "x.pcap", "call": null, "source": "192.0.2.1:4000", "target": "[2001:db8::1]:4002", \
        "ssrc": "0x00000abc", "start": "2012-10-12T14:00:00.000001Z", "end": "2012-10-12T14:00:01.000001Z", \
        "codecs": ["OPUS"], "packets": 7, "lost": 0, "lostPercent": 0.00, "jitter": 1.235, "jitterMax": 20.000}
        ]

        """)
    #expect(CallTable.json([]) == "[]\n")
  }

  @Test(
    arguments: [
      ("x.pcap", nil, ["x.wav"]), ("a.b/x", nil, ["a.b/x.wav"]), ("/r/x.y.pcapng", nil, ["/r/x.y.wav"]),
      (".hidden", nil, [".hidden.wav"]), ("/r/x.pcap", 12, ["/r/x-12.wav"]),
    ] as [(String, Int?, [String])]) func namesBesideTheCapture(path: String, number: Int?, names: [String])
  {
    #expect(OutputNames(capture: path).paths(call: number, layout: .stereo) == names)
  }

  @Test func chosenNames() {
    #expect(OutputNames(capture: "r/x.pcap.gz").paths(call: nil, layout: .mono) == ["r/x.wav"])
    #expect(CallTable.printable("a\u{1B}[31mé\n") == "a?[31mé?")
    #expect(OutputNames(capture: ".gz").paths(call: nil, layout: .mono) == [".gz.wav"])
    #expect(OutputNames(capture: "/r/x.pcap", directory: "/o/").paths(call: 1, layout: .mono) == ["/o/x-1.wav"])
    #expect(OutputNames(output: "o/y.WAV").paths(call: 2, layout: .stereo) == ["o/y-2.WAV"])
    #expect(OutputNames(output: "y").paths(call: nil, layout: .split) == ["y-left", "y-right"])
  }
}
