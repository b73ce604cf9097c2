import Frames
import PikettTesting
import Telephony
import Testing

@testable import Capture

/// IP packets that went in several parts.
@Suite struct FragmentTests {
  private static let datagram = (0..<300).map { UInt8(truncatingIfNeeded: $0) }

  private func file(_ packets: [[UInt8]], apart: Int64 = 1_000_000) -> [UInt8] {
    var file = PcapBytes(link: 101)
    for (index, packet) in packets.enumerated() { file.add(packet, at: Int64(index) * apart) }
    return file.bytes
  }

  private func parts(_ addresses: (IPAddress, IPAddress), identification: UInt32 = 7, size: Int = 104) -> [[UInt8]] {
    PacketBytes.parts(
      PacketBytes.udp(Self.datagram), of: size, identification: identification, from: addresses.0, to: addresses.1)
  }

  @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]], [4, 6])
  func anyOrder(order: [Int], version: Int) throws {
    let addresses = version == 4 ? four : six
    let parts = parts(addresses)
    try #require(parts.count == 3)
    let reading = try Reading(of: file(order.map { parts[$0] }))
    #expect(
      reading.seen == [
        Seen(
          time: 2_000_000, from: Endpoint(addresses.0, 5060).description, to: Endpoint(addresses.1, 5062).description,
          payload: Self.datagram)
      ])
    #expect(reading.fragments == 0 && reading.records == 3)
  }

  @Test func smallestPartsInAnyOrder() throws {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<20 {
      var parts = parts(four, size: 8)
      parts.append(contentsOf: parts.shuffled(using: &generator).prefix(5))
      let reading = try Reading(of: file(parts.shuffled(using: &generator)))
      #expect(reading.payloads == [Self.datagram] && reading.fragments == 0)
    }
  }

  @Test func packetsBetweenAndPacketsOfOthers() throws {
    let mine = parts(four)
    let others = parts(four, identification: 8)
    let back = parts((four.1, four.0))
    let whole = PacketBytes.ip(PacketBytes.udp([1]), from: four.0, to: four.1)
    let reading = try Reading(
      of: file([mine[0], others[2], whole, back[1], mine[2], others[0], back[0], mine[1], others[1], back[2]]))
    #expect(reading.payloads == [[1], Self.datagram, Self.datagram, Self.datagram])
    #expect(reading.seen.map(\.from) == ["192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.2:5060"])
  }

  /// As `tcpdump -i any` sees each packet twice.
  @Test func repetitions() throws {
    let parts = parts(six)
    let reading = try Reading(of: file(parts.flatMap { [$0, $0] }))
    #expect(reading.payloads == [Self.datagram] && reading.fragments == 0)
    #expect(try Reading(of: file(parts + parts)).payloads == [Self.datagram])
    // Seconds later the number is another packet's.
    #expect(try Reading(of: file(parts + parts, apart: 2_000_000_000)).payloads.count == 2)
  }

  @Test func overlapsAreNobodysPacket() throws {
    let payload = PacketBytes.udp(Self.datagram)
    let part = { (range: Range<Int>, change: UInt8) in
      PacketBytes.ip(
        payload[range].map { $0 ^ change }, from: six.0, to: six.1, part: (7, range.lowerBound, range.upperBound < 308))
    }
    for packets in [
      [part(0..<104, 0), part(96..<200, 0), part(200..<308, 0)],
      [part(0..<104, 0), part(0..<104, 1), part(104..<308, 0)],
      [part(0..<8, 0), part(16..<104, 0), part(8..<32, 0), part(104..<308, 0)],
      [part(200..<308, 0), part(0..<104, 0), part(104..<208, 0)],
    ] {
      let reading = try Reading(of: file(packets))
      #expect(reading.payloads.isEmpty && reading.fragments == packets.count)
    }
  }

  @Test func whatIsMissingIsCounted() throws {
    let parts = parts(four)
    let reading = try Reading(of: file([parts[0], parts[2]]))
    #expect(reading.payloads.isEmpty && reading.fragments == 2)
    // Too late: 31 s after the first part.
    #expect(try Reading(of: file(parts, apart: 15_500_000_000)).payloads.isEmpty)
  }

  @Test func partsThatTheCaptureHasCutAreOfNoUse() throws {
    let parts = parts(four)
    let reading = try Reading(of: file([parts[0], parts[1].dropLast(4), parts[2]]))
    #expect(reading.payloads.isEmpty && reading.fragments == 3)
  }

  @Test func nonsenseInPartsIsRefused() throws {
    let payload = [UInt8](repeating: 1, count: 60)
    let part = { (offset: Int, hasMore: Bool) in
      PacketBytes.ip(payload, from: four.0, to: four.1, part: (7, offset, hasMore))
    }
    let far = try Reading(of: file([part(65_528, false), part(0, true), part(56, true)]))
    #expect(far.payloads.isEmpty && far.fragments == 3)
  }

  /// A flood of beginnings takes no more than its share of memory, and what comes after it is still found.
  @Test func aFloodIsBounded() throws {
    var table = FragmentTable()
    let bytes = [UInt8](repeating: 1, count: 8)
    for index in 0..<20_000 as Range<UInt32> {
      let fragment = Fragment(
        source: .init(ipv4: 1, port: 0), target: .init(ipv4: 2, port: 0), identification: index, next: 17,
        offset: 60_000, hasMore: true, start: 0, end: 8, isCut: false)
      _ = table.take(fragment, bytes.span.bytes, at: 0)
    }
    #expect(table.heldBytes <= FragmentTable.mostBytes)
    let parts = parts(four)
    #expect(try Reading(of: file(parts)).payloads == [Self.datagram])
  }

  @Test func segmentsInParts() throws {
    let segment = PacketBytes.tcp([UInt8](repeating: 7, count: 100), sequence: 5)
    let bytes = file(PacketBytes.parts(segment, of: 64, next: 6, from: six.0, to: six.1))
    let reading = try Reading(of: bytes, withSegments: true)
    #expect(reading.segments == [TCPSegment(sequence: 5, isSYN: false, length: 100)])
    #expect(reading.payloads == [[UInt8](repeating: 7, count: 100)])
    #expect(try Reading(of: bytes).seen.isEmpty)
  }

  /// An independent dissector puts the same datagrams together, at the same times.
  @Test func tsharkSeesTheSame() throws {
    let bytes = file([2, 0, 1].flatMap { [parts(four)[$0], parts(six)[$0]] })
    let directory = TemporaryDirectory()
    let path = try directory.write("x.pcap", bytes)
    let lines = try tshark(path, ["frame.number", "udp.length"])
    #expect(lines == [["5", "308"], ["6", "308"]])
    let reading = try Reading(path)
    #expect(reading.seen.map(\.time) == [4_000_000, 5_000_000] && reading.payloads == [Self.datagram, Self.datagram])
  }
}
