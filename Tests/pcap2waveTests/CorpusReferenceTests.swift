import Audio
import Glibc
import PikettTesting
import Telephony
import Testing

/// Captures of other people's calls, against an independent way to the same sound: tshark takes the packets apart, ffmpeg
/// decodes them.
@Suite struct CorpusReferenceTests {
  struct Stream: Sendable, CustomTestStringConvertible {
    var capture: String
    var ssrc: String
    var type: Int
    var codec: Codec
    var call = 1
    var channel = 0
    /// How well our sound must be theirs; where both only look codes up, it is the same.
    var correlation = 0.9999
    /// tshark needs to be told that this is RTP.
    var port: Int?

    var testDescription: String { "\(capture) \(ssrc) \(codec)" }
  }

  enum Codec: Sendable { case aLaw, muLaw, g722, gsm, g729, opus }

  @Test(arguments: [
    Stream(capture: "sip-rtp-g722.pcap", ssrc: "0x043daaba", type: 9, codec: .g722, channel: 1, correlation: 0.99),
    Stream(capture: "sip-rtp-gsm.pcap", ssrc: "0x043daaf1", type: 3, codec: .gsm, channel: 1),
    Stream(capture: "sip-rtp-g729a.pcap", ssrc: "0x044559a1", type: 18, codec: .g729, channel: 1, correlation: 0.98),
    Stream(capture: "sip-rtp-opus.pcap", ssrc: "0x043eee04", type: 99, codec: .opus, channel: 1, correlation: 0.98),
    Stream(capture: "ast-40msalaw.pcap", ssrc: "0xd500ca81", type: 8, codec: .aLaw),
    Stream(capture: "ast-ulaw-2013785496.pcap", ssrc: "0x34d01d16", type: 0, codec: .muLaw),
    Stream(capture: "ast-opus_fec.pcapng", ssrc: "0x3760bfaa", type: 107, codec: .opus, correlation: 0.98),
    Stream(capture: "rp-DLT_NULL.a.pcap", ssrc: "0xcead2a2b", type: 3, codec: .gsm, call: 2, port: 12_344),
    Stream(capture: "rp-dups.a.pcap", ssrc: "0xae9dd7af", type: 18, codec: .g729, correlation: 0.98),
  ]) func soundsAsTsharkAndFfmpegHearIt(_ one: Stream) throws {
    guard let path = corpusCapture(one.capture) else { return }
    let packets = try one.packets(of: path)
    let directory = TemporaryDirectory()
    let reference = try one.decode(packets.map(\.payload), in: directory)

    try copy(path, to: directory)
    let made = try pcap2wave(["x.pcap", "--call", "\(one.call)", "--rate", "8000", "-o", "out.wav"], in: directory)
    try #require(made.status == 0, "\(made.errors)")
    let listed = try pcap2wave(["x.pcap", "--list", "--json", "--call", "\(one.call)"], in: directory).output
    let start = try #require(secondsOfStart(in: listed), "\(listed)")
    let wave = try WAVE(readFile(directory.file("out.wav")))
    try #require(wave.sampleRate == 8000 && wave.channels == 2)
    let place = Int(((packets[0].time - start) * 8000).rounded())
    let windows = SpokenWindow.all(
      of: reference, without: [], samplesPerPacket: 160, in: wave.channel(one.channel), at: place,
      step: max(8000, reference.count / 16))
    #expect(windows.count >= 1, "too little is said")
    for window in windows where window.correlation < one.correlation || window.offset.magnitude > 400 {
      Issue.record("\(window)")
    }
  }

  @Test(arguments: [
    ("ipv6frag.pcap", ["1 call in it, but no RTP; expected a call's RTP"]),
    (
      "marseillaise-srtp.pcap",
      ["call 1: SRTP PCMA (left) cannot be decoded; its key is not in the capture"]
    ),
    ("ndpi-sip_hello.pcapng", ["no call in it; expected a call's RTP"]),
    (
      "rp-dtmf.pcapng",
      [
        "call 1: nothing but key presses; --dtmf lets them sound",
        "call 2: nothing but key presses; --dtmf lets them sound",
      ]
    ),
    ("tcpdump-rtp-seg-fault-1.pcapng", ["no call in it; expected a call's RTP"]),
  ]) func nothingToHear(name: String, words: [String]) throws {
    guard let path = corpusCapture(name) else { return }
    let directory = TemporaryDirectory()
    try copy(path, to: directory)
    let outcome = try pcap2wave(["x.pcap"], in: directory)
    #expect(outcome.status == 1)
    #expect(outcome.errors == words.map { "pcap2wave: x.pcap: \($0)\n" }.joined())
    #expect(names(directory) == ["x.pcap"])
  }

  @Test func everyCaptureOfTheCorpusIsTested() throws {
    guard let manifest = corpusCapture("MANIFEST.tsv") else { return }
    let folder = "\(packageRoot)/Tests"
    let sources = run([
      "cat", "\(folder)/pcap2waveTests/CorpusReferenceTests.swift", "\(folder)/CallAudioTests/IndependentTests.swift",
    ])
    let listed = String(decoding: try readFile(manifest), as: UTF8.self).split(separator: "\n").dropFirst()
      .compactMap { $0.split(separator: "\t").first }
    #expect(listed.count > 15)
    for name in listed { #expect(sources.output.contains("\"\(name)\"")) }
  }

  private var packageRoot: String { fixture("../..") }

  /// `"start": "2016-11-26T14:53:08.309158Z"`, in seconds since 1970.
  private func secondsOfStart(in json: String) -> Double? {
    let digits = json.split(separator: "\"start\": \"").dropFirst().first?.prefix(26).split { !$0.isNumber }
      .compactMap { Int32($0) }
    guard let digits, digits.count == 7 else { return nil }
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (digits[0] - 1900, digits[1] - 1, digits[2])
    (time.tm_hour, time.tm_min, time.tm_sec) = (digits[3], digits[4], digits[5])
    return Double(timegm(&time)) + Double(digits[6]) / 1e6
  }
}

extension CorpusReferenceTests.Stream {
  struct Packet {
    var time: Double
    var payload: [UInt8]
  }

  /// The stream's packets as tshark has them, each once.
  func packets(of path: String) throws -> [Packet] {
    let asked = run(
      ["tshark", "-n", "-r", path, "-o", "rtp.heuristic_rtp:TRUE"] + (port.map { ["-d", "udp.port==\($0),rtp"] } ?? [])
        + [
          "-Y", "rtp.ssrc == \(ssrc) && rtp.p_type == \(type)", "-T", "fields", "-e", "frame.time_epoch", "-e",
          "rtp.seq", "-e", "rtp.timestamp", "-e", "rtp.payload",
        ])
    try #require(asked.status == 0, "tshark is needed for this test")
    var seen: Set<Substring> = []
    var next: UInt32?
    let packets = asked.output.split(separator: "\n").compactMap { line -> Packet? in
      let fields = line.split(separator: "\t")
      guard fields.count == 4, let time = Double(fields[0]), let timestamp = UInt32(fields[2]),
        seen.insert(fields[1]).inserted
      else { return nil }
      let digits = fields[3].utf8.compactMap(\.hexadecimalValue)
      let bytes = stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
      // Where key presses were sent in its place, there is no sound.
      let gap = silence == nil ? 0 : Int(timestamp &- (next ?? timestamp))
      next = timestamp &+ UInt32(bytes.count)
      return Packet(time: time, payload: [UInt8](repeating: silence ?? 0, count: gap) + bytes)
    }
    try #require(packets.count > 100, "tshark sees \(packets.count) packets")
    return packets
  }

  /// The code of silence.
  private var silence: UInt8? {
    switch codec {
    case .aLaw: 0xD5
    case .muLaw: 0xFF
    case .g722, .gsm, .g729, .opus: nil
    }
  }

  /// What ffmpeg makes of the payloads, one behind the other, at 8000 Hz.
  func decode(_ payloads: [[UInt8]], in directory: TemporaryDirectory) throws -> [Int16] {
    let format: [String] =
      switch codec {
      case .aLaw: ["-f", "alaw", "-ar", "8000", "-ac", "1"]
      case .muLaw: ["-f", "mulaw", "-ar", "8000", "-ac", "1"]
      case .g722: ["-f", "g722"]
      case .gsm: ["-f", "gsm"]
      case .g729: ["-f", "g729"]
      case .opus: ["-f", "ogg", "-c:a", "opus"]
      }
    let bytes = codec == .opus ? OggOpus.file(payloads) : payloads.flatMap(\.self)
    let encoded = try directory.write("reference.raw", bytes)
    let decoded = run(
      ["ffmpeg", "-v", "error", "-nostdin"] + format
        + ["-i", encoded, "-f", "s16le", "-ar", "8000", "-ac", "1", directory.file("reference.pcm")])
    try #require(decoded.status == 0, "ffmpeg is needed for this test")
    let samples = try readFile(directory.file("reference.pcm"))
    return stride(from: 0, to: samples.count - 1, by: 2).map {
      Int16(bitPattern: UInt16(samples[$0]) | UInt16(samples[$0 + 1]) << 8)
    }
  }
}

/// Opus packets as a file that decoders read (RFC 3533, RFC 7845): a page for each.
enum OggOpus {
  /// - Parameter packets: of 20 ms each.
  static func file(_ packets: [[UInt8]]) -> [UInt8] {
    let head = Array("OpusHead".utf8) + [1, 1, 0, 0] + little(48_000, 4) + [0, 0, 0]
    let tags = Array("OpusTags".utf8) + little(0, 4) + little(0, 4)
    var file = page(head, number: 0, position: 0, flags: 2) + page(tags, number: 1, position: 0)
    for (index, packet) in packets.enumerated() {
      file += page(
        packet, number: index + 2, position: (index + 1) * 960, flags: index == packets.count - 1 ? 4 : 0)
    }
    return file
  }

  private static func page(_ packet: [UInt8], number: Int, position: Int, flags: UInt8 = 0) -> [UInt8] {
    let lacing = [UInt8](repeating: 255, count: packet.count / 255) + [UInt8(packet.count % 255)]
    let start = Array("OggS".utf8) + [0, flags] + little(position, 8) + little(799, 4) + little(number, 4)
    let rest = [UInt8(lacing.count)] + lacing + packet
    return start + little(Int(checksum(start + [0, 0, 0, 0] + rest)), 4) + rest
  }

  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.reduce(0 as UInt32) { sum, byte in
      (0..<8).reduce(sum ^ UInt32(byte) << 24) { value, _ in
        value & 0x8000_0000 == 0 ? value << 1 : value << 1 ^ 0x04C1_1DB7
      }
    }
  }
}
