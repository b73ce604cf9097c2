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
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    let left = [
      "SIP_CALL_RTP_G711.pcap": "2 RTP streams are in no call and are left out; --list names them"
    ][name]
    #expect(outcome.errors == (left.map { "pcap2wave: x.pcap: \($0)\n" } ?? ""))
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
        call  start                duration  caller  called  side   codecs  packets       lost  jitter  Call-ID
           1  2016-11-26 14:52:59   00:08.5  sipp    test    left   -                                   1-1966@10.0.2.20
                                                             right  PCMU        425  0 (0.0 %)  0.0 ms
           2  2016-11-26 14:53:08   00:08.2  sipp    test    left   -                                   1-1968@10.0.2.20
                                                             right  PCMA        414  0 (0.0 %)  0.0 ms

        """)
  }

  /// What tshark counts and measures of each stream, by its SSRC.
  @Test(arguments: [
    "nb6-telephone.pcap", "sip-rtp-g711.pcap", "sip-rtp-g722.pcap", "sip-rtp-gsm.pcap",
    "sip-rtp-g729a.pcap", "sip-rtp-opus.pcap", "ast-40msalaw.pcap", "ndpi-sip.pcap",
  ]) func countsAndJitterAsTsharkHasThem(name: String) throws {
    guard let path = corpusCapture(name) else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let json = try pcap2wave(["--list", "--json", "x.pcap"], in: directory).output
    let (status, output) = run(["tshark", "-r", path, "-o", "rtp.heuristic_rtp:TRUE", "-q", "-z", "rtp,streams"])
    try #require(status == 0, "tshark is needed for this test")
    var compared = 0
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      // ... SSRC payload packets lost (percentage) 3 deltas, 3 jitters.
      guard let place = words.firstIndex(where: { $0.hasPrefix("0x") }),
        let percentage = words.firstIndex(where: { $0.hasPrefix("(") && $0.hasSuffix("%)") }),
        words.count > percentage + 6,
        // A handful of packets that no call explains is not told of; a stream on both sides of a relay has one SSRC.
        Int(words[percentage - 2]) ?? 0 > 6,
        output.ranges(of: words[place]).count == 1
      else { continue }
      let ssrc = "0x" + String(repeating: "0", count: 10 - words[place].count) + words[place].dropFirst(2).lowercased()
      let ours = try #require(json.range(of: "\"ssrc\": \"\(ssrc)\""), "\(ssrc) is missing")
      let field = { (name: String) -> Double? in number(json[ours...], behind: "\"\(name)\": ") }
      #expect(field("packets") == Double(words[percentage - 2]))
      #expect(field("lost") == Double(words[percentage - 1]))
      #expect(abs((field("jitter") ?? -1) - (Double(words[percentage + 5]) ?? -2)) < 0.02)
      #expect(abs((field("jitterMax") ?? -1) - (Double(words[percentage + 6]) ?? -2)) < 0.02)
      compared += 1
    }
    #expect(compared > 0)
  }

  @Test func aCallInFragmentsIsFound() throws {
    guard let path = corpusCapture("ipv6frag.pcap") else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "pcap2wave: x.pcap: 1 call in it, but no RTP; expected a call's RTP\n")
  }
}

/// The first number in `text` behind `label`.
private func number(_ text: Substring, behind label: String) -> Double? {
  text.range(of: label).flatMap { Double(text[$0...].dropFirst(label.count).prefix { $0.isNumber || $0 == "." }) }
}

extension StringProtocol {
  /// Where `other` begins in it first.
  fileprivate func range(of other: String) -> Index? {
    indices.first { self[$0...].hasPrefix(other) }
  }
}
