import Frames
import Glibc
import PikettTesting
import Telephony
import Testing

@testable import Capture

@Suite struct CaptureReaderTests {
  struct Seen: Equatable {
    var time: Int64
    var from: String
    var to: String
    var payload: [UInt8]
  }

  static func read(_ path: String) throws -> (seen: [Seen], end: CaptureReader.End, fragments: Int) {
    let file = try CaptureFile(path: path)
    var reader = try file.reader()
    var seen: [Seen] = []
    while reader.next() {
      seen.append(
        Seen(
          time: reader.time, from: reader.datagram.source.endpoint?.description ?? "",
          to: reader.datagram.target.endpoint?.description ?? "", payload: reader.payload.withUnsafeBytes { Array($0) })
      )
    }
    return (seen, reader.end, reader.fragmentCount)
  }

  static func packet(_ a: String = "192.0.2.1:5060", _ b: String = "192.0.2.2:5062", payload: [UInt8] = [1, 2, 3])
    throws -> [UInt8]
  {
    let from = FrameAddress(try #require(Endpoint(a)))
    let to = FrameAddress(try #require(Endpoint(b)))
    var bytes = [UInt8](
      repeating: 0, count: PcapFormat.frameLength(payloadLength: payload.count, isIPv6: from.isIPv6 || to.isIPv6))
    bytes.withUnsafeMutableBytes { buffer in
      payload.withUnsafeBytes {
        _ = PcapFormat.writeUDPFrame(
          into: buffer, time: WallTime(microseconds: 5_000_001), from: from, to: to, payload: $0)
      }
    }
    return bytes
  }

  /// A capture of one frame: `lead` before the IP packet of `packet()`.
  static func capture(link: UInt8, lead: [UInt8], packet: [UInt8]) -> [UInt8] {
    let frame = lead + packet[30...]
    let length = [UInt8(frame.count & 0xFF), UInt8(frame.count >> 8), 0, 0]
    return PcapFormat.fileHeader[..<20] + [link, 0, 0, 0] + packet[..<8] + length + length + frame
  }

  private static let macs = [UInt8](repeating: 2, count: 12)

  @Test(
    arguments: [
      (1, macs + [0x08, 0x00]),
      (1, macs + [0x81, 0x00, 0x00, 0x05, 0x08, 0x00]),
      (1, macs + [0x88, 0xA8, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06, 0x08, 0x00]),
      (1, macs + [0x91, 0x00, 0x00, 0x05, 0x81, 0x00, 0x00, 0x06, 0x81, 0x00, 0x00, 0x07, 0x08, 0x00]),
      (1, macs + [0x88, 0x47, 0x00, 0x01, 0x00, 0x40, 0x00, 0x02, 0x01, 0x40]),
      (1, macs + [0x88, 0x64, 0x11, 0, 0, 1, 0, 33, 0x00, 0x21]),
      (113, [0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0x08, 0x00]),
      (113, [0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0, 0x81, 0x00, 0, 9, 0x08, 0x00]),
      (20, []),  // LINKTYPE_LINUX_SLL2 is 276: its second byte is set below
      (21, [0, 0, 0, 9, 0x08, 0x00]),  // the same with a VLAN tag behind it
      (101, []), (228, []), (12, []), (14, []),
      (0, [2, 0, 0, 0]), (0, [0, 0, 0, 2]), (108, [0, 0, 0, 2]),
    ] as [(UInt8, [UInt8])]) func linkLayers(link: UInt8, lead: [UInt8]) throws
  {
    let directory = TemporaryDirectory()
    var lead = lead
    if link == 20 { lead = [0x08, 0x00] + [UInt8](repeating: 0, count: 18) }
    if link == 21 { lead = [0x81, 0x00] + [UInt8](repeating: 0, count: 18) + lead[2...] }
    var bytes = Self.capture(link: link, lead: lead, packet: try Self.packet())
    if link == 20 || link == 21 { bytes.replaceSubrange(20..<22, with: [20, 1]) }
    let (seen, end, _) = try Self.read(directory.write("a.pcap", bytes))
    #expect(
      seen == [Seen(time: 5_000_001_000, from: "192.0.2.1:5060", to: "192.0.2.2:5062", payload: [1, 2, 3])])
    #expect(end == .complete)
  }

  @Test func ipv6WithExtensionHeaders() throws {
    let directory = TemporaryDirectory()
    let plain = try Self.packet("[2001:db8::1]:1000", "[2001:db8::2]:2000", payload: [9, 8])
    let options: [UInt8] = [44, 0, 1, 4, 0, 0, 0, 0]
    let atomic: [UInt8] = [17, 0, 0, 0, 1, 2, 3, 4]
    var extended = Array(plain[..<70] + options + atomic + plain[70...])
    extended[16 + 14 + 6] = 0
    extended[16 + 14 + 5] += 16
    var part = extended
    part[70 + 8 + 3] = 1
    let bytes =
      Self.capture(link: 101, lead: [], packet: plain)
      + Self.capture(link: 101, lead: [], packet: extended)[24...]
      + Self.capture(link: 101, lead: [], packet: part)[24...]
    let (seen, _, fragments) = try Self.read(directory.write("a.pcap", bytes))
    #expect(seen.map(\.payload) == [[9, 8], [9, 8]])
    #expect(seen.map(\.from) == ["[2001:db8::1]:1000", "[2001:db8::1]:1000"])
    #expect(seen.map(\.to) == ["[2001:db8::2]:2000", "[2001:db8::2]:2000"])
    #expect(fragments == 1)
  }

  @Test func paddingIsNoPayloadAndCutDatagramsSaySo() throws {
    let directory = TemporaryDirectory()
    let whole = try Self.packet(payload: [1])
    var cut = try Self.packet(payload: [1, 2, 3, 4])
    cut.removeLast(3)
    let bytes =
      Self.capture(link: 1, lead: Self.macs + [8, 0], packet: whole + [UInt8](repeating: 0, count: 17))
      + Self.capture(link: 1, lead: Self.macs + [8, 0], packet: cut)[24...]
    let file = try CaptureFile(path: directory.write("a.pcap", bytes))
    var reader = try file.reader()
    var lengths: [Int] = []
    var cuts: [Bool] = []
    while reader.next() {
      lengths.append(reader.payload.byteCount)
      cuts.append(reader.datagram.isCut)
    }
    lengths.append(reader.payload.byteCount)
    #expect(lengths == [1, 1, 0])
    #expect(cuts == [false, true])
    let count = reader.recordNumber
    #expect(count == 2)
  }

  @Test func truncatedAnywhereGivesAllBefore() throws {
    let directory = TemporaryDirectory()
    let records = try (0..<3).map { try Self.packet(payload: [UInt8($0), 5, 6]) }
    let bytes = PcapFormat.fileHeader + records.flatMap { $0 }
    for length in 0..<bytes.count {
      let path = try directory.write("a.pcap", Array(bytes[..<length]))
      if length < 24 {
        #expect(throws: CaptureError.self) { _ = try Self.read(path) }
        continue
      }
      let (seen, end, _) = try Self.read(path)
      #expect(seen.count == (length - 24) / records[0].count)
      #expect((end == .complete) == ((length - 24) % records[0].count == 0))
    }
  }

  @Test func anyByteChangedNeverTraps() throws {
    let directory = TemporaryDirectory()
    let four = try Self.packet()
    let six = try Self.packet("[::1]:1", "[::2]:2")
    let bytes = PcapFormat.fileHeader + four + six
    var generator = SeededGenerator(seed: 7)
    var refused = 0
    for index in 0..<bytes.count {
      for value in [0, 0xFF, UInt8.random(in: 0...255, using: &generator)] as [UInt8] {
        var changed = bytes
        changed[index] = value
        do { _ = try Self.read(directory.write("a.pcap", changed)) } catch { refused += 1 }
      }
    }
    #expect(refused > 0 && refused < 60)
  }

  @Test func errorsSayFileAndProblem() throws {
    let directory = TemporaryDirectory()
    let missing = directory.file("none.pcap")
    #expect(throws: CaptureError(path: missing, kind: .unreadable("No such file or directory"))) {
      _ = try Self.read(missing)
    }
    #expect(throws: CaptureError(path: directory.path, kind: .unreadable("Is a directory"))) {
      _ = try Self.read(directory.path)
    }
    let garbage = try directory.write("garbage", [UInt8](repeating: 0x55, count: 5000))
    #expect(throws: CaptureError(path: garbage, kind: .noCapture("unknown file format"))) {
      _ = try Self.read(garbage)
    }
    let wireless = try directory.write("w", PcapFormat.fileHeader[..<20] + [105, 0, 0, 0])
    #expect(throws: CaptureError(path: wireless, kind: .unknownLinkLayer("IEEE802_11"))) {
      _ = try Self.read(wireless)
    }
  }

  @Test func aPipeIsReadTwice() throws {
    let directory = TemporaryDirectory()
    let fifo = directory.file("fifo")
    try #require(mkfifo(fifo, 0o600) == 0)
    let path = try directory.write("a.pcap", PcapFormat.fileHeader + (try Self.packet()))
    try #require(system("cat '\(path)' > '\(fifo)' &") == 0)
    let file = try CaptureFile(path: fifo)
    for _ in 0..<2 {
      var reader = try file.reader()
      var count = 0
      while reader.next() { count += 1 }
      #expect(count == 1)
    }
  }

  @Test(arguments: [
    "one-call.pcap", "one-call.pcapng", "pppoe.pcap", "two-calls.pcap", "keys.pcap", "session.pcap", "rtp-only.pcap",
  ]) func tsharkSeesTheSame(name: String) throws {
    try expectSameAsTshark(fixture("captures/\(name)"))
  }

  @Test(arguments: [
    "SIP_CALL_RTP_G711.pcap", "SIP_DTMF2.pcap", "ast-40msalaw.pcap", "ast-opus_fec.pcapng", "marseillaise-srtp.pcap",
    "ndpi-sip.pcap", "ndpi-sip_hello.pcapng", "rp-DLT_NULL.a.pcap", "rp-dups.a.pcap", "sip-rtp-g711.pcap",
    "nb6-telephone.pcap", "rp-dtmf.pcapng",
  ]) func tsharkSeesTheSameOfRealCalls(name: String) throws {
    guard let path = corpusCapture(name) else { return }
    try expectSameAsTshark(path)
  }

  /// An independent dissector sees the same datagrams; the ones it opens from tunnels and fragments are left out.
  private func expectSameAsTshark(_ path: String) throws {
    let (status, output) = run([
      "tshark", "-r", path, "-Y", "udp && !icmp", "-T", "fields", "-E", "occurrence=f", "-e", "frame.time_epoch",
      "-e", "udp.srcport", "-e", "udp.dstport", "-e", "udp.length",
    ])
    try #require(status == 0, "tshark is needed for this test")
    let lines = output.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    let (seen, end, _) = try Self.read(path)
    #expect(end == .complete)
    #expect(seen.count == lines.count)
    #expect(lines.count > 10)
    for (line, datagram) in zip(lines, seen) {
      let parts = line[0].split(separator: ".")
      let fraction = parts[1].prefix(9) + String(repeating: "0", count: max(0, 9 - parts[1].count))
      #expect(datagram.time == (Int64(parts[0]) ?? 0) * 1_000_000_000 + (Int64(fraction) ?? 0))
      #expect(datagram.from.hasSuffix(":\(line[1])") && datagram.to.hasSuffix(":\(line[2])"))
      #expect(datagram.payload.count == (Int(line[3]) ?? 0) - 8)
    }
  }
}
