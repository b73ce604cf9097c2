import PikettTesting
import Testing

/// The command with captures of real calls.
@Suite struct CorpusTests {
  @Test(arguments: ["SIP_CALL_RTP_G711.pcap", "SIP_DTMF2.pcap", "nb6-telephone.pcap", "ndpi-sip.pcap"])
  func besideTheCapture(name: String) throws {
    guard let path = corpusCapture(name) else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.errors.isEmpty)
    #expect(names(directory) == ["x.pcap", "x.wav"])
  }

  @Test func list() throws {
    guard let path = corpusCapture("sip-rtp-g711.pcap") else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
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
  }

  @Test(arguments: [
    (
      "ast-40msalaw.pcap",
      "1 RTP stream in it, but no SIP that describes a call; expected a call's SIP and its RTP"
    )
  ]) func faultsOfTheData(name: String, words: String) throws {
    guard let path = corpusCapture(name) else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "pcap2wave: x.pcap: \(words)\n")
  }

  @Test func aCallInFragmentsIsFound() throws {
    guard let path = corpusCapture("ipv6frag.pcap") else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "pcap2wave: x.pcap: 1 call in it, but no RTP; expected a call's SIP and its RTP\n")
  }
}
